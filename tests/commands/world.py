"""Verbs in a small world: a real database, the real use cases and announcements, an outbox that is read instead of sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load
from bot.changes import ledger
from bot.chat.console.drawing import describe
from bot.chat.mirror import Mirror
from bot.chat.views import Person, Reply, decode_view, plain
from bot.clock import ManualClock
from bot.commands.completion import Completion
from bot.commands.dispatch import Dispatcher, Invocation
from bot.commands.services import Services
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.card import card
from bot.incidents.grading import SplitOff
from bot.incidents.history import History
from bot.incidents.mirroring import Mirroring
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Suspect
from bot.incidents.pictures import Pictures
from bot.incidents.service import Causes, Incidents
from bot.incidents.silences import Silences
from bot.incidents.updates import follow_updates
from bot.responders import recipients
from bot.responders.naming import authors, people
from bot.responders.owners import Owners
from bot.responders.paging import Paging
from bot.retros.service import Retros
from bot.runbooks import actions
from bot.runbooks.service import Runbooks
from bot.storage import tables
from bot.storage.database import Database, Transaction
from bot.telemetry import Metrics
from correlation.alert import Change
from tests import sqlite
from tests.drawn import drawn_here
from tests.rows import alert_row, keep_incident

ROBIN, MIKA, SAM = Person("robin", "Robin Vos"), Person("mika", "Mika Laine"), Person("sam", "Sam Okafor")

CATALOG = """
defaults: {escalation: standard}
people:
  robin: {name: Robin Vos, email: robin@example.org, github: rvos, slack: U01ROBIN}
  mika: {name: Mika Laine, email: mika@example.org, github: mlaine}
  sam: {name: Sam Okafor, email: sam@example.org}
teams:
  payments: {members: [robin, mika], schedule: payments}
  web: {members: [sam]}
services:
  checkout: {team: payments, tier: 1, depends_on: [payments-api, cart]}
  payments-api: {team: payments, tier: 1, repositories: [example/payments-api]}
  cart: {team: web, tier: 2}
schedules:
  payments: {layers: [{rotation: weekly, handover: "Mon 09:00", start: 2026-01-05, people: [robin, mika]}]}
escalations:
  standard: {steps: [{page: on-call, wait: 5m}]}
runbooks:
  restart-checkout:
    title: Restart one checkout instance
    match: ['service="checkout"']
    risk: low
    run_by: [team:payments]
    approve: {people: 1, by: [team:payments], expires: 15m}
    parameters:
      instance: {type: string, pattern: "checkout-[0-9]+"}
    steps:
      - command: [echo, "restarting {{ instance }}"]
  show-disk:
    title: Show what fills the disk
    match: ['name="DiskFull"']
    risk: low
    run_by: [anyone]
    steps:
      - command: [echo, "disk is fine"]
"""

DEPLOY = Change(
    id="github:deployment:7",
    at=0.0,
    title="Retry the payment once",
    service="payments-api",
    revision="a1b2c3d",
    url="https://git.example.org/payments/commit/a1b2c3d",
    author_name="Robin Vos",
    author_login="rvos",
    source="github",
)


@dataclass
class Corrections:
    """The engine's side of merge and split: nothing but the rows."""

    database: Database

    async def merge(self, kept: int, lost: int, may: Callable, then: Callable) -> None:
        async with self.database.transaction() as work:
            await may(work)
            await then(work, _forgotten)

    async def weigh(self, number: int, then: Callable[[Transaction, Causes], Awaitable[None]]) -> None:
        async with self.database.transaction() as work:
            await then(work, _forgotten)

    async def split(
        self,
        number: int,
        alerts: Sequence[int],
        then: Callable[[Transaction, SplitOff, Causes, Causes], Awaitable[None]],
    ) -> None:
        async with self.database.transaction() as work:
            group = {"id": "G900", "opened_at": 0.0}
            await work.connection.execute(insert(tables.groups).values(group))
            chosen = tables.alerts.c.id.in_(alerts)
            await work.connection.execute(update(tables.alerts).where(chosen).values(group_id="G900"))
            await then(
                work, SplitOff(group="G900", title="checkout latency high", severity="SEV3"), _forgotten, _forgotten
            )


async def _forgotten(_: object) -> None:
    """An engine that no longer knows of the group."""


@dataclass(kw_only=True)
class World:
    clock: ManualClock
    database: Database
    services: Services
    dispatcher: Dispatcher
    catalogs: list[Catalog]
    requests: int = 0

    async def say(
        self,
        text: str,
        *,
        actor: Person = MIKA,
        room: int | None = None,
        request: str = "",
        platform: str = "console",
        roles: tuple[str, ...] = (),
        menu: bool = False,
    ) -> Reply:
        """Type a command; in the room of an incident when one is given."""
        self.requests += 1
        return await self.dispatcher.run(
            Invocation(
                text=text,
                actor=actor,
                platform=platform,
                room=f"inc-{room}" if room else "lobby",
                incident=room,
                request_id=request or f"r{self.requests}",
                roles=roles,
                menu=menu,
            )
        )

    async def complete(
        self, line: str, *, actor: Person = MIKA, room: int | None = None
    ) -> tuple[int, list[Completion]]:
        return await self.dispatcher.complete(line, actor, room)

    async def offers(self, line: str, *, actor: Person = MIKA, room: int | None = None) -> list[str]:
        """The values that completion offers."""
        return [one.value for one in (await self.complete(line, actor=actor, room=room))[1]]

    async def opened(self, *, alerts: int = 3, firing: int | None = None, before: float = 240.0, **fields: Any) -> int:
        """An incident that alerts opened `before` seconds ago, one of them on cart, the others on checkout."""
        at = self.clock.now() - before
        firing = alerts if firing is None else firing
        values: dict[str, Any] = {
            "services": [("checkout", alerts - 1), ("cart", 1)] if alerts > 1 else [("checkout", 1)],
            "alert_count": alerts,
            "firing_count": firing,
            "cause": Cause(service="payments-api", words="first to fail, 2 depend on it", score=0.8),
        }
        async with self.database.transaction() as work:
            incident = await keep_incident(work, at, **(values | fields))
            taken = (await work.connection.execute(select(tables.alerts.c.id))).scalars().all()
            first = max(taken, default=10) + 1
            rows = [
                alert_row(
                    first + index,
                    at + index,
                    name="CheckoutLatencyHigh" if index else "DiskFull",
                    service="checkout" if index else "cart",
                    host=f"checkout-{index}" if index else "cart-1",
                    severity="critical" if index == 1 else "error",
                    status="firing" if index < firing else "resolved",
                    count=40 if index == 1 else 1,
                    last_seen=at + index + 60,
                    group_id=f"G{incident.number}",
                    reason="severity is critical" if not index else "same service, 8 s after the last",
                    evidence_json="[]" if not index else '[{"term":"text","score":0.82,"words":"0.82 alike in text"}]',
                )
                for index in range(alerts)
            ]
            if rows:
                await work.connection.execute(insert(tables.alerts), rows)
        return incident.number

    async def changed(self, number: int, *changes: Change, suspect: bool = True) -> None:
        """Changes on the ledger; they are the incident's suspects, in this order."""
        async with self.database.transaction() as work:
            await ledger.record(work, changes)
            if suspect:
                incident = await store.load(work.connection, number)
                incident.suspects = [
                    Suspect(
                        change=one.id, score=0.9, reasons=("deployed it 3 min before the first alert", "1 hop upstream")
                    )
                    for one in changes
                ]
                await store.save(work, incident)

    def deploy(self, *, before: float = 420.0, **fields: Any) -> Change:
        """A deploy of payments-api by Robin."""
        return msgspec.structs.replace(DEPLOY, at=self.clock.now() - before, **fields)

    async def incident(self, number: int) -> Incident:
        return await self.services.incidents.get(number)

    async def card(self, number: int) -> str:
        """The card's words now."""
        person = self.services.person
        return describe(card(await self.incident(number), person, {}, lambda change: change.author_name))

    async def announced(self, kind: str = "post") -> list[str]:
        """What the rooms are told (`post`), or people alone (`direct`), in plain words."""
        async with self.database.reading() as connection:
            query = select(tables.effects).where(tables.effects.c.kind == kind).order_by(tables.effects.c.id)
            rows = list(await connection.execute(query))
        found = []
        for row in rows:
            view: Any = decode_view(msgspec.json.decode(row.payload_json)["view"])
            lines = [view.text, *view.details] if hasattr(view, "text") else [view.headline, view.body]
            found.append(" / ".join(plain(line) for line in lines))
        return found

    async def effects(self, kind: str) -> list[dict[str, Any]]:
        async with self.database.reading() as connection:
            query = select(tables.effects).where(tables.effects.c.kind == kind).order_by(tables.effects.c.id)
            return [
                msgspec.json.decode(row.payload_json) | {"lane": row.lane} for row in await connection.execute(query)
            ]

    async def story(self, number: int) -> list[str]:
        async with self.database.reading() as connection:
            return [entry.text for entry in await timeline.read(connection, number)]


def shown(reply: Reply) -> str:
    """The whole reply in plain words, a line for each of its lines."""
    return "\n".join(plain(line) for line in (reply.text, *reply.details))


@asynccontextmanager
async def world(folder: Path, *, catalog: str | None = CATALOG, url: str = "") -> AsyncIterator[World]:
    clock = ManualClock()
    database = await Database.open(url or sqlite.url(folder))
    if catalog is not None:
        (folder / "catalog.yaml").write_text(catalog)
    catalogs = [Catalog.empty() if catalog is None else load(folder / "catalog.yaml")]

    def current() -> Catalog:
        return catalogs[-1]

    def person(key: str) -> Person:
        known = current().people.get(key)
        return Person(key, known.name if known else key.removeprefix("guest:"))

    metrics = Metrics()
    announcements = Announcements(["console"], current, person)
    paging = Paging(
        database,
        clock,
        catalog=current,
        announcements=announcements,
        person=person,
        platforms=["console"],
        metrics=metrics,
    )
    incidents = Incidents(
        database,
        clock,
        reactions=(timeline.record, announcements, paging, follow_updates),
        card=announcements.refresh_card,
        names=lambda key: person(key).name,
        grouping=Corrections(database),
    )
    runbooks = Runbooks(
        database,
        clock,
        catalog=current,
        announcements=announcements,
        person=person,
        policies=recipients,
        actions=actions.discover(),
        environment={},
        metrics=metrics,
    )
    services = Services(
        database=database,
        clock=clock,
        catalog=current,
        person=person,
        incidents=incidents,
        announcements=announcements,
        owners=Owners(database, clock, current, announcements),
        paging=paging,
        silences=Silences(database, clock, lambda: 0),
        runbooks=runbooks,
        history=History(database),
        mirroring=Mirroring(database, clock, Mirror(["slack", "discord"], clock), announcements),
        pictures=Pictures(database, clock, current, drawn_here),
        retros=Retros(database, clock, announcements, person=people(current), author=authors(current)),
        metrics=metrics,
    )
    dispatcher = Dispatcher(services)
    try:
        yield World(clock=clock, database=database, services=services, dispatcher=dispatcher, catalogs=catalogs)
    finally:
        await dispatcher.close()
        await runbooks.stop()
        await database.close()
