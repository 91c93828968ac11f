"""The outbox: chat effects as rows, written in the transaction that makes them necessary. Sending them is the relay's.

A lane is an ordered stream of effects. Pending effects of one lane with the same subject are one (card edits coalesce); effects
without a subject (posts, pages) never merge and never vanish.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = [
    "Effect",
    "Ready",
    "enqueue",
    "pending",
    "person_lane",
    "postpone",
    "ready",
    "room_lane",
    "settle",
    "waiting",
]

_effects = tables.effects
_COALESCE = text("state = 'pending' AND subject IS NOT NULL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One chat side effect. `nonce` is the same however often it is tried; `generation` grows when it is asked for again."""

    id: int
    platform: str
    lane: str
    kind: str
    subject: str | None
    incident: int | None
    payload: dict[str, Any]
    generation: int
    attempts: int
    not_before: float
    created_at: float

    @property
    def nonce(self) -> str:
        """What makes a repeated send recognisable."""
        return f"effect:{self.id}"


class Ready(NamedTuple):
    """A lane has effects of a kind; none of them may be sent before that moment."""

    lane: str
    kind: str
    not_before: float


def room_lane(platform: str, incident: int) -> str:
    """The lane of an incident's room."""
    return f"{platform}:INC-{incident}"


def person_lane(platform: str, person: str) -> str:
    """The lane of one person's direct messages."""
    return f"{platform}:@{person}"


async def enqueue(
    work: Transaction,
    *,
    platform: str,
    lane: str,
    kind: str,
    payload: dict[str, Any],
    at: float,
    subject: str | None = None,
    incident: int | None = None,
) -> None:
    """Ask for an effect; it is sent after the commit, behind what its lane already holds."""
    values = {
        "platform": platform,
        "lane": lane,
        "kind": kind,
        "subject": subject,
        "incident": incident,
        "payload_json": msgspec.json.encode(payload).decode(),
        "state": "pending",
        "generation": 0,
        "attempts": 0,
        "not_before": 0.0,  # at once, also when the clock is set back meanwhile
        "created_at": at,
    }
    if subject is None:
        await work.connection.execute(insert(_effects).values(values))
    else:
        statement = upsert(work.connection, _effects).values(values)
        await work.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["lane", "subject"],
                index_where=_COALESCE,
                set_={"payload_json": statement.excluded.payload_json, "generation": _effects.c.generation + 1},
            )
        )
    work.announce("effects")


async def ready(connection: AsyncConnection) -> list[Ready]:
    """What waits, by lane and kind; the lane that has waited for longest is first."""
    e = _effects.c
    query = (
        select(e.lane, e.kind, func.min(e.not_before))
        .where(e.state == "pending")
        .group_by(e.lane, e.kind)
        .order_by(func.min(e.id))
    )
    return [Ready(*row) for row in await connection.execute(query)]


async def pending(
    connection: AsyncConnection, lane: str, *, without: Collection[str] = (), limit: int = 20
) -> list[Effect]:
    """The lane's next effects, in order, `without` those of these kinds."""
    query = (
        select(_effects)
        .where(_effects.c.lane == lane, _effects.c.state == "pending", _effects.c.kind.not_in(without))
        .order_by(_effects.c.id)
        .limit(limit)
    )
    return [
        Effect(
            id=r.id,
            platform=r.platform,
            lane=r.lane,
            kind=r.kind,
            subject=r.subject,
            incident=r.incident,
            payload=msgspec.json.decode(r.payload_json),
            generation=r.generation,
            attempts=r.attempts,
            not_before=r.not_before,
            created_at=r.created_at,
        )
        for r in await connection.execute(query)
    ]


async def waiting(connection: AsyncConnection, platform: str) -> int:
    """How many effects wait to be sent to a platform."""
    query = select(func.count()).where(_effects.c.state == "pending", _effects.c.platform == platform)
    return int((await connection.execute(query)).scalar_one())


async def settle(work: Transaction, effect: Effect, state: str, at: float, error: str = "") -> None:
    """The effect is done, dropped or dead; one that was asked for again meanwhile stays pending."""
    settled = await work.connection.execute(
        update(_effects)
        .where(_effects.c.id == effect.id, _effects.c.generation == effect.generation)
        .values(state=state, settled_at=at, error=error, attempts=effect.attempts + 1)
    )
    if settled.rowcount == 0:
        await work.connection.execute(update(_effects).where(_effects.c.id == effect.id).values(attempts=0))
        work.announce("effects")


async def postpone(work: Transaction, effect: Effect, not_before: float, error: str) -> None:
    """It did not arrive; try again then. Its lane waits with it."""
    await work.connection.execute(
        update(_effects)
        .where(_effects.c.id == effect.id)
        .values(attempts=effect.attempts + 1, not_before=not_before, error=error)
    )
