"""Executors of the effects that every incident has: its room, its card, posts, invitations, messages to one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat import outbox
from bot.chat.gateway import (
    Archiving,
    Bookmarking,
    Filing,
    Gateway,
    Local,
    MessageLost,
    Pinning,
    PostedMessage,
    Renaming,
    RoomLost,
    RoomRequest,
)
from bot.chat.outbox import Effect
from bot.chat.relay import DROPPED, Dropped, Executor, Settlement
from bot.chat.views import Notice, Person, decode_view, encode_view, text
from bot.clock import Clock
from bot.errors import Permanent
from bot.incidents import lines, links, progress, store, timeline
from bot.incidents.announcements import marker
from bot.incidents.card import card
from bot.incidents.model import Incident
from bot.incidents.pictures import CARD_PICTURE, NO_PICTURE, Pictures
from bot.storage import tables, timers
from bot.storage.database import Database, Transaction
from bot.telemetry import get_logger
from correlation.alert import Change

__all__ = ["RoomEffects"]

log = get_logger(__name__)


class RoomEffects:
    """The executors by kind; each re-reads what it needs at the moment of sending."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Callable[[], Catalog],
        person: Callable[[str], Person],
        author: Callable[[Change], str],
        pictures: Pictures | None = None,
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._person, self._author = person, author
        self._pictures = pictures

    def executors(self) -> Mapping[str, Executor]:
        """What the relay should know."""
        in_the_room = {
            "post": self._post,
            "progress": self._progress,
            "card": self._card,
            "invite": self._invite,
            "retitle": self._retitle,
        }
        return {
            "open_room": self._open_room,
            "direct": self._direct,
            "archive": self._archive,
            "discard": self._discard,
            "links": self._links,
            **{kind: self.in_the_room(executor) for kind, executor in in_the_room.items()},
        }

    def in_the_room(self, executor: Executor) -> Executor:
        """The same, in a room that is opened again where somebody closed it while the incident is open."""
        return partial(self._in_the_room, executor)

    async def _in_the_room(self, executor: Executor, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        """Do it; where somebody closed the room of an open incident, open it again, or another, and do it there."""
        try:
            return await executor(effect, gateway)
        except RoomLost:
            async with self._database.reading() as connection:
                room = await self._room_row(connection, effect)
                incident = await store.load(connection, _number(effect))
            if not incident.open:  # it is over: nobody reads there any more
                return DROPPED
            external = await gateway.open_room(_wanted(incident, room))
            async with self._database.transaction() as work:
                await self._opened(work, effect, room, external)
            log.warning("room_opened_again", incident=incident.ref, platform=effect.platform, room=external)
            return await executor(effect, gateway)

    async def _open_room(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        number = _number(effect)
        async with self._database.reading() as connection:
            incident = await store.load(connection, number)
            room = await store.room_of(connection, number, effect.platform)
        if room is None:
            return DROPPED
        if room.state == "open":
            return None
        external = await gateway.open_room(_wanted(incident, room))

        async def settled(work: Transaction) -> None:
            await self._opened(work, effect, room, external)

        return settled

    async def _opened(self, work: Transaction, effect: Effect, room: Row[Any], external: str) -> None:
        """The room is there, for the first time or again: who was in it comes back, and what leads to it does so."""
        same = external == room.external
        await _update_room(
            work, effect, external=external, state="open", card_message=room.card_message if same else None
        )
        if room.external is not None:
            number = _number(effect)
            people = [Person(row.person, row.name) for row in await store.participants(work.connection, number)]
            if people:
                await self._enqueue(work, effect, "invite", {"people": msgspec.to_builtins(people)})
            if not same:
                await self._enqueue(work, effect, "card", {}, subject="card")
                await self._enqueue(work, effect, "links", {}, subject="links")
        if not same:
            await lines.refresh(work, _number(effect), effect.platform, self._clock.now())

    async def _post(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        room = await self._room(effect)
        await gateway.post(room, decode_view(effect.payload["view"]), nonce=effect.nonce, since=effect.created_at)
        return None

    async def _progress(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        room, view = await self._room(effect), decode_view(effect.payload["view"])
        key = f"{effect.lane}:{effect.payload['key']}"
        async with self._database.reading() as connection:
            message = await progress.standing(connection, key)
        if message is not None:
            try:
                await gateway.edit(PostedMessage(room=room, message=message), view)
            except MessageLost:
                pass  # said anew
            else:
                return None
        posted = await gateway.post(room, view, nonce=f"progress:{key}", since=effect.created_at)
        return progress.kept(key, posted.message)

    async def _card(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        number = _number(effect)
        async with self._database.reading() as connection:
            room = await self._room_row(connection, effect)
            incident = await store.load(connection, number)
            changes = {s.change: await ledger.get(connection, s.change) for s in incident.suspects[:3]}
            owners = await timeline.invited_owners(connection, number) if changes else []
            opened = await links.card_links(connection, self._catalog(), incident)
        known = {key: change for key, change in changes.items() if change}
        invited = {ledger.change_key(one.change): self._person(one.person) for one in owners}
        drawn = NO_PICTURE
        if self._pictures is not None and not isinstance(gateway, Local):  # our own rooms have a live one beside them
            drawn = await self._pictures.for_card(incident, first=room.card_message is None)
        view = card(incident, self._person, known, self._author, invited, opened, drawn.picture)

        async def shown(work: Transaction) -> None:
            if drawn.again is not None:
                await timers.schedule(work, CARD_PICTURE, incident.ref, drawn.again, {"incident": number})
            if isinstance(gateway, Filing):
                await self._filed(work, effect, room.card_file or "", gateway.file_of(view))

        if room.card_message is not None:
            try:
                await gateway.edit(PostedMessage(room=room.external, message=room.card_message), view)
            except MessageLost:
                pass  # somebody deleted it: another one
            else:
                return shown
        posted = await gateway.post(room.external, view, nonce=f"card:{effect.lane}", since=effect.created_at)
        if isinstance(gateway, Pinning):
            await gateway.pin(posted)

        async def settled(work: Transaction) -> None:
            await _update_room(work, effect, card_message=posted.message)
            await shown(work)

        return settled

    async def _filed(self, work: Transaction, effect: Effect, before: str, file: str) -> None:
        """The card shows this file now: the one before is deleted, in a lane where nobody waits for that."""
        if file == before:
            return
        await _update_room(work, effect, card_file=file or None)
        if before:
            await self._enqueue(work, effect, "discard", {"file": before}, lane=f"{effect.platform}:files")

    async def _discard(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        if not isinstance(gateway, Filing):
            return DROPPED
        await gateway.discard(effect.payload["file"])
        return None

    async def _invite(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        room = await self._room(effect)
        people = msgspec.convert(effect.payload["people"], list[Person])
        outcome = await gateway.invite(room, people)
        if not outcome.failed:
            return None
        lines = tuple(text(person, f": {why}") for person, why in outcome.failed)

        async def settled(work: Transaction) -> None:
            view = Notice(text=("Could not be invited:",), details=lines, tone="warning")
            await self._enqueue(work, effect, "post", {"view": encode_view(view)})

        return settled

    async def _links(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        async with self._database.reading() as connection:
            room = await self._room_row(connection, effect)
            incident = await store.load(connection, _number(effect))
            kept = await links.kept_links(connection, self._catalog(), incident)
            gone = await links.former_tickets(connection, incident)
        # A ticket is often linked after the end: as long as the room is there, its bookmarks are kept true.
        over = room.state != "open" or incident.merged_into is not None
        if over or not (kept or gone) or not isinstance(gateway, Bookmarking):
            return DROPPED
        await gateway.bookmark(room.external, kept, gone=gone)
        return None

    async def _direct(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        person = msgspec.convert(effect.payload["person"], Person)
        view = decode_view(effect.payload["view"])
        await gateway.direct(person, view, nonce=effect.nonce, since=effect.created_at)
        return None

    async def _retitle(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        if not isinstance(gateway, Renaming):
            return DROPPED
        room = await self._room(effect)
        async with self._database.reading() as connection:
            incident = await store.load(connection, _number(effect))
        await gateway.retitle(room, incident.title)
        return None

    async def _archive(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        async with self._database.reading() as connection:
            incident = await store.load(connection, _number(effect))
        if incident.open or not isinstance(gateway, Archiving):
            return DROPPED
        await gateway.archive(await self._room(effect))

        async def settled(work: Transaction) -> None:
            await _update_room(work, effect, state="archived")

        return settled

    async def _enqueue(
        self,
        work: Transaction,
        effect: Effect,
        kind: str,
        payload: dict[str, Any],
        *,
        subject: str | None = None,
        lane: str = "",
    ) -> None:
        """Another effect, behind this one in its lane or in the one given."""
        await outbox.enqueue(
            work,
            platform=effect.platform,
            lane=lane or effect.lane,
            kind=kind,
            payload=payload,
            at=self._clock.now(),
            subject=subject,
            incident=effect.incident,
        )

    async def _room(self, effect: Effect) -> str:
        async with self._database.reading() as connection:
            room = await self._room_row(connection, effect)
        return str(room.external)

    async def _room_row(self, connection: AsyncConnection, effect: Effect) -> Row[Any]:
        room = await store.room_of(connection, _number(effect), effect.platform)
        if room is None or room.external is None:  # what opens it came before this in the lane, and could not
            raise Permanent("the incident has no room on this platform")
        return room


def _number(effect: Effect) -> int:
    if effect.incident is None:
        raise Permanent(f"an effect {effect.kind!r} needs an incident")
    return effect.incident


def _wanted(incident: Incident, room: Row[Any]) -> RoomRequest:
    return RoomRequest(
        marker=marker(incident.number),
        name=room.name,
        incident=incident.ref,
        title=incident.title,
        private=incident.private,
        known=room.external or "",
        opened_at=incident.opened_at,
    )


async def _update_room(work: Transaction, effect: Effect, **values: str | None) -> None:
    rooms = tables.rooms
    await work.connection.execute(
        update(rooms).where(rooms.c.incident == effect.incident, rooms.c.platform == effect.platform).values(values)
    )
    work.announce("incident", number=effect.incident)
