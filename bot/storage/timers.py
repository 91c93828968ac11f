"""Things to do later, as rows: who sets one does so in the transaction of what it belongs to, so a restart loses none.

What a timer means is its owner's; when it fires is the scheduler's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = ["Timer", "cancel", "due", "find", "schedule", "take"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Something to do at `due`. There is at most one of a `kind` for each `key`."""

    id: int
    kind: str
    key: str
    due: float
    payload: dict[str, Any]


async def schedule(work: Transaction, kind: str, key: str, due: float, payload: dict[str, Any]) -> None:
    """Set a timer, or move the one of that kind and key."""
    values = {"due": due, "payload_json": msgspec.json.encode(payload).decode()}
    statement = upsert(work.connection, tables.timers).values(kind=kind, key=key, **values)
    await work.connection.execute(statement.on_conflict_do_update(index_elements=["kind", "key"], set_=values))
    work.announce("timer", due=due)


async def cancel(work: Transaction, kind: str, key: str | None = None, *, prefix: str | None = None) -> int:
    """Forget the timer of that key, those whose keys begin with `prefix`, or all of the kind; returns how many there were."""
    t = tables.timers.c
    statement = delete(tables.timers).where(t.kind == kind)
    if key is not None:
        statement = statement.where(t.key == key)
    if prefix is not None:
        statement = statement.where(func.substr(t.key, 1, len(prefix)) == prefix)
    return int((await work.connection.execute(statement)).rowcount)


async def find(connection: AsyncConnection, kind: str, key: str) -> Timer | None:
    """The timer of that kind and key, or None."""
    t = tables.timers.c
    row = (await connection.execute(select(tables.timers).where(t.kind == kind, t.key == key))).first()
    return _timer(row) if row else None


async def due(connection: AsyncConnection, at: float, *, limit: int) -> list[Timer]:
    """Timers whose time has come, the longest overdue first."""
    t = tables.timers.c
    query = select(tables.timers).where(t.due <= at).order_by(t.due, t.id).limit(limit)
    return [_timer(row) for row in await connection.execute(query)]


async def take(work: Transaction, timer: Timer) -> bool:
    """Remove the timer in the transaction that does what it is for; False when it was cancelled or moved meanwhile."""
    t = tables.timers.c
    statement = delete(tables.timers).where(t.id == timer.id, t.key == timer.key, t.due == timer.due)
    return bool((await work.connection.execute(statement)).rowcount)


def _timer(row: Any) -> Timer:
    return Timer(id=row.id, kind=row.kind, key=row.key, due=row.due, payload=msgspec.json.decode(row.payload_json))
