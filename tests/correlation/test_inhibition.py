"""A known cause mutes its effects, and only those."""

from __future__ import annotations

from typing import Any

import pytest

from correlation.alert import Severity
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.topology import Topology
from tests.correlation.building import SHOP, alert, cleared

CRITICAL, ERROR, WARNING = Severity.CRITICAL, Severity.ERROR, Severity.WARNING


def failed(topology: Topology = SHOP, **fields: Any) -> Engine:
    """payments-api is down, and people were called."""
    engine = Engine(topology=topology)
    engine.ingest([alert(0, "PoolExhausted", "payments-api", **({"severity": CRITICAL} | fields))])
    return engine


def test_an_effect_joins_muted_and_says_what_mutes_it() -> None:
    engine = failed()
    (effect,) = engine.ingest([alert(30, "HighErrors", "checkout", severity=CRITICAL)])
    assert (effect.kind, effect.group, effect.code, effect.muted) == ("joined", "G1", "inhibited", True)
    assert effect.reason.startswith("Joined: inhibited by A1 payments-api pool exhausted; ")
    assert effect.evidence[-1].term == "inhibition"
    assert (
        effect.evidence[-1].words == "inhibited by A1 payments-api pool exhausted, 1 hop upstream, here and before it"
    )
    view = engine.group("G1")
    assert view is not None
    assert (view.size, view.effects) == (2, 1)


def test_effects_are_counted_and_their_repeats_are_not() -> None:
    engine = failed()
    stream = [alert(30 + n, "HighErrors", "checkout", host=f"c-{n}") for n in range(9)]
    engine.ingest(stream + stream)
    view = engine.group("G1")
    assert view is not None
    assert view.effects == 9


@pytest.mark.parametrize(
    ("why", "cause", "effect"),
    [
        ("worse than what it depends on", {"severity": ERROR}, {"severity": CRITICAL}),
        ("at another location", {}, {"location": "us-east-1"}),
        ("at a location where the cause names none", {"location": ""}, {}),
        ("in another environment", {}, {"environment": "staging"}),
        ("on what the cause depends on", {}, {"service": "payments-db"}),
        ("on what has nothing to do with it", {}, {"service": "mail"}),
        ("on the same service", {}, {"service": "payments-api"}),
        ("in the same second", {}, {"at": 0.0}),
    ],
)
def test_nothing_else_is_muted(why: str, cause: dict[str, Any], effect: dict[str, Any]) -> None:
    engine = failed(**cause)
    fields = {"at": 30.0, "name": "HighErrors", "service": "checkout", "severity": WARNING} | effect
    (decision,) = engine.ingest([alert(**fields)])
    assert not decision.muted, why
    assert decision.code != "inhibited"


def test_a_cause_that_has_cleared_mutes_nothing() -> None:
    engine = failed()
    engine.ingest([cleared(20, "PoolExhausted", "payments-api")])
    (effect,) = engine.ingest([alert(30, "HighErrors", "checkout")])
    assert effect.group == "G1"
    assert not effect.muted


def test_what_nobody_was_called_for_mutes_nothing() -> None:
    engine = failed(severity=Severity.INFO)
    assert engine.ingest([alert(30, "HighErrors", "checkout", severity=Severity.INFO)])[0].muted is False


def test_a_cause_for_which_nobody_is_called_yet_mutes_nothing() -> None:
    engine = Engine(Cookbook([Recipe(name="three", min_alerts=3)], with_default=False), SHOP)
    engine.ingest([alert(0, "PoolExhausted", "payments-api", severity=CRITICAL)])
    second, third, fourth = engine.ingest([alert(30 + n, "HighErrors", "checkout", host=f"c-{n}") for n in range(3)])
    assert (second.group, second.deserves, second.muted) == ("G1", False, False)
    assert (third.deserves, third.muted) == (True, False)
    assert fourth.muted


def test_of_a_chain_the_one_that_began_first_is_named() -> None:
    engine = failed()
    engine.ingest([alert(20, "HighErrors", "checkout", severity=CRITICAL)])
    (page,) = engine.ingest([alert(40, "ErrorsOnPage", "web")])
    assert "inhibited by A1 payments-api" in page.reason


def test_an_effect_that_comes_when_it_would_no_longer_join_by_itself_still_joins() -> None:
    late = 700.0
    stream = [alert(late, "ErrorsOnPage", "web", location="", environment="", class_="pages")]
    cause = {"location": "", "environment": "", "class_": "saturation"}
    apart = Engine(topology=SHOP)
    apart.ingest([alert(0, "PoolExhausted", "payments-api", severity=WARNING, **cause)])
    apart.ingest([cleared(60, "PoolExhausted", "payments-api", location="", environment="")])
    assert apart.ingest(stream)[0].group == "G2"
    engine = failed(severity=WARNING, **cause)
    (effect,) = engine.ingest(stream)
    assert (effect.group, effect.code) == ("G1", "inhibited")


def test_an_effect_that_gets_worse_than_its_cause_speaks_for_itself() -> None:
    engine = failed(severity=ERROR)
    engine.ingest([alert(30, "HighErrors", "checkout", severity=WARNING)])
    (worse,) = engine.ingest([alert(60, "HighErrors", "checkout", severity=CRITICAL)])
    assert (worse.code, worse.muted) == ("worse", False)
    view = engine.group("G1")
    assert view is not None
    assert view.effects == 0


def test_who_splits_an_effect_from_its_cause_says_that_it_is_none() -> None:
    engine = failed()
    engine.ingest([alert(30, "HighErrors", "checkout"), alert(40, "ErrorsOnPage", "web")])
    new = engine.split("G1", [2])
    rest, moved = engine.group("G1"), engine.group(new)
    assert rest is not None
    assert moved is not None
    assert (rest.effects, moved.effects) == (1, 0)


def test_a_merge_adds_the_effects_of_both() -> None:
    engine = failed()
    engine.ingest(
        [
            alert(30, "HighErrors", "checkout"),
            alert(31, "QueueDown", "queue", severity=CRITICAL, location="us-east-1"),
            alert(60, "Slow", "mail", location="us-east-1"),
        ]
    )
    engine.merge("G1", "G2")
    view = engine.group("G1")
    assert view is not None
    assert view.effects == 2


def test_people_who_keep_two_apart_are_obeyed_though_one_depends_on_the_other() -> None:
    engine = failed()
    engine.ingest([alert(30, "HighErrors", "checkout")])
    engine.split("G1", [2])
    engine.ingest([cleared(60, "HighErrors", "checkout"), cleared(60, "PoolExhausted", "payments-api")])
    day = 86_400.0
    again = engine.ingest([alert(day, "PoolExhausted", "payments-api"), alert(day + 30, "HighErrors", "checkout")])
    assert again[0].group != again[1].group
    assert not again[1].muted


def test_a_recipe_says_how_many_hops_away_a_cause_mutes() -> None:
    def muted(hops: int) -> bool:
        engine = Engine(Cookbook([Recipe(name="r", hops=hops)], with_default=False), SHOP)
        engine.ingest([alert(0, "PoolExhausted", "payments-api", severity=CRITICAL)])
        engine.ingest([alert(30, "Slow", "checkout", severity=Severity.INFO)])  # by which the next one is near, too
        (page,) = engine.ingest([alert(60, "ErrorsOnPage", "web")])
        assert page.group == "G1"
        return page.muted

    assert muted(2)
    assert not muted(1)
