"""Tells a room, once, that its incident begins like a bad one of the past, and what that one went on to.

It stands beside the pipeline: now and then it looks at the open incidents that grew, never at an alert as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import select

from bot.chat.views import MUSTER, Button, Code, Notice, Strong, Text, text
from bot.clock import Clock, duration
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.history import History, Past, Ran, ran
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Database
from bot.telemetry import get_logger
from correlation.beginnings import Following, Step, follow
from correlation.precedents import Sketch
from correlation.warning import told

__all__ = ["EVERY", "Forewarning"]

log = get_logger(__name__)

EVERY = 15.0  # seconds between two looks
YOUNG = 6 * 3_600.0  # seconds; what is older has begun long ago
AT_ONCE = 20  # incidents of one look
CANDIDATES = 64  # past incidents that one is compared with
ODDS = 5.0  # nats against chance; less than where nobody is in a room yet: here a wrong hint costs one line
STEPS = 3  # kinds of alerts in the same order, at least
KIND = "precedent"  # of the timeline's line: where it stands, the room has been told


class Forewarning:
    """Run `look` from time to time."""

    def __init__(self, database: Database, clock: Clock, history: History, announcements: Announcements) -> None:
        self._database, self._clock, self._history, self._announcements = database, clock, history, announcements
        self._looked: dict[int, int] = {}  # open incidents, and how many alerts they had when they were looked at

    async def look(self) -> None:
        """Compare the open incidents that grew since the last look with the beginnings of bad ones."""
        grown = await self._grown()
        if not grown:
            return
        await self._history.refresh()
        for incident, sketch in zip(grown, await self._history.sketches(grown), strict=True):
            found = self._likest(sketch)
            if found is not None:
                await self._tell(incident.number, sketch, *found)
        self._looked |= {incident.number: incident.alert_count for incident in grown}

    async def _grown(self) -> list[Incident]:
        i, t = tables.incidents.c, tables.timeline.c
        warned = select(t.id).where(t.incident == i.number, t.kind == KIND).exists()
        query = (
            select(i.number, i.alert_count)
            .where(i.status != "resolved", i.alert_count >= STEPS, i.opened_at > self._clock.now() - YOUNG, ~warned)
            .order_by(i.number.desc())
            .limit(10 * AT_ONCE)
        )
        async with self._database.reading() as connection:
            young = {row.number: row.alert_count for row in await connection.execute(query)}
            self._looked = {number: count for number, count in self._looked.items() if number in young}
            grown = [number for number, count in young.items() if self._looked.get(number) != count]
            grown.sort(key=lambda number: (number in self._looked, -number))  # nobody waits for those that keep growing
            return await store.numbered(connection, grown[:AT_ONCE])

    def _likest(self, sketch: Sketch) -> tuple[Following, Past, Step] | None:
        """The bad one whose beginning this follows the furthest, and what it went on to that is not here yet."""
        history, seen = self._history, {step.kind: step.after for step in sketch.steps}
        precedents = history.precedents
        best: tuple[Following, Past, Step] | None = None
        compared = 0
        for name in precedents.with_kinds(seen):
            past, known = history.past(name), precedents.get(name)
            if name == sketch.id or past is None or known is None or not past.bad or past.private:
                continue
            compared += 1
            if compared > CANDIDATES:
                break
            chance = partial(precedents.share, but=(name, sketch.id))
            found = follow(known.beginning, seen, chance, ODDS)
            if found is not None and len(found.matched) >= STEPS and (best is None or found.score > best[0].score):
                ahead = _ahead(found.ahead(seen), sketch.services)
                if ahead is not None:
                    best = (found, past, ahead)
        return best

    async def _tell(self, number: int, sketch: Sketch, found: Following, past: Past, ahead: Step) -> None:
        at = self._clock.now()
        async with self._database.transaction() as work:
            incident = await store.find(work.connection, number)
            lines = select(tables.timeline.c.id).where(
                tables.timeline.c.incident == number, tables.timeline.c.kind == KIND
            )
            if incident is None or not incident.open or (await work.connection.execute(lines)).first() is not None:
                return
            helped = [one for one in (await ran(work.connection, [past.number])).get(past.number, []) if one.helped]
            view = _words(found, past, ahead, sketch.services, helped)
            known = f"Begins like {ref(past.number)} ({past.title})"
            await timeline.append(work, number, at, KIND, MUSTER, known, like=past.number)
            await self._announcements.say(work, number, view, at)
        log.info("incident_forewarned", incident=ref(number), like=ref(past.number), odds=round(found.score, 1))


def _ahead(steps: Sequence[Step], services: Sequence[str]) -> Step | None:
    """The first service that it spread to and this one has not, else the first new kind of trouble."""
    spread = (step for step in steps if step.service and step.service not in services)
    return next(spread, steps[0] if steps else None)


def _words(found: Following, past: Past, ahead: Step, services: Sequence[str], helped: Sequence[Ran]) -> Notice:
    number = ref(past.number)
    goal = ahead.service if ahead.service and ahead.service not in services else told(ahead)
    soon = duration(ahead.after - found.reached.after)
    taken, expected = len(found.matched), found.expected
    share = f"All of its first {expected}" if taken == expected else f"{taken} of its first {expected}"
    details: list[Text] = [
        (f"{share} kinds of alerts are here, in the same order. Whether it goes on so, nobody knows.",)
    ]
    for one in helped[:2]:
        run = Code(f"/incident runbook run {one.runbook}")
        details.append((f"{one.runbook} helped then: ", run))
    details.append(("How it ended: " if helped else "What helped then: ", Code(f"/incident show {number}")))
    lasted = duration(past.resolved_at - past.began_at)
    return Notice(
        text=text(
            "This begins like ",
            Strong(number),
            f" ({past.title}, {lasted}): that one went on to ",
            Strong(goal),
            f" {soon} later.",
        ),
        details=tuple(details),
        tone="warning",
        buttons=(Button(label=f"Show {number}", command=f"show {number}"),),
    )
