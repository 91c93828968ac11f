"""Telling an engine again what it heard: the journal's deliveries, and what it was told between them. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row

from bot.engine.host import Host
from bot.engine.messages import Done, Hear, Lesson, Merge, NumberFrom, Reading, Refused, Skipped, Split, Teach, expect
from bot.incidents.reference import ref
from bot.incidents.snapshots import newest_numbers
from bot.intake.journal import Delivery, Journal
from bot.storage.database import Database
from bot.telemetry import get_logger
from correlation.beginnings import Kind

__all__ = ["Between", "number_on", "tell_again"]

log = get_logger(__name__)

AT_ONCE = 500  # deliveries

_seen = msgspec.json.Decoder(list[tuple[float, Kind]])


@dataclass(frozen=True, slots=True)
class Between:
    """What the engine was told after the delivery `position`."""

    position: int
    request: Merge | Split | Teach

    @classmethod
    def of_correction(cls, row: Row[Any]) -> Between:
        """A row of the table `feedback`."""
        if row.kind == "merge":
            return cls(row.position, Merge(row.group_id, row.other))
        return cls(row.position, Split(row.group_id, msgspec.json.decode(row.episodes_json, type=list[int])))

    @classmethod
    def of_lesson(cls, row: Row[Any]) -> Between:
        """A row of the table `lessons`."""
        seen = tuple(_seen.decode(row.seen_json)) if row.resolved_at is not None else ()
        learned = Lesson(id=row.id, position=row.position, incident=ref(row.incident), seen=seen, until=row.resolved_at)
        return cls(row.position, Teach([learned]))


async def tell_again(
    host: Host,
    journal: Journal,
    readings: Callable[[Sequence[Delivery]], Awaitable[list[Reading]]],
    between: Sequence[Between],
    *,
    after: int,
    up_to: int,
) -> int:
    """Tell what the engine heard after one position up to another, the rest in its place; returns the number of alerts.

    Its answers are in the database already.
    """
    waiting, told = sorted(between, key=lambda one: one.position), 0
    while after < up_to:
        deliveries = await journal.read(after, AT_ONCE)
        left = await readings([delivery for delivery in deliveries if delivery.id <= up_to])
        if not left:
            break
        after = left[-1].position
        while left:
            before = [one for one in left if not waiting or one.position <= waiting[0].position]
            if before:
                expect(await host.ask(Hear(before)), Done)
                told += sum(len(reading.alerts) for reading in before)
                left = left[len(before) :]
            else:
                await _tell(host, waiting.pop(0))
    for one in waiting:
        await _tell(host, one)
    return told


async def _tell(host: Host, one: Between) -> None:
    answer = await host.ask(one.request)
    if isinstance(answer, Refused):  # the engine differs from what people saw
        log.warning("correction_lost", correction=repr(one.request)[:200], reason=answer.reason)


async def number_on(host: Host, database: Database) -> bool:
    """Go on above every number that the database knows, for none may be given twice; whether that skips any."""
    async with database.reading() as connection:
        episode, group = await newest_numbers(connection)
    return expect(await host.ask(NumberFrom(episode + 1, group + 1)), Skipped).any
