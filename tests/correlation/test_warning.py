"""The watch: quiet by day, early when something known begins again, the same after a restart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation import warning
from correlation.beginnings import Kind
from correlation.warning import EarlyWarning, Patience, Watch

DAY = 86_400.0
DISK, SLOW, FULL, FAIL, DOWN = (
    ("disk", "db"),
    ("latency", "api"),
    ("queue", "api"),
    ("errors", "checkout"),
    ("down", "web"),
)
OUTAGE = [(0.0, DISK), (300.0, SLOW), (420.0, FULL), (900.0, FAIL), (2_400.0, DOWN)]
USUAL = ("backup", "db")

observed = st.lists(
    st.tuples(
        st.integers(0, 300).map(lambda n: n * 120.0),
        st.sampled_from([DISK, SLOW, FULL, FAIL, DOWN, USUAL]),
        st.sampled_from(["eu", "us"]),
    ),
    max_size=60,
)


def quiet(watch: Watch, days: int = 30, scope: str = "eu") -> float:
    """Nothing but the daily backup; the moment after."""
    for day in range(days):
        assert watch.observe(day * DAY, USUAL, scope) == ()
    return days * DAY


def play(watch: Watch, start: float, scope: str = "eu", *, only: tuple[Kind, ...] = ()) -> list[EarlyWarning]:
    said: list[EarlyWarning] = []
    for at, kind in OUTAGE:
        if not only or kind in only:
            said += watch.observe(start + at, kind, scope)
    return said


def learned(**patience: float) -> Watch:
    watch = Watch(Patience(**patience))  # type: ignore[arg-type]  # whole numbers are numbers
    watch.learn("INC-12", OUTAGE)
    return watch


def test_it_warns_while_there_is_time_and_says_what_comes() -> None:
    watch = learned(steps=3)
    start = quiet(watch)
    said = play(watch, start)
    assert len(said) == 1
    assert said[0].at < start + 900.0
    assert said[0].id == "INC-12"
    assert [step.kind for step in said[0].ahead] == [FAIL, DOWN]
    assert said[0].soon == 480.0
    assert "first 3 steps, in the same order" in said[0].reasons[0]
    assert "rare" in said[0].reasons[1]


def test_two_steps_are_not_enough_for_a_warning() -> None:
    watch = learned()
    assert play(watch, quiet(watch), only=(DISK, SLOW)) == []


def test_so_many_steps_are_needed_however_telling_few_are() -> None:
    told = [len(play(learned(odds=1.0, steps=steps, left=0.0), 10.0)) for steps in (2, 5, 6)]
    assert told == [1, 1, 0]
    watch = learned(odds=1.0, steps=3)
    assert play(watch, quiet(watch), only=(DISK, SLOW)) == []


def test_what_came_up_long_ago_is_no_step_of_what_begins_now() -> None:
    def said(window: float) -> int:
        watch = learned(odds=1.0, steps=3, window=window)
        start = quiet(watch)
        watch.observe(start, DISK, "eu")
        watch.observe(start + 9_000.0, SLOW, "eu")
        return len(watch.observe(start + 9_120.0, FULL, "eu"))

    assert said(10_000.0) == 1
    assert said(7_200.0) == 0


def test_a_scope_that_is_silent_for_long_was_not_watched() -> None:
    known, silent = (Watch() for _ in range(2))
    for day in range(10):
        known.observe(day * DAY, USUAL, "eu")
    silent.observe(0.0, USUAL, "eu")
    silent.observe(9 * DAY, USUAL, "eu")
    assert silent._watched.now(9 * DAY) == pytest.approx(DAY)
    assert known._watched.now(9 * DAY) > 5 * DAY


def test_steps_in_two_places_are_two_things() -> None:
    watch = learned(steps=2)
    start = quiet(watch)
    for at, kind in OUTAGE:
        assert watch.observe(start + at, kind, f"place of {kind[1]} {kind[0]}") == ()


def test_it_says_it_once_in_a_while() -> None:
    watch = learned(steps=3)
    start = quiet(watch)
    assert len(play(watch, start)) == 1
    assert play(watch, start + 4 * 3_600.0) == []
    assert len(play(watch, start + 2 * DAY)) == 1


def test_what_happens_every_day_is_no_warning() -> None:
    watch = Watch(Patience(steps=3))
    for day in range(30):
        play(watch, day * DAY)
    watch.learn("INC-12", OUTAGE)
    assert play(watch, 30 * DAY) == []


def test_repeats_of_one_kind_are_one_step() -> None:
    watch = learned(steps=2)
    start = quiet(watch)
    for n in range(500):
        assert watch.observe(start + n, DISK, "eu") == ()


def test_what_was_not_bad_after_all_is_forgotten() -> None:
    watch = learned(steps=3)
    watch.forget("INC-12")
    assert watch.learned == ()
    assert play(watch, quiet(watch)) == []


def test_the_end_of_what_was_learned_is_not_its_coming_again() -> None:
    watch = Watch(Patience(steps=3))
    start = quiet(watch)
    play(watch, start)
    watch.learn("INC-12", OUTAGE, until=start + 9_000.0)
    assert play(watch, start + 3_600.0) == []
    assert play(watch, start + 3_600.0, "us") != []
    assert len(play(watch, start + DAY)) == 1


def test_it_says_which_steps_are_here_and_how_far_that_is() -> None:
    watch = learned(steps=3)
    (said,) = play(watch, quiet(watch))
    assert [step.kind for step in said.taken] == [DISK, SLOW, FULL]
    assert said.reached == 420.0


def test_a_warning_that_comes_too_late_is_not_given() -> None:
    watch = Watch(Patience(steps=3))
    watch.learn("INC-12", OUTAGE[:3])
    assert play(watch, quiet(watch)) == []
    watch.learn("INC-12", OUTAGE[:3], until=7_200.0)  # nothing new came, but it went on
    said = play(watch, 31 * DAY)
    assert [one.ahead for one in said] == [()]
    assert said[0].soon is None
    assert said[0].left == 6_780.0


def test_its_memory_is_bounded() -> None:
    watch = Watch()
    for n in range(warning.MAX_LEARNED + 5):
        watch.learn(f"INC-{n}", [(0.0, (f"kind {n}", "")), (60.0, ("latency", "api"))])
    for n in range(warning.MAX_KINDS + 50):
        watch.observe(n * 0.5, (f"k{n}", ""), f"place {n % (warning.MAX_SCOPES + 9)}")
    for n in range(warning.MAX_SEEN * 3):
        watch.observe(3_000.0 + n * 0.01, (f"k{n}", ""), "crowded")
    assert watch.learned[0] == "INC-5"
    assert len(watch._kinds) == warning.MAX_KINDS
    assert len(watch._scopes) == warning.MAX_SCOPES
    assert len(watch._scopes["crowded"].since) == warning.MAX_SEEN


@given(observed, st.integers(0, 60))
def test_a_snapshot_in_the_middle_changes_nothing(stream: list[tuple[float, Kind, str]], cut: int) -> None:
    whole, broken = learned(steps=2, odds=4.0), learned(steps=2, odds=4.0)
    said = [whole.observe(*one) for one in stream]
    again = [broken.observe(*one) for one in stream[:cut]]
    broken = Watch.restore(broken.snapshot())
    again += [broken.observe(*one) for one in stream[cut:]]
    assert again == said
    assert broken.snapshot() == whole.snapshot()


def test_a_damaged_or_foreign_snapshot_is_refused() -> None:
    data = learned().snapshot()
    with pytest.raises(ValueError):
        Watch.restore(data[:-3])
    with pytest.raises(ValueError, match="version 9"):
        Watch.restore(data.replace(b"\xa7version\x01", b"\xa7version\x09"))
