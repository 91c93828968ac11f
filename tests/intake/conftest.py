"""A running intake: desk, journal, aiohttp, and the door in front of it or not."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.clock import ManualClock
from bot.intake.door import DoorSite, runner
from bot.intake.journal import Journal
from bot.intake.journal_sqlite import SqliteLog
from bot.intake.signatures import Guard
from bot.intake.sources import discover
from bot.intake.webhooks import Desk, add_routes
from bot.telemetry import Metrics

OPEN = Guard(open_without_secret=True)


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Intake:
    """A server on loopback, and what is behind it."""

    port: int
    journal: Journal
    metrics: Metrics
    session: aiohttp.ClientSession
    site: web.BaseSite

    async def post(self, source: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.port}/webhooks/{source}"
        async with self.session.post(url, data=io.BytesIO(data), headers=headers) as response:
            raw = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Reply(response.status, response.headers, json.loads(raw) if is_json else raw)

    def count(self, source: str, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "muster_deliveries_total", {"source": source, "outcome": outcome}
        )
        return value or 0.0


Start = Callable[..., Any]


@pytest.fixture(params=["door", "aiohttp"])
def door(request: pytest.FixtureRequest) -> bool:
    """Whether the door stands in front: what is promised holds on both ways."""
    return bool(request.param == "door")


@pytest.fixture
async def start(tmp_path: Path, clock: ManualClock, door: bool) -> AsyncIterator[Start]:
    """Starts an intake with a guard of its own."""
    async with AsyncExitStack() as stack:

        async def started(guard: Guard = OPEN, sources: Any = None, log: Any = None) -> Intake:
            journal = await Journal(log or SqliteLog(tmp_path / "muster.deliveries.db")).open()
            stack.push_async_callback(journal.close)
            metrics = Metrics()
            desk = Desk(sources=sources or discover(), guard=guard, journal=journal, clock=clock, metrics=metrics)

            async def room(_: web.Request) -> web.Response:
                return web.Response(text="the situation room")

            app = web.Application()
            add_routes(app, desk)
            app.router.add_get("/", room)
            served = runner(app)
            await served.setup()
            stack.push_async_callback(served.cleanup)
            site = DoorSite(served, desk, clock, "127.0.0.1", 0) if door else web.TCPSite(served, "127.0.0.1", 0)
            await site.start()
            port = served.addresses[0][1]
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Intake(port, journal, metrics, session, site)

        yield started


@pytest.fixture
async def intake(start: Start) -> Intake:
    """An intake that is open, as on loopback."""
    served: Intake = await start()
    return served
