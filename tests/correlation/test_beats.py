"""Two monitors whose alerts are the same word for word are told apart by when they look; one monitor never is two."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlation.alert import Alert, Severity, Status
from correlation.beats import Beats, Rhythm
from correlation.dedup import Beat
from correlation.engine import Engine
from correlation.topology import Topology

EVERY = 30.0
ROUNDS = 6
HERE, THERE = 0.0, 11.0  # seconds into the half minute at which either monitor looks
SHOP = Topology.of({"web": ["checkout"], "checkout": ["cart", "payments"]})


def told(at: float, service: str = "checkout", *, end: bool = False, **fields: object) -> Alert:
    values: dict[str, object] = {"severity": Severity.ERROR, "name": "HighErrors", "class_": "errors", **fields}
    return Alert(at=at, service=service, status=Status.RESOLVED if end else Status.FIRING, **values)  # type: ignore[arg-type]


def stay(begin: float, lasts: float, service: str, **fields: object) -> list[Alert]:
    return [told(begin, service, **fields), told(begin + lasts, service, end=True, **fields)]


def history(phases: Iterable[float] = (HERE, THERE), *, overlap: bool = True) -> list[Alert]:
    """Days in which each of three services failed on every beat in turn, and once on two of them at a time."""
    found: list[Alert] = []
    beats = list(phases)
    at = 0.0
    for _ in range(ROUNDS):
        for phase in beats:
            for service in ("web", "cart", "checkout"):
                at += 3_600.0
                found += stay(at + phase, 600.0 + EVERY * (len(found) // 2), service)
    if overlap:
        for phase in beats:
            found += stay(at + 7_200.0 + 60.0 * phase + phase, 3_600.0, "web")
    return sorted(found, key=lambda one: one.at)


def taught(*args: object, **fields: object) -> Engine:
    engine = Engine(topology=SHOP)
    engine.ingest(history(*args, **fields))  # type: ignore[arg-type]
    return engine


NOW = 60.0 * 3_600.0


def test_the_same_alert_on_two_beats_is_two_and_each_ends_by_itself() -> None:
    engine = taught()
    here, there, again = engine.ingest([told(NOW + HERE), told(NOW + 60.0 + THERE), told(NOW + 120.0 + HERE)])
    assert here.episode != there.episode
    assert (again.episode, again.kind) == (here.episode, "repeat")
    assert here.group != there.group
    (over,) = engine.ingest([told(NOW + 300.0 + HERE, end=True)])
    assert (over.episode, over.active) == (here.episode, False)
    (goes_on,) = engine.ingest([told(NOW + 360.0 + THERE)])
    assert (goes_on.episode, goes_on.code) == (there.episode, "still_firing")


def test_what_is_in_step_goes_together_and_says_so() -> None:
    engine = taught()
    engine.ingest([told(NOW + HERE), told(NOW + THERE)])
    here, there = engine.ingest([told(NOW + 30.0 + HERE, "cart"), told(NOW + 30.0 + THERE, "cart")])
    assert here.group != there.group
    assert {one.words for one in (*here.evidence, *there.evidence) if one.term == "beat"} == {"in step, every 30 s"}
    assert "in step, every 30 s" in here.reason


def test_no_alert_bridges_two_groups_that_are_out_of_step() -> None:
    engine = taught()
    engine.ingest([told(NOW + HERE), told(NOW + THERE)])
    between = engine.ingest([told(NOW + 30.0 + phase, "payments") for phase in (4.0, 6.0, 8.0)])
    assert not any(one.merged for one in between)


def test_where_a_place_or_the_senders_own_key_is_told_beats_are_not_asked() -> None:
    for fields in ({"location": "eu"}, {"dedup_key": "one and the same"}):
        engine = taught()
        first, second = engine.ingest([told(NOW + HERE, **fields), told(NOW + 60.0 + THERE, **fields)])
        assert first.episode == second.episode
        assert not any(one.term == "beat" for one in second.evidence)


def test_a_monitor_that_was_started_anew_is_not_two() -> None:
    """Its beat moves, but never does one alert fire on two of them at a time."""
    engine = taught(overlap=False)
    first, second = engine.ingest([told(NOW + HERE), told(NOW + 60.0 + THERE)])
    assert first.episode == second.episode


def test_a_monitor_that_reminds_people_whenever_it_likes_is_not_two() -> None:
    engine = taught([HERE])
    first, reminder, second = engine.ingest([told(NOW), told(NOW + 77.0), told(NOW + 143.0)])
    assert first.episode == reminder.episode == second.episode


def test_what_lasts_any_length_has_no_beat() -> None:
    beats = Beats()
    for n in range(200):
        beats.ended("", 60.0 + 7.3 * n)
    assert beats.pulses[""].interval == 0.0


def one_monitor(kind: str, seed: int) -> list[Alert]:
    """Ten days of twelve services that one monitor looks at every minute, as it is and not as it should be."""
    rng, found = random.Random(seed), []
    for n in range(12):
        at = rng.random() * 86_400.0
        while at < 10 * 86_400.0:
            began, looks = at // 60.0 * 60.0, rng.choice([1, 2, 3, 5, 10, 20, 60])
            for look in range(looks + 1):
                moment = began + 60.0 * look
                late = rng.random()
                if kind == "is late now and then":
                    moment += 20.0 * rng.random() if late < 0.02 else 0.2 * late
                elif kind == "tries again after ten seconds":
                    moment += 10.0 if late < 0.02 else 0.2 * late
                elif kind == "drifts":
                    moment *= 1.0 + 0.08 / 60.0
                elif kind == "jitters":
                    moment += 3.0 * late
                elif kind == "is started anew every day":
                    moment += 17.7 * (moment // 86_400.0) % 60.0
                if kind == "reminds from another job" and 0 < look < looks:
                    moment += 20.0
                found.append(told(moment, f"s{n}", end=look == looks))
            at = began + 60.0 * looks + rng.expovariate(4.0 / 86_400.0)
    return sorted(found, key=lambda one: one.at)


@pytest.mark.parametrize(
    "kind",
    [
        "is late now and then",
        "tries again after ten seconds",
        "drifts",
        "jitters",
        "is started anew every day",
        "reminds from another job",
    ],
)
def test_one_monitor_is_not_two_though_it(kind: str) -> None:
    for seed in (1, 2):
        engine = Engine()
        for one in one_monitor(kind, seed):
            engine.ingest([one])
            assert not engine._beats.several("")
        assert not any(one.active and one.last_seen < 9 * 86_400.0 for one in engine._dedup.all())


def test_what_fires_ends_also_when_its_source_is_taken_for_one_monitor_again() -> None:
    engine = taught()
    (began,) = engine.ingest([told(NOW + THERE)])
    assert began.episode in {one.id for one in engine._dedup.all() if one.beat is not None and one.beat.which}
    pulse = engine._beats.pulses[""]
    for n in range(200):
        engine._beats.ended("", 7.3 * n + 1.0)  # nothing lasts whole looks any more
    assert not pulse.several
    (over,) = engine.ingest([told(NOW + 3_000.0, end=True)])
    assert (over.episode, over.active) == (began.episode, False)


def test_what_fires_ends_also_when_its_monitor_looks_at_other_intervals() -> None:
    engine = taught()
    here, there = engine.ingest([told(NOW + HERE), told(NOW + THERE)])
    engine.ingest([told(NOW + 300.0 + HERE, end=True)])
    engine._beats.pulses[""].interval = 11.0  # on which both beats are one
    (over,) = engine.ingest([told(NOW + 330.0, end=True)])
    assert here.episode != there.episode
    assert (over.episode, over.active) == (there.episode, False)


def test_a_source_that_is_set_to_look_at_other_intervals_is_known_by_these_soon() -> None:
    beats = Beats()
    for n in range(5_000):
        beats.ended("", 300.0 * (1 + n % 7))
    for n in range(200):
        beats.ended("", 60.0 * (1 + n % 7))
    assert beats.pulses[""].interval == 60.0


def test_a_label_that_looks_like_a_beat_shares_no_beats_with_another_one() -> None:
    engine = taught()
    engine.ingest([told(NOW, labels=(("disk", f"\x00{n}"),)) for n in range(3)])
    assert len([key for key in engine._beats.marks if "disk" in key]) == 3


def test_the_longest_interval_that_fits_is_the_monitors() -> None:
    for every in (300.0, 60.0, 15.0):
        beats = Beats()
        for n in range(20):
            beats.ended("", every * (1 + n % 7))
        assert beats.pulses[""].interval == every


def test_an_end_on_a_beat_that_nobody_knows_ends_what_fires() -> None:
    engine = taught()
    (began,) = engine.ingest([told(NOW + HERE)])
    (over,) = engine.ingest([told(NOW + 300.0 + 20.0, end=True)])
    assert (over.episode, over.active) == (began.episode, False)


def test_what_fired_before_the_beats_were_known_goes_on_as_itself() -> None:
    engine = Engine(topology=SHOP)
    past = history()
    twice = (
        next(n for n, one in enumerate(past) if one.at > 6 * ROUNDS * 3_600.0 + 5_000.0) + 1
    )  # "web" fires on both from here on
    engine.ingest(past[:twice])
    (early,) = engine.ingest([told(past[twice - 1].at + 31.0 + THERE, "payments")])
    engine.ingest(past[twice:])
    (later,) = engine.ingest([told(early.first_seen + 7_200.0, "payments")])
    assert later.episode == early.episode


def test_a_fingerprint_has_so_many_beats_and_no_more() -> None:
    engine = taught()
    for n in range(40):
        engine.ingest(stay(NOW + 3_600.0 * n + 2.9 * n, 600.0, "checkout"))
    assert max(len(marks.moments) for marks in engine._beats.marks.values()) == 3  # more would fill half of 30 seconds


def test_no_label_can_look_like_a_beat() -> None:
    engine = taught()
    plain, dressed = engine.ingest([told(NOW + HERE), told(NOW + HERE, labels=(("\x001", ""),))])
    assert plain.fingerprint != dressed.fingerprint


def test_the_mean_of_a_rhythm_goes_round_the_clock() -> None:
    rhythm, other = Rhythm(), Rhythm()
    rhythm.add(60.0, Beat(60.0, 58.0))
    other.add(60.0, Beat(60.0, 4.0))
    assert rhythm.off(other) == other.off(rhythm)
    rhythm.unite(other)
    assert abs(rhythm.phase - 1.0) < 1e-9
    assert rhythm.off(Rhythm()) is None


steps = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from([HERE, THERE, 23.0]),
        st.sampled_from(["web", "checkout", "cart"]),
        st.booleans(),
    ),
    max_size=24,
)


def lively(chosen: list[tuple[int, float, str, bool]]) -> list[Alert]:
    return [told(NOW + EVERY * n + phase, service, end=end) for n, phase, service, end in sorted(chosen)]


@settings(max_examples=30, deadline=None)
@given(steps, st.data())
def test_a_snapshot_in_the_middle_changes_nothing(
    chosen: list[tuple[int, float, str, bool]], data: st.DataObject
) -> None:
    alerts = lively(chosen)
    engine = taught()
    cut = data.draw(st.integers(0, len(alerts)))
    told_before = engine.ingest(alerts[:cut])
    other = Engine.restore(engine.snapshot())
    rest = engine.ingest(alerts[cut:])
    assert other.ingest(alerts[cut:]) == rest
    assert other.snapshot() == engine.snapshot()
    whole = taught()
    assert whole.ingest(alerts) == told_before + rest


@settings(max_examples=30, deadline=None)
@given(steps)
def test_on_either_beat_a_condition_ends_when_its_own_end_is_told(chosen: list[tuple[int, float, str, bool]]) -> None:
    """As if each monitor were alone: who fires at the end are those whose last word was that they fire."""
    engine = taught()
    firing: dict[tuple[float, str], bool] = {}
    for n, phase, service, end in sorted(chosen):
        if phase == 23.0 or (end and not firing.get((phase, service))):
            continue
        firing[phase, service] = not end
        (said,) = engine.ingest([told(NOW + EVERY * n + phase, service, end=end)])
        assert said.active is not end
    active = [one for one in engine._dedup.all() if one.active]
    assert len(active) == sum(firing.values())


def test_ten_minutes_are_long_where_one_looks_every_half_minute_and_two_looks_where_one_looks_every_five() -> None:
    def closeness(every: float) -> float:
        engine = Engine(topology=SHOP)
        for n in range(10):
            engine.ingest(stay(3_600.0 * n, every * (1 + n % 3), "payments", location="eu"))
        _, joined = engine.ingest([told(NOW, "checkout", location="eu"), told(NOW + 600.0, "payments", location="eu")])
        return next(one.score for one in joined.evidence if one.term == "time")

    assert closeness(30.0) < 0.3
    assert closeness(300.0) > 0.6
