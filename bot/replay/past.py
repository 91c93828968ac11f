"""What a Muster's own database says of which alerts belong together: the journal's stream, labelled by what people made of it.

Nothing is learned here, and nothing is written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.chat.views import MUSTER
from bot.errors import ConfigError, MalformedPayload
from bot.incidents.muting import Muting
from bot.incidents.reading import read
from bot.incidents.reference import ref
from bot.intake.journal import Delivery, Log
from bot.intake.journal_postgres import PostgresLog
from bot.intake.journal_sqlite import SqliteLog, beside
from bot.intake.sources import discover
from bot.storage import tables
from bot.storage.database import Database
from correlation.alert import Alert, Change
from correlation.decision import Decision
from correlation.evaluation import UNJUDGED

__all__ = ["CORRECTIONS", "Past", "Told", "opened"]

CORRECTIONS = 4  # merges and splits by people, below which there is nothing that Muster does not do already
DELIVERIES = 500  # read at once
BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one delivery told the engine."""

    changes: list[Change]
    alerts: list[Alert]


@dataclass(slots=True, kw_only=True)
class Past:
    """The stream and who knows about it. `corrections`: merges and splits by people; `judged`: incidents they had a hand in."""

    database: Database
    journal: Log
    catalog: Catalog
    corrections: int
    judged: frozenset[int]
    _stays: dict[str, list[tuple[float, float, int]]] = field(repr=False)

    def label(self, decision: Decision) -> str:
        """The incident that people left an alert in; unknown where nobody looked."""
        stays = self._stays.get(decision.fingerprint, ())
        place = bisect_right(stays, decision.last_seen, key=lambda stay: stay[0]) - 1
        if place < 0 or decision.last_seen > stays[place][1]:
            return UNJUDGED
        return ref(stays[place][2])

    async def stream(self, heard: Callable[[Delivery], None] = lambda _: None) -> AsyncIterator[Told]:
        """What the engine was told, as the catalogue completes it now; what a silence held is left out."""
        sources = discover()
        async with self.database.reading() as connection:
            muting = await Muting.load(connection)
        position = 0
        while deliveries := await self.journal.read(position, DELIVERIES, BYTES):
            position = deliveries[-1].id
            for delivery in deliveries:
                heard(delivery)
                try:
                    reading = read(delivery, sources, self.catalog, muting)
                except MalformedPayload:  # this version of its source no longer understands it
                    continue
                alerts = [
                    alert
                    if alert.at <= delivery.received_at
                    else msgspec.structs.replace(alert, at=delivery.received_at)
                    for alert, muted in zip(reading.alerts, reading.muted, strict=True)
                    if muted is None
                ]
                yield Told(changes=reading.changes, alerts=alerts)

    async def close(self) -> None:
        """Let go of the journal and the database."""
        await self.journal.close()
        await self.database.close()


async def opened(database_url: str, catalog: Catalog, called: str) -> Past:
    """The past of the Muster whose database this is; it may be running. ConfigError where there is no journal.

    `called` is the name by which whoever gave the address knows it.
    """
    database = await Database.open(database_url, called)
    try:
        journal = await _journal(database)
        async with database.reading() as connection:
            count = select(func.count()).select_from(tables.feedback)
            corrections = int((await connection.execute(count)).scalar_one())
            judged = await _judged(connection)
            stays = await _stays(connection, judged)
    except BaseException:
        await database.close()
        raise
    return Past(
        database=database,
        journal=journal,
        catalog=catalog,
        corrections=corrections,
        judged=frozenset(judged.values()),
        _stays=stays,
    )


async def _journal(database: Database) -> Log:
    file = database.file
    if file is None:
        journal: Log = PostgresLog(database.url)
    elif beside(file).exists():
        journal = SqliteLog(beside(file))
    else:
        raise ConfigError(f"There is no journal at {beside(file)}: it is kept beside the database.")
    await journal.open()
    return journal


async def _judged(connection: AsyncConnection) -> dict[int, int]:
    """Incidents that a person took, ended or corrected, and what each was merged into: itself, if it was not."""
    i, g, f = tables.incidents.c, tables.groups.c, tables.feedback.c
    into = {
        row.number: row.merged_into
        for row in await connection.execute(select(i.number, i.merged_into).where(i.merged_into.is_not(None)))
    }
    corrected = select(g.incident).where(or_(g.id.in_(select(f.group_id)), g.id.in_(select(f.other))))
    hand = or_(
        i.acknowledged_by.is_not(None) & (i.acknowledged_by != MUSTER.id),
        i.resolved_by.is_not(None) & (i.resolved_by != MUSTER.id),
        i.number.in_(corrected),
    )
    judged = {}
    for number in (await connection.execute(select(i.number).where(hand).order_by(i.number))).scalars():
        last = number
        while last in into:
            last = into[last]
        judged[number] = last
    return judged


async def _stays(connection: AsyncConnection, judged: dict[int, int]) -> dict[str, list[tuple[float, float, int]]]:
    """For each fingerprint, from when to when it was in which of these incidents, in order."""
    a, g = tables.alerts.c, tables.groups.c
    query = (
        select(a.fingerprint, a.first_seen, a.last_seen, g.incident)
        .join(tables.groups, a.group_id == g.id)
        .where(g.incident.is_not(None))
        .order_by(a.first_seen, a.id)
    )
    found: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    final = set(judged.values())
    for row in await connection.execute(query):
        number = judged.get(row.incident, row.incident)
        if number in final:
            found[row.fingerprint].append((row.first_seen, row.last_seen, number))
    return dict(found)
