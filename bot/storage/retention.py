"""Forgetting by policy: what may go, what must stay, in steps so small that nobody who writes has to wait. Incidents stay.

What a delivery or an alert means does not enter here. A retrospective that was drafted holds its own copy of what it tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, ColumnElement, and_, delete, exists, func, literal, not_, or_, select, text

from bot.clock import Clock
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.room import measure
from bot.telemetry import Metrics, get_logger

__all__ = ["Forgettable", "Organisation", "Policy", "Retention"]

log = get_logger(__name__)

DAY = 86_400.0  # seconds
HELD = 30 * DAY  # alerts that were held as noise
EFFECTS = 7 * DAY  # effects that arrived or were dropped
DEAD_EFFECTS = 90 * DAY  # effects that never will: the operator may want to see why
INVOCATIONS = 2 * DAY  # platforms repeat a command within minutes
SILENCES = 30 * DAY  # after their end
LESSONS = 512  # the newest are kept: many times as many as the watch remembers
AT_ONCE = 250  # rows of one transaction: some milliseconds, and the fsync
PAGES_AT_ONCE = 250  # SQLite's pages given back in one transaction
PAGES_KEPT = 1000  # SQLite's free pages that are kept for what comes next


class Policy(Protocol):
    """How long things are kept, in seconds."""

    @property
    def deliveries(self) -> float: ...
    @property
    def alerts(self) -> float: ...
    @property
    def messages(self) -> float: ...


class Organisation(Protocol):
    """The catalogue, as far as this is concerned."""

    @property
    def retention(self) -> Policy: ...


class Forgettable(Protocol):
    """The journal, as far as this is concerned."""

    async def prune(self, before: float, *, up_to: int) -> int:
        """Forget deliveries received before a moment, but none after position `up_to`."""
        ...

    async def size(self) -> int:
        """Bytes on disk."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Rows of the table that `key` identifies and `where` describes may go, in the order of `order`.

    With `resume`, the next run goes on where this one ended: what lies before is hardly ever among them, and there is much of it.
    """

    name: str
    key: Column[Any]
    where: ColumnElement[bool]
    order: Column[Any]
    resume: bool = False


class Retention:
    """Run `prune` from time to time; it may be interrupted at any moment."""

    def __init__(
        self,
        database: Database,
        journal: Forgettable,
        clock: Clock,
        *,
        catalog: Callable[[], Organisation],
        metrics: Metrics,
    ) -> None:
        self._database, self._journal, self._clock = database, journal, clock
        self._catalog, self._metrics = catalog, metrics
        self._seen: dict[str, Any] = {}  # by rule: where to resume
        self._seen_since = clock.now()

    async def prune(self) -> dict[str, int]:
        """Forget what the policy says, then measure what is left; returns how many rows of what went.

        StorageUnavailable as writing has it.
        """
        now, policy = self._clock.now(), self._catalog().retention
        if now - self._seen_since >= DAY:
            self._seen, self._seen_since = {}, now
        safe = await self._safe_position()
        gone = {"deliveries": await self._journal.prune(now - policy.deliveries, up_to=safe)}
        for rule in _rules(now, policy, safe):
            gone[rule.name] = await self._forget(rule)
        gone["pages"] = await self._give_back()
        gone = {name: count for name, count in gone.items() if count}
        if gone:
            log.info("retention_pruned", **gone)
        await measure(self._database, self._journal, self._metrics)
        return gone

    async def _safe_position(self) -> int:
        """The delivery up to which nobody needs the journal again: every reader has read it, every snapshot holds it."""
        positions = select(func.min(tables.engine_states.c.position)), select(func.min(tables.cursors.c.position))
        async with self._database.reading() as connection:
            found = [(await connection.execute(query)).scalar() for query in positions]
        return min(position or 0 for position in found)

    async def _forget(self, rule: _Rule) -> int:
        total, place = 0, self._seen.get(rule.name)
        while True:
            # Looking for them costs no writer anything; only the delete, by key, does.
            query = select(rule.key, rule.order.label("place")).where(rule.where)
            if place is not None:
                query = query.where(rule.order >= place)
            async with self._database.reading() as connection:
                rows = (await connection.execute(query.order_by(rule.order).limit(AT_ONCE))).all()
            if not rows:
                return total
            async with self._database.transaction() as work:
                # What was found may have changed meanwhile: an alert that is back is not forgotten.
                statement = delete(rule.key.table).where(rule.key.in_([row[0] for row in rows]), rule.where)
                deleted = (await work.connection.execute(statement)).rowcount
            total += deleted
            if not deleted:
                return total
            place = rows[-1].place
            if rule.resume:
                self._seen[rule.name] = place
            await asyncio.sleep(0)

    async def _give_back(self) -> int:
        """SQLite: give the pages that fell free back to the disk. (PostgreSQL looks after itself.)"""
        if self._database.dialect != "sqlite":
            return 0
        total = 0
        while True:
            async with self._database.transaction() as work:
                free = (await work.connection.execute(text("PRAGMA freelist_count"))).scalar_one()
                surplus = min(int(free) - PAGES_KEPT, PAGES_AT_ONCE)
                if surplus <= 0:
                    return total
                raw = await work.connection.get_raw_connection()
                driver: Any = raw.driver_connection
                # Only a script is stepped to its end: executed as a query, the pragma gives back a single page.
                await (await driver.executescript(f"PRAGMA incremental_vacuum({surplus})")).close()
                left = (await work.connection.execute(text("PRAGMA freelist_count"))).scalar_one()
            if left >= free:
                return total  # a file from before it could give space back
            total += int(free) - int(left)
            await asyncio.sleep(0)


def _rules(now: float, policy: Policy, safe: int) -> list[_Rule]:
    a, g, i, m = tables.alerts.c, tables.groups.c, tables.incidents.c, tables.messages.c
    e, s, c, f, r = tables.effects.c, tables.silences.c, tables.changes.c, tables.feedback.c, tables.rooms.c
    le, w = tables.lessons.c, tables.warnings.c
    taught = select(func.max(le.id) - LESSONS).scalar_subquery()
    open_incident = exists().where(g.id == a.group_id, i.number == g.incident, i.status != "resolved")
    open_rooms = (
        select(tables.console_rooms.c.id)
        .join(tables.incidents, tables.console_rooms.c.incident == i.number)
        .where(i.status != "resolved")
        .union(
            select(r.platform + ":" + r.external)
            .join(tables.incidents, r.incident == i.number)
            .where(i.status != "resolved", r.external.is_not(None))
        )
    )
    suspected = exists().where(i.suspects_json.contains(literal('"') + c.id + '"'))
    old = now - policy.alerts
    return [
        _Rule(name="alerts", key=a.id, where=and_(a.last_seen < old, not_(open_incident)), order=a.last_seen),
        _Rule(
            name="held_alerts",
            key=a.id,
            where=and_(a.held != "", a.last_seen < max(old, now - HELD), not_(open_incident)),
            order=a.last_seen,
            resume=True,
        ),
        _Rule(
            name="groups",
            key=g.id,
            where=and_(g.incident.is_(None), g.opened_at < old, not_(exists().where(a.group_id == g.id))),
            order=g.id,
        ),
        _Rule(name="changes", key=c.id, where=and_(c.at < old, not_(suspected)), order=c.at),
        _Rule(
            name="messages",
            key=m.id,
            where=and_(m.at < now - policy.messages, m.room.not_in(open_rooms)),
            order=m.at,
        ),
        _Rule(
            name="effects",
            key=e.id,
            where=or_(
                and_(e.state.in_(["done", "dropped"]), e.settled_at < now - EFFECTS),
                and_(e.state == "dead", e.settled_at < now - DEAD_EFFECTS),
            ),
            order=e.id,
        ),
        _Rule(
            name="invocations",
            key=tables.invocations.c.request_id,
            where=tables.invocations.c.at < now - INVOCATIONS,
            order=tables.invocations.c.at,
        ),
        _Rule(name="feedback", key=f.id, where=and_(f.at < old, f.position <= safe), order=f.id),
        _Rule(name="lessons", key=le.id, where=and_(le.id <= taught, le.position <= safe), order=le.id),
        _Rule(name="warnings", key=w.id, where=and_(w.at < old, w.came.is_not(None)), order=w.id),
        _Rule(
            name="silences",
            key=s.id,
            where=or_(
                s.ends_at < now - SILENCES,
                and_(s.until_position <= safe, s.created_at < now - SILENCES),
            ),
            order=s.id,
        ),
    ]
