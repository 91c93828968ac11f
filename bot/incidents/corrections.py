"""People's corrections of the grouping as they are kept, and how a replay makes them again. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, insert

from bot.storage import tables
from bot.storage.database import Transaction
from bot.telemetry import get_logger
from correlation.engine import Engine, UnknownGroup

__all__ = ["correct", "remember"]

log = get_logger(__name__)


async def remember(
    work: Transaction,
    kind: Literal["merge", "split"],
    group: str,
    *,
    other: str,
    episodes: Sequence[int] = (),
    position: int,
    at: float,
) -> int:
    """Keep a correction, made after the delivery at `position`; returns its number."""
    values = {
        "at": at,
        "position": position,
        "kind": kind,
        "group_id": group,
        "other": other,
        "episodes_json": msgspec.json.encode(list(episodes)).decode(),
    }
    result = await work.connection.execute(insert(tables.feedback).values(values))
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # an autoincrement key is always there


def correct(engine: Engine, row: Row[Any]) -> None:
    """Tell an engine again what a person corrected."""
    try:
        if row.kind == "merge":
            engine.merge(row.group_id, row.other)
        else:
            engine.split(row.group_id, msgspec.json.decode(row.episodes_json))
    except (UnknownGroup, ValueError) as error:  # the replay differs from what people saw
        log.warning("correction_lost", correction=row.id, kind=row.kind, reason=str(error))
