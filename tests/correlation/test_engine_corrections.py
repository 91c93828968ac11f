"""Whatever people do between alerts, the books balance: what a group counts is what its members are, and it is found by them."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert, Severity
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.topology import EMPTY
from tests.correlation.building import SHOP, alert, alerts, cleared, found

RULES = [
    (Cookbook(), SHOP),
    (
        Cookbook([Recipe(name="r", similar={"text": 0.5}, hops=2, min_alerts=2, quiet_for=300.0, cook_for=1200.0)]),
        EMPTY,
    ),
    (Cookbook([Recipe(name="g", group_by=("service",), rate=2)]), SHOP),
]

Act = tuple[Literal["merge", "split", "restore", "reload", "wait"], int, int]
acts: st.SearchStrategy[Act] = st.tuples(
    st.sampled_from(["merge", "merge", "split", "split", "restore", "reload", "wait"]),
    st.integers(0, 40),
    st.integers(0, 40),
)


def corrected(engine: Engine, act: Act) -> Engine:
    """What a person or an operator does: any two groups, any part of a group, any rules."""
    what, one, other = act
    registry = engine._registry
    groups = [group.id for group in (*registry.open.values(), *registry.closed.values())]
    if what == "restore":
        return Engine.restore(engine.snapshot())
    if what == "reload":
        engine.reconfigure(*RULES[one % 3])
    elif what == "wait":
        engine.advance(engine.watermark + 3600.0 * one)  # at most nearly two days: all is closed
    elif groups and what == "merge":
        with suppress(ValueError):
            engine.merge(groups[one % len(groups)], groups[other % len(groups)])
    elif groups:
        group = groups[one % len(groups)]
        view = engine.group(group)
        assert view is not None
        with suppress(ValueError):
            engine.split(group, view.episodes[other % 7 :: 2])
    return engine


@given(st.sampled_from(RULES), st.lists(alerts | alerts | acts, min_size=10, max_size=80))
def test_the_books_balance_whatever_people_do(rules: tuple, story: list[Alert | Act]) -> None:
    engine = Engine(*rules)
    for step in story:
        if isinstance(step, Alert):
            engine.ingest([step])
        else:
            engine = corrected(engine, step)
    registry = engine._registry
    postings = {(field, value, place): numbers for field, value, place, numbers in registry.index.dump()}
    for group in (*registry.open.values(), *registry.closed.values()):
        members = [one for one in map(engine._dedup.episode, group.members) if one is not None]
        firing = [one for one in members if one.active]
        assert {registry.root(one.group) for one in members} <= {group.number}
        assert group.firing == len(firing) == sum(t.firing for t in (*group.services.values(), *group.others.values()))
        assert group.lasting == sum(one.lasting for one in firing)
        assert 0 <= group.loud <= group.lasting
        assert group.effects >= sum(one.muted_by > 0 for one in members)
        assert group.open is (group.number in registry.open)
        if group.open and not registry.over(group):
            for one in members:
                there, anywhere = [postings.get(("service", one.service, place), ()) for place in (one.location, "")]
                assert not one.service or group.number in (anywhere if group.anywhere else [*there, *anywhere])
    assert all(number in registry.open for numbers in postings.values() for number in numbers)


def test_a_closed_group_that_takes_in_an_open_one_is_found_by_the_members_of_both() -> None:
    engine = Engine(Cookbook([Recipe(name="r", cook_for=36_000.0)]), SHOP)
    engine.ingest([alert(0.0, service="cart", severity=Severity.CRITICAL), cleared(60.0, service="cart")])
    engine.ingest([alert(5_000.0, severity=Severity.CRITICAL)])
    assert found(engine) == {"checkout": [2]}
    engine.merge("G1", "G2")
    assert found(engine) == {"checkout": [1], "cart": [1]}


def test_a_group_past_its_time_that_takes_in_another_is_found_by_both_when_it_gets_more_time() -> None:
    short, long = (Cookbook([Recipe(name="r", cook_for=hours * 3600.0)]) for hours in (1, 9))
    engine = Engine(short, SHOP)
    engine.ingest([alert(60.0 * n, service="cart", severity=Severity.CRITICAL) for n in range(83)])
    engine.ingest([alert(5_000.0, location="us-east-1", severity=Severity.CRITICAL)])
    assert found(engine) == {"cart": [1], "checkout": [2]}
    engine.merge("G1", "G2")
    engine.reconfigure(long, SHOP)
    assert found(engine) == {"cart": [1], "checkout": [1]}
