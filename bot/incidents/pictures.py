"""Pictures of incidents, drawn when somebody asks and for the card. A storm draws no more of them, and nobody waits long for one.

What they show is the sketch's, how they look the drawing's, which another process does.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from sqlalchemy import or_, select

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat.views import Picture
from bot.clock import Clock
from bot.incidents import store
from bot.incidents.announcements import Announcements
from bot.incidents.drawing_process import NotDrawn, Theme, Wanted
from bot.incidents.lanes import axis_of, read_lanes
from bot.incidents.model import Incident
from bot.incidents.sketch import Sketch, sketch
from bot.scheduler import Handler
from bot.storage.database import Database, Transaction
from bot.storage.tables import changes, groups
from bot.storage.timers import Timer
from bot.telemetry import get_logger
from correlation.alert import Change

__all__ = ["CARD_PICTURE", "NO_PICTURE", "ForCard", "Pictures", "card_pictures"]

log = get_logger(__name__)

CARD_PICTURE = "card_picture"  # the timer after which a card is drawn anew

WORTH = 10  # alerts from which on the card carries a picture: fewer are said faster in words
FIRST = 5.0  # seconds until a new card has one: the card itself waits for nothing
AGAIN = 60.0  # seconds between two pictures of one card
FRESH = 10.0  # seconds that a picture stays good for those who ask
BUDGET = 12  # pictures of cards in a minute, of all incidents together
KEPT = 64  # pictures; each has some 40 KB
CHANGES = 40  # changes looked at; four are named
CARD_PATIENCE = 3.0  # seconds that a card waits for its picture; what comes later is shown the next time
PATIENCE = 10.0  # seconds that people wait for one


Draw = Callable[[Wanted], Awaitable[bytes]]
_Key = tuple[int, Theme]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The last picture there was, and the last try, whose outcome it need not be: `print` is what that was to show."""

    picture: Picture | None = None
    drawn: float = -math.inf
    tried: float = -math.inf
    print: tuple[object, ...] = ()


class ForCard(NamedTuple):
    """What a card carries now, and when to look again (None: when something happens)."""

    picture: Picture | None
    again: float | None


NO_PICTURE = ForCard(None, None)


def card_pictures(announcements: Announcements) -> Mapping[str, Handler]:
    """The handler for a card whose picture has become older than it may be."""

    async def handle(work: Transaction, timer: Timer, at: float) -> None:
        await announcements.refresh_card(work, timer.payload["incident"], at)

    return {CARD_PICTURE: handle}


class Pictures:
    """Has pictures drawn and remembers them. After a restart nothing is remembered, and the same picture has the same digest."""

    def __init__(self, database: Database, clock: Clock, catalog: Callable[[], Catalog], draw: Draw) -> None:
        self._database, self._clock, self._catalog, self._draw = database, clock, catalog, draw
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=BUDGET)  # when pictures of cards were drawn
        self._under_way: dict[_Key, asyncio.Task[Picture]] = {}

    async def close(self) -> None:
        """Nobody waits for a picture any more."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def of(self, number: int, *, light: bool = False) -> Picture | None:
        """The picture of an incident as it is now, or was some seconds ago; None without alerts. NotFound without it.

        Where it cannot be drawn now it has no bytes, only its words.
        """
        key: _Key = (number, "light" if light else "dark")
        known = self._known.get(key)
        if known is not None and 0 <= self._clock.now() - known.drawn < FRESH:
            return known.picture
        async with self._database.reading() as connection:
            incident = await store.load(connection, number)
        if not incident.alert_count:
            return None
        with suppress(TimeoutError, NotDrawn):
            return await self._drawn(key, incident, PATIENCE)
        return _picture(incident, await self._sketch(incident, self._clock.now()))

    async def for_card(self, incident: Incident, *, first: bool) -> ForCard:
        """The picture for a card that is about to be shown, for the `first` time or again."""
        if incident.alert_count < WORTH:
            return NO_PICTURE
        now = self._clock.now()
        if first:
            return ForCard(None, now + FIRST)
        key: _Key = (incident.number, "dark")
        known = self._known.get(key, _Known())
        if known.print == _print(incident):
            return ForCard(known.picture, None)
        if key not in self._under_way:  # else it is waited for
            if 0 <= now - known.tried < AGAIN:
                return ForCard(known.picture, known.tried + AGAIN)
            if len(self._recent) == BUDGET and 0 <= now - self._recent[0] < AGAIN:
                return ForCard(known.picture, self._recent[0] + AGAIN)
            self._recent.append(now)
        try:
            picture = await self._drawn(key, incident, CARD_PATIENCE)
        except TimeoutError:
            return ForCard(known.picture, self._clock.now() + FIRST)
        except NotDrawn:
            return ForCard(known.picture, None)
        return ForCard(picture, None if self._known[key].print == _print(incident) else now + AGAIN)

    async def _drawn(self, key: _Key, incident: Incident, patience: float) -> Picture:
        """The picture that is under way, or one that is begun now. NotDrawn; TimeoutError when it comes later than that."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._begin(key, incident))
            task.add_done_callback(partial(self._ended, key))
        async with asyncio.timeout(patience):
            return await asyncio.shield(task)

    def _ended(self, key: _Key, task: asyncio.Task[Picture]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # is told to who waits; it may be that nobody does any more

    async def _begin(self, key: _Key, incident: Incident) -> Picture:
        now = self._clock.now()
        made = await self._sketch(incident, now)
        known = replace(self._known.get(key, _Known()), tried=now, print=_print(incident))
        try:
            png = await self._draw(Wanted(sketch=made, zone=self._catalog().defaults.timezone, theme=key[1]))
        except NotDrawn as error:
            log.warning("picture_not_drawn", incident=incident.ref, reason=str(error))
            self._keep(key, known)
            raise
        picture = _picture(incident, made, png)
        self._keep(key, replace(known, picture=picture, drawn=now))
        return picture

    def _keep(self, key: _Key, known: _Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    async def _sketch(self, incident: Incident, now: float) -> Sketch:
        async with self._database.reading() as connection:
            suspects = await ledger.many(connection, [one.change for one in incident.suspects])
            axis = axis_of(incident, [one.at for one in suspects[:1]], now)
            lanes = await read_lanes(connection, axis, now, groups.c.incident == incident.number)
            c = changes.c
            here = or_(c.service.in_([name for name, _ in incident.services]), c.id.in_([one.id for one in suspects]))
            query = select(c.id).where(c.at >= axis.start, c.at <= axis.end, here).order_by(c.at.desc()).limit(CHANGES)
            near = await ledger.many(connection, (await connection.execute(query)).scalars().all())
        return sketch(incident, axis, lanes, _ranked(incident, near))


def _picture(incident: Incident, made: Sketch, png: bytes = b"") -> Picture:
    """In words, and drawn where there is a drawing."""
    name = f"{incident.ref}-alerts.png"
    if not png:
        return Picture(incident=incident.ref, name=name, alt=made.words)
    return Picture.of(png, incident=incident.ref, name=name, alt=made.words)


def _ranked(incident: Incident, found: list[Change]) -> list[tuple[Change, bool]]:
    """Each change once: the suspects in their order, then the others, the nearest to the first alert first."""
    ranks = {suspect.change: rank for rank, suspect in enumerate(incident.suspects)}
    ordered = sorted(
        found, key=lambda one: (ranks.get(one.id, len(ranks)), abs(one.at - incident.first_alert_at), one.id)
    )
    once: dict[str, Change] = {}
    for one in ordered:
        once.setdefault(ledger.change_key(one.id), one)
    return [(one, one.id in ranks) for one in once.values()]


def _print(incident: Incident) -> tuple[object, ...]:
    """What a picture shows; while it is the same, the card keeps the one it has."""
    cause = incident.cause.service if incident.cause else ""
    suspects = tuple(suspect.change for suspect in incident.suspects)
    return (incident.title, incident.alert_count, incident.firing_count, cause, suspects, incident.resolved_at)
