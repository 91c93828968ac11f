"""Incidents, alerts, changes, evidence, deliveries, figures: the shapes that others rely on, filters and pages."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import insert

from bot.chat.views import MUSTER
from bot.incidents import timeline
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Exclusion, Suspect
from bot.intake.journal import Rejection
from bot.storage import tables
from bot.web import Lag
from tests.rows import keep_alert, keep_incident
from tests.web.conftest import Serving, Site

START = 1_767_603_600.0  # 2026-01-05 09:00 UTC, where the clock stands


def change_row(key: str, at: float, **fields: Any) -> dict[str, Any]:
    return {
        "id": key,
        "at": at,
        "service": "payments-api",
        "kind": "deploy",
        "title": "payments-api a1b2c3d",
        "revision": "a1b2c3d",
        "url": "https://git.example.org/payments/a1b2c3d",
        "environment": "production",
        "status": "succeeded",
        "repository": "example/payments-api",
        "author_name": "",
        "author_email": "robin@example.org",
        "author_login": "rvos",
        "source": "github",
        **fields,
    }


async def outage(site: Site) -> Incident:
    """INC-1: two services firing, a suspect deploy; A4 was held back as noise."""
    async with site.database.transaction() as work:
        incident = await keep_incident(
            work,
            START - 600,
            services=[("checkout", 2), ("cart", 1)],
            alert_count=3,
            firing_count=2,
            location="eu-west-1",
            cause=Cause(service="payments-api", words="first to fail, 1 depends on it", score=0.8),
            suspects=[Suspect(change="c1", score=0.9, reasons=("3 min before", "one hop upstream"))],
            exclusions=[Exclusion(service="deploy wiki", change="c2", by="mika", at=START - 600, reason="elsewhere")],
            commander="mika",
            acknowledged_at=START - 480,
            acknowledged_by="mika",
            status="acknowledged",
        )
        evidence = [{"term": "service", "score": 1.0, "words": "same service"}]
        checkout = {"service": "checkout", "group_id": "G1", "severity": "critical"}
        await keep_alert(
            work, 1, START - 600, **checkout, name="HighLatency", reason="nothing like it is open", count=7
        )
        await keep_alert(
            work,
            2,
            START - 500,
            **checkout,
            reason="Joined: same service.",
            evidence_json=msgspec.json.encode(evidence).decode(),
        )
        await keep_alert(
            work,
            3,
            START - 400,
            group_id="G1",
            service="cart",
            status="resolved",
            resolved_at=START - 300,
            last_seen=START - 300,
        )
        await keep_alert(
            work, 4, START - 100, held="seen 40 times today", reason="seen 40 times today", severity="info"
        )
        for change in (change_row("c1", START - 780), change_row("c2", START - 60, service="wiki", kind="flag")):
            await work.connection.execute(insert(tables.changes).values(change))
        room = {"incident": 1, "platform": "console", "name": "inc-1", "external": "inc-1-checkout", "state": "open"}
        await work.connection.execute(insert(tables.rooms).values(room))
        slack = {"incident": 1, "platform": "slack", "name": "inc-1", "external": None, "state": "wanted"}
        await work.connection.execute(insert(tables.rooms).values(slack))
        for number in range(3):
            at = START - 600 + number
            await timeline.append(work, incident.number, at, "note", MUSTER, f"note {number}", answer=number)
    return incident


async def test_an_incident_has_the_shape_that_others_rely_on(site: Site) -> None:
    await outage(site)
    assert await site.get("/api/v1/incidents/INC-1") == {
        "id": "INC-1",
        "number": 1,
        "title": "checkout latency, eu-west-1",
        "status": "acknowledged",
        "severity": "SEV2",
        "status_since": "2026-01-05T08:50:00.000Z",
        "services": ["checkout", "cart"],
        "service_counts": [{"name": "checkout", "count": 2}, {"name": "cart", "count": 1}],
        "location": "eu-west-1",
        "environment": "",
        "commander": "mika",
        "alert_count": 3,
        "firing_count": 2,
        "rooms": {"console": "inc-1-checkout"},
        "cause": {"service": "payments-api", "words": "first to fail, 1 depends on it"},
        "ruled_out": [
            {
                "what": "deploy wiki",
                "change": "c2",
                "by": "mika",
                "at": "2026-01-05T08:50:00.000Z",
                "reason": "elsewhere",
            }
        ],
        "summary": "",
        "ticket": None,
        "opened_at": "2026-01-05T08:50:00.000Z",
        "first_alert_at": "2026-01-05T08:50:00.000Z",
        "acknowledged_at": "2026-01-05T08:52:00.000Z",
        "acknowledged_by": "mika",
        "mitigated_at": None,
        "cleared_at": None,
        "resolved_at": None,
        "resolved_by": None,
        "merged_into": None,
    }


async def test_incidents_are_listed_newest_first_by_status_and_page(site: Site) -> None:
    async with site.database.transaction() as work:
        for number in range(1, 6):
            await keep_incident(work, START, status="resolved" if number % 2 else "open", merged_into=None)
    first = await site.get("/api/v1/incidents", limit=2)
    assert [incident["id"] for incident in first["items"]] == ["INC-5", "INC-4"]
    second = await site.get("/api/v1/incidents", limit=2, cursor=first["next"])
    third = await site.get("/api/v1/incidents", limit=2, cursor=second["next"])
    assert [incident["id"] for incident in (*second["items"], *third["items"])] == ["INC-3", "INC-2", "INC-1"]
    assert third["next"] is None
    for status, ids in (("open", ["INC-4", "INC-2"]), ("active", ["INC-4", "INC-2"]), ("acknowledged", [])):
        assert [i["id"] for i in (await site.get("/api/v1/incidents", status=status))["items"]] == ids


async def test_what_is_no_incident_is_404_and_says_how_they_look(site: Site) -> None:
    for name in ("INC-99", "42", "INC-", "INC-٤٢", "INC-99999999999999999999", "%00", "x"):
        for tail in ("", "/timeline", "/alerts", "/evidence", "/lanes", "/graph"):
            status = 422 if name == "%00" else 404
            problem = await site.get(f"/api/v1/incidents/{name}{tail}", expect=status)
            assert problem["code"] in {"not_found", "malformed_payload"}


async def test_the_timeline_is_in_order_and_paged(site: Site) -> None:
    await outage(site)
    first = await site.get("/api/v1/incidents/INC-1/timeline", limit=2)
    rest = await site.get("/api/v1/incidents/INC-1/timeline", limit=2, cursor=first["next"])
    assert [entry["text"] for entry in (*first["items"], *rest["items"])] == ["note 0", "note 1", "note 2"]
    assert first["items"][0] == {
        "id": 1,
        "at": "2026-01-05T08:50:00.000Z",
        "kind": "note",
        "actor": "muster",
        "text": "note 0",
        "data": {"answer": 0},
    }


async def test_alerts_are_filtered_by_incident_status_and_whether_they_were_held(site: Site) -> None:
    await outage(site)

    async def ids(**query: Any) -> list[str]:
        return [alert["id"] for alert in (await site.get("/api/v1/alerts", **query))["items"]]

    assert await ids() == ["A4", "A3", "A2", "A1"]
    assert await ids(incident="INC-1") == ["A3", "A2", "A1"]
    assert await ids(held="true") == ["A4"]
    assert await ids(held="false", status="firing") == ["A2", "A1"]
    assert await ids(status="resolved") == ["A3"]
    page = await site.get("/api/v1/incidents/INC-1/alerts", limit=1)
    assert [alert["id"] for alert in page["items"]] == ["A3"]
    rest = await site.get("/api/v1/incidents/INC-1/alerts", cursor=page["next"])
    assert [alert["id"] for alert in rest["items"]] == ["A2", "A1"]


async def test_an_alert_has_the_generic_source_s_fields_and_what_became_of_it(site: Site) -> None:
    await outage(site)
    async with site.database.transaction() as work:
        await keep_alert(work, 5, START, labels_json='{"app": "cart"}', links_json='["https://x.example"]')
    alert = (await site.get("/api/v1/alerts"))["items"][0]
    generic = {"at", "status", "name", "class", "severity", "service", "host", "location", "environment", "summary"}
    generic |= {"labels", "links", "dedup_key"}
    assert generic | {"id", "fingerprint", "count", "first_seen", "last_seen", "incident", "held"} <= set(alert)
    assert (alert["labels"], alert["links"], alert["incident"]) == ({"app": "cart"}, ["https://x.example"], None)
    noise, resolved, _, first = (await site.get("/api/v1/alerts"))["items"][1:]
    assert (noise["incident"], noise["held"]) == (None, "seen 40 times today")
    assert (resolved["incident"], resolved["resolved_at"]) == ("INC-1", "2026-01-05T08:55:00.000Z")
    assert first["count"] == 7


async def test_evidence_says_why_each_alert_is_there(site: Site) -> None:
    await outage(site)
    items = (await site.get("/api/v1/incidents/INC-1/evidence"))["items"]
    assert [(e["alert"], e["decision"], e["words"]) for e in items[:2]] == [
        ("A1", "opened", "nothing like it is open"),
        ("A2", "joined", "Joined: same service."),
    ]
    assert items[1]["terms"] == [{"term": "service", "score": 1.0, "words": "same service"}]


async def test_changes_are_ranked_for_the_incident_that_suspects_them(site: Site) -> None:
    await outage(site)
    every = (await site.get("/api/v1/changes"))["items"]
    assert [(change["id"], change["rank"]) for change in every] == [("c2", None), ("c1", None)]
    (suspect,) = (await site.get("/api/v1/changes", incident="INC-1"))["items"]
    assert (suspect["id"], suspect["rank"], suspect["reasons"]) == ("c1", 1, ["3 min before", "one hop upstream"])
    assert suspect["author"] == {"name": "", "email": "robin@example.org", "login": "rvos"}
    assert [c["id"] for c in (await site.get("/api/v1/changes", service="wiki"))["items"]] == ["c2"]
    page = await site.get("/api/v1/changes", limit=1)
    assert [c["id"] for c in (await site.get("/api/v1/changes", cursor=page["next"]))["items"]] == ["c1"]
    await site.get("/api/v1/changes", incident="INC-9", expect=404)


async def test_early_warnings_say_what_they_are_about_and_what_came(site: Site) -> None:
    await outage(site)
    steps = [{"what": "errors", "service": "cart", "after": 0.0, "stage": 0}]
    row = {"at": START - 900, "told_at": START - 899, "environment": "", "location": "eu-west-1", "past": 1}
    row |= {"score": 20.0, "matched": 1, "expected": 2, "taken_json": msgspec.json.encode(steps).decode()}
    row |= {"ahead_json": "[]", "lead": 300.0, "remains": 900.0, "until": START, "reasons_json": '["rare"]'}
    row |= {"times": 3, "without": 1, "came": True, "incident": 1}
    async with site.database.transaction() as work:
        await work.connection.execute(insert(tables.warnings).values(row))
        await work.connection.execute(insert(tables.warnings).values(row | {"told_at": None, "kept": "too late"}))
    newest, told = (await site.get("/api/v1/warnings", incident="INC-1"))["items"]
    assert (newest["id"], newest["told_at"], newest["kept"]) == ("W2", None, "too late")
    assert told == newest | {"id": "W1", "told_at": "2026-01-05T08:45:01.000Z", "kept": ""}
    assert told["taken"] == [{"what": "errors", "service": "cart", "after": 0.0}]
    assert (told["like"], told["lead"], told["times"], told["without"]) == ("INC-1", 300.0, 3, 1)
    assert (told["came"], told["incident"]) == (True, "INC-1")
    page = await site.get("/api/v1/warnings", limit=1)
    assert [one["id"] for one in (await site.get("/api/v1/warnings", cursor=page["next"]))["items"]] == ["W1"]
    assert (await site.get("/api/v1/warnings", incident="INC-7"))["items"] == []


async def test_refused_deliveries_are_listed_with_the_reason(site: Site) -> None:
    for number in (1, 2, 3):
        site.journal.refused.append(
            Rejection(
                number, "alertmanager", START, {"x-id": "7"}, b"\xff{" + b"x" * 5000, "alerts is missing", "alerts"
            )
        )
    page = await site.get("/api/v1/deliveries", state="rejected", limit=2)
    assert [delivery["id"] for delivery in page["items"]] == [3, 2]
    assert page["items"][0]["path"] == "alerts"
    assert page["items"][0]["body"].startswith("\ufffd{xxx")
    assert len(page["items"][0]["body"]) == 2000
    rest = await site.get("/api/v1/deliveries", state="rejected", cursor=page["next"])
    assert [delivery["id"] for delivery in rest["items"]] == [1]


async def test_figures_come_with_their_definitions(site: Site, serving: Serving) -> None:
    await outage(site)
    async with site.database.transaction() as work:
        await keep_incident(
            work,
            START - 3000,
            status="resolved",
            acknowledged_at=START - 2400,
            acknowledged_by="robin",
            resolved_at=START - 1200,
        )
        await keep_incident(work, START - 20 * 86_400)
    async with serving(lag=lambda: Lag(deliveries=3, seconds=1.5)) as behind:
        stats = await behind.get("/api/v1/stats")
    assert stats["incidents"] == {"open": 1, "acknowledged": 1, "mitigated": 0, "resolved": 1}
    week, month = stats["periods"]
    assert (week["days"], week["incidents"], month["days"], month["incidents"]) == (7, 2, 30, 3)
    assert week["mtta"] == {"mean": 360.0, "median": 360.0, "count": 2}
    assert week["mttr"] == {"mean": 1800.0, "median": 1800.0, "count": 1}
    assert (week["alerts"], week["notifications"], week["held"], week["compression"]) == (4, 10, 1, 5.0)
    assert week["top_services"] == [{"name": "checkout", "count": 2}, {"name": "cart", "count": 1}]
    assert stats["deliveries"] == {"waiting": 3, "waiting_seconds": 1.5}
    assert {"mtta", "mttr", "compression"} <= set(stats["definitions"])


async def test_a_session_tells_who_and_what_there_is(site: Site) -> None:
    session = await site.get("/api/v1/session")
    assert [person["id"] for person in session["people"]] == ["mika", "robin"]
    assert session["people"][1]["timezone"] == "Europe/Amsterdam"
    assert (session["version"], session["demo"], session["loopback"]) == ("1.2.3", False, True)


async def test_a_wrong_parameter_is_named(site: Site) -> None:
    for query, path in (
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "broken"}, "status"),
        ({"stauts": "open"}, "stauts"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "WyJ4Il0"}, "cursor"),
    ):
        problem = await site.get("/api/v1/incidents", expect=422, **query)
        assert problem["path"] == path, problem
