"""The rows of console rooms and messages: the statements that the gateway and the conversation share."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.conversation import LOBBY, ConsoleRoom, Message
from bot.chat.harmless import one_line
from bot.chat.mirror import HOME, platform_of
from bot.chat.views import View, decode_view
from bot.storage.database import Transaction, upsert
from bot.storage.tables import console_rooms, messages, rooms

__all__ = [
    "add_message",
    "find_room",
    "free_name",
    "heard_in",
    "homes_of",
    "make_room",
    "message_of",
    "private_room_id",
    "room_of",
    "select_rooms",
    "title_of",
]

TITLE_LENGTH = 300
NAME_LENGTH = 80  # what Slack allows too, so that a room has one name everywhere
_KEY = rooms.c.platform + ":" + rooms.c.external  # how bot.chat.heard files what is said in a room elsewhere


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
    """Rooms with the moment of their newest message, and of the newest in their incident's rooms elsewhere."""
    newest = (
        select(messages.c.at)
        .where(messages.c.room == console_rooms.c.id)
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    elsewhere = (
        select(func.max(messages.c.at))
        .join(rooms, messages.c.room == _KEY)
        .where(rooms.c.incident == console_rooms.c.incident, messages.c.taken_back_at.is_(None))
        .scalar_subquery()
    )
    last = func.coalesce(newest, console_rooms.c.created_at).label("last_at")
    return select(console_rooms, last, func.coalesce(elsewhere, 0.0).label("heard_at"))


async def heard_in(connection: AsyncConnection, room: str) -> list[str]:
    """Where what belongs into this room is kept: itself, and its incident's rooms on other platforms."""
    mine = select(console_rooms.c.incident).where(console_rooms.c.id == room, console_rooms.c.kind == "incident")
    query = select(_KEY).where(rooms.c.incident.in_(mine), rooms.c.external.is_not(None), rooms.c.platform != HOME)
    return [room, *(await connection.execute(query)).scalars()]


async def homes_of(connection: AsyncConnection, kept: Collection[str]) -> dict[str, str]:
    """By where it is kept, the room into which it belongs; what belongs into none is left out."""
    query = (
        select(_KEY.label("key"), console_rooms.c.id)
        .join(console_rooms, console_rooms.c.incident == rooms.c.incident)
        .where(_KEY.in_(kept), console_rooms.c.kind == "incident", rooms.c.platform != HOME)
    )
    elsewhere = {row.key: row.id for row in await connection.execute(query)}
    return {one: one for one in kept if platform_of(one) == HOME} | elsewhere


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
        last_at=max(row.last_at, row.heard_at),
    )


def message_of(row: Row[Any], room: str, answered: str = "") -> Message:
    """A row of `messages` as a value, in the room into which it belongs."""
    return Message(
        id=row.id,
        room=room,
        at=row.at,
        author=row.author,
        author_name=row.author_name,
        author_kind=row.author_kind,
        text=row.text,
        view=_view_of(row.view_json),
        edited_at=row.edited_at,
        pinned=bool(row.pinned),
        platform=platform_of(row.room),
        answered=answered,
        taken_back=row.taken_back_at is not None,
    )


def _view_of(data: str | None) -> View | None:
    """A view of an older version that cannot be read any more is shown by its words."""
    if data is None:
        return None
    try:
        return decode_view(data)
    except msgspec.DecodeError:
        return None
