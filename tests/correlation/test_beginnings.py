"""The order in which things began, and how well something follows it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.beginnings import KEPT, MAX_STEPS, Beginning, Kind, follow

DISK, SLOW, FAIL, DOWN = ("disk", "db"), ("latency", "api"), ("errors", "checkout"), ("down", "web")
OUTAGE = [(0.0, DISK), (300.0, SLOW), (900.0, FAIL), (1_800.0, DOWN)]

kinds = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "x", "y"]))
moments = st.integers(0, 40).map(lambda n: n * 30.0)
seen = st.lists(st.tuples(moments, kinds), min_size=1, max_size=30)


def rare(kind: Kind) -> float:
    return 0.01


def score(now: dict[Kind, float]) -> float:
    found = follow(Beginning.of("INC-1", OUTAGE), now, rare)
    return found.score if found else 0.0


def test_a_beginning_has_so_many_steps_and_no_more() -> None:
    known = Beginning.of("INC-1", [(60.0 * n, (f"k{n}", "x")) for n in range(3 * MAX_STEPS)])
    assert [step.what for step in known.steps] == [f"k{n}" for n in range(MAX_STEPS)]
    assert known.lasted == 60.0 * (3 * MAX_STEPS - 1)


def test_each_step_in_the_same_order_counts() -> None:
    one, two = score({DISK: 50.0}), score({DISK: 50.0, SLOW: 400.0})
    assert 0 < one < two < score({DISK: 50.0, SLOW: 400.0, FAIL: 500.0})


def test_what_comes_in_another_order_is_no_further_step() -> None:
    found = follow(Beginning.of("INC-1", OUTAGE), {DISK: 5_000.0, SLOW: 3_000.0, FAIL: 1_000.0}, rare)
    assert found is not None
    assert len(found.matched) == 1


def test_within_a_minute_the_order_says_nothing() -> None:
    close = Beginning.of("INC-1", [(0.0, DISK), (20.0, SLOW), (40.0, FAIL)])
    found = follow(close, {FAIL: 100.0, SLOW: 130.0, DISK: 140.0}, rare)
    assert found is not None
    assert found.matched == (0, 1, 2)


def test_a_step_that_is_left_out_speaks_against_it() -> None:
    assert score({DISK: 0.0, FAIL: 900.0}) < score({DISK: 0.0, SLOW: 300.0})


def test_what_is_usual_says_nothing() -> None:
    found = follow(Beginning.of("INC-1", OUTAGE), {DISK: 0.0, SLOW: 300.0}, lambda kind: 0.9)
    assert found is None or found.score <= 0.0


def test_what_lies_ahead_is_what_came_later_and_is_not_here_yet() -> None:
    now = {DISK: 0.0, SLOW: 300.0, DOWN: 310.0}
    found = follow(Beginning.of("INC-1", OUTAGE), {DISK: 0.0, SLOW: 300.0}, rare)
    assert found is not None
    assert [step.kind for step in found.ahead(now)] == [FAIL]
    assert found.left == 1_500.0


def test_how_long_it_lasted_may_be_longer_than_it_had_news() -> None:
    assert Beginning.of("INC-1", OUTAGE).lasted == 1_800.0
    assert Beginning.of("INC-1", OUTAGE, until=7_200.0).lasted == 7_200.0


def test_nothing_known_is_followed_by_nothing() -> None:
    assert follow(Beginning.of("INC-1", []), {DISK: 0.0}, rare) is None


@given(seen)
def test_the_order_in_which_it_is_told_does_not_matter(told: list[tuple[float, Kind]]) -> None:
    assert Beginning.of("INC-1", told) == Beginning.of("INC-1", reversed(told))


@given(seen, seen)
def test_a_following_is_made_of_steps_that_are_up_in_their_order(
    past: list[tuple[float, Kind]], now: list[tuple[float, Kind]]
) -> None:
    known = Beginning.of("INC-1", past)
    assert len(known.steps) <= MAX_STEPS
    up = {kind: at for at, kind in now}
    found = follow(known, up, rare)
    if found is not None:
        assert all(known.steps[place].kind in up for place in found.matched)
        assert list(found.matched) == sorted(set(found.matched))
        again = follow(known, dict(reversed(up.items())), rare)
        assert again is not None
        assert again.score == found.score


@given(seen)
def test_the_same_again_takes_every_step(past: list[tuple[float, Kind]]) -> None:
    known = Beginning.of("INC-1", past)
    first = {step.kind: step.after + 1e6 for step in known.steps}
    found = follow(known, first, lambda kind: KEPT / 100)
    assert found is not None
    assert len(found.matched) == len(known.steps) == found.expected
