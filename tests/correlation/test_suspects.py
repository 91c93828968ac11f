from __future__ import annotations

from correlation.alert import Change
from correlation.engine import Engine
from correlation.suspects import Ledger
from tests.correlation.building import SHOP, alert

HOUR = 3600.0


def change(id_: str, at: float, service: str = "payments-api", **fields: str) -> Change:
    return Change(id=id_, at=at, title="", service=service, **fields)  # type: ignore[arg-type]


def suspected(*changes: Change) -> list[str]:
    engine = Engine(topology=SHOP)
    engine.observe(changes)
    engine.ingest([alert(10 * HOUR), alert(10 * HOUR + 30, "HighErrors", "web")])
    return [suspect.change for suspect in engine.suspects("G1")]


def test_a_recent_change_upstream_comes_before_an_older_one() -> None:
    assert suspected(change("old", 3 * HOUR), change("guilty", 10 * HOUR - 180)) == ["guilty", "old"]


def test_a_change_that_nothing_failing_depends_on_is_no_suspect() -> None:
    assert suspected(change("unrelated", 10 * HOUR - 60, "mail"), change("guilty", 10 * HOUR - 180)) == ["guilty"]


def test_what_came_after_the_onset_or_in_another_environment_is_no_suspect() -> None:
    assert suspected(
        change("after", 10 * HOUR + 600),
        change("staging", 10 * HOUR - 60, environment="staging"),
        change("last week", 10 * HOUR - 200 * HOUR),
        change("before", 10 * HOUR - 60, environment="production"),
    ) == ["before"]


def test_a_change_that_failed_weighs_more() -> None:
    assert suspected(change("fine", 10 * HOUR - 100), change("failed", 10 * HOUR - 140, status="failed")) == [
        "failed",
        "fine",
    ]


def test_the_nearer_service_weighs_more() -> None:
    assert suspected(change("far", 10 * HOUR - 100, "payments-db"), change("near", 10 * HOUR - 110, "checkout")) == [
        "near",
        "far",
    ]


def test_every_suspect_says_why() -> None:
    engine = Engine(topology=SHOP)
    engine.observe([change("c", 10 * HOUR - 180)])
    engine.ingest([alert(10 * HOUR)])
    (suspect,) = engine.suspects("G1")
    assert suspect.reasons == ("deployed payments-api 3 min before the first alert", "1 hop upstream")
    assert suspect.before == 180
    assert 0 < suspect.score <= 1


def test_a_change_told_again_keeps_its_beginning() -> None:
    assert suspected(change("c", 10 * HOUR - 60, status="started"), change("c", 10 * HOUR + 60, status="failed")) == [
        "c"
    ]


def test_a_shared_change_is_evidence() -> None:
    engine = Engine()
    engine.observe([change("c", 0.0, "checkout")])
    engine.ingest([alert(100)])
    (joined,) = engine.ingest([alert(200, "HighErrors")])
    assert any(item.term == "change" for item in joined.evidence)
    assert "after the same change" in joined.reason


def test_the_ledger_is_bounded() -> None:
    ledger = Ledger(capacity=3)
    ledger.add([change(f"c{n}", float(n)) for n in range(10)])
    ledger.add([change("nan", float("nan"))])
    assert [c.id for c in ledger.all()] == ["c7", "c8", "c9"]
