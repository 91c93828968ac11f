from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert
from correlation.dedup import Dedup, fingerprint
from correlation.engine import Engine
from correlation.tuning import Tuning
from tests.correlation.building import alert, cleared

labels = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "x", "0.25", "1700000000"]), max_size=5)


@given(labels, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(given_labels: dict[str, str], random: object) -> None:
    pairs = list(given_labels.items())
    shuffled = pairs[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    table = Dedup()
    assert table.key(Alert(at=0, name="x", labels=tuple(pairs))) == table.key(
        Alert(at=0, name="x", labels=tuple(shuffled))
    )


def test_measured_values_do_not_make_a_new_alert() -> None:
    table = Dedup()
    one, other = (Alert(at=0, name="x", labels=(("disk", "sda"), ("used", used))) for used in ("97.1", "98.4"))
    assert fingerprint(table.key(one)) == fingerprint(table.key(other))
    assert table.key(one) != table.key(Alert(at=0, name="x", labels=(("disk", "sdb"), ("used", "97.1"))))


def test_the_senders_own_key_wins_and_is_the_senders_own() -> None:
    table = Dedup()
    assert table.key(Alert(at=0, name="x", dedup_key="k", source="a")) == table.key(
        Alert(at=9, name="y", host="h", dedup_key="k", source="a")
    )
    assert table.key(Alert(at=0, name="x", dedup_key="k", source="a")) != table.key(
        Alert(at=0, name="x", dedup_key="k", source="b")
    )


def test_forty_identical_alerts_are_one_with_count_forty() -> None:
    engine = Engine()
    decisions = engine.ingest([alert(5.0)] * 40)
    assert [d.kind for d in decisions] == ["opened"] + ["repeat"] * 39
    assert {d.episode for d in decisions} == {1}
    assert decisions[-1].count == 40


def test_an_end_that_arrives_before_its_beginning_leaves_nothing_firing() -> None:
    engine = Engine()
    end, begin = engine.ingest([cleared(10.0), alert(4.0)])
    assert (end.kind, end.group, end.active) == ("resolved", None, False)
    assert (begin.kind, begin.group, begin.active) == ("repeat", None, False)
    assert begin.episode == end.episode
    assert begin.count == 1
    assert begin.first_seen == 4.0


def test_an_alert_that_fires_after_an_unknown_end_opens_a_group() -> None:
    engine = Engine()
    begin = engine.ingest([cleared(10.0), alert(20.0)])[1]
    assert begin.kind == "opened"
    assert begin.active
    assert (begin.count, begin.first_seen) == (1, 20.0)


def test_an_old_end_does_not_clear_a_newer_firing() -> None:
    engine = Engine()
    decisions = engine.ingest([alert(10.0), cleared(5.0), cleared(12.0), alert(11.0)])
    assert [(d.kind, d.code, d.active) for d in decisions[1:]] == [
        ("resolved", "late", True),
        ("resolved", "cleared", False),
        ("repeat", "late", False),
    ]


def test_at_the_same_moment_the_end_wins_in_either_order() -> None:
    states = []
    for order in ([alert(10.0), cleared(10.0)], [cleared(10.0), alert(10.0)]):
        states.append(Engine().ingest(order)[-1].active)
    assert states == [False, False]


def test_a_refire_while_its_group_is_open_is_the_same_episode_and_later_another_one() -> None:
    engine = Engine()
    first, _, again, _, later = engine.ingest([alert(0), cleared(60), alert(120), cleared(180), alert(9000)])
    assert (again.kind, again.code, again.episode, again.was_active) == ("repeat", "fired_again", first.episode, False)
    assert later.episode != first.episode
    assert later.group != first.group


def test_an_alert_that_fires_on_keeps_its_group_for_its_own_repeats() -> None:
    engine = Engine()
    engine.ingest([alert(0)])
    repeat, end = engine.ingest([alert(4 * 3600.0), cleared(5 * 3600.0)])
    assert (repeat.kind, repeat.group) == ("repeat", "G1")
    assert (end.kind, end.group) == ("resolved", "G1")


def test_the_table_is_bounded_and_forgets_who_was_not_heard_of_for_longest() -> None:
    engine = Engine(tuning=Tuning(remembered=10))
    engine.ingest([alert(float(n), host=f"h{n}") for n in range(100)])
    assert len(engine._dedup) == 10
    again, forgotten = engine.ingest([alert(100.0, host="h99"), alert(100.0, host="h1")])
    assert again.kind == "repeat"
    assert forgotten.kind == "joined"
    view = engine.group("G1")
    assert view is not None
    assert view.active <= 10
