"""What is kept of the engine, as it is found again: up to where the database is, and the newest state that can be read."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.telemetry import get_logger
from correlation.engine import Engine, SnapshotError

__all__ = ["READER", "heard_up_to", "newest_numbers", "newest_readable"]

READER = "pipeline"

log = get_logger(__name__)


async def heard_up_to(connection: AsyncConnection) -> int:
    """The delivery up to which everything is in the database."""
    query = select(tables.cursors.c.position).where(tables.cursors.c.reader == READER)
    return int((await connection.execute(query)).scalar() or 0)


def newest_readable(states: Sequence[Row[Any]]) -> tuple[Row[Any], Engine] | tuple[None, None]:
    """The first of these rows that this version can read, and the engine that it holds."""
    for row in states:
        try:
            return row, Engine.restore(zlib.decompress(row.state))
        except (SnapshotError, zlib.error) as error:
            log.warning("engine_snapshot_unreadable", position=row.position, reason=str(error))
    return None, None


async def newest_numbers(connection: AsyncConnection) -> tuple[int, int]:
    """The last episode and the last group that the database knows of."""
    episode = (await connection.execute(select(func.max(tables.alerts.c.id)))).scalar() or 0
    ids = tables.groups.c.id
    last = (await connection.execute(select(ids).order_by(func.length(ids).desc(), ids.desc()).limit(1))).scalar()
    return episode, int(last[1:]) if last else 0
