"""Whose words are to stand where: what people say in one room of an incident is wanted in its other rooms, as copies that follow.

A copy is wanted in the transaction in which the message is kept. Nothing is drawn or sent here. Our own rooms get no copies: they
show what was said elsewhere as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.harmless import one_line
from bot.chat.outbox import enqueue, room_lane
from bot.clock import Clock
from bot.storage.database import Transaction, upsert
from bot.storage.tables import copies, messages, rooms, unmirrored

__all__ = ["COPY", "HOME", "Mirror", "answered", "platform_of"]

COPY = "copy"  # the kind of the effect
HOME = "console"  # the platform whose rooms are ours
QUOTED = 120  # characters of what is answered


def platform_of(room: str) -> str:
    """The platform of a room, by how its messages are filed.

    >>> platform_of("slack:C1"), platform_of("inc-1-checkout")
    ('slack', 'console')
    """
    platform, found, _ = room.partition(":")
    return platform if found else HOME


async def answered(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """Of those rows of `messages` that answer something, who said what, on a line. An answer to a copy answers what it copies."""
    m, c = messages.c, copies.c
    asked = {row.id: (str(row.room), str(row.answers)) for row in rows if row.answers is not None}
    if not asked:
        return {}
    copied = c.platform + ":" + c.room
    there = select(m.room, m.external, m.author_name, m.text, m.taken_back_at).where(
        tuple_(m.room, m.external).in_(set(asked.values()))
    )
    copy = (
        select(copied, c.external, m.author_name, m.text, m.taken_back_at)
        .join(messages, c.message == m.id)
        .where(
            c.platform.in_({platform_of(room) for room, _ in asked.values()}),
            c.room.in_({room.partition(":")[2] for room, _ in asked.values()}),
            c.external.in_({external for _, external in asked.values()}),
        )
    )
    found: dict[tuple[str, str], str] = {}
    for query in (there, copy):
        for room, external, name, text, gone in await connection.execute(query):
            if gone is None:
                found[room, external] = _quote(name, text)
    return {row: found[place] for row, place in asked.items() if place in found}


class Mirror:
    """Asks for copies. `platforms` are those that are connected: nothing is asked of others."""

    def __init__(self, platforms: Collection[str], clock: Clock) -> None:
        self._platforms, self._clock = tuple(one for one in platforms if one != HOME), clock

    async def said(self, work: Transaction, message: int, platform: str, incident: int) -> None:
        """Somebody said something: it is wanted in the incident's other rooms, where it is mirrored at all."""
        others = await self.rooms(work.connection, incident, without=platform)
        if not others or not await self.is_on(work.connection, incident):
            return
        for other in others:
            values = {"message": message, "platform": other, "incident": incident}
            statement = upsert(work.connection, copies).values(values).on_conflict_do_nothing()
            if (await work.connection.execute(statement)).rowcount:  # else it is told again
                await self._ask(work, message, other, incident)

    async def changed(self, work: Transaction, message: int) -> None:
        """It says something else now: so do its copies, also where nothing new is mirrored any more."""
        for row in await _copies(work.connection, message):
            await self._ask(work, message, row.platform, row.incident)

    async def taken_back(self, work: Transaction, message: int) -> None:
        """It is gone: so are its copies, and its words where answers to it quote them."""
        await self.changed(work, message)
        m, found = messages.c, await _copies(work.connection, message)
        original = (await work.connection.execute(select(m.room, m.external).where(m.id == message))).one()
        places = [tuple(original), *((f"{row.platform}:{row.room}", row.external) for row in found)]
        known = [place for place in places if place[1] is not None]
        answers = select(m.id).where(or_(*(tuple_(m.room, m.answers) == tuple_(*place) for place in known)))
        for answer in (await work.connection.execute(answers)).scalars().all() if known else ():
            await self.changed(work, answer)

    async def is_on(self, connection: AsyncConnection, incident: int) -> bool:
        """Whether what is said from now on is mirrored."""
        query = select(func.count()).select_from(unmirrored).where(unmirrored.c.incident == incident)
        return not (await connection.execute(query)).scalar_one()

    async def rooms(self, connection: AsyncConnection, incident: int, *, without: str = "") -> list[str]:
        """The connected platforms on which the incident has a room, or is to have one."""
        r = rooms.c
        wanted = (r.incident == incident) & r.platform.in_(self._platforms) & (r.platform != without)
        query = select(r.platform).where(wanted, r.state != "archived").order_by(r.platform)
        return list((await connection.execute(query)).scalars())

    async def switch(self, work: Transaction, incident: int, *, on: bool) -> None:
        """Mirror what is said from now on, or do not."""
        if on:
            await work.connection.execute(delete(unmirrored).where(unmirrored.c.incident == incident))
        else:
            statement = upsert(work.connection, unmirrored).values(incident=incident)
            await work.connection.execute(statement.on_conflict_do_nothing())

    async def _ask(self, work: Transaction, message: int, platform: str, incident: int) -> None:
        if platform in self._platforms:
            await enqueue(
                work,
                platform=platform,
                lane=room_lane(platform, incident),
                kind=COPY,
                payload={"message": message},
                at=self._clock.now(),
                subject=f"{COPY}:{message}",
                incident=incident,
            )


def _quote(name: str, text: str) -> str:
    line = f"{one_line(name, 80)}: {one_line(text[: 4 * QUOTED], 4 * QUOTED)}"
    return line if len(line) <= QUOTED else f"{line[: QUOTED - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


async def _copies(connection: AsyncConnection, message: int) -> list[Row[tuple[str, int, str, str | None]]]:
    c = copies.c
    query = select(c.platform, c.incident, c.room, c.external).where(c.message == message).order_by(c.platform)
    return list(await connection.execute(query))
