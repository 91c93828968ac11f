"""Rooms of the situation room: the list, the conversation, speaking, commands typed and pressed, completion."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat import conversation, views
from bot.chat.conversation import LOBBY, ConsoleRoom, RoomKind
from bot.chat.harmless import harmless
from bot.commands.dispatch import Invocation
from bot.errors import NotFound
from bot.web.api.incidents import Incident, incidents_numbered
from bot.web.api.shapes import Time, actor, maybe, utc
from bot.web.operations import Call, Operation, Web, operation
from bot.web.paging import Cursor, Limit, Listing, after, cursor

__all__ = ["OPERATIONS", "Message", "Room", "message_json", "rooms_json"]

PLATFORM = "console"
ROOM_WORDS = {"room": "a room's id, for example lobby or inc-42-checkout-latency"}
COMMAND = re.compile(r"/incident(?=\s|$)")
SLASH_WORD = re.compile(r"/[A-Za-z]+(?=\s|$)")  # what looks like a command; a path of files does not

As = Annotated[str, Meta(max_length=100, description="a person's id of the catalogue, or a guest's name")]
RequestId = Annotated[
    str, Meta(min_length=1, max_length=200, description="a repeat of the same id is answered, not done twice")
]


class Room(msgspec.Struct, kw_only=True):
    """A room."""

    id: str
    kind: RoomKind
    title: str
    incident: Incident | None
    archived: bool
    last_at: Time


class Speaker(msgspec.Struct, kw_only=True):
    """Who said it."""

    id: str
    name: str
    kind: Literal["person", "muster"]


class Message(msgspec.Struct, kw_only=True):
    """Something said. Muster's messages have a view; `text` is the same in words.

    `platform` is where it was said: console is here. `answered` says who and what it answers, on a line, where it does.
    """

    id: int
    room: str
    at: Time
    author: Speaker
    text: str
    view: views.View | None
    edited_at: Time | None
    pinned: bool
    platform: str
    answered: str | None
    taken_back: bool


class Messages(msgspec.Struct, kw_only=True):
    """A page of a conversation, oldest first; `next` leads to the older ones. The first page also has what is pinned."""

    items: list[Message]
    next: str | None
    pinned: list[Message]


class Reply(msgspec.Struct, kw_only=True):
    """The answer to a command: `text` is all of it in words; `spans` and `details` are the same with their form."""

    text: str
    private: bool
    failed: bool
    spans: views.Text
    details: tuple[views.Text, ...]
    output: str
    buttons: tuple[views.Button, ...]
    picture: views.Picture | None


class Said(msgspec.Struct, kw_only=True):
    """What became of what was said: a message with its id, or a command with its reply."""

    id: int | None
    reply: Reply | None


class CompletionItem(msgspec.Struct, kw_only=True):
    """Something that may be typed next."""

    value: str
    label: str
    hint: str


class Completions(msgspec.Struct, kw_only=True, rename={"start": "from"}):
    """What may stand in the text from the character `from` on."""

    start: int
    items: list[CompletionItem]


class ListRooms(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    as_: As = ""
    cursor: Cursor | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 200


class ReadMessages(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    as_: As = ""
    before: Annotated[int, Meta(ge=1, le=2**53, description="older than this message")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    limit: Limit = 100


class Say(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    as_: As
    text: Annotated[str, Meta(description="at most 4,000 characters; a command when it begins with /incident")]
    request_id: RequestId | msgspec.UnsetType = msgspec.UNSET


class Press(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    as_: As
    command: Annotated[str, Meta(min_length=1, max_length=4000, description="what one would type after /incident")]
    request_id: RequestId


class Complete(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    room: Annotated[str, Meta(max_length=300)] = LOBBY
    as_: As = ""
    text: Annotated[str, Meta(max_length=1000, description="the line up to the caret")]


@operation("GET", "/api/v1/rooms", summary="Rooms, newest first", query=ListRooms, returns=Listing[Room])
async def list_rooms(call: Call[ListRooms, None]) -> Listing[Room]:
    person = _reader(call, call.query.as_)
    key = after(call.query.cursor, tuple[float, str])
    talk = call.web.parts.conversation
    found = list(await talk.rooms(person=person, before=key, limit=call.query.limit + 1))
    shown = found[: call.query.limit]
    following = cursor(shown[-1].created_at, shown[-1].id) if len(found) > len(shown) else None
    if key is None and all(room.id != LOBBY for room in shown):
        shown = [*await talk.rooms_named([LOBBY]), *shown]
    elif key is not None:
        shown = [room for room in shown if room.id != LOBBY]  # it stood on the first page
    async with call.web.parts.database.reading() as connection:
        return Listing(items=await rooms_json(connection, shown), next=following)


@operation(
    "GET",
    "/api/v1/rooms/{room}/messages",
    summary="The conversation, oldest first",
    query=ReadMessages,
    returns=Messages,
    errors=(404,),
    path_words=ROOM_WORDS,
)
async def read_messages(call: Call[ReadMessages, None]) -> Messages:
    room = await _room(call, call.path["room"], _reader(call, call.query.as_))
    first = call.query.before is msgspec.UNSET
    talk = call.web.parts.conversation
    before = None if call.query.before is msgspec.UNSET else call.query.before
    found = list(await talk.history(room.id, before=before, limit=call.query.limit + 1))
    shown = found[-call.query.limit :]
    return Messages(
        items=[message_json(message) for message in shown],
        next=str(shown[0].id) if len(found) > len(shown) else None,
        pinned=[message_json(message) for message in await talk.pinned(room.id)] if first else [],
    )


@operation(
    "POST",
    "/api/v1/rooms/{room}/messages",
    summary="Speak, or type a command",
    body=Say,
    returns=Said,
    status=201,
    errors=(404, 409),
    path_words=ROOM_WORDS,
)
async def say(call: Call[None, Say]) -> Said:
    person = actor(call.web.parts.catalog(), call.body.as_)
    room = await _room(call, call.path["room"], person.id)
    request_id = uuid.uuid4().hex if call.body.request_id is msgspec.UNSET else call.body.request_id
    text = call.body.text.strip()
    command = command_in(text)
    if command is not None:
        return Said(id=None, reply=await _run(call.web, room, person, command, request_id))
    if found := SLASH_WORD.match(text):
        answer = f"There is no command {found[0]}. Commands begin with /incident; all of them: /incident help"
        return Said(id=None, reply=reply_json(views.Reply(text=(answer,), failed=True)))
    said = await call.web.parts.conversation.say(room.id, person, call.body.text, nonce=request_id)
    return Said(id=said, reply=None)


@operation(
    "POST",
    "/api/v1/rooms/{room}/actions",
    summary="Press a button",
    body=Press,
    returns=Said,
    errors=(404, 409),
    path_words=ROOM_WORDS,
)
async def press(call: Call[None, Press]) -> Said:
    person = actor(call.web.parts.catalog(), call.body.as_)
    room = await _room(call, call.path["room"], person.id)
    return Said(id=None, reply=await _run(call.web, room, person, call.body.command.strip(), call.body.request_id))


@operation(
    "GET",
    "/api/v1/complete",
    summary="How a command may go on",
    query=Complete,
    returns=Completions,
    errors=(404,),
)
async def complete(call: Call[Complete, None]) -> Completions:
    text = call.query.text
    if not COMMAND.match(text):
        return Completions(start=len(text), items=[])
    catalog = call.web.parts.catalog()
    person = actor(catalog, call.query.as_ or "guest")
    room = await _room(call, call.query.room, person.id)
    typed = text.removeprefix("/incident")
    rest = typed.lstrip()
    start, found = await call.web.parts.dispatcher.complete(rest, person, room.incident)
    return Completions(
        start=len(text) - len(rest) + start,
        items=[CompletionItem(value=item.value, label=item.label, hint=item.hint) for item in found],
    )


def command_in(text: str) -> str | None:
    """What stands after /incident, or None when it is no command.

    >>> command_in("/incident ack on it"), command_in("/incidents"), command_in("/incident")
    ('ack on it', None, '')
    """
    return text.removeprefix("/incident").strip() if COMMAND.match(text) else None


async def rooms_json(connection: AsyncConnection, rooms: Sequence[ConsoleRoom]) -> list[Room]:
    """Rooms as the API shows them, with their incidents."""
    numbers = [room.incident for room in rooms if room.incident is not None]
    incidents = await incidents_numbered(connection, numbers)
    return [
        Room(
            id=room.id,
            kind=room.kind,
            title=room.title,
            incident=None if room.incident is None else incidents.get(room.incident),
            archived=room.archived,
            last_at=utc(room.last_at),
        )
        for room in rooms
    ]


def message_json(message: conversation.Message) -> Message:
    """A message as the API shows it."""
    return Message(
        id=message.id,
        room=message.room,
        at=utc(message.at),
        author=Speaker(id=message.author, name=message.author_name, kind=message.author_kind),
        text=message.text,
        view=message.view,
        edited_at=maybe(message.edited_at),
        pinned=message.pinned,
        platform=message.platform,
        answered=message.answered or None,
        taken_back=message.taken_back,
    )


def reply_json(reply: views.Reply) -> Reply:
    """A reply as the API shows it."""
    whole = "\n".join((*map(views.plain, (reply.text, *reply.details)), *([reply.output] if reply.output else [])))
    return Reply(
        text=harmless(whole, 64_000),
        private=reply.private,
        failed=reply.failed,
        spans=reply.text,
        details=reply.details,
        output=harmless(reply.output, 64_000),
        buttons=reply.buttons,
        picture=reply.picture.light if reply.picture else None,
    )


async def _run(context: Web, room: ConsoleRoom, person: views.Person, command: str, request_id: str) -> Reply:
    invocation = Invocation(
        text=command, actor=person, platform=PLATFORM, room=room.id, incident=room.incident, request_id=request_id
    )
    return reply_json(await context.parts.dispatcher.run(invocation))


def _reader(call: Call[Any, Any], given: str) -> str:
    return actor(call.web.parts.catalog(), given).id if given else ""


async def _room(call: Call[Any, Any], room: str, person: str) -> ConsoleRoom:
    """The room, if it is there for this person; another's private room is not there."""
    found = await call.web.parts.conversation.room(room)
    if not found.open_to(person):
        raise NotFound(f"There is no room {room!r}.")
    return found


OPERATIONS: tuple[Operation, ...] = (list_rooms, read_messages, say, press, complete)
