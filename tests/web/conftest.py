"""A situation room on loopback over a real SQLite file. The dispatcher is scripted; its own tests run the real verbs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person, Service, Team
from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.views import Reply
from bot.clock import ManualClock
from bot.commands.dispatch import Completion, Invocation
from bot.incidents.announcements import Announcements
from bot.incidents.pictures import Pictures
from bot.intake.journal import Rejection
from bot.responders.naming import authors, people
from bot.retros.service import Retros
from bot.storage.database import Database
from bot.telemetry import Metrics
from bot.web import WebParts, application
from tests.drawn import drawn_here

CATALOG = Catalog(
    people={
        "robin": Person(id="robin", name="Robin Vos", email="robin@example.org", timezone="Europe/Amsterdam"),
        "mika": Person(id="mika", name="Mika Laine"),
    },
    teams={"payments": Team(id="payments", members=("robin", "mika"))},
    services={
        "web": Service(id="web", depends_on=("checkout",)),
        "checkout": Service(id="checkout", tier=1, depends_on=("payments-api", "cart")),
        "cart": Service(id="cart", depends_on=("database",)),
        "payments-api": Service(id="payments-api", depends_on=("database",)),
        "database": Service(id="database"),
        "wiki": Service(id="wiki"),
    },
)


class ScriptedDispatcher:
    """Keeps what was asked and answers with `reply`."""

    def __init__(self) -> None:
        self.asked: list[Invocation] = []
        self.reply = Reply(text=("Acknowledged.",))

    async def run(self, invocation: Invocation) -> Reply:
        self.asked.append(invocation)
        return self.reply

    async def complete(self, line: str, actor: Any, incident: int | None) -> tuple[int, Sequence[Completion]]:
        word = line.rpartition(" ")[2]
        verbs = [verb for verb in ("ack", "silence", "silences") if verb.startswith(word)]
        return len(line) - len(word), [Completion(value=verb, label=verb, hint=f"what {verb} does") for verb in verbs]


class ScriptedJournal:
    """Knows of refused deliveries."""

    def __init__(self) -> None:
        self.refused: list[Rejection] = []

    async def rejected(self, before: int | None = None, limit: int = 50) -> Sequence[Rejection]:
        older = [r for r in sorted(self.refused, key=lambda r: -r.id) if before is None or r.id < before]
        return older[:limit]


@dataclass(kw_only=True)
class Site:
    """A running situation room, the parts behind it, and short words for what a test asks."""

    parts: WebParts
    app: web.Application
    url: str
    session: aiohttp.ClientSession
    clock: ManualClock
    database: Database
    gateway: ConsoleGateway
    conversation: ConsoleConversation
    dispatcher: ScriptedDispatcher
    journal: ScriptedJournal

    async def get(self, path: str, *, expect: int = 200, **query: Any) -> Any:
        """The JSON at a path; the status must be as expected."""
        async with self.session.get(f"{self.url}{path}", params=query) as response:
            assert response.status == expect, await response.text()
            return await response.json(content_type=None)

    async def post(self, path: str, body: Any, *, expect: int = 201) -> Any:
        """The JSON that answers a JSON body."""
        async with self.session.post(f"{self.url}{path}", json=body) as response:
            assert response.status == expect, await response.text()
            return await response.json(content_type=None)


@pytest.fixture
def parts(sqlite: Database, clock: ManualClock) -> WebParts:
    """What the application is made of; change it with `dataclasses.replace` and serve it with `serving`."""
    return WebParts(
        database=sqlite,
        clock=clock,
        metrics=Metrics(),
        catalog=lambda: CATALOG,
        dispatcher=ScriptedDispatcher(),
        conversation=ConsoleConversation(sqlite, clock),
        journal=ScriptedJournal(),
        retros=retros(sqlite, clock),
        pictures=Pictures(sqlite, clock, lambda: CATALOG, drawn_here),
        version="1.2.3",
    )


def retros(database: Database, clock: ManualClock) -> Retros:
    """The real ones: they only read."""
    catalog = lambda: CATALOG  # noqa: E731
    return Retros(
        database,
        clock,
        Announcements(("console",), catalog, people(catalog)),
        person=people(catalog),
        author=authors(catalog),
    )


@asynccontextmanager
async def serve(parts: WebParts, clock: ManualClock, **changes: Any) -> AsyncIterator[Site]:
    """Serve the application on a free port of loopback."""
    parts = replace(parts, **changes)
    async with aiohttp.ClientSession() as session:
        app = application(parts)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            yield Site(
                parts=parts,
                app=app,
                url=f"http://{host}:{port}",
                session=session,
                clock=clock,
                database=parts.database,
                gateway=ConsoleGateway(parts.database, clock),
                conversation=parts.conversation,
                dispatcher=parts.dispatcher,
                journal=parts.journal,
            )
        finally:
            await runner.cleanup()


Serving = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def serving(parts: WebParts, clock: ManualClock) -> Serving:
    """`async with serving(host="0.0.0.0", http_token="...") as site:` with other parts than usual."""
    return lambda **changes: serve(parts, clock, **changes)


@pytest.fixture
async def site(parts: WebParts, clock: ManualClock) -> AsyncIterator[Site]:
    """A running situation room, as `muster demo` would have it."""
    async with serve(parts, clock) as running:
        yield running
