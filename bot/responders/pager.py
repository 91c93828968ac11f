"""One page from the asking to the answer: rows, effects and what people see of it. Who is asked, and when, is decided elsewhere.

The state is read again at the moment of sending: a page that is not wanted any more is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from bot.chat.gateway import DoorClosed, Gateway
from bot.chat.outbox import Effect, enqueue, person_lane, room_lane
from bot.chat.relay import DROPPED, Dropped, Executor, Settlement
from bot.chat.views import MUSTER, Button, Notice, Person, encode_view, text
from bot.clock import Clock, duration
from bot.errors import NotFound, Permanent
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.responders import pages
from bot.responders.page_words import page_view, room_notice
from bot.responders.pages import MANUAL, Delivery, PageRecord
from bot.responders.recipients import Recipient
from bot.storage.database import Database, Transaction
from bot.telemetry import Metrics, get_logger

__all__ = ["Pager"]

log = get_logger(__name__)

SILENT = "console"  # shows pages to whoever looks, and rings nobody


class Pager:
    """Asks people, and keeps what each sees true. `hopeless` is called when a page of a policy can never arrive."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        announcements: Announcements,
        person: Callable[[str], Person],
        platforms: Sequence[str],
        metrics: Metrics,
        hopeless: Callable[[Transaction, int, float], Awaitable[None]],
    ) -> None:
        self._database, self._clock, self._announcements = database, clock, announcements
        self._person, self._platforms, self._metrics = person, tuple(platforms), metrics
        self._hopeless = hopeless

    def executors(self) -> Mapping[str, Executor]:
        """What the relay should know."""
        return {"page": self._send, "page_edit": self._redraw}

    async def ask(
        self,
        work: Transaction,
        incident: Incident,
        people: Sequence[Recipient],
        step: int,
        at: float,
        *,
        by: Person = MUSTER,
        note: str = "",
    ) -> list[PageRecord]:
        """Ask these people, in the place of what they were asked before in this climb."""
        ids = {recipient.person.id for recipient in people}
        for earlier in await pages.of_incident(work.connection, incident.number, states=pages.OPEN):
            repeated = earlier.person in ids and MANUAL not in (step, earlier.step)
            if repeated and await pages.change(work, earlier.id, "over"):
                await self._enqueue(work, earlier, "page_edit", at)
        made = [
            await pages.add(work, incident=incident.number, person=r.person.id, why=r.why, note=note, step=step, at=at)
            for r in people
        ]
        for page, recipient in zip(made, people, strict=True):
            words = f"Paged {recipient.person.name} ({recipient.why}){f': {note}' if note else ''}"
            await timeline.append(work, incident.number, at, "page", by, words, page=page.id, person=page.person)
            await self._enqueue(work, page, "page", at)
        await self.refresh(work, made[0], at)
        return made

    async def note_silence(
        self, work: Transaction, incident: Incident, numbers: Sequence[int], waited: float, at: float
    ) -> list[PageRecord]:
        """Write down which of these pages have no answer after `waited` seconds."""
        asked = [await pages.get(work.connection, number) for number in numbers]
        silent = [page for page in asked if page.open]
        for page in silent:
            self._metrics.pages.labels("unanswered").inc()
            name = self._person(page.person).name
            late = "was not delivered" if page.state == "pending" else "has no answer"
            words = f"The page to {name} {late} after {duration(waited)}"
            await timeline.append(work, incident.number, at, "page", MUSTER, words, page=page.id, answer="none")
        if silent:
            await self.refresh(work, silent[0], at, waited=waited)
        return silent

    async def answered(self, work: Transaction, incident: Incident, by: Person, at: float) -> bool:
        answered = False
        for page in await pages.of_incident(work.connection, incident.number, states=pages.OPEN):
            if page.person == by.id and await pages.change(work, page.id, "acknowledged", answered_at=at):
                answered = True
                self._metrics.pages.labels("acknowledged").inc()
                words = f"{by.name} answered the page after {duration(at - page.created_at)}"
                await timeline.append(work, incident.number, at, "page", by, words, page=page.id, answer="acknowledged")
                await self.redrawn(work, page, at)
        return answered

    async def close(self, work: Transaction, page: PageRecord, at: float) -> None:
        """Nobody needs this page's answer any more."""
        if await pages.change(work, page.id, "over", answered_at=at):
            self._metrics.pages.labels("over").inc()
            await self.redrawn(work, page, at)

    async def redrawn(self, work: Transaction, page: PageRecord, at: float) -> None:
        """Show the page's new state to the one who was paged, and to the room."""
        await self._enqueue(work, page, "page_edit", at)
        await self.refresh(work, page, at)

    async def refresh(self, work: Transaction, page: PageRecord, at: float, *, waited: float | None = None) -> None:
        """Let the room's message about this page and those made with it show how they stand."""
        asking = await pages.round_of(work.connection, page)
        arrived: dict[int, Sequence[Delivery]] = {}
        for one in asking.pages:
            arrived[one.id] = await pages.deliveries(work.connection, one.id)
        notice = room_notice(
            asking.pages, lambda number: arrived[number], self._person, waited=waited, turn=asking.turn
        )
        await self._announcements.progress(work, page.incident, asking.first.ref, notice, at)

    async def _enqueue(self, work: Transaction, page: PageRecord, kind: str, at: float) -> None:
        for platform in self._platforms:
            await enqueue(
                work,
                platform=platform,
                lane=person_lane(platform, page.person),
                kind=kind,
                payload={"page": page.id},
                at=at,
                subject=f"{page.ref}:edit" if kind == "page_edit" else None,
                incident=page.incident,
            )

    # --- effects --------------------------------------------------------------------------------------------------

    async def _send(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        """Send a page, if it is still wanted at this moment."""
        found = await self._read(effect)
        if found is None:
            return DROPPED
        page, incident = found
        wanted = incident.open if page.step == MANUAL else incident.status == "open"
        if not page.open or not wanted:
            return DROPPED
        try:
            message = await gateway.direct(
                self._person(page.person),
                page_view(page, incident, self._person, self._clock.now()),
                nonce=effect.nonce,
                since=effect.created_at,
            )
        except Permanent as error:
            reason, reached_by_mention = str(error), isinstance(error, DoorClosed)

            async def failed(work: Transaction) -> None:
                await self._failed(work, page, effect.platform, reason)
                if reached_by_mention:
                    await self._call(work, page, effect.platform)

            return failed

        async def settled(work: Transaction) -> None:
            at = self._clock.now()
            await pages.delivered(work, page.id, effect.platform, message=message)
            if await pages.change(work, page.id, "sent", states=("pending",), sent_at=at):
                self._metrics.pages.labels("sent").inc()
            await self.refresh(work, page, at)

        return settled

    async def _failed(self, work: Transaction, page: PageRecord, platform: str, reason: str) -> None:
        """It will never arrive on this platform; when on none that rings, the policy climbs at once.

        That the situation room shows the page wakes nobody: only where there is nothing else does it count.
        """
        at = self._clock.now()
        await pages.delivered(work, page.id, platform, error=reason)
        log.warning("page_failed", page=page.ref, incident=ref(page.incident), platform=platform, reason=reason)
        tried = await pages.deliveries(work.connection, page.id)
        wanted = {name for name in self._platforms if name != SILENT} or {SILENT}
        hopeless = wanted <= {delivery.platform for delivery in tried if delivery.error}
        if hopeless and await pages.change(work, page.id, "failed"):
            self._metrics.pages.labels("failed").inc()
            name = self._person(page.person).name
            words = f"{name} could not be reached: {reason}"
            await timeline.append(work, page.incident, at, "page", MUSTER, words, page=page.id, answer="failed")
            if page.step != MANUAL:
                await self._hopeless(work, page.incident, at)
        await self.refresh(work, page, at)

    async def _call(self, work: Transaction, page: PageRecord, platform: str) -> None:
        """A direct message does not reach them there: call them into the room, where they are mentioned."""
        person, at = self._person(page.person), self._clock.now()
        called = Notice(
            text=text(person, f": you are paged for {ref(page.incident)}, and a direct message does not reach you."),
            details=((page.note,),) if page.note else (),
            tone="bad",
            buttons=(Button(label="Acknowledge", command=f"ack {ref(page.incident)}", style="primary"),),
            called=(person.id,),
        )
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("invite", {"people": [msgspec.to_builtins(person)]}),
            ("post", {"view": encode_view(called)}),
        )
        for kind, payload in steps:
            lane = room_lane(platform, page.incident)
            await enqueue(work, platform=platform, lane=lane, kind=kind, payload=payload, at=at, incident=page.incident)

    async def _redraw(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        """Edit a page that was sent to what has become of it."""
        found = await self._read(effect)
        if found is None:
            return DROPPED
        page, incident = found
        async with self._database.reading() as connection:
            message = await pages.address(connection, page.id, effect.platform)
        if message is None:
            return DROPPED
        await gateway.edit(message, page_view(page, incident, self._person, self._clock.now()))
        return None

    async def _read(self, effect: Effect) -> tuple[PageRecord, Incident] | None:
        async with self._database.reading() as connection:
            try:
                page = await pages.get(connection, effect.payload["page"])
                return page, await store.load(connection, page.incident)
            except NotFound:
                return None
