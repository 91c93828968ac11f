"""The rows in which the engine is kept: up to where the database is, and its newest states. What those hold is not read here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = ["READER", "heard_up_to", "keep_state", "newest_numbers", "note_heard", "states_up_to"]

READER = "pipeline"
KEPT = 2  # states beside the newest


async def heard_up_to(connection: AsyncConnection) -> int:
    """The delivery up to which everything is in the database."""
    query = select(tables.cursors.c.position).where(tables.cursors.c.reader == READER)
    return int((await connection.execute(query)).scalar() or 0)


async def note_heard(work: Transaction, position: int) -> None:
    """From this transaction on everything up to `position` is in the database."""
    statement = upsert(work.connection, tables.cursors).values(reader=READER, position=position)
    await work.connection.execute(
        statement.on_conflict_do_update(index_elements=["reader"], set_={"position": statement.excluded.position})
    )


async def states_up_to(connection: AsyncConnection, position: int) -> Sequence[Row[Any]]:
    """The states from which everything up to `position` can be told again, newest first."""
    states = tables.engine_states
    query = select(states).where(states.c.position <= position).order_by(states.c.position.desc())
    return (await connection.execute(query)).all()


async def keep_state(work: Transaction, values: dict[str, Any]) -> None:
    """Keep a state instead of those of its position or later, which are of another past; of older ones the newest stay."""
    states = tables.engine_states
    await work.connection.execute(delete(states).where(states.c.position >= values["position"]))
    await work.connection.execute(insert(states).values(values))
    older = select(states.c.position).order_by(states.c.position.desc()).offset(KEPT)
    await work.connection.execute(delete(states).where(states.c.position.in_(older)))


async def newest_numbers(connection: AsyncConnection) -> tuple[int, int]:
    """The last episode and the last group that the database knows of."""
    episode = (await connection.execute(select(func.max(tables.alerts.c.id)))).scalar() or 0
    ids = tables.groups.c.id
    query = select(ids).order_by(func.length(ids).desc(), ids.desc()).limit(1)
    last = (await connection.execute(query)).scalar()
    return int(episode), int(last[1:]) if last else 0
