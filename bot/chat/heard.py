"""What people say in rooms of other platforms, kept as it happens: so that a retrospective misses nothing, wherever it was said.

Every call may be repeated, and come late: a platform says things twice and out of order, and after a downtime its history is
read again. What is older than what is known changes nothing, what is news is mirrored. Nothing is shown here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.harmless import harmless
from bot.chat.mirror import Mirror
from bot.chat.views import Person
from bot.storage.database import Transaction
from bot.storage.tables import messages, rooms

__all__ = ["forget", "hear", "incident_of", "open_rooms", "room_key", "standing"]

SAID_LENGTH = 40_000  # characters of one message: Slack's, which is the longest


def room_key(platform: str, room: str) -> str:
    """How the messages of a platform's room are filed."""
    return f"{platform}:{room}"


async def hear(
    work: Transaction,
    mirror: Mirror,
    platform: str,
    room: str,
    external: str,
    *,
    at: float,
    author: Person,
    text: str,
    files: Sequence[str] = (),
    edited_at: float | None = None,
    answers: str = "",
) -> None:
    """Keep a message, or what it says now; `external` is the platform's id of it, `answers` that of the one it answers, `files` a
    line for each.

    What it said before an edit that is known, or before it was taken back, is not brought back by a late repeat.
    """
    words = harmless("\n".join((text.strip(), *files)).strip(), SAID_LENGTH)
    m = messages.c
    mine = (m.room == room_key(platform, room)) & (m.external == external)
    query = select(m.id, m.text, m.edited_at, m.taken_back_at).where(mine)
    known = (await work.connection.execute(query)).first()
    if known is None:
        values = _row(platform, room, external, at, author, words) | {
            "edited_at": edited_at,
            "answers": answers or None,
        }
        kept = await work.connection.execute(insert(messages).values(values).returning(m.id))
        message = kept.scalar_one()
        work.announce("message", id=message)
        incident = await incident_of(work.connection, platform, room)
        if incident is not None:
            await mirror.said(work, message, platform, incident)
        return
    if known.taken_back_at is not None or (edited_at or 0.0) < (known.edited_at or 0.0):
        return
    if (known.text, known.edited_at) != (words, edited_at):
        await work.connection.execute(update(messages).where(mine).values(text=words, edited_at=edited_at))
    if known.text != words:
        work.announce("edited", id=known.id)
        await mirror.changed(work, known.id)


async def forget(
    work: Transaction, mirror: Mirror, platform: str, room: str, external: str, *, at: float = 0.0
) -> None:
    """Its author took it back (`at`, where that is known): its words are forgotten, whether or not they were heard before."""
    m = messages.c
    mine = (m.room == room_key(platform, room)) & (m.external == external)
    known = (await work.connection.execute(select(m.id, m.taken_back_at).where(mine))).first()
    if known is None:
        values = _row(platform, room, external, at, Person("", ""), "") | {"taken_back_at": at}
        await work.connection.execute(insert(messages).values(values))
    elif known.taken_back_at is None:
        await work.connection.execute(update(messages).where(mine).values(text="", taken_back_at=at))
        work.announce("edited", id=known.id)
        await mirror.taken_back(work, known.id)


def _row(platform: str, room: str, external: str, at: float, author: Person, words: str) -> dict[str, Any]:
    return {
        "room": room_key(platform, room),
        "external": external,
        "at": at,
        "author": author.id,
        "author_name": author.name,
        "author_kind": "person",
        "text": words,
        "pinned": False,
    }


async def standing(connection: AsyncConnection, platform: str, room: str) -> set[str]:
    """The platform's ids of the messages of a room that nobody took back, as far as we know."""
    m = messages.c
    query = select(m.external).where(m.room == room_key(platform, room), m.taken_back_at.is_(None))
    return {str(external) for external in (await connection.execute(query)).scalars() if external}


async def incident_of(connection: AsyncConnection, platform: str, room: str) -> int | None:
    """The incident whose room this is."""
    query = select(rooms.c.incident).where(rooms.c.platform == platform, rooms.c.external == room)
    found: int | None = (await connection.execute(query)).scalar()
    return found


async def open_rooms(connection: AsyncConnection, platform: str) -> list[str]:
    """The platform's ids of all rooms that are open."""
    query = select(rooms.c.external).where(rooms.c.platform == platform, rooms.c.state == "open")
    return [str(room) for room in (await connection.execute(query)).scalars() if room]
