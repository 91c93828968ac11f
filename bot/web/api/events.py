"""The stream of live events, and how an announcement becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from bot.web.api.incidents import incidents_numbered
from bot.web.api.rooms import message_json, rooms_json
from bot.web.api.shapes import actor, reference, utc
from bot.web.live import Event, Key, frame, stream
from bot.web.operations import NO_STORE, Call, Operation, operation
from bot.web.parts import WebParts

__all__ = ["OPERATIONS", "Events"]


class Listen(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}):
    as_: Annotated[str, Meta(max_length=100, description="whose private room is told of, too")] = ""


@operation(
    "GET",
    "/api/v1/events",
    summary="Live events: hello, incident, room, message, edited, alerts, change",
    query=Listen,
    media="text/event-stream",
)
async def listen(call: Call[Listen, None]) -> web.StreamResponse:
    parts = call.web.parts
    person = actor(parts.catalog(), call.query.as_).id if call.query.as_ else ""
    client = call.web.hub.join(person, call.request.transport)
    try:
        response = web.StreamResponse(
            headers={**NO_STORE, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
        )
        await response.prepare(call.request)
        await stream(
            client, response, frame("hello", {"version": parts.version, "server_time": utc(parts.clock.now())})
        )
    except ConnectionError:
        pass  # the page was closed, or was too slow
    finally:
        call.web.hub.leave(client)
    return response


class Events:
    """Loads what announcements are about, in as few questions as there are topics."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def load(self, keys: Sequence[Key]) -> list[Event]:
        """The events, in the order of the keys; what is gone meanwhile is left out."""
        subjects: dict[str, list[Any]] = {}
        for topic, subject in keys:
            subjects.setdefault(topic, []).append(subject)
        said = await self._messages([*subjects.get("message", ()), *subjects.get("edited", ())])
        told = {
            "message": said,
            "edited": said,
            "room": await self._rooms(subjects.get("room", ())),
            "incident": await self._incidents(subjects.get("incident", ())),
        }
        events = []
        for topic, subject in keys:
            if topic in told:
                if topic == "edited" and ("message", subject) in keys:
                    continue  # the message is told as it is now
                found = told[topic].get(subject)
                if found is not None:
                    events.append(Event(topic=topic, data=found[0], only=found[1]))
            elif topic == "alerts":
                number = subject if isinstance(subject, int) else None
                events.append(Event(topic=topic, data={"incident": reference(number)}))
            else:
                events.append(Event(topic=topic, data={"id": subject}))
        return events

    async def _messages(self, ids: Sequence[Any]) -> dict[Any, tuple[Any, str | None]]:
        if not ids:
            return {}
        talk = self._parts.conversation
        found = await talk.messages(ids)
        rooms = await talk.rooms_named(sorted({message.room for message in found}))
        owners = {room.id: room.person for room in rooms if room.kind == "private"}
        return {message.id: (message_json(message), owners.get(message.room)) for message in found}

    async def _rooms(self, ids: Sequence[Any]) -> dict[Any, tuple[Any, str | None]]:
        if not ids:
            return {}
        rooms = await self._parts.conversation.rooms_named(ids)
        async with self._parts.database.reading() as connection:
            shown = await rooms_json(connection, rooms)
        owners = {room.id: room.person if room.kind == "private" else None for room in rooms}
        return {room.id: (room, owners[room.id]) for room in shown}

    async def _incidents(self, numbers: Sequence[Any]) -> dict[Any, tuple[Any, str | None]]:
        if not numbers:
            return {}
        async with self._parts.database.reading() as connection:
            found = await incidents_numbered(connection, [number for number in numbers if isinstance(number, int)])
        return {number: (incident, None) for number, incident in found.items()}


OPERATIONS: tuple[Operation, ...] = (listen,)
