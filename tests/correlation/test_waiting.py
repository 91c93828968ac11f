"""Time calls people for what fires on, whatever became of its group meanwhile; and waiting costs each alert the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from correlation.alert import Alert, Severity, Status
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.groups import Group
from correlation.tuning import Tuning
from correlation.waiting import SPARE
from tests.correlation.building import alert, cleared

LASTS = 15 * 60.0 + 1.0


def familiar(engine: Engine, *names: str) -> float:
    """Alerts that came and went within minutes, again and again, in eu and in us; returns a moment after."""
    for at in (0.0, 7_000.0, 9_100.0, 16_000.0, 25_000.0, 31_000.0):
        for place in ("eu", "us"):
            for name in names:
                one = {"name": name, "location": place}
                engine.ingest([alert(at, **one), cleared(at + 400.0, **one)])
    return 40_000.0


def test_what_fires_on_calls_people_for_the_group_that_its_own_one_went_into() -> None:
    """What was there before cleared and waits for nothing."""
    engine = Engine()
    at = familiar(engine, "Slow")
    before, after = engine.ingest([alert(at, "Slow", location="eu"), alert(at + 30.0, "Slow", location="us")])
    engine.ingest([cleared(at + 60.0, "Slow", location="eu")])
    assert not before.deserves
    assert not after.deserves
    engine.merge(before.group or "", after.group or "")
    assert engine.advance(at + 30.0 + 4 * LASTS) == (before.group,)


def test_what_fires_on_calls_people_for_what_is_left_of_a_group_after_a_split() -> None:
    engine = Engine()
    at = familiar(engine, "Slow", "Slower")
    decisions = engine.ingest([alert(at, "Slow", location="eu"), alert(at + 30.0, "Slower", location="eu")])
    assert [one.deserves for one in decisions] == [False, False]
    group = decisions[0].group or ""
    engine.split(group, [decisions[1].episode])
    assert not engine.deserves(group)
    assert engine.advance(at + 30.0 + 4 * LASTS) == (group,)


def test_what_gets_worse_waits_though_it_said_nothing_before() -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    (first, _) = engine.ingest(
        [alert(at, "Slow", location="eu"), alert(at + 30.0, "Slow", location="eu", host="a", severity=Severity.INFO)]
    )
    engine.ingest([cleared(at + 40.0, "Slow", location="eu")])
    worse = engine.ingest([alert(at + 50.0, "Slow", location="eu", host="a")])[0]
    assert (worse.code, worse.group, worse.deserves) == ("worse", first.group, False)
    assert engine.advance(at + 30.0 + 4 * LASTS) == (first.group,)


def test_what_cleared_calls_nobody_though_another_member_fires_on() -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    mild = alert(at + 30.0, "Slow", location="eu", host="a", severity=Severity.INFO)
    decisions = engine.ingest([alert(at, "Slow", location="eu"), mild, cleared(at + 60.0, "Slow", location="eu")])
    assert len({one.group for one in decisions}) == 1
    assert engine.advance(at + 4 * LASTS) == ()
    assert engine.group(decisions[0].group or "").open  # type: ignore[union-attr]


def test_what_cleared_and_fires_again_waits_anew() -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    first, _ = engine.ingest([alert(at, "Slow", location="eu"), cleared(at + 100.0, "Slow", location="eu")])
    assert engine.advance(at + 350.0) == ()
    assert engine.waits_until is None
    again = engine.ingest([alert(at + 400.0, "Slow", location="eu")])[0]
    assert (again.code, again.group) == ("fired_again", first.group)
    assert engine.advance(at + 400.0 + 4 * LASTS) == (first.group,)


def flood(alerts: int) -> Iterator[list[Alert]]:
    """Ever more members of a group that asks for a great many before it calls people."""
    yield [Alert(at=0.0, name="x", status=Status.RESOLVED)]  # ends are told
    for n in range(alerts):
        severity = (Severity.WARNING, Severity.ERROR)[n % 2]
        yield [alert(float(n), f"Rule{n % 23}", f"s{n * 7 % 200}", host=f"h{n}", severity=severity)]


MANY = Recipe(name="many", min_alerts=100_000, cook_for=360_000.0, group_by=("location",))


def test_a_large_group_that_calls_nobody_is_not_looked_through_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Group] = []
    most = Group.most
    monkeypatch.setattr(Group, "most", lambda group, episode: looks.append(group) or most(group, episode))
    engine = Engine(Cookbook([MANY]))
    for alerts in flood(1_500):
        assert not engine.ingest(alerts)[0].deserves
    engine.advance(9_000.0)
    assert 500 < len(looks) < 3_000
    assert engine.waits_until is None


def test_those_who_wait_are_as_few_as_those_who_are_remembered() -> None:
    engine, most = Engine(Cookbook([MANY]), tuning=Tuning(remembered=40)), 0
    for alerts in flood(500):
        engine.ingest(alerts)
        waiting = engine._waiting.dump()
        most = max(most, len(waiting))
        assert engine.waits_until == min(waiting, default=(None,))[0]
    assert SPARE < most <= SPARE + 2 * 40 + 1


def test_who_waits_goes_on_waiting_in_a_restored_engine() -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    (alone,) = engine.ingest([alert(at, "Slow", location="eu")])
    again = Engine.restore(engine.snapshot())
    assert again.waits_until == engine.waits_until is not None
    assert again.advance(at + 4 * LASTS) == engine.advance(at + 4 * LASTS) == (alone.group,)


@pytest.mark.parametrize("others", [1, 3])
def test_what_fires_on_calls_people_though_others_whose_ends_nobody_tells_joined_it(others: int) -> None:
    """They fade, and raise what must speak for calling people, at a place where much is told: for themselves."""
    engine = Engine()
    for n in range(60):
        engine.ingest([login(300.0 * n, n, service="vpn")])
    at = familiar(engine, "Slow")
    first = engine.ingest([alert(at, "Slow", location="eu")])[0]
    joined = engine.ingest([login(at + 10.0 + n, 1_000 + n) for n in range(others)])
    assert {one.group for one in joined} == {first.group}
    assert [one.deserves for one in (first, *joined)] == [False] * (1 + others)
    assert engine.advance(at + 4 * LASTS) == (first.group,)


def login(at: float, n: int, service: str = "checkout") -> Alert:
    severity = Severity.WARNING if n >= 1_000 else Severity.INFO
    return alert(at, f"Login{n % 3}", service, location="eu", host=f"u{n}", source="siem", severity=severity)


def test_what_fires_again_worse_counts_once() -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    slow = {"name": "Slow", "location": "eu"}
    story = [alert(at, **slow), cleared(at + 30.0, **slow), alert(at + 60.0, **slow, severity=Severity.ERROR)]
    *_, again = engine.ingest(story)
    assert (again.code, again.deserves) == ("fired_again", False)
    group = engine._registry.by_id(again.group or "")
    assert group is not None
    (member,) = group.members
    episode = engine._dedup.episode(member)
    assert episode is not None
    assert group.weight == pytest.approx(episode.opening)


@pytest.mark.parametrize("how", ["it lasts", "it gets worse"])
def test_a_room_is_as_old_as_the_call_for_people_whatever_called_them(how: str) -> None:
    engine = Engine()
    at = familiar(engine, "Slow")
    first = engine.ingest([alert(at, "Slow", location="eu")])[0]
    called = at + 1_800.0
    if how == "it lasts":
        assert engine.advance(called) == (first.group,)
    else:
        assert engine.ingest([alert(called, "Slow", location="eu", severity=Severity.CRITICAL)])[0].deserves
    cook_for = engine.cookbook.get("default").recipe.cook_for  # type: ignore[union-attr]
    later = [called + cook_for * n / 20.0 for n in range(1, 20)]
    joined = [engine.ingest([alert(t, f"Q{n:02}", location="eu", host=f"h{n}")])[0] for n, t in enumerate(later)]
    assert {one.group for one in joined} == {first.group}


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_group_that_calls_people_late_is_found_again_whoever_looked_at_it_before(looked_at: bool) -> None:
    """It took members for as long as its recipe lets it; what calls people takes members anew."""
    engine = Engine(tuning=Tuning(persists=9000.0))
    for at in (0.0, 9_000.0, 20_000.0, 40_000.0):
        engine.ingest([alert(at), cleared(at + 600.0)])
    engine.ingest([alert(60_000.0)])
    if looked_at:
        engine.ingest([alert(68_000.0, "Other", severity=Severity.INFO)])
    at = 68_000.0
    while not engine.advance(at):
        at += 100.0
    assert engine.ingest([alert(at + 10.0, "HighErrors", severity=Severity.CRITICAL)])[0].group == "G5"
