"""Carries out what bot.chat.mirror asks for: people's words in an incident's other rooms, kept true there, and gone when they are.

What is sent is read at the moment of sending, so that an edit or a deletion which came before needs nothing of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.gateway import Gateway, MessageLost, PostedMessage, Withdrawing
from bot.chat.harmless import one_line
from bot.chat.mirror import COPY, HOME, Mirror, answered, platform_of
from bot.chat.outbox import Effect
from bot.chat.relay import DROPPED, Dropped, Executor, Settlement
from bot.chat.views import Link, Moment, Notice, Person, Span, text
from bot.clock import Clock
from bot.errors import InvalidTransition, Permanent
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Database, Transaction

__all__ = ["Mirroring", "view_of"]

LATE = 60.0  # seconds after which a copy says when it was said
GONE = Notice(text=("(taken back)",))  # for platforms where nothing can be taken away

_ADDRESS = re.compile(r"https?://[^\s<>]+[^\s<>.,:;!?)\]}'\"]")
_PROGRAM = re.compile(r"\A([^`]*)```\n?([^`]+)```\s*\Z")  # words, and beneath them what a program printed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A message as it is now, and what it answers, as a line; "" for nothing."""

    row: Row[Any]
    answered: str

    @property
    def gone(self) -> bool:
        return self.row.taken_back_at is not None

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.answered}\n{self.row.text}".encode()).hexdigest()[:16]


class Mirroring:
    """The executor of copies, and the switch."""

    def __init__(self, database: Database, clock: Clock, mirror: Mirror, announcements: Announcements) -> None:
        self._database, self._clock, self._announcements = database, clock, announcements
        self.mirror = mirror

    def executors(self, in_the_room: Callable[[Executor], Executor]) -> Mapping[str, Executor]:
        """What the relay should know."""
        return {COPY: in_the_room(self._copy)}

    async def state(self, number: int) -> tuple[bool, tuple[str, ...]]:
        """Whether what is said is mirrored, and the rooms there are, by the names of their platforms."""
        async with self._database.reading() as connection:
            found = await self.mirror.rooms(connection, number)
            return await self.mirror.is_on(connection, number), tuple(map(_name, found))

    async def switch(self, number: int, by: Person, *, on: bool) -> None:
        """Mirror what is said from now on, or do not; the rooms are told. InvalidTransition when it is so already."""

        async def change(work: Transaction) -> None:
            if await self.mirror.is_on(work.connection, number) is on:
                raise InvalidTransition(f"The rooms of {ref(number)} are {'mirrored' if on else 'kept apart'} already.")
            await self.mirror.switch(work, number, on=on)
            said = (
                "mirrors what is said in one room to the others"
                if on
                else "keeps what is said to the room it is said in"
            )
            at = self._clock.now()
            await timeline.append(work, number, at, "mirror", by, f"{by.name} {said}")
            view = Notice(text=text(by, f" {said}, from now on."), tone="info" if on else "warning")
            await self._announcements.say(work, number, view, at)

        await self._database.attempt(change)

    # --- copies -------------------------------------------------------------------------------------------------------

    async def _copy(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        async with self._database.reading() as connection:
            copy = (await connection.execute(select(tables.copies).where(_mine(effect)))).first()
            said = await _read(connection, int(effect.payload["message"]))
            room = await store.room_of(connection, effect.incident or 0, effect.platform)
        if copy is None or said is None:
            return DROPPED
        if room is None or room.external is None:
            raise Permanent("the incident has no room on this platform")
        if copy.external is None:
            return await self._post(effect, gateway, room.external, copy, said)
        if copy.room != room.external:  # the room that it stood in is gone
            return DROPPED
        return await self._follow(effect, gateway, copy, said)

    async def _post(
        self, effect: Effect, gateway: Gateway, room: str, copy: Row[Any], said: _Said
    ) -> Settlement | Dropped | None:
        """It may stand there from before a crash, with the words that it had then: a post that is repeated makes them true."""
        again = copy.tried_at is not None
        if said.gone and not again:
            return _forgotten(effect)
        at = copy.tried_at if again else self._clock.now()
        if not again:
            async with self._database.transaction() as work:
                await _note(work, effect, tried_at=at, shown=said.digest)
        view = view_of(said.row, said.answered, at)
        posted = await gateway.post(room, view, nonce=f"{COPY}:{said.row.id}", since=at)
        if said.gone:
            return await self._withdraw(effect, gateway, posted)
        if again and copy.shown != said.digest:  # Discord answers a nonce that it knows with the message as it was
            await gateway.edit(posted, view)
        return lambda work: _note(work, effect, room=posted.room, external=posted.message, shown=said.digest)

    async def _follow(
        self, effect: Effect, gateway: Gateway, copy: Row[Any], said: _Said
    ) -> Settlement | Dropped | None:
        place = PostedMessage(room=copy.room, message=copy.external)
        if said.gone:
            return await self._withdraw(effect, gateway, place)
        if copy.shown == said.digest:
            return DROPPED
        try:
            await gateway.edit(place, view_of(said.row, said.answered, copy.tried_at))
        except MessageLost:  # whoever took it away did not want it there
            return _forgotten(effect)
        return lambda work: _note(work, effect, shown=said.digest)

    async def _withdraw(self, effect: Effect, gateway: Gateway, place: PostedMessage) -> Settlement:
        if isinstance(gateway, Withdrawing):
            await gateway.withdraw(place)
            return _forgotten(effect)
        await gateway.edit(place, GONE)
        return lambda work: _note(work, effect, room=place.room, external=place.message, shown="")


def view_of(said: Row[Any], answered: str, at: float) -> Notice:
    """How a copy reads at that moment: `Robin Vos (Slack): it is the cache`, beneath what it answers. All of it is literal."""
    words, printed = said.text, ""
    if found := _PROGRAM.match(words):
        words, printed = found[1].strip(), found[2].strip("\n")
    late: tuple[Span, ...] = (", ", Moment(said.at)) if at - said.at > LATE else ()
    quote = (f"> {answered}\n",) if answered else ()
    who = Person(said.author, one_line(said.author_name, 80))
    where = _name(platform_of(said.room))
    return Notice(text=text(*quote, who, f" ({where}", *late, "): ", *_linked(words)), output=printed)


def _linked(words: str) -> Iterator[Span]:
    """Addresses as links that say where they lead; the rest as it is."""
    done = 0
    for found in _ADDRESS.finditer(words):
        yield words[done : found.start()]
        yield Link(label=found[0], url=found[0])
        done = found.end()
    yield words[done:]


def _name(platform: str) -> str:
    return "situation room" if platform == HOME else platform.capitalize()


async def _read(connection: AsyncConnection, message: int) -> _Said | None:
    said = (await connection.execute(select(tables.messages).where(tables.messages.c.id == message))).first()
    return None if said is None else _Said(row=said, answered=(await answered(connection, [said])).get(message, ""))


def _mine(effect: Effect) -> Any:
    c = tables.copies.c
    return (c.message == int(effect.payload["message"])) & (c.platform == effect.platform)


async def _note(work: Transaction, effect: Effect, **values: Any) -> None:
    await work.connection.execute(update(tables.copies).where(_mine(effect)).values(values))


def _forgotten(effect: Effect) -> Settlement:
    """There is no copy, and none is wanted."""

    async def settled(work: Transaction) -> None:
        await work.connection.execute(delete(tables.copies).where(_mine(effect)))

    return settled
