"""Paging: an incident that nobody has taken climbs its escalation policy, step by step, until somebody answers.

Climbing is a timer of the incident; what is sent goes by the outbox, and its state is read again at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from bot.catalog.catalog import Catalog
from bot.catalog.model import Escalation, Who
from bot.chat.relay import Executor
from bot.chat.views import MUSTER, Code, Notice, Person, people_text, plain, text
from bot.clock import Clock, duration
from bot.errors import BadArguments, InvalidTransition, NotAllowed, NotFound
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.events import (
    Acknowledged,
    Declared,
    Event,
    Merged,
    Reopened,
    Resolved,
    SeverityChanged,
    Unacknowledged,
)
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.responders import pages
from bot.responders.escalation import Position, after, policy_of, step_at, wakes
from bot.responders.pager import Pager
from bot.responders.pages import MANUAL, PageRecord
from bot.responders.recipients import Recipient, main_service, recipients
from bot.storage import timers
from bot.storage.database import Database, Transaction
from bot.storage.timers import Timer
from bot.telemetry import Metrics, get_logger

__all__ = ["Paging"]

log = get_logger(__name__)

CLIMB, WAIT = (
    "page.climb",
    "page.wait",
)  # kinds of timers: of an incident's policy, and of a page that a person asked for
LULL = 60.0  # seconds between two looks whether an incident whose alerts cleared fires again
MANUAL_WAIT = 300.0  # seconds until the room is told that somebody does not answer
NOTE_LENGTH = 500  # characters; a phone shows a few lines of it
MOST_PEOPLE = 20  # paged by one command

Handlers = Mapping[str, Callable[[Transaction, Timer, float], Awaitable[None]]]


class _Climb(msgspec.Struct, frozen=True, kw_only=True):
    """What the timer of a climb knows: where it goes on, since when, and whom it last paged and waited for."""

    incident: int
    since: float
    step: int = 0
    turn: int = 0
    pages: tuple[int, ...] = ()
    waited: float = 0.0


class Paging:
    """A reaction to events, the handlers of its timers, the executors of its effects, and the use cases of `page`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Callable[[], Catalog],
        announcements: Announcements,
        person: Callable[[str], Person],
        platforms: Sequence[str],
        metrics: Metrics,
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._announcements, self._person, self._metrics = announcements, person, metrics
        self._pager = Pager(
            database,
            clock,
            announcements=announcements,
            person=person,
            platforms=platforms,
            metrics=metrics,
            hopeless=self._move_on,
        )

    def handlers(self) -> Handlers:
        """What the scheduler should know."""
        return {CLIMB: self._climb, WAIT: self._waited}

    def executors(self) -> Mapping[str, Executor]:
        """What the relay should know."""
        return self._pager.executors()

    # --- events ---------------------------------------------------------------------------------------------------

    async def __call__(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        """Start, stop or start again."""
        match event:
            case Declared(page=page, invite=invite):
                if invite:
                    await self._invite(work, incident, invite, at)
                if page:
                    await self._start(work, incident, at)
            case Unacknowledged() | Reopened():
                await self._start(work, incident, at)
            case SeverityChanged(before=before) if incident.severity < before and incident.status == "open":
                await self._rise(work, incident, at)
            case Acknowledged(by=by):
                await self._stop(work, incident, by, at, manual=False)
            case Resolved(by=by) | Merged(by=by, into=True):
                await self._stop(work, incident, by, at, manual=True)
            case Merged(by=by) if incident.status != "open":  # it took in one that somebody has
                await self._stop(work, incident, by, at, manual=False)

    async def _start(self, work: Transaction, incident: Incident, at: float) -> None:
        await self._set(work, _Climb(incident=incident.number, since=at), at)

    async def _rise(self, work: Transaction, incident: Incident, at: float) -> None:
        """It is worse than thought: who did not have to be woken has to be now, unless paging is under way."""
        policy = policy_of(self._catalog(), main_service(self._catalog(), incident))
        if not wakes(policy, incident.severity) or await timers.find(work.connection, CLIMB, incident.ref):
            return
        await self._start(work, incident, at)

    async def _stop(self, work: Transaction, incident: Incident, by: Person, at: float, *, manual: bool) -> None:
        """No more pages. Those that a person asked for by name stay until the incident is over: help may still be wanted."""
        await timers.cancel(work, CLIMB, incident.ref)
        await self._pager.answered(work, incident, by, at)
        for page in await pages.of_incident(work.connection, incident.number, states=pages.OPEN):
            if manual or page.step != MANUAL:
                await self._pager.close(work, page, at)

    async def _invite(self, work: Transaction, incident: Incident, invite: Sequence[str], at: float) -> None:
        found = recipients(self._catalog(), [Who.parse(who) for who in invite], incident, at)
        await self._announcements.invite(work, incident.number, [recipient.person for recipient in found.people], at)

    # --- use cases ------------------------------------------------------------------------------------------------

    async def page(self, number: int, people: Sequence[Person], by: Person, note: str = "") -> tuple[PageRecord, ...]:
        """Page these people now; the room sees delivery and answers. Who has an open page from a person is not paged twice."""
        if not people:
            raise BadArguments("Say whom to page: /incident page @robin, /incident page checkout")
        unique = {person.id: person for person in people}
        if len(unique) > MOST_PEOPLE:
            raise BadArguments(f"That would page {len(unique)} people; at most {MOST_PEOPLE} at once.")
        at = self._clock.now()
        async with self._database.transaction() as work:
            incident = await store.load(work.connection, number)
            if not incident.open:
                raise InvalidTransition(f"{incident.ref} is resolved. If it is back: /incident reopen")
            waiting = {
                page.person
                for page in await pages.of_incident(work.connection, number, states=pages.OPEN)
                if page.step == MANUAL
            }
            wanted = [
                Recipient(person=person, why=f"asked by {by.name}")
                for person in unique.values()
                if person.id not in waiting
            ]
            if not wanted:
                names = plain(people_text(list(unique.values())))
                raise InvalidTransition(f"{names} was paged already and has not answered yet.")
            made = await self._pager.ask(work, incident, wanted, MANUAL, at, by=by, note=note.strip()[:NOTE_LENGTH])
            await self._announcements.invite(work, number, [recipient.person for recipient in wanted], at)
            payload = {"pages": [page.id for page in made]}
            await timers.schedule(work, WAIT, made[0].ref, at + MANUAL_WAIT, payload)
        return tuple(made)

    async def decline(self, page_id: int | None, by: Person) -> PageRecord:
        """The one who is paged cannot take it: the policy climbs at once when nobody else of its step may still answer.

        Without a number it is the newest page that waits for their answer.
        """
        at = self._clock.now()
        async with self._database.transaction() as work:
            if page_id is None:
                newest = await pages.newest_open(work.connection, by.id)
                if newest is None:
                    raise NotFound("No page waits for your answer. Nothing to decline.")
                page_id = newest.id
            page = await pages.get(work.connection, page_id)
            if page.person != by.id:
                raise NotAllowed(f"{page.ref} is for {self._person(page.person).name}; only they can decline it.")
            if not await pages.change(work, page_id, "declined", answered_at=at):
                raise InvalidTransition(
                    f"{page.ref} is {_ENDED.get(page.state, page.state)} already. Nothing to decline."
                )
            self._metrics.pages.labels("declined").inc()
            incident = await store.load(work.connection, page.incident)
            words = f"{by.name} cannot take {incident.ref}"
            await timeline.append(work, page.incident, at, "page", by, words, page=page_id, answer="declined")
            await self._pager.redrawn(work, page, at)
            if page.step == MANUAL:
                more = (text("Page somebody else: ", Code("/incident page @name")),)
                view = Notice(text=text(by, " cannot come."), details=more, tone="warning")
                await self._announcements.say(work, page.incident, view, at)
            else:
                await self._move_on(work, page.incident, at)
            return await pages.get(work.connection, page_id)

    async def answer(self, number: int, by: Person) -> bool:
        """Take `by`'s open pages about the incident as answered; for an acknowledgement that was not the first one."""
        at = self._clock.now()
        async with self._database.transaction() as work:
            return await self._pager.answered(work, await store.load(work.connection, number), by, at)

    async def climbing(self, number: int) -> bool:
        """Whether the incident's policy goes on asking people."""
        async with self._database.reading() as connection:
            return await timers.find(connection, CLIMB, ref(number)) is not None

    async def pages(self, number: int) -> list[PageRecord]:
        """The incident's pages, oldest first; `page_words.status` puts each in words."""
        async with self._database.reading() as connection:
            return await pages.of_incident(connection, number)

    # --- climbing -------------------------------------------------------------------------------------------------

    async def _climb(self, work: Transaction, timer: Timer, at: float) -> None:
        climb = msgspec.convert(timer.payload, _Climb)
        incident = await store.find(work.connection, climb.incident)
        if incident is None or incident.status != "open":
            return
        if incident.cleared_at is not None:  # nothing fires: nobody more is woken for it, unless it comes back
            await self._set(work, climb, at + LULL)
            return
        await self._pager.note_silence(work, incident, climb.pages, climb.waited, at)
        catalog = self._catalog()
        policy = policy_of(catalog, main_service(catalog, incident))
        unable = {
            page.person
            for page in await pages.of_incident(work.connection, incident.number, since=climb.since)
            if page.state in ("declined", "failed")
        }
        position, gaps = Position(step=climb.step, turn=climb.turn), list[str]()  # each gap is told once
        while (step := step_at(policy, position)) is not None:
            found = recipients(catalog, step.page, incident, at)
            if position.turn == 0:
                gaps.extend(gap for gap in found.gaps if gap not in gaps)
            people = [recipient for recipient in found.people if recipient.person.id not in unable]
            if people:
                await self._tell_gaps(work, incident, gaps, at)
                made = await self._pager.ask(work, incident, people, position.step + 1, at)
                following = after(policy, position)
                goes_on = msgspec.structs.replace(
                    climb,
                    step=following.step,
                    turn=following.turn,
                    pages=tuple(page.id for page in made),
                    waited=step.wait,
                )
                await self._set(work, goes_on, at + step.wait)
                return
            position = after(policy, position, skip_repeats=True)
        await self._give_up(work, incident, policy, gaps, climb.since, at)

    async def _give_up(
        self, work: Transaction, incident: Incident, policy: Escalation, gaps: Sequence[str], since: float, at: float
    ) -> None:
        """The policy is at its end, and nobody has the incident."""
        paged = [
            page
            for page in await pages.of_incident(work.connection, incident.number, since=since)
            if page.step != MANUAL
        ]
        names = [self._person(name) for name in dict.fromkeys(page.person for page in paged)]
        unable = len({page.person for page in paged if page.state in ("declined", "failed")})
        if names:
            cannot = f", {unable} of them cannot" if unable else ""
            told = text(f"Nobody answered: {len(names)} paged (", *people_text(names), f"){cannot}.")
            end = (
                f"The escalation policy {policy.id} is at its end." if policy.id else "The catalogue names nobody else."
            )
            details = (*((gap,) for gap in gaps), (end,))
        else:
            told, details = text(gaps[0] if gaps else "Nobody to page."), tuple((gap,) for gap in gaps[1:])
        more = (text("Page somebody: ", Code("/incident page @name")),)
        view = Notice(text=told, details=(*details, *more), tone="bad")
        await self._announcements.say(work, incident.number, view, at)
        await timeline.append(work, incident.number, at, "page", MUSTER, plain(told))
        log.warning("paging_ended", incident=incident.ref, paged=len(names), policy=policy.id)

    async def _tell_gaps(self, work: Transaction, incident: Incident, gaps: Sequence[str], at: float) -> None:
        if gaps:
            view = Notice(text=text(gaps[0]), details=tuple((gap,) for gap in gaps[1:]), tone="warning")
            await self._announcements.say(work, incident.number, view, at)
            await timeline.append(work, incident.number, at, "page", MUSTER, " ".join(gaps))

    async def _move_on(self, work: Transaction, number: int, at: float) -> None:
        """Climb now, unless somebody of the present step may still answer."""
        timer = await timers.find(work.connection, CLIMB, ref(number))
        if timer is None:
            return
        climb = msgspec.convert(timer.payload, _Climb)
        open_ones = {page.id for page in await pages.of_incident(work.connection, number, states=pages.OPEN)}
        if open_ones.isdisjoint(climb.pages):
            await self._set(work, climb, at)

    async def _set(self, work: Transaction, climb: _Climb, due: float) -> None:
        await timers.schedule(work, CLIMB, ref(climb.incident), due, msgspec.to_builtins(climb))

    async def _waited(self, work: Transaction, timer: Timer, at: float) -> None:
        """Pages that a person asked for: say who has not answered."""
        numbers = timer.payload["pages"]
        page = await pages.get(work.connection, numbers[0])
        incident = await store.load(work.connection, page.incident)
        silent = await self._pager.note_silence(work, incident, numbers, MANUAL_WAIT, at)
        if silent and incident.open:
            people = people_text([self._person(page.person) for page in silent])
            view = Notice(
                text=text("No answer from ", *people, f" after {duration(MANUAL_WAIT)}."),
                details=(text("Page somebody else: ", Code("/incident page @name")),),
                tone="warning",
            )
            await self._announcements.say(work, incident.number, view, at)


_ENDED: Mapping[Any, str] = {"acknowledged": "answered", "declined": "declined", "over": "over"}
