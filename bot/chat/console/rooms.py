"""The rows of console rooms and messages: the statements that the gateway and the conversation share."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select

from bot.chat.conversation import LOBBY, ConsoleRoom, Message
from bot.chat.harmless import one_line
from bot.chat.views import View, decode_view
from bot.storage.database import Transaction, upsert
from bot.storage.tables import console_rooms, messages

__all__ = [
    "add_message",
    "find_room",
    "free_name",
    "make_room",
    "message_of",
    "private_room_id",
    "room_of",
    "select_rooms",
    "title_of",
]

TITLE_LENGTH = 300
NAME_LENGTH = 80  # what Slack allows too, so that a room has one name everywhere


def private_room_id(person: str) -> str:
    """The id of somebody's private room."""
    return f"dm-{person}"


def title_of(text: str) -> str:
    """A title that fits on a line or two."""
    return one_line(text, TITLE_LENGTH)


async def find_room(work: Transaction, room: str) -> Row[Any] | None:
    """The room's row."""
    return (await work.connection.execute(select(console_rooms).where(console_rooms.c.id == room))).first()


async def free_name(work: Transaction, wish: str) -> str:
    """The wished name, made of small letters, digits and dashes; a number follows where another room has it."""
    name = re.sub(r"[^a-z0-9_]+", "-", wish.lower()).strip("-")[:NAME_LENGTH].strip("-") or "room"
    taken = name == LOBBY or name.startswith("dm-")  # those names are kept for what they mean
    number, candidate = 1, name
    while taken or await find_room(work, candidate) is not None:
        number, taken = number + 1, False
        suffix = f"-{number}"
        candidate = f"{name[: NAME_LENGTH - len(suffix)]}{suffix}"
        if candidate.startswith("dm-"):
            candidate = f"room-{candidate}"[:NAME_LENGTH]
    return candidate


async def make_room(
    work: Transaction,
    room: str,
    *,
    marker: str,
    kind: str,
    title: str,
    at: float,
    incident: int | None = None,
    person: str | None = None,
) -> bool:
    """Make the room unless it is there; True when this call made it."""
    statement = upsert(work.connection, console_rooms).values(
        id=room,
        marker=marker,
        kind=kind,
        incident=incident,
        person=person,
        title=title,
        archived=False,
        created_at=at,
    )
    made = bool((await work.connection.execute(statement.on_conflict_do_nothing())).rowcount)
    if made:
        work.announce("room", id=room)
    return made


async def add_message(work: Transaction, values: dict[str, Any]) -> tuple[int, str]:
    """Keep a message once for its nonce; returns its id and room, those of the first when it was there already."""
    statement = upsert(work.connection, messages).values(values).on_conflict_do_nothing()
    row = (await work.connection.execute(statement.returning(messages.c.id, messages.c.room))).first()
    if row is None:
        found = select(messages.c.id, messages.c.room).where(messages.c.nonce == values["nonce"])
        row = (await work.connection.execute(found)).one()
    else:
        work.announce("message", id=row.id)
    return row.id, row.room


def select_rooms() -> Select[Any]:
    """Rooms with the moment of their newest message."""
    newest = (
        select(messages.c.at)
        .where(messages.c.room == console_rooms.c.id)
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(console_rooms, func.coalesce(newest, console_rooms.c.created_at).label("last_at"))


def room_of(row: Row[Any]) -> ConsoleRoom:
    """A row of `select_rooms` as a value."""
    return ConsoleRoom(
        id=row.id,
        kind=row.kind,
        title=row.title,
        incident=row.incident,
        person=row.person,
        archived=bool(row.archived),
        created_at=row.created_at,
        last_at=row.last_at,
    )


def message_of(row: Row[Any]) -> Message:
    """A row of `messages` as a value."""
    return Message(
        id=row.id,
        room=row.room,
        at=row.at,
        author=row.author,
        author_name=row.author_name,
        author_kind=row.author_kind,
        text=row.text,
        view=_view_of(row.view_json),
        edited_at=row.edited_at,
        pinned=bool(row.pinned),
    )


def _view_of(data: str | None) -> View | None:
    """A view of an older version that cannot be read any more is shown by its words."""
    if data is None:
        return None
    try:
        return decode_view(data)
    except msgspec.DecodeError:
        return None
