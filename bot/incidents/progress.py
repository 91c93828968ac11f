"""A message that is edited as something goes on, not said anew: which one it is, kept by a key. What it says is the caller's."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.relay import Settlement
from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = ["kept", "standing"]

_messages = tables.progress_messages


async def standing(connection: AsyncConnection, key: str) -> str | None:
    """The message that stands for `key`; None when nothing was said yet."""
    found: str | None = await connection.scalar(select(_messages.c.message).where(_messages.c.key == key))
    return found


def kept(key: str, message: str) -> Settlement:
    """For the relay to settle with: from now on it is this message that is edited."""

    async def settled(work: Transaction) -> None:
        statement = upsert(work.connection, _messages).values(key=key, message=message)
        changed = {"message": statement.excluded.message}
        await work.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed))

    return settled
