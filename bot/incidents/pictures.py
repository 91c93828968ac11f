"""Pictures of incidents, drawn when somebody asks and for the card, aside and one at a time. A storm draws no more of them.

What they show is the sketch's, how they look the drawing's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import or_, select

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat.views import Picture
from bot.clock import Clock
from bot.incidents import store
from bot.incidents.announcements import Announcements
from bot.incidents.lanes import axis_of, read_lanes
from bot.incidents.model import Incident
from bot.incidents.sketch import Sketch, sketch
from bot.scheduler import Handler
from bot.storage.database import Database, Transaction
from bot.storage.tables import changes, groups
from bot.storage.timers import Timer
from correlation.alert import Change

__all__ = ["CARD_PICTURE", "NO_PICTURE", "ForCard", "Pictures", "card_pictures"]

CARD_PICTURE = "card_picture"  # the timer after which a card is drawn anew

WORTH = 10  # alerts from which on the card carries a picture: fewer are said faster in words
FIRST = 5.0  # seconds until a new card has one: the card itself waits for nothing
AGAIN = 60.0  # seconds between two pictures of one card
FRESH = 10.0  # seconds that a picture stays good for those who ask
BUDGET = 12  # pictures of cards in a minute, of all incidents together
KEPT = 64  # pictures; each has some 40 KB
CHANGES = 40  # changes looked at; four are named


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    picture: Picture
    at: float
    print: tuple[object, ...]


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
    """Draws and remembers. After a restart nothing is remembered, and the same picture has the same digest."""

    def __init__(self, database: Database, clock: Clock, catalog: Callable[[], Catalog]) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._drawn: OrderedDict[tuple[int, str], _Drawn] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=BUDGET)  # when pictures of cards were drawn
        self._one = asyncio.Lock()

    async def of(self, number: int, *, light: bool = False) -> Picture | None:
        """The picture of an incident as it is now, or was some seconds ago; None without alerts. NotFound without it."""
        key = (number, "light" if light else "dark")
        async with self._one:
            known = self._drawn.get(key)
            if known is not None and 0 <= self._clock.now() - known.at < FRESH:
                return known.picture
            async with self._database.reading() as connection:
                incident = await store.load(connection, number)
            if not incident.alert_count:
                return None
            return await self._draw(incident, light=light)

    async def for_card(self, incident: Incident, *, first: bool) -> ForCard:
        """The picture for a card that is about to be shown, for the `first` time or again."""
        if incident.alert_count < WORTH:
            return NO_PICTURE
        now = self._clock.now()
        if first:
            return ForCard(None, now + FIRST)
        async with self._one:
            known = self._drawn.get((incident.number, "dark"))
            if known is not None and known.print == _print(incident):
                return ForCard(known.picture, None)
            picture = known.picture if known is not None else None
            if known is not None and 0 <= now - known.at < AGAIN:
                return ForCard(picture, known.at + AGAIN)
            if len(self._recent) == BUDGET and 0 <= now - self._recent[0] < AGAIN:
                return ForCard(picture, self._recent[0] + AGAIN)
            self._recent.append(now)
            return ForCard(await self._draw(incident), None)

    async def _draw(self, incident: Incident, *, light: bool = False) -> Picture:
        now = self._clock.now()
        made = await self._sketch(incident, now)
        zone = self._catalog().defaults.timezone
        png = await asyncio.to_thread(_png, made, zone, light=light)
        picture = Picture.of(png, incident=incident.ref, name=f"{incident.ref}-alerts.png", alt=made.words)
        key = (incident.number, "light" if light else "dark")
        self._drawn[key] = _Drawn(picture=picture, at=now, print=_print(incident))
        self._drawn.move_to_end(key)
        while len(self._drawn) > KEPT:
            self._drawn.popitem(last=False)
        return picture

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


def _png(made: Sketch, zone: str, *, light: bool) -> bytes:
    from bot.incidents import drawing  # noqa: PLC0415 - takes a second, which no start and no event loop should spend

    return drawing.draw(made, zone, "light" if light else "dark")


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
