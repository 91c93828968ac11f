"""What people say in rooms of other platforms, kept as it happens: so that a retrospective misses nothing, wherever it was said.

Every call may be repeated, and come late: a platform says things twice and out of order, and after a downtime its history is
read again. What is older than what is known changes nothing. Nothing is shown here.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.harmless import harmless
from bot.chat.views import Person
from bot.storage.database import Transaction, upsert
from bot.storage.tables import messages, rooms

__all__ = ["forget", "hear", "incident_of", "newest", "open_rooms", "room_key", "standing"]

SAID_LENGTH = 40_000  # characters of one message: Slack's, which is the longest


def room_key(platform: str, room: str) -> str:
    """How the messages of a platform's room are filed."""
    return f"{platform}:{room}"


async def hear(
    work: Transaction,
    platform: str,
    room: str,
    external: str,
    *,
    at: float,
    author: Person,
    text: str,
    files: Sequence[str] = (),
    edited_at: float | None = None,
) -> None:
    """Keep a message, or what it says now; `external` is the platform's id of it, `files` a line for each.

    What it said before an edit that is known, or before it was taken back, is not brought back by a late repeat.
    """
    words = harmless("\n".join((text.strip(), *files)).strip(), SAID_LENGTH)
    values = {
        "room": room_key(platform, room),
        "external": external,
        "at": at,
        "author": author.id,
        "author_name": author.name,
        "author_kind": "person",
        "text": words,
        "edited_at": edited_at,
        "pinned": False,
    }
    statement = upsert(work.connection, messages).values(values)
    m = messages.c
    news = m.taken_back_at.is_(None) & (func.coalesce(m.edited_at, 0.0) <= (edited_at or 0.0))
    changed = {"text": words, "edited_at": edited_at}
    await work.connection.execute(
        statement.on_conflict_do_update(index_elements=["room", "external"], set_=changed, where=news)
    )


async def forget(work: Transaction, platform: str, room: str, external: str, *, at: float = 0.0) -> None:
    """Its author took it back (`at`, where that is known): its words are forgotten, whether or not they were heard before."""
    values = {
        "room": room_key(platform, room),
        "external": external,
        "at": at,
        "author": "",
        "author_name": "",
        "author_kind": "person",
        "text": "",
        "pinned": False,
        "taken_back_at": at,
    }
    statement = upsert(work.connection, messages).values(values)
    changed = {"text": "", "taken_back_at": at}
    await work.connection.execute(statement.on_conflict_do_update(index_elements=["room", "external"], set_=changed))


async def standing(connection: AsyncConnection, platform: str, room: str) -> set[str]:
    """The platform's ids of the messages of a room that nobody took back, as far as we know."""
    m = messages.c
    query = select(m.external).where(m.room == room_key(platform, room), m.taken_back_at.is_(None))
    return {str(external) for external in (await connection.execute(query)).scalars() if external}


async def newest(connection: AsyncConnection, platform: str, room: str) -> float | None:
    """When the newest message that we know was said; None before the first."""
    m = messages.c
    query = select(func.max(m.at)).where(m.room == room_key(platform, room))
    found: float | None = (await connection.execute(query)).scalar()
    return found


async def incident_of(connection: AsyncConnection, platform: str, room: str) -> int | None:
    """The incident whose room this is."""
    query = select(rooms.c.incident).where(rooms.c.platform == platform, rooms.c.external == room)
    found: int | None = (await connection.execute(query)).scalar()
    return found


async def open_rooms(connection: AsyncConnection, platform: str) -> list[str]:
    """The platform's ids of all rooms that are open."""
    query = select(rooms.c.external).where(rooms.c.platform == platform, rooms.c.state == "open")
    return [str(room) for room in (await connection.execute(query)).scalars() if room]
