from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert, Severity
from correlation.dedup import CALM, MAX_LABEL_SETS, Dedup, Key, fingerprint
from correlation.engine import Engine
from correlation.groups import MAX_RESTLESS
from correlation.tuning import Tuning
from tests.correlation.building import alert, cleared

CRITICAL, ERROR, WARNING = Severity.CRITICAL, Severity.ERROR, Severity.WARNING

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


def test_counts_and_times_are_those_of_the_firings_and_no_others() -> None:
    engine = Engine()
    *_, last = engine.ingest([alert(100), alert(130), alert(110), cleared(140), cleared(141), alert(90)])
    assert (last.count, last.first_seen, last.last_seen, last.resolved_at) == (4, 90.0, 130.0, 141.0)


def test_a_severity_that_changes_is_told_and_the_worst_stays_the_groups() -> None:
    engine = Engine()
    decisions = engine.ingest(
        [alert(n * 60.0, severity=severity) for n, severity in enumerate((WARNING, CRITICAL, CRITICAL, ERROR))]
    )
    assert [(d.code, d.severity, d.before) for d in decisions] == [
        ("novel", WARNING, None),
        ("worse", CRITICAL, WARNING),
        ("still_firing", CRITICAL, None),
        ("milder", ERROR, CRITICAL),
    ]
    assert decisions[1].reason == "Repeat: worse now, critical after warning."
    view = engine.group("G1")
    assert view is not None
    assert view.severity is CRITICAL


def test_neither_an_end_nor_an_older_report_says_how_bad_it_is_now() -> None:
    engine = Engine()
    *_, late, end = engine.ingest(
        [
            alert(60, severity=ERROR),
            alert(30, severity=Severity.INFO),
            cleared(90, severity=Severity.INFO),
        ]
    )
    assert (late.severity, late.before) == (ERROR, None)
    assert (end.severity, end.before) == (ERROR, None)


def test_of_two_reports_of_one_moment_the_worse_says_how_bad_it_is() -> None:
    for order in ((ERROR, CRITICAL), (CRITICAL, ERROR)):
        engine = Engine()
        *_, last = engine.ingest([alert(0), *(alert(60, severity=severity) for severity in order)])
        assert last.severity is CRITICAL


def test_a_held_alert_tells_its_severity_too() -> None:
    engine = Engine()
    engine.ingest([alert(0, severity=Severity.INFO)], muted=["silenced"])
    (worse,) = engine.ingest([alert(9, severity=CRITICAL)], muted=["silenced"])
    assert (worse.severity, worse.before) == (CRITICAL, Severity.INFO)


@pytest.mark.parametrize(
    ("gap", "same"), [(300.0, True), (2 * 3600.0 - 600.0, False), (3600.0, False)], ids=["soon", "late", "an hour"]
)
def test_a_refire_is_the_same_episode_while_its_group_is_open_and_another_one_after(gap: float, same: bool) -> None:
    engine = Engine()
    begin, end, again = engine.ingest([alert(0), cleared(60), alert(60 + gap)])
    assert (again.episode == begin.episode) is same
    assert again.active
    assert end.episode == begin.episode
    assert again.count == (2 if same else 1)


def test_a_group_that_others_keep_open_takes_a_refire_back_for_as_long_as_it_cooks() -> None:
    engine = Engine()
    engine.ingest([alert(0), alert(1, "HighErrors"), cleared(60)])
    (soon,) = engine.ingest([alert(5400)])
    assert (soon.episode, soon.code) == (1, "fired_again")
    engine.ingest([cleared(5500)])
    (late,) = engine.ingest([alert(7 * 3600.0)])
    assert late.episode == 3


def test_a_held_alert_that_fires_again_within_the_hour_is_the_same_episode() -> None:
    engine = Engine()
    first, _, soon, _, late = engine.ingest(
        [
            alert(0, severity=Severity.INFO),
            cleared(60),
            alert(3000, severity=Severity.INFO),
            cleared(3060),
            alert(9000, severity=Severity.INFO),
        ]
    )
    assert (first.episode, soon.episode, late.episode) == (1, 1, 2)


def flap(changes: int, *, gap: float = 45.0, **fields: Any) -> list[Alert]:
    """A first firing and so many changes."""
    return [(cleared if n % 2 else alert)(n * gap, **fields) for n in range(changes + 1)]


def test_what_changes_again_and_again_is_told_as_flapping_with_how_often() -> None:
    engine = Engine()
    decisions = engine.ingest(flap(14))
    assert [d.code for d in decisions[1:5]] == ["cleared", "fired_again", "cleared", "fired_again"]
    assert {d.code for d in decisions[5:]} == {"flapping"}
    assert decisions[-1].reason == "Repeat: flapping: 14 changes in 10 min."
    assert decisions[-2].reason == "Cleared; flapping: 13 changes in 9 min."
    assert {d.group for d in decisions} == {"G1"}
    assert {d.episode for d in decisions} == {1}


def test_a_view_names_what_flaps_until_it_was_calm_for_ten_minutes() -> None:
    engine = Engine()
    engine.ingest([*flap(6), alert(10, "HighErrors")])
    view = engine.group("G1")
    assert view is not None
    (one,) = view.flapping
    assert (one.episode, one.what, one.changes, one.since, one.until) == (1, "checkout high latency", 6, 45.0, 270.0)
    engine.ingest([alert(270 + CALM + 1, "HighErrors")])
    view = engine.group("G1")
    assert view is not None
    assert view.flapping == ()


def test_slow_changes_are_no_flapping() -> None:
    engine = Engine()
    engine.ingest([alert(0, "HighErrors")])
    assert "flapping" not in {d.code for d in engine.ingest(flap(12, gap=CALM + 5))}


def test_reports_that_change_nothing_do_not_make_it_flap() -> None:
    engine = Engine()
    stream = [alert(float(n)) for n in range(20)] + [cleared(20.0 + n) for n in range(20)]
    assert "flapping" not in {d.code for d in engine.ingest(stream)}
    late = [alert(5.0), cleared(4.0)] * 10
    assert {d.code for d in engine.ingest(late)} == {"late"}


def test_a_held_alert_that_flaps_says_so_and_stays_held() -> None:
    engine = Engine()
    decisions = engine.ingest(flap(12, severity=Severity.INFO))
    assert {d.group for d in decisions} == {None}
    assert decisions[-1].reason == "Held: flapping: 12 changes in 8 min."
    assert (decisions[-1].kind, decisions[-1].code) == ("repeat", "flapping")


def test_a_split_and_a_merge_know_what_flaps() -> None:
    engine = Engine()
    engine.ingest([alert(0, "HighErrors"), *flap(8)])
    new = engine.split("G1", [2])
    moved, rest = engine.group(new), engine.group("G1")
    assert moved is not None
    assert rest is not None
    assert ([one.episode for one in moved.flapping], rest.flapping) == ([2], ())
    engine.merge("G1", new)
    both = engine.group("G1")
    assert both is not None
    assert [one.episode for one in both.flapping] == [2]


def test_how_bad_it_is_does_not_make_another_alert_nor_do_numbers_that_grow() -> None:
    table = Dedup()

    def key(**labels: str) -> Key:
        return table.key(alert(0, labels=tuple(sorted(labels.items()))))

    for name in ("severity", "level", "priority", "value", "timestamp", "score", "duration"):
        assert key(zone="a", **{name: "warning"}) == key(zone="a", **{name: "critical"}), name
    assert key(zone="a", since="1767603600") == key(zone="a", since="1767603660")
    assert key(zone="a", load="12.5%") == key(zone="a", load="+0.5e3")
    assert key(zone="a", node="7") != key(zone="a", node="8")
    assert key(zone="a") != key(zone="b")


def test_the_same_report_again_after_its_group_closed_begins_nothing() -> None:
    engine = Engine(tuning=Tuning(linger=1000.0))
    first, _, again, later = engine.ingest([alert(0), alert(5000, "Other", "mail"), alert(0), alert(5001)])
    assert engine.group("G1").open is False  # type: ignore[union-attr]
    assert (again.kind, again.code, again.episode, again.count) == ("repeat", "still_firing", first.episode, 2)
    assert later.episode != first.episode


def test_a_held_alert_is_believed_to_fire_for_a_day_and_not_for_ever() -> None:
    for hours, same in ((20, True), (30, False)):
        engine = Engine()
        first, again = engine.ingest([alert(at, severity=Severity.INFO) for at in (0.0, hours * 3600.0)])
        assert (again.episode == first.episode) is same


def test_labels_that_no_encoding_can_carry_are_one_alert_all_the_same() -> None:
    odd = alert(0, labels=(("node", "\ud800"), ("\udfff", "x")))
    engine = Engine()
    first, again = engine.ingest([odd, odd])
    assert (first.kind, again.kind, again.count) == ("opened", "repeat", 2)


@pytest.mark.parametrize("field", ["class_", "summary", "source", "name", "host"])
def test_what_no_encoding_can_carry_is_kept_as_a_question_mark(field: str) -> None:
    engine = Engine()
    engine.ingest([alert(at, dedup_key="k", **{field: "a\ud800"}) for at in (0.0, 90_000.0)])
    assert Engine.restore(engine.snapshot()).snapshot() == engine.snapshot()


def test_the_sets_of_labels_that_are_known_are_bounded() -> None:
    table = Dedup()
    for n in range(MAX_LABEL_SETS + 10):
        table.key(alert(0, labels=(("n", f"x{n}"),)))
    assert len(table._identities) == 10


def test_of_what_flaps_the_most_restless_is_named_first_and_no_more_than_a_few() -> None:
    engine = Engine()
    engine.ingest([alert(0, "Slow")])
    for n in range(20):
        engine.ingest(flap(6, gap=30.0, name="Pod", host=f"h{n}"))
    view = engine.group("G1")
    assert view is not None
    assert len(view.flapping) == MAX_RESTLESS
    fresh = Engine()
    fresh.ingest(sorted([*flap(6, name="Less"), *flap(9, name="More")], key=lambda one: one.at))
    both = fresh.group("G1")
    assert both is not None
    assert [one.changes for one in both.flapping] == [9, 6]


def test_what_fires_again_began_anew_but_after_a_pause_of_minutes() -> None:
    engine = Engine()
    often = [one for n in range(9) for one in (alert(1440.0 * n), cleared(1440.0 * n + 90))]
    *_, fires, ends = engine.ingest(often)
    assert (fires.began, ends.began, ends.reason) == (11_520.0, 11_520.0, "Cleared after 2 min.")
    assert ends.first_seen < ends.began
    again, told_late = engine.ingest([alert(11_700.0), alert(11_650.0)])
    assert (again.began, told_late.began) == (11_520.0, 11_520.0)
    early = Engine()
    early.ingest([alert(100.0)])
    assert early.ingest([alert(40.0)])[0].began == 40.0
