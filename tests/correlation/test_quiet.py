"""The group that closes for want of room is the one quiet for longest, whatever happened to it and to the others."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from correlation.groups import Group
from correlation.quiet import SPARE, Quiet

steps = st.lists(
    st.one_of(
        st.tuples(st.just("opens"), st.integers(0, 9), st.integers(0, 50)),
        st.tuples(st.just("speaks"), st.integers(0, 9), st.integers(0, 50)),
        st.tuples(st.just("is split"), st.integers(0, 9), st.integers(0, 50)),
        st.tuples(st.just("closes"), st.integers(0, 9), st.just(0)),
    ),
    max_size=60,
)


def group(number: int, last: float) -> Group:
    return Group(
        number=number,
        recipe="",
        key=(),
        cook_for=1.0,
        quiet_for=1.0,
        min_alerts=1,
        hops=2,
        opened_at=0.0,
        last_at=last,
        grown_at=0.0,
    )


@settings(deadline=None)
@given(steps)
def test_it_is_the_one_that_a_look_at_all_of_them_finds(told: list[tuple[str, int, int]]) -> None:
    quiet = Quiet()
    there: dict[int, Group] = {}
    for what, number, at in told:
        known = there.get(number)
        if what == "closes":
            there.pop(number, None)
        elif what == "speaks" and known is not None:
            known.last_at = max(known.last_at, float(at))
        elif (
            what == "is split" or known is None
        ):  # what is split goes on under its number, perhaps with an older last word
            there[number] = group(number, float(at))
            quiet.add(there[number], len(there))
        if there:
            assert quiet.longest(there) is min(there.values(), key=lambda one: (one.last_at, one.number))


def test_what_is_out_of_date_does_not_pile_up() -> None:
    quiet = Quiet()
    there = {1: group(1, 0.0)}
    for n in range(10 * SPARE):
        quiet.longest(there)
        there[1] = group(1, float(n))
        quiet.add(there[1], len(there))
    assert len(quiet._heap) <= SPARE + 5


def test_neither_does_it_once_nobody_asks_any_more() -> None:
    """There was no room once; from then on groups come and go, and there is."""
    quiet = Quiet()
    quiet.longest({1: group(1, 0.0)})
    for n in range(10 * SPARE):
        quiet.add(group(n, float(n)), 1)
    assert len(quiet._heap) <= SPARE + 5
    there = {number: group(number, float(number)) for number in (7, 8)}
    assert quiet.longest(there) is there[7]
