"""The timeline: what happened in an incident, append-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import Person
from bot.storage import tables
from bot.storage.database import Transaction

__all__ = ["Entry", "append", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline; `kind` is one word (declared, acknowledged, note, page, runbook, ...), `actor` a person's id."""

    id: int
    at: float
    kind: str
    actor: str
    text: str
    data: dict[str, Any]


async def append(work: Transaction, incident: int, at: float, kind: str, actor: Person, text: str, **data: Any) -> None:
    """Write one line. `text` is a whole sentence that stands by itself in a retrospective."""
    await work.connection.execute(
        insert(tables.timeline).values(
            incident=incident, at=at, kind=kind, actor=actor.id, text=text, data_json=msgspec.json.encode(data).decode()
        )
    )
    work.announce("incident", number=incident)


async def read(connection: AsyncConnection, incident: int, *, after: int = 0, limit: int = 10_000) -> list[Entry]:
    """The incident's lines in the order in which they were written."""
    query = (
        select(tables.timeline)
        .where(tables.timeline.c.incident == incident, tables.timeline.c.id > after)
        .order_by(tables.timeline.c.id)
        .limit(limit)
    )
    return [
        Entry(id=r.id, at=r.at, kind=r.kind, actor=r.actor, text=r.text, data=msgspec.json.decode(r.data_json))
        for r in await connection.execute(query)
    ]
