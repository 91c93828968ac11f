"""Paging in a small world: real database, outbox, relay and scheduler; a chat platform that records; a clock moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load
from bot.chat.gateway import Gateway, Invitation, PostedMessage, RoomRequest
from bot.chat.relay import Relay
from bot.chat.views import MUSTER, Notice, Page, Person, View, plain
from bot.clock import ManualClock
from bot.errors import DeliveryError
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.effects import RoomEffects
from bot.incidents.events import Declared
from bot.incidents.model import Incident
from bot.incidents.service import Incidents
from bot.responders.paging import Paging
from bot.scheduler import Scheduler
from bot.storage import tables
from bot.storage.database import Database
from bot.telemetry import Metrics
from tests import sqlite
from tests.rows import keep_incident

ROBIN, MIKA, SAM = Person("robin", "Robin Vos"), Person("mika", "Mika Laine"), Person("sam", "Sam Okafor")
PEOPLE = {person.id: person for person in (ROBIN, MIKA, SAM)}

CATALOG = """
defaults: {escalation: standard}
people:
  robin: {name: Robin Vos}
  mika: {name: Mika Laine}
  sam: {name: Sam Okafor}
teams:
  payments: {members: [robin, mika], schedule: payments}
  web: {members: [sam]}
services:
  checkout: {team: payments, tier: 1}
  cart: {team: web, tier: 2}
schedules:
  payments: {layers: [{rotation: weekly, handover: "Mon 09:00", start: 2026-01-05, people: [robin, mika]}]}
escalations:
  standard:
    steps:
      - {page: on-call, wait: 5m}
      - {page: team, wait: 10m}
      - {page: [sam], wait: 2m, repeat: 2}
"""


def person(name: str) -> Person:
    return PEOPLE.get(name) or Person(name, name.removeprefix("guest:"))


class Recording:
    """A chat platform that remembers; `trouble` is raised for a person."""

    def __init__(self, platform: str = "console") -> None:
        self.platform = platform
        self.now: Callable[[], float] = lambda: 0.0
        self.moments: list[float] = []
        self.rooms: dict[str, list[str]] = {}
        self.shown: dict[PostedMessage, View] = {}
        self.nonces: dict[str, PostedMessage] = {}
        self.sent: list[tuple[str, View]] = []  # every direct message, to whom
        self.invited: list[str] = []
        self.trouble: dict[str, DeliveryError] = {}

    async def open_room(self, request: RoomRequest) -> str:
        return request.marker

    async def post(self, room: str, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        if nonce not in self.nonces:
            self.nonces[nonce] = PostedMessage(room=room, message=f"m{len(self.nonces)}")
            self.shown[self.nonces[nonce]] = view
        return self.nonces[nonce]

    async def direct(self, person: Person, view: View, *, nonce: str, since: float = 0.0) -> PostedMessage:
        if person.id in self.trouble:
            raise self.trouble[person.id]
        if nonce not in self.nonces:
            self.sent.append((person.id, view))
            self.moments.append(self.now())
        return await self.post(f"@{person.id}", view, nonce=nonce)

    async def edit(self, message: PostedMessage, view: View) -> None:
        assert message in self.shown
        self.shown[message] = view

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        self.invited.extend(person.id for person in people)
        return Invitation(joined=tuple(people))

    def to(self) -> list[str]:
        """Whom it sent direct messages, in order; those of one moment by name, since lanes are independent."""
        return [to for _, to in sorted(((at, to) for (to, _), at in zip(self.sent, self.moments, strict=True)))]

    def pages_of(self, person: str) -> list[Page]:
        """What the person's pages show now."""
        return [view for at, view in self.shown.items() if at.room == f"@{person}" and isinstance(view, Page)]

    def notices(self) -> list[str]:
        """What the rooms show now, cards left out."""
        return [
            " / ".join(plain(line) for line in (view.text, *view.details))
            for at, view in self.shown.items()
            if not at.room.startswith("@") and isinstance(view, Notice)
        ]


async def only_then(*arguments: object) -> None:
    raise AssertionError(f"not asked for in these stories: {arguments}")


@dataclass
class MergesOnly:
    """The engine's side of a merge, which has nothing to do here."""

    database: Database

    async def merge(self, kept: int, lost: int, may: Callable, then: Callable) -> None:
        async def forgotten(_: object) -> None:
            return None

        async with self.database.transaction() as work:
            await may(work)
            await then(work, forgotten)

    split = only_then


@dataclass(kw_only=True)
class World:
    clock: ManualClock
    database: Database
    paging: Paging
    incidents: Incidents
    announcements: Announcements
    scheduler: Scheduler
    relay: Relay
    gateway: Recording
    metrics: Metrics
    catalog: list[Catalog] = field(default_factory=list)

    async def declare(self, *services: str, page: bool = True, invite: tuple[str, ...] = (), **fields) -> int:
        """An incident that alerts opened."""
        at = self.clock.now()
        counted = [(name, 20 - index) for index, name in enumerate(services)]
        async with self.database.transaction() as work:
            incident = await keep_incident(
                work, at, **{"services": counted, "alert_count": sum(n for _, n in counted), **fields}
            )
            await self.incidents.react(work, incident, Declared(by=MUSTER, page=page, invite=invite), at)
        return incident.number

    async def pass_time(self, seconds: float = 0.0) -> None:
        """Let time pass, and everything that is due happen."""
        self.clock.advance(seconds)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(4):  # a failed page climbs, and that sends again; edits wait a moment for each other
            await self.scheduler.tick()
            await self.relay.drain()

    async def calm(self) -> None:
        """Let edits that were held back for pacing arrive; moves the clock by some seconds."""
        for _ in range(5):
            await self.pass_time(1.0)

    async def incident(self, number: int) -> Incident:
        return await self.incidents.get(number)

    async def states(self, number: int) -> list[tuple[str, str]]:
        return [(page.person, page.state) for page in await self.paging.pages(number)]

    async def story(self, number: int) -> list[str]:
        async with self.database.reading() as connection:
            return [entry.text for entry in await timeline.read(connection, number)]

    async def effects(self, kind: str) -> list[str]:
        async with self.database.reading() as connection:
            query = select(tables.effects.c.state).where(tables.effects.c.kind == kind).order_by(tables.effects.c.id)
            return list((await connection.execute(query)).scalars())


@asynccontextmanager
async def world(
    folder: Path, *, catalog: str | None = CATALOG, clock: ManualClock | None = None, gateways: Sequence[Gateway] = ()
) -> AsyncIterator[World]:
    clock = clock or ManualClock()
    database = await Database.open(sqlite.url(folder))
    if catalog is not None:
        (folder / "catalog.yaml").write_text(catalog)
    kept = [Catalog.empty() if catalog is None else load(folder / "catalog.yaml")]
    gateways = gateways or (Recording(),)
    for gateway in gateways:
        if isinstance(gateway, Recording):
            gateway.now = clock.now
    platforms = [gateway.platform for gateway in gateways]
    metrics = Metrics()
    announcements = Announcements(platforms, lambda: kept[0], person)
    paging = Paging(
        database,
        clock,
        catalog=lambda: kept[0],
        announcements=announcements,
        person=person,
        platforms=platforms,
        metrics=metrics,
    )
    incidents = Incidents(
        database,
        clock,
        reactions=(timeline.record, announcements, paging),
        card=announcements.refresh_card,
        names=lambda name: person(name).name,
        grouping=MergesOnly(database),
    )
    scheduler = Scheduler(database, clock, paging.handlers(), metrics=metrics)
    relay = Relay(
        database,
        clock,
        gateways={gateway.platform: gateway for gateway in gateways},
        executors={
            **RoomEffects(
                database, clock, catalog=lambda: kept[0], person=person, author=lambda change: change.author_name
            ).executors(),
            **paging.executors(),
        },
        metrics=metrics,
    )
    try:
        yield World(
            clock=clock,
            database=database,
            paging=paging,
            incidents=incidents,
            announcements=announcements,
            scheduler=scheduler,
            relay=relay,
            gateway=gateways[0],
            metrics=metrics,
            catalog=kept,
        )
    finally:
        await database.close()
