"""Liveness, readiness and metrics: loud about what is wrong, and about who needs to care."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert

from bot.errors import MusterError, StorageUnavailable
from bot.storage import tables
from bot.web import HealthCheck, Lag, health
from tests.rows import keep_incident
from tests.web.conftest import Serving, Site


async def fine() -> str:
    return "connected as muster"


async def broken() -> str:
    raise MusterError("Slack does not answer: invalid_auth")


async def test_it_lives_whatever_the_database_does(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.database.close()
    assert await site.get("/healthz") == {"status": "alive"}


async def test_ready_names_every_part_and_how_far_behind_it_is(serving: Serving) -> None:
    checks = (HealthCheck(name="slack", check=fine, essential=False),)
    async with serving(checks=checks, lag=lambda: Lag(deliveries=7, seconds=0.25)) as site:
        ready = await site.get("/readyz")
    assert ready == {
        "status": "ready",
        "checks": {
            "database": {"ok": True, "detail": "sqlite takes writes", "essential": True},
            "slack": {"ok": True, "detail": "connected as muster", "essential": False},
        },
        "lag": {"deliveries": 7, "seconds": 0.25},
        "outbox": {"pending": 0, "oldest_seconds": 0.0, "dead": 0},
    }


async def test_a_platform_that_is_away_degrades_and_an_essential_part_makes_unready(serving: Serving) -> None:
    async with serving(checks=(HealthCheck(name="slack", check=broken, essential=False),)) as site:
        ready = await site.get("/readyz")
        assert (ready["status"], ready["checks"]["slack"]["detail"]) == (
            "degraded",
            "Slack does not answer: invalid_auth",
        )
    async with serving(checks=(HealthCheck(name="journal", check=broken),)) as site:
        ready = await site.get("/readyz", expect=503)
        assert (ready["status"], ready["checks"]["journal"]["ok"]) == ("unready", False)


async def test_a_check_that_hangs_is_trouble_too(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)

    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    async with serving(checks=(HealthCheck(name="discord", check=hang),)) as site:
        ready = await site.get("/readyz", expect=503)
    assert "no answer" in ready["checks"]["discord"]["detail"]


async def test_asking_often_does_not_write_often(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    transaction = site.database.transaction
    monkeypatch.setattr(site.database, "transaction", lambda: written.append(1) or transaction())
    for ready in await asyncio.gather(*(site.get("/readyz") for _ in range(20))):
        assert ready["checks"]["database"]["ok"]
    assert len(written) == 1


async def test_being_far_behind_degrades(serving: Serving, site: Site) -> None:
    async with serving(lag=lambda: Lag(deliveries=1, seconds=61.0)) as behind:
        assert (await behind.get("/readyz"))["status"] == "degraded"
    effect: dict[str, Any] = {
        "platform": "slack",
        "lane": "C1",
        "kind": "post",
        "payload_json": "{}",
        "attempts": 0,
        "generation": 0,
    }
    async with site.database.transaction() as work:
        for state in ("pending", "dead", "done"):
            row = {**effect, "state": state, "not_before": 0.0, "created_at": site.clock.now() - 90}
            await work.connection.execute(insert(tables.effects).values(row))
    ready = await site.get("/readyz")
    assert (ready["status"], ready["outbox"]) == ("degraded", {"pending": 1, "oldest_seconds": 90.0, "dead": 1})


async def test_without_a_database_it_is_unready_and_the_api_says_when_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise StorageUnavailable("The database cannot be written: disk is full", retry_after=7.2)

    monkeypatch.setattr(site.database, "transaction", away)
    monkeypatch.setattr(site.database, "reading", away)
    ready = await site.get("/readyz", expect=503)
    assert ready["checks"]["database"] == {
        "ok": False,
        "detail": "The database cannot be written: disk is full",
        "essential": True,
    }
    async with site.session.get(f"{site.url}/api/v1/incidents") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "8")
    async with site.session.get(f"{site.url}/metrics") as response:
        assert response.status == 200


async def test_metrics_are_prometheus_and_current(serving: Serving) -> None:
    async with serving(lag=lambda: Lag(deliveries=5, seconds=2.0)) as site:
        async with site.database.transaction() as work:
            await keep_incident(work, site.clock.now())
            await keep_incident(work, site.clock.now(), status="resolved")
        async with site.session.get(f"{site.url}/metrics") as response:
            assert response.content_type == "text/plain"
            body = await response.text()
    lines = body.splitlines()
    assert "muster_open_incidents 1.0" in lines
    assert "muster_pipeline_lag_deliveries 5.0" in lines
    assert any(line.startswith('muster_database_bytes{part="database"}') for line in lines)
