"""The console as a chat platform: the gateway whose other side is our own tables.

A unique row decides about rooms (the marker) and posts (the nonce), so every call may be repeated. Drawing is the browser's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import select, update

from bot.chat.console.drawing import describe, stored
from bot.chat.console.rooms import add_message, find_room, free_name, make_room, private_room_id, title_of
from bot.chat.gateway import Invitation, PostedMessage, RoomRequest
from bot.chat.views import Card, Person, View, decode_view
from bot.clock import Clock
from bot.errors import Permanent, Retryable, StorageUnavailable
from bot.storage.database import Database, Transaction
from bot.storage.tables import console_rooms, messages

__all__ = ["ConsoleGateway"]


class ConsoleGateway:
    """Implements Gateway, Local, Pinning, Renaming and Archiving. Everybody may enter every room but private ones."""

    platform = "console"

    def __init__(self, database: Database, clock: Clock, work: Transaction | None = None) -> None:
        self._database, self._clock, self._work = database, clock, work

    def within(self, work: Transaction) -> ConsoleGateway:
        """The same console, writing in a transaction that somebody else commits."""
        return ConsoleGateway(self._database, self._clock, work)

    async def open_room(self, request: RoomRequest) -> str:
        """Make the room or adopt the one that bears the marker; an archived one is opened again."""
        async with self._writing() as work:
            marked = select(console_rooms.c.id, console_rooms.c.archived).where(
                console_rooms.c.marker == request.marker
            )
            row = (await work.connection.execute(marked)).first()
            if row is not None:
                if row.archived:
                    await self._update(work, row.id, archived=False)
                return str(row.id)
            name = await free_name(work, request.name)
            await make_room(
                work,
                name,
                marker=request.marker,
                kind="incident",
                title=title_of(request.title),
                at=self._clock.now(),
                incident=_number(request.incident),
            )
            return name

    async def post(
        self,
        room: str,
        view: View,
        *,
        nonce: str,
        since: float = 0.0,  # noqa: ARG002 - a nonce is unique in our own tables
    ) -> PostedMessage:
        """Say something in a room, once for each nonce. Muster may also post to an archived room; people may not."""
        async with self._writing() as work:
            if await find_room(work, room) is None:
                raise Permanent(f"The console has no room {room!r}.")
            return await self._post(work, room, view, nonce)

    async def direct(
        self,
        person: Person,
        view: View,
        *,
        nonce: str,
        since: float = 0.0,  # noqa: ARG002 - a nonce is unique in our own tables
    ) -> PostedMessage:
        """Say something in the person's private room, which is made when it is needed."""
        room = private_room_id(person.id)
        async with self._writing() as work:
            await make_room(
                work, room, marker=room, kind="private", title=person.name, at=self._clock.now(), person=person.id
            )
            return await self._post(work, room, view, nonce)

    async def edit(self, message: PostedMessage, view: View) -> None:
        """Replace what a message shows; showing the same again changes nothing."""
        async with self._writing() as work:
            await self._edit(work, message, stored(view))

    async def invite(self, room: str, people: Sequence[Person]) -> Invitation:
        """Everybody can enter already, so nobody is left out."""
        async with self._writing() as work:
            if await find_room(work, room) is None:
                raise Permanent(f"The console has no room {room!r}.")
        return Invitation(joined=tuple(people))

    async def pin(self, message: PostedMessage) -> None:
        """Keep the message in sight."""
        async with self._writing() as work:
            number = int(message.message) if message.message.isdecimal() else 0
            there = (messages.c.id == number) & (messages.c.room == message.room)
            result = await work.connection.execute(update(messages).where(there).values(pinned=True))
            if not result.rowcount:
                raise Permanent(f"The console has no message {message.message!r} in {message.room!r}.")
            work.announce("edited", id=number)

    async def retitle(self, room: str, title: str) -> None:
        """Show another title; the room's name stays."""
        async with self._writing() as work:
            await self._update(work, room, title=title_of(title))

    async def archive(self, room: str) -> None:
        """Close the room: people read it, and speak elsewhere."""
        async with self._writing() as work:
            await self._update(work, room, archived=True)

    async def _post(self, work: Transaction, room: str, view: View, nonce: str) -> PostedMessage:
        view_json = stored(view)
        values = {
            "room": room,
            "at": self._clock.now(),
            "author": "muster",
            "author_name": "Muster",
            "author_kind": "muster",
            "text": describe(decode_view(view_json)),
            "view_json": view_json,
            "nonce": nonce,
            "pinned": isinstance(view, Card),
        }
        message, where = await add_message(work, values)
        posted = PostedMessage(room=where, message=str(message))
        await self._edit(work, posted, view_json)  # it may have stood there with older words
        return posted

    async def _edit(self, work: Transaction, message: PostedMessage, view_json: str) -> None:
        number = int(message.message) if message.message.isdecimal() else 0
        mine = (messages.c.id == number) & (messages.c.room == message.room) & (messages.c.author_kind == "muster")
        row = (await work.connection.execute(select(messages.c.view_json).where(mine))).first()
        if row is None:
            raise Permanent(f"The console has no message {message.message!r} in {message.room!r}.")
        if row.view_json == view_json:
            return
        values = {"view_json": view_json, "text": describe(decode_view(view_json)), "edited_at": self._clock.now()}
        await work.connection.execute(update(messages).where(mine).values(values))
        work.announce("edited", id=number)

    async def _update(self, work: Transaction, room: str, **values: object) -> None:
        statement = update(console_rooms).where(console_rooms.c.id == room).values(values)
        if not (await work.connection.execute(statement)).rowcount:
            raise Permanent(f"The console has no room {room!r}.")
        work.announce("room", id=room)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        """A transaction whose trouble with the disk is a delivery that may arrive later."""
        if self._work is not None:
            yield self._work
            return
        try:
            async with self._database.transaction() as work:
                yield work
        except StorageUnavailable as error:
            raise Retryable(str(error), retry_after=error.retry_after) from error


def _number(incident: str) -> int | None:
    found = re.search(r"(\d+)$", incident)
    return int(found[1]) if found else None
