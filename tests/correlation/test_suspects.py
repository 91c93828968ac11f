from __future__ import annotations

import msgspec

from correlation.alert import Alert, Change
from correlation.decision import Suspect
from correlation.engine import Engine
from correlation.suspects import Ledger
from tests.correlation.building import OUTAGE, SHOP, alert, amid_noise

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


def test_a_change_that_was_rolled_back_weighs_more_and_says_so() -> None:
    changes = [change("fine", 10 * HOUR - 100), change("undone", 10 * HOUR - 140, status="rolled_back")]
    first, second = ranked(changes, alert(10 * HOUR), alert(10 * HOUR + 30, "HighErrors", "web"))
    assert (first.change, first.reasons[-1]) == ("undone", "it was rolled back")
    assert (second.change, "it was rolled back" in second.reasons) == ("fine", False)
    (failed,) = ranked([change("c", 10 * HOUR - 140, status="failed")], alert(10 * HOUR))
    assert failed.reasons[-1] == "it failed"


def test_clocks_differ_by_a_minute_and_no_more() -> None:
    assert suspected(change("a minute after", 10 * HOUR + 55)) == ["a minute after"]
    assert suspected(change("two minutes after", 10 * HOUR + 120)) == []


def test_where_those_it_touched_fail_and_others_too_it_says_nothing() -> None:
    at = 10 * HOUR
    touched = msgspec.structs.replace(change("canary", at - 300, "checkout"), hosts=("c-1", "c-2"))
    alerts = [alert(at, "HighErrors", host="c-1"), alert(at + 5, "HighErrors", host="c-9")]
    plain = msgspec.structs.replace(touched, hosts=())
    ((one,), (other,)) = ranked([touched], *alerts), ranked([plain], *alerts)
    assert (one.score, one.reasons) == (other.score, other.reasons)


def test_a_change_of_what_is_not_known_is_a_weak_suspect_that_says_so() -> None:
    at = 10 * HOUR
    near, nowhere, strange = ranked(
        [change("near", at - 60), change("nowhere", at - 60, ""), change("strange", at - 60, "billing")], alert(at)
    )
    assert [one.change for one in (near, nowhere, strange)] == ["near", "nowhere", "strange"]
    assert "its service is not known" in nowhere.reasons
    assert "not in the service graph" in strange.reasons
    assert strange.score < nowhere.score < near.score / 3


def test_the_ledger_knows_the_latest_of_each_service_whatever_the_order_and_forgets_it_in_time() -> None:
    ledger = Ledger(capacity=2)
    ledger.add([change("new", 900.0), change("old", 100.0)])
    assert ledger.recent("payments-api", [], 1000.0) == ["new"]
    ledger.add([change("other", 950.0, "web"), change("third", 960.0, "mail")])
    assert ledger.recent("payments-api", [], 1000.0) == []
    assert ledger.recent("web", ["mail"], 1000.0) == ["other", "third"]
    assert ledger.recent("web", ["mail"], 9000.0) == []


def test_a_change_that_no_encoding_can_carry_does_not_cost_the_snapshot() -> None:
    engine = Engine(topology=SHOP)
    odd = msgspec.structs.replace(
        change("\ud800", 100.0, "a\udfff", status="started"), hosts=("\ud800",), title="\ud800"
    )
    engine.observe([odd, msgspec.structs.replace(odd, status="failed")])
    engine.ingest([alert(120.0, service="a\udfff")])
    assert Engine.restore(engine.snapshot()).snapshot() == engine.snapshot()
    (suspect,) = engine.suspects("G1")
    assert (suspect.change, suspect.service) == ("?", "a?")
    assert "it failed" in suspect.reasons


def test_instances_of_a_change_are_bounded() -> None:
    ledger = Ledger()
    ledger.add([msgspec.structs.replace(change("c", 1.0), hosts=tuple(f"h{n}" for n in range(300)))])
    assert len(ledger.all()[0].hosts) == 256


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


def ranked(changes: list[Change], *alerts: Alert) -> list[Suspect]:
    engine = Engine(topology=SHOP)
    engine.observe(changes)
    decisions = engine.ingest(alerts)
    return list(engine.suspects(decisions[-1].group or ""))


def test_a_change_that_only_its_own_instances_suffer_from_weighs_more() -> None:
    at = 10 * HOUR
    touched = msgspec.structs.replace(change("canary", at - 300, "checkout"), hosts=("checkout-v2-1", "checkout-v2-2"))
    plain = change("plain", at - 240, "checkout")
    first, second = ranked([touched, plain], alert(at, "HighErrors", host="checkout-v2-1"))
    assert (first.change, second.change) == ("canary", "plain")
    assert "it fails on 1 of the 2 instances it touched and on no other" in first.reasons


def test_a_change_whose_instances_are_well_while_others_fail_weighs_less() -> None:
    at = 10 * HOUR
    touched = msgspec.structs.replace(change("canary", at - 60, "checkout"), hosts=("checkout-v2-1",))
    plain = change("plain", at - 300, "checkout")
    alerts = [alert(at, "HighErrors", host="checkout-v1-1"), alert(at + 5, "HighErrors", host="checkout-v1-2")]
    first, second = ranked([touched, plain], *alerts)
    assert (first.change, second.change) == ("plain", "canary")
    assert "it fails on 2 instances that it did not touch" in second.reasons


def test_a_change_after_an_early_background_alert_is_held_against_what_failed_after_it() -> None:
    at = 10 * HOUR
    (suspect,) = ranked(
        [change("c", at + 200)], alert(at, "Slow", "web"), alert(at + 260, "HighErrors", "payments-api")
    )
    assert suspect.before == 60
    assert suspect.reasons[0] == "deployed payments-api 60 s before payments-api failed"


def test_a_change_below_which_everything_failed_before_it_is_no_suspect() -> None:
    at = 10 * HOUR
    assert ranked([change("late", at + 400)], alert(at), alert(at + 300, "HighErrors", "web")) == []


def test_what_explains_more_of_the_trouble_weighs_more() -> None:
    at = 10 * HOUR
    many = [
        alert(at, "A", "payments-api"),
        alert(at + 5, "B", "checkout"),
        alert(at + 9, "C", "web"),
        alert(at + 9, "D", "search"),
    ]
    first, second = ranked([change("db", at - 100, "payments-api"), change("search", at - 100, "search")], *many)
    assert (first.change, second.change) == ("db", "search")
    assert "3 of 4 failing services are on it or depend on it" in first.reasons


def test_instances_told_later_are_added() -> None:
    ledger = Ledger()
    ledger.add([msgspec.structs.replace(change("c", 1.0), hosts=("a",))])
    ledger.add([msgspec.structs.replace(change("c", 2.0), hosts=("b", "a"))])
    assert [(one.at, one.hosts) for one in ledger.all()] == [(1.0, ("a", "b"))]


def test_what_people_ruled_out_comes_last_whatever_speaks_for_it() -> None:
    engine = Engine(topology=SHOP)
    engine.observe(
        [change("guilty", 10 * HOUR - 60), change("weak", 3 * HOUR), change("mild", 8 * HOUR, "payments-db")]
    )
    engine.ingest([alert(10 * HOUR), alert(10 * HOUR + 30, "HighErrors", "web")])
    assert [one.change for one in engine.suspects("G1")] == ["guilty", "mild", "weak"]
    *others, last = engine.suspects("G1", ruled_out=["guilty"])
    assert [one.change for one in others] == ["mild", "weak"]
    assert (last.change, last.reasons[0]) == ("guilty", "ruled out")
    assert last.score < others[-1].score
    by_service = engine.suspects("G1", ruled_out=["payments-api"])
    assert [one.change for one in by_service] == ["mild", "guilty", "weak"]
    assert [one.change for one in engine.suspects("G1", ruled_out=["guilty"], limit=2)] == ["mild", "weak"]


def test_what_everybody_knows_does_not_make_a_change_of_its_service_a_suspect() -> None:
    engine, group = amid_noise(change("db", OUTAGE - 20.0, "payments-db"), change("api", OUTAGE - 30.0))
    first, second = engine.suspects(group)
    assert (first.change, "its service fails" in first.reasons) == ("api", True)
    assert (second.change, "its service fails" in second.reasons) == ("db", False)
    assert "2 of 2 failing services are on it or depend on it" in second.reasons
