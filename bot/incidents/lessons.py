"""Teaches the watch how bad incidents began: those that were severe, that a person took, and that everybody may know of.

Run from time to time. What is learned is a row with its place in the journal's order, so that a replay learns it there too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import Row, Select, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import topology
from bot.chat.views import MUSTER
from bot.clock import Clock
from bot.engine.messages import Lesson
from bot.incidents import store
from bot.incidents.grouping import Grouping
from bot.incidents.history import BAD
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Announcement, Database, Transaction
from bot.telemetry import get_logger
from correlation.beginnings import MAX_STEPS, Kind
from correlation.warning import MAX_LEARNED, Patience

__all__ = ["EVERY", "Lessons"]

log = get_logger(__name__)

EVERY = 5.0  # seconds between two looks, which cost nothing where no incident changed
BEFORE = (
    Patience().window
)  # seconds before its first alert in which what began to fire there may belong to how it began
MOST_BEFORE = 16  # kinds of alerts of that time: those on what it hit and depends on first, the rarest first
MOST_KINDS = 200  # that are looked at
AT_ONCE = 8  # incidents that are learned from in one look: the event loop has its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bad:
    number: int
    resolved_at: float


class Lessons:
    """Run `study` from time to time."""

    def __init__(self, database: Database, clock: Clock, grouping: Grouping, catalog: Callable[[], Catalog]) -> None:
        self._database, self._clock, self._grouping, self._catalog = database, clock, grouping, catalog
        self._news = True
        database.subscribe(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.topic == "incident":
            self._news = True

    async def study(self) -> None:
        """Learn what ended since the last look, and forget what turned out to be no example."""
        if not self._news:
            return
        self._news = False
        try:
            await self._study()
        except BaseException:
            self._news = True
            raise

    async def _study(self) -> None:
        async with self._database.reading() as connection:
            known = await _learned(connection)
            bad = {one.number: one for one in await _bad(connection)}
            new = sorted(number for number, one in bad.items() if known.get(number) != one.resolved_at)
            gone = sorted(number for number, at in known.items() if at is not None and number not in bad)
            began = {number: await self._beginning(connection, number) for number in new[:AT_ONCE]}
        self._news = len(new) > AT_ONCE
        if not (began or gone):
            return
        now = self._clock.now()

        async def written(work: Transaction, position: int) -> list[Lesson]:
            lessons = []
            nothing: list[tuple[float, Kind]] = []
            for number, seen in (dict.fromkeys(gone, nothing) | began).items():
                until = bad[number].resolved_at if number in bad else None
                row = {
                    "at": now,
                    "position": position,
                    "incident": number,
                    "resolved_at": until,
                    "began_at": min((at for at, _ in seen), default=0.0),
                    "seen_json": msgspec.json.encode(seen).decode(),
                }
                result = await work.connection.execute(insert(tables.lessons).values(row))
                key = int(result.inserted_primary_key[0])  # type: ignore[index]  # an autoincrement key is always there
                lessons.append(Lesson(id=key, position=position, incident=ref(number), seen=tuple(seen), until=until))
            return lessons

        await self._grouping.teach(written)
        for number, seen in began.items():
            log.info("incident_learned", incident=ref(number), kinds=len(seen))

    async def _beginning(self, connection: AsyncConnection, number: int) -> list[tuple[float, Kind]]:
        """What fired before it, and in it, and when that first did; nothing of services that not everybody may know of."""
        i = tables.incidents.c
        incident = (await connection.execute(select(tables.incidents).where(i.number == number))).one()
        services = self._catalog().services
        secret = {name for name, service in services.items() if service.private}
        within = await _first(connection, _within(incident), secret)
        before = await _first(connection, _before(incident), secret)
        hit = {service for _, service in within}
        chances = await self._grouping.chances(list(before))
        graph = topology(self._catalog())
        near = hit.union(*(graph.upstream(name) for name in hit))  # and what those depend on
        ranked = sorted((kind[1] not in near, chance, kind) for kind, chance in zip(before, chances, strict=True))
        first = {kind: before[kind] for _, _, kind in ranked if kind not in within}
        first = dict(list(first.items())[:MOST_BEFORE])
        for kind, at in within.items():
            first[kind] = min(at, before.get(kind, at))
        return sorted((at, kind) for kind, at in first.items())[:MAX_STEPS]


async def _learned(connection: AsyncConnection) -> dict[int, float | None]:
    """What each incident was learned with the last time: when it was resolved, None where it is forgotten."""
    table = tables.lessons
    newest = select(func.max(table.c.id)).group_by(table.c.incident)
    query = select(table.c.incident, table.c.resolved_at).where(table.c.id.in_(newest))
    return {row.incident: row.resolved_at for row in await connection.execute(query)}


async def _bad(connection: AsyncConnection) -> list[_Bad]:
    """The newest incidents that were bad and are over."""
    i = tables.incidents.c
    query = (
        select(i.number, i.resolved_at)
        .where(i.status == "resolved", i.merged_into.is_(None), i.private.is_(False), i.severity.in_(BAD))
        .where(i.acknowledged_by.is_not(None), i.acknowledged_by != MUSTER.id, i.resolved_at.is_not(None))
        .order_by(i.number.desc())
        .limit(MAX_LEARNED)
    )
    return [_Bad(number=row.number, resolved_at=row.resolved_at) for row in await connection.execute(query)]


def _kinds() -> Select[tuple[str, str, float]]:
    a = tables.alerts.c
    what = store.WHAT
    at = func.min(a.first_seen).label("at")
    return select(what, a.service, at).group_by(what, a.service).order_by(at, what, a.service).limit(MOST_KINDS)


async def _first(
    connection: AsyncConnection, query: Select[tuple[str, str, float]], secret: Collection[str]
) -> dict[Kind, float]:
    return {(row.what, row.service): row.at for row in await connection.execute(query) if row.service not in secret}


def _within(incident: Row[tuple[int, float]]) -> Select[tuple[str, str, float]]:
    """What it was made of."""
    a, g = tables.alerts.c, tables.groups.c
    query = _kinds().join(tables.groups, a.group_id == g.id)
    return query.where(g.incident == incident.number, a.first_seen >= incident.first_alert_at - BEFORE)


def _before(incident: Row[tuple[int, float]]) -> Select[tuple[str, str, float]]:
    """What else began to fire in the same place shortly before people were called, whatever became of it."""
    a, g, i = tables.alerts.c, tables.groups.c, tables.incidents.c
    of_it = select(g.id).where(g.incident == incident.number)
    places = select(a.environment, a.location).where(a.group_id.in_(of_it)).distinct().subquery()
    private = select(g.id).join(tables.incidents, g.incident == i.number).where(i.private)
    return (
        _kinds()
        .join(places, (a.environment == places.c.environment) & (a.location == places.c.location))
        .where(a.last_seen >= incident.first_alert_at - BEFORE)  # the others are not looked at: this has an index
        .where(a.first_seen >= incident.first_alert_at - BEFORE, a.first_seen <= incident.opened_at)
        .where(or_(a.group_id.is_(None), a.group_id.not_in(private)))
    )
