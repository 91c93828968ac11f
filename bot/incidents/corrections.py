"""People's corrections of the grouping as they are kept. Nothing is decided here; `retelling` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import insert

from bot.storage import tables
from bot.storage.database import Transaction

__all__ = ["remember"]


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
