"""A whole Muster without HTTP: a real database, the real pipeline and relay, the console, a clock moved by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.catalog.catalog import Catalog
from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.gateway import Gateway
from bot.chat.mirror import Mirror
from bot.chat.relay import Relay
from bot.chat.views import Person
from bot.clock import ManualClock
from bot.engine.host import Here
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.early import EarlyWarnings
from bot.incidents.effects import RoomEffects
from bot.incidents.grouping import Grouping
from bot.incidents.lessons import Lessons
from bot.incidents.mirroring import Mirroring
from bot.incidents.pipeline import Pipeline
from bot.incidents.reading import Reader
from bot.incidents.service import Incidents
from bot.incidents.writing import Writer
from bot.intake.journal import Journal
from bot.intake.journal_postgres import PostgresLog
from bot.intake.journal_sqlite import SqliteLog, beside
from bot.intake.sources import discover
from bot.storage import tables
from bot.storage.database import Database
from bot.telemetry import Metrics
from bot.turns import Turns

ROBIN = Person("robin", "Robin Vos")
MIKA = Person("mika", "Mika Laine")


def person(key: str) -> Person:
    return Person(key, {"robin": "Robin Vos", "mika": "Mika Laine"}.get(key, key))


@dataclass(kw_only=True)
class World:
    """The parts, and short words for what a story needs."""

    clock: ManualClock
    database: Database
    journal: Journal
    host: Here
    reader: Reader
    grouping: Grouping
    incidents: Incidents
    announcements: Announcements
    pipeline: Pipeline
    relay: Relay
    gateway: ConsoleGateway
    conversation: ConsoleConversation
    mirroring: Mirroring
    early: EarlyWarnings
    lessons: Lessons
    metrics: Metrics
    sources: dict[str, Any]

    async def post(self, *alerts: dict[str, Any], source: str = "generic") -> None:
        """What a webhook would keep."""
        body = json.dumps(list(alerts) if source == "generic" else alerts[0]).encode()
        accepted = self.sources[source].accepts(body, {}, self.clock.now())
        await self.journal.append(source, {}, body, self.clock.now(), None, accepted)

    async def settle(self) -> None:
        """Let everything that can happen now happen."""
        await self.pipeline.drain()
        await self.relay.drain()

    async def all_incidents(self) -> list[Any]:
        async with self.database.reading() as connection:
            return await store.listing(connection)

    async def rows(self, table: Any) -> list[Any]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(table))).all())

    async def said(self, room: str | None = None) -> list[str]:
        """What Muster said, in order, as plain text."""
        rows = await self.rows(tables.messages)
        return [row.text for row in rows if room is None or row.room == room]

    async def story(self, number: int) -> list[str]:
        async with self.database.reading() as connection:
            return [entry.kind for entry in await timeline.read(connection, number)]


@asynccontextmanager
async def world(
    url: str,
    *,
    clock: ManualClock | None = None,
    catalog: Catalog | None = None,
    platforms: tuple[str, ...] = ("console",),
    gateways: Mapping[str, Gateway] | None = None,
) -> AsyncIterator[World]:
    """Start over what the database at `url` holds; leaving it is a clean stop. `gateways` are of platforms beside the console."""
    platforms = (*platforms, *(gateways or {}))
    clock, catalog = clock or ManualClock(), catalog or Catalog.empty()
    database = await Database.open(url)
    log = SqliteLog(beside(database.file)) if database.file else PostgresLog(database.url)
    journal = await Journal(log).open()
    sources, metrics = discover(), Metrics()
    host = Here()
    reader = Reader(database, sources=sources, catalog=lambda: catalog, turns=Turns())
    grouping = Grouping(database, journal, clock, host=host, reader=reader, catalog=lambda: catalog)
    announcements = Announcements(platforms, lambda: catalog, person)
    incidents = Incidents(
        database,
        clock,
        reactions=(timeline.record, announcements),
        card=announcements.refresh_card,
        names=lambda key: person(key).name,
        grouping=grouping,
    )
    early = EarlyWarnings(database, clock, catalog=lambda: catalog, announcements=announcements, platforms=platforms)
    writer = Writer(
        clock, grouping=grouping, incidents=incidents, catalog=lambda: catalog, metrics=metrics, warnings=early
    )
    pipeline = Pipeline(database, journal, clock, reader=reader, grouping=grouping, writer=writer, metrics=metrics)
    gateway = ConsoleGateway(database, clock)
    mirroring = Mirroring(database, clock, Mirror(platforms, clock), announcements)
    rooms = RoomEffects(
        database, clock, catalog=lambda: catalog, person=person, author=lambda change: change.author_name
    )
    relay = Relay(
        database,
        clock,
        gateways={"console": gateway, **(gateways or {})},
        executors={**rooms.executors(), **mirroring.executors(rooms.in_the_room), **early.executors()},
        metrics=metrics,
    )
    try:
        yield World(
            clock=clock,
            database=database,
            journal=journal,
            host=host,
            reader=reader,
            grouping=grouping,
            incidents=incidents,
            announcements=announcements,
            pipeline=pipeline,
            relay=relay,
            gateway=gateway,
            conversation=ConsoleConversation(database, clock, mirroring.mirror),
            mirroring=mirroring,
            early=early,
            lessons=Lessons(database, clock, grouping, lambda: catalog),
            metrics=metrics,
            sources=sources,
        )
    finally:
        await journal.close()
        await database.close()
