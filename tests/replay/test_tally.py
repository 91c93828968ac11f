"""Durations in buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.replay.tally import Times


@given(st.lists(st.integers(0, 10**12), min_size=1), st.floats(0, 1))
def test_a_share_of_the_times_is_told_to_within_a_hundredth(durations: list[int], part: float) -> None:
    times = Times()
    for duration in durations:
        times.add(duration)
    exact = sorted(durations)[min(len(durations) - 1, int(len(durations) * part))]
    assert abs(times.share(part) - exact) <= 0.011 * exact
    assert times.most == max(durations)
    assert times.total == sum(durations)
