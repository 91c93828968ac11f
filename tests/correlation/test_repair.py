"""The repair pass: what began apart and is evidently one is united without an alert that bridges it; nothing else is."""

from __future__ import annotations

import pytest

from correlation.alert import Alert, Severity
from correlation.cookbook import Cookbook, Recipe
from correlation.decision import Decision
from correlation.engine import Engine
from tests.correlation.building import SHOP, alert, cleared

HOUR = 3600.0
NOW = 100 * HOUR
MILD = "LagGrows"  # a rule that is new here; what is new has mostly cleared by itself


def used_to_it(book: Cookbook | None = None) -> Engine:
    """An engine that has seen many restarts elsewhere, all of which cleared within a minute."""
    engine = Engine(book or Cookbook(), SHOP)
    for n in range(30):
        fields = {"service": "mail", "location": "us-east-1", "host": f"m-{n}"}
        engine.ingest(
            [alert(n * 2 * HOUR, "PodRestarted", **fields), cleared(n * 2 * HOUR + 60, "PodRestarted", **fields)]
        )
    return engine


def critical(at: float, name: str, service: str, **fields: str) -> Alert:
    return alert(at, name, service, severity=Severity.CRITICAL, **fields)


def restarts(**fields: str) -> list[Alert]:
    """Two restarts of one service that nobody needs to be called for: they wait for company."""
    return [alert(NOW + n * 20, MILD, "web", host=f"w-{n}", **fields) for n in range(2)]


def outage(**fields: str) -> list[Alert]:
    """Next to it something breaks, which does not join what merely waits."""
    return [
        critical(NOW + 40, "ConnectionsExhausted", "checkout", **fields),
        critical(NOW + 50, "HighErrors", "cart", **fields),
    ]


def later(seconds: float = 200.0) -> Alert:
    """An alert elsewhere, with which time passes."""
    return alert(NOW + seconds, "CertificateExpires", "queue", location="ap-south-1")


def of(decisions: list[Decision]) -> list[str]:
    return [decision.group or "" for decision in decisions]


def test_what_waited_beside_an_outage_is_united_with_it_and_the_reason_is_told() -> None:
    engine = used_to_it()
    waits, _, room, same = of(engine.ingest([*restarts(), *outage()]))
    assert waits != room == same
    assert (engine.deserves(waits), engine.deserves(room)) == (False, True)
    decision = engine.ingest([later()])[0]
    assert decision.merged == ((room, waits),)
    assert len(decision.repaired) == 1
    assert "same location eu-west-1" in decision.repaired[0]
    assert "1 hop from checkout" in decision.repaired[0]
    assert decision.called == ()
    assert engine.surviving(room) == waits
    view = engine.group(waits)
    assert view is not None
    assert (view.deserves, dict(view.services)) == (True, {"web": 2, "checkout": 1, "cart": 1})


def test_there_is_a_pass_every_two_minutes_and_not_sooner() -> None:
    engine = used_to_it()
    engine.ingest([later(-1.0)])  # a pass, with nothing to compare
    engine.ingest([*restarts(), *outage()])
    assert not engine.ingest([later(118.0)])[0].merged
    assert engine.ingest([later(119.0)])[0].merged


def test_groups_that_did_not_grow_are_not_looked_at_again() -> None:
    engine = used_to_it()
    engine.ingest([*restarts(), *outage()])
    engine._registry.grown.clear()
    assert not engine.ingest([later()])[0].merged


@pytest.mark.parametrize("field", ["location", "environment"])
def test_what_is_elsewhere_is_not_the_same(field: str) -> None:
    engine = used_to_it()
    engine.ingest([*restarts(**{field: "other"}), *outage()])
    assert not engine.ingest([later()])[0].merged


def test_what_a_person_split_stays_apart() -> None:
    engine = used_to_it()
    *_, room, _ = of(engine.ingest([*restarts(), *outage()]))
    merged = engine.ingest([later()])[0].merged
    ((_, kept),) = merged
    view = engine.group(kept)
    assert view is not None
    engine.split(kept, view.episodes[:2])
    engine.ingest([critical(NOW + 210, "Slow", "payments-api"), alert(NOW + 215, MILD, "web", host="w-9")])
    assert not engine.ingest([later(400.0)])[0].merged
    assert room


def test_what_people_keep_apart_is_not_united_the_next_time_either() -> None:
    engine = used_to_it()
    engine._feedback.learn({f"web/{MILD}": 2}, {"checkout/ConnectionsExhausted": 1}, -1)
    engine.ingest([*restarts(), *outage()])
    assert not engine.ingest([later()])[0].merged


def test_one_alert_that_waits_alone_is_left_where_it_was_placed() -> None:
    engine = used_to_it()
    engine.ingest([*restarts()[:1], *outage()])
    assert not engine.ingest([later()])[0].merged


def test_two_that_both_wait_call_nobody_together() -> None:
    engine = used_to_it()
    decisions = engine.ingest(
        [*restarts(), *(alert(NOW + 30 + n, MILD, "payments-db", host=f"p-{n}") for n in range(2)), later()]
    )
    assert not any(decision.deserves for decision in decisions[:-1])
    assert not any(decision.merged for decision in decisions)


def test_groups_of_two_recipes_stay_two() -> None:
    book = Cookbook([Recipe(name="core", trigger=('service=~"checkout|cart"',))])
    engine = used_to_it(book)
    engine.ingest([*restarts(), *outage()])
    assert not engine.ingest([later()])[0].merged


def test_a_pass_after_a_restore_does_what_it_would_have_done() -> None:
    engine = used_to_it()
    engine.ingest([*restarts(), *outage()])
    again = Engine.restore(engine.snapshot())
    assert again.ingest([later()]) == engine.ingest([later()])
    assert again.snapshot() == engine.snapshot()


def test_a_pass_compares_some_dozens_of_pairs_however_many_groups_are_open() -> None:
    engine = used_to_it()
    for n in range(400):
        engine.ingest([critical(NOW + n * 0.2, f"Rule{n}", "elsewhere", location=f"place-{n}", host=f"h-{n}")])
    asked = 0
    gather = engine._placer.gather

    def counting(*args):
        nonlocal asked
        asked += 1
        return gather(*args)

    engine._placer.gather = counting
    engine._repair.run(NOW + 100.0)
    assert asked <= 48 * 2 * 4
