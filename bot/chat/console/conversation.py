"""What people say in the console's rooms, and reading it back, with what they said in the incident's rooms on other platforms.

Commands never come here: they are no part of a conversation.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select, tuple_

from bot.chat.console.rooms import (
    add_message,
    find_room,
    heard_in,
    homes_of,
    make_room,
    message_of,
    room_of,
    select_rooms,
)
from bot.chat.conversation import LOBBY, ConsoleRoom, Message
from bot.chat.harmless import harmless
from bot.chat.mirror import HOME, Mirror, answered
from bot.chat.views import Person
from bot.clock import Clock
from bot.errors import InvalidTransition, MalformedPayload, NotFound
from bot.storage.database import Database
from bot.storage.tables import console_rooms, messages

__all__ = ["ConsoleConversation"]

SAID_LENGTH = 4_000  # characters of one message


class ConsoleConversation:
    """Implements bot.chat.conversation.Conversation. What is said is mirrored, where there is a `mirror`."""

    def __init__(self, database: Database, clock: Clock, mirror: Mirror | None = None) -> None:
        self._database, self._clock, self._mirror = database, clock, mirror

    async def prepare(self) -> None:
        """Make sure that the lobby is there."""
        async with self._database.transaction() as work:
            await make_room(work, LOBBY, marker=LOBBY, kind="lobby", title="Lobby", at=self._clock.now())

    async def room(self, room: str) -> ConsoleRoom:
        """The room; NotFound when there is none."""
        found = await self.rooms_named([room])
        if not found:
            raise NotFound(f"There is no room {room!r}.")
        return found[0]

    async def rooms(
        self, *, person: str = "", before: tuple[float, str] | None = None, limit: int = 200
    ) -> list[ConsoleRoom]:
        """Rooms, newest first, of which private ones only this person's."""
        c = console_rooms.c
        query = select_rooms().where(or_(c.kind != "private", c.person == person))
        if before is not None:
            query = query.where(tuple_(c.created_at, c.id) < tuple_(*before))
        query = query.order_by(c.created_at.desc(), c.id.desc()).limit(limit)
        async with self._database.reading() as connection:
            return [room_of(row) for row in await connection.execute(query)]

    async def rooms_named(self, rooms: Sequence[str]) -> list[ConsoleRoom]:
        """Those of these rooms that exist."""
        query = select_rooms().where(console_rooms.c.id.in_(rooms))
        async with self._database.reading() as connection:
            return [room_of(row) for row in await connection.execute(query)]

    async def say(self, room: str, person: Person, text: str, *, nonce: str | None = None) -> int:
        """Say something, once for each nonce of a person; returns the message's id."""
        if len(text) > SAID_LENGTH:
            raise MalformedPayload(
                f"A message has at most {SAID_LENGTH:,} characters; this one has {len(text):,}. Send it in parts, "
                "or put it where it can be linked to.",
                path="text",
            )
        words = harmless(text, SAID_LENGTH).strip()
        if not words:
            raise MalformedPayload("A message needs words.", path="text")
        async with self._database.transaction() as work:
            row = await find_room(work, room)
            if row is None:
                raise NotFound(f"There is no room {room!r}.")
            if row.archived:
                raise InvalidTransition("This room is archived: it can be read, but nothing is said in it any more.")
            values = {
                "room": room,
                "at": self._clock.now(),
                "author": person.id,
                "author_name": person.name,
                "author_kind": "person",
                "text": words,
                "nonce": None if nonce is None else f"said:{person.id}:{nonce}",
                "pinned": False,
            }
            message, _ = await add_message(work, values)
            if self._mirror is not None and row.kind == "incident":
                await self._mirror.said(work, message, HOME, row.incident)
            return message

    async def history(self, room: str, *, before: int | None = None, limit: int = 100) -> list[Message]:
        """The newest messages older than `before`, oldest first."""
        m = messages.c
        async with self._database.reading() as connection:
            said = m.room.in_(await heard_in(connection, room)) & m.taken_back_at.is_(None)
            query = select(messages).where(said).order_by(m.id.desc()).limit(limit)
            if before is not None:
                query = query.where(m.id < before)
            rows = (await connection.execute(query)).all()
            quotes = await answered(connection, rows)
        return [message_of(row, room, quotes.get(row.id, "")) for row in reversed(rows)]

    async def pinned(self, room: str) -> list[Message]:
        """The messages that are kept in sight, oldest first."""
        query = select(messages).where(messages.c.room == room, messages.c.pinned).order_by(messages.c.id).limit(20)
        async with self._database.reading() as connection:
            return [message_of(row, room) for row in await connection.execute(query)]

    async def messages(self, ids: Sequence[int]) -> list[Message]:
        """Those of these messages that exist and belong into a room, in the order of their ids."""
        query = select(messages).where(messages.c.id.in_(ids)).order_by(messages.c.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
            homes = await homes_of(connection, {row.room for row in rows})
            quotes = await answered(connection, rows)
        return [message_of(row, homes[row.room], quotes.get(row.id, "")) for row in rows if row.room in homes]
