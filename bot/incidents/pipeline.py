"""The pipeline: journal -> engine -> incidents -> outbox, in micro-batches of one transaction each.

State, timeline, outbox and the journal's cursor commit together: a crash replays, never loses, never doubles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat.views import MUSTER
from bot.clock import Clock
from bot.engine.batch import COLUMNS, Batch, Rankings, Touched
from bot.engine.host import EngineLost
from bot.engine.messages import Reading
from bot.errors import Unavailable
from bot.incidents import lifecycle, store, timeline
from bot.incidents.causes import take_rankings
from bot.incidents.events import Declared, Joined, SeverityLevel
from bot.incidents.grading import severity_of
from bot.incidents.grouping import Grouping, Heard
from bot.incidents.model import Incident
from bot.incidents.reading import Reader
from bot.incidents.service import Incidents
from bot.intake.journal import Delivery, Journal
from bot.storage import tables
from bot.storage.database import BulkUpsert, Database, Transaction, upsert
from bot.telemetry import Metrics, get_logger
from bot.turns import Turns
from correlation.decision import GroupView
from correlation.warning import EarlyWarning

__all__ = ["Behind", "Pipeline"]

log = get_logger(__name__)

BATCH_DELIVERIES = 4_000
BATCH_ALERTS = 4_000  # about; a delivery is never cut
ATTENDED_ALERTS = 800  # ... while people type: what they write waits until the batch is written
BATCH_BYTES = 4 * 1024 * 1024
CROWD = 4  # deliveries waiting for the disk at once, from which on a storm is coming in
COURTESY = 8.0  # times as long as a batch took to write the pipeline then leaves to the webhooks ...
LONGEST_COURTESY = 0.25  # ... seconds, at most
SHORTEST_WAIT = 1.0  # seconds between two looks whether time alone changed something
KILLS = 3  # times that the engine ends at the same deliveries, until one of them is believed to be why
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds between tries while the database says no

Warnings = Callable[[Transaction, Sequence[EarlyWarning]], Awaitable[None]]

_SEEN = ("severity", "status", "summary", "count", "last_seen", "resolved_at", "muted")
_SETTLED = (*_SEEN, "group_id", "held", "reason", "evidence_json", "labels_json", "links_json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Deliveries that the journal has and the incidents do not, and the age of the oldest in seconds."""

    deliveries: int
    seconds: float


class Pipeline:
    """Turns deliveries into incidents, for as long as it runs."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        *,
        reader: Reader,
        grouping: Grouping,
        incidents: Incidents,
        catalog: Callable[[], Catalog],
        metrics: Metrics,
        turns: Turns | None = None,
        warnings: Warnings | None = None,
    ) -> None:
        self._database, self._journal, self._clock, self._metrics = database, journal, clock, metrics
        self._reader, self._grouping, self._incidents, self._catalog = reader, grouping, incidents, catalog
        self._turns, self._warnings = turns or Turns(), warnings
        self._kept = 0  # the delivery up to which everything is in the database
        self._oldest = 0.0  # when the oldest delivery at work was received
        self._settled = BulkUpsert(tables.alerts, "id", _SETTLED, given=COLUMNS)
        self._seen = BulkUpsert(tables.alerts, "id", _SEEN, given=COLUMNS)
        self._at_work: list[Delivery] = []  # read, and not known to be in the database
        self._alone_until = 0  # up to this delivery each is processed by itself: one of them is poison
        self._lost = (0, 0)  # the first delivery at work when the engine ended, and how often it was that one
        self.trouble = ""  # why the last batch is not in the database; empty when it is

    async def run(self) -> None:
        """Process what the journal holds, and wait for more, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                if not await self._stretch():
                    self._oldest = 0.0
                    await self._wait()
                pause, self.trouble = FIRST_PAUSE, ""
            except Unavailable as error:
                self.trouble = str(error)
                log.warning("pipeline_paused", reason=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _wait(self) -> None:
        """Until the journal has more, or time alone may change something."""
        due = self._grouping.waits_until
        patience = None if due is None else max(SHORTEST_WAIT, due - self._clock.now())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._journal.wait_for(self._grouping.position)

    def behind(self) -> Behind:
        """How far the pipeline is behind the journal."""
        waiting = max(0, self._journal.head - self._kept)
        age = max(0.0, self._clock.now() - self._oldest) if waiting and self._oldest else 0.0
        return Behind(deliveries=waiting, seconds=age)

    async def drain(self) -> None:
        """Process everything that the journal holds and return."""
        while await self._stretch():
            pass

    async def step(self) -> bool:
        """One micro-batch; False when there was nothing to do. Unavailable when it could not be kept."""
        return await self._stretch(most=1)

    async def _stretch(self, *, most: int | None = None) -> bool:
        """Micro-batches one after the other, as many as there are, until somebody else wants the engine or it is to be kept."""
        self._at_work = []
        try:
            async with self._grouping.borrowed():
                return await self._batches(most)
        except EngineLost as error:
            if not self._lost_again():
                raise
            await self._go_on_without(error)
        except Unavailable:
            raise
        except Exception as error:  # named place: a poison delivery costs only itself
            if not self._at_work:
                raise
            await self._go_on_without(error)
        return True

    def _lost_again(self) -> bool:
        """Count that the engine has ended; whether it did so at the same deliveries often enough for it to be no accident."""
        first = self._at_work[0].id if self._at_work else 0
        self._lost = (first, self._lost[1] + 1 if self._lost[0] == first else 1)
        return first > 0 and self._lost[1] >= KILLS

    async def _go_on_without(self, error: Exception) -> None:
        """One of those at work is poison: it is set aside, when it is known which."""
        first, last = self._at_work[0], self._at_work[-1]
        log.error("batch_failed", first=first.id, last=last.id, exc_info=error)
        self._metrics.failures.labels("pipeline").inc()
        if first is last:
            await self._set_aside(first)
        else:
            self._alone_until = last.id

    async def _batches(self, most: int | None) -> bool:
        """Three things at once: a batch is read while the engine is at the one before, and that before it is written."""
        grouping = self._grouping
        self._kept = grouping.position
        if self._kept < self._alone_until:
            most = 1
        ahead = await self._read_on(grouping.position)
        if not ahead:
            return await grouping.tick()
        heard: Heard | None = None
        begun, due, courtesy = 0, False, 0.0
        while ahead or heard is not None:
            begun += 1
            ending = begun == most or due or grouping.wanted
            telling = reading = writing = None
            self._turns.renew()
            try:
                async with asyncio.TaskGroup() as tasks:
                    if ahead:
                        telling = tasks.create_task(grouping.tell(ahead))
                        if not ending and len(ahead) <= BATCH_DELIVERIES:  # else much is left of the last one
                            reading = tasks.create_task(self._read_on(ahead[-1].position, courtesy))
                    if heard is not None:
                        writing = tasks.create_task(self._keep(heard))
            except BaseExceptionGroup as failed:
                raise _foremost(failed) from None
            courtesy = min(COURTESY * writing.result(), LONGEST_COURTESY) if writing is not None else 0.0
            heard, told, ahead = None, ahead, []
            if telling is not None:
                heard = telling.result()
                due = grouping.count(heard.batch.alerts)
                if not (ending or due or grouping.wanted):
                    ahead = told[heard.taken :] + (reading.result() if reading is not None else [])
        if due:
            await grouping.keep_snapshot()
        log.debug("batches_processed", position=grouping.position, batches=begun)
        return True

    async def _read_on(self, position: int, courtesy: float = 0.0) -> list[Reading]:
        """What the deliveries after `position` say, as many as make a batch; so many seconds later when senders wait."""
        if self._journal.waiting >= CROWD:  # for their 202: they come first
            await asyncio.sleep(courtesy)
        alone = position < self._alone_until
        deliveries = await self._journal.read(position, 1 if alone else BATCH_DELIVERIES, BATCH_BYTES)
        if not alone:
            deliveries = _first_alerts(deliveries, ATTENDED_ALERTS if self._turns.attended else BATCH_ALERTS)
        self._at_work += deliveries
        return await self._reader.read_all(deliveries)

    async def _keep(self, heard: Heard) -> float:
        """Write what the engine made of a batch; the seconds that it took."""
        batch, loop = heard.batch, asyncio.get_running_loop()
        began = loop.time()
        self._oldest = self._at_work[0].received_at
        with self._metrics.batch_seconds.time():
            await self._turns.give()  # who is in the middle of something need not wait for the writing, too
            await self._database.attempt(lambda work: self._write(work, heard))  # a command may have been faster
        self._kept = batch.position
        self._at_work = [delivery for delivery in self._at_work if delivery.id > batch.position]
        for kind, count in batch.decisions.items():
            self._metrics.alerts.labels(kind).inc(count)
        for change in heard.changes:
            self._metrics.changes.labels(change.kind).inc()
        return loop.time() - began

    async def _write(self, work: Transaction, heard: Heard) -> None:
        batch = heard.batch
        if heard.changes:
            await ledger.record(work, heard.changes)
        await self._write_groups(work, batch)
        if batch.settled:
            await self._settled.write(work.connection, list(batch.settled.values()))
        if batch.seen:
            await self._seen.write(work.connection, list(batch.seen.values()))
        surviving: dict[str, Touched] = {}
        for group, touched in batch.groups.items():
            surviving.setdefault(batch.surviving[group], Touched()).take(touched)
        known = await store.of_groups(work.connection, list(surviving))
        for group, touched in surviving.items():
            if (view := batch.views.get(group)) is not None:
                incident = known.get(group)
                rankings = await self._rankings(view, incident, batch.rankings.get(group))
                await self._update_incident(work, view, touched, incident, rankings)
        if batch.warned and self._warnings is not None:
            await self._warnings(work, batch.warned)
        if "noise" in batch.decisions:
            work.announce("alerts", incident=None)
        await self._grouping.heard(work, batch.position)

    async def _rankings(self, view: GroupView, incident: Incident | None, known: Rankings | None) -> Rankings:
        """What is likely, and what people ruled out last; the engine knows that for its next view by itself."""
        ruled_out = incident.ruled_out if incident is not None else ()
        if known is not None and set(known.ruled_out) == set(ruled_out):
            return known
        asked = await self._grouping.rankings(view.id, ruled_out) if ruled_out or known is not None else None
        return asked or Rankings(ruled_out=(), causes=view.causes, suspects=view.suspects, effects=view.effects)

    async def _write_groups(self, work: Transaction, batch: Batch) -> None:
        groups = tables.groups
        # Also those that were open before: a rebuild that differs knows groups that the database does not.
        rows = [
            {"id": group, "recipe": touched.recipe, "opened_at": touched.opened_at or self._clock.now()}
            for group, touched in batch.groups.items()
        ]
        if rows:
            await work.connection.execute(upsert(work.connection, groups).on_conflict_do_nothing(), rows)
        for lost, kept in batch.merged:
            owners = await store.of_groups(work.connection, [lost, kept])
            mine, theirs = owners.get(kept), owners.get(lost)
            if mine is None and theirs is not None:
                await store.adopt_group(work, kept, theirs.number)
            elif mine is not None and theirs is not None and mine.number != theirs.number:
                why = f": {batch.repaired.get(lost) or 'an alert showed that both are one'}"
                await self._incidents.unite(work, mine, theirs, MUSTER, self._clock.now(), why)
                await work.connection.execute(
                    update(groups).where(groups.c.incident == theirs.number).values(incident=mine.number)
                )
            owner = mine or theirs
            await work.connection.execute(
                update(groups)
                .where((groups.c.id == lost) | (groups.c.merged_into == lost))
                .values(merged_into=kept, incident=owner.number if owner else None)
            )

    async def _update_incident(
        self,
        work: Transaction,
        view: GroupView,
        touched: Touched,
        incident: Incident | None,
        rankings: Rankings,
    ) -> None:
        at = self._clock.now()
        if incident is None:
            if view.deserves:
                await self._declare(work, view, rankings, at)
            return
        before, count = {name for name, _ in incident.services}, incident.alert_count
        _take_figures(incident, view, rankings)
        events: list[Any] = []
        if incident.merged_into is None:
            if touched.fresh and not incident.open:
                why = next(iter(touched.reasons.values()), "")
                events.append(incident.reopen(MUSTER, at, f"an alert fires again. {why}".strip()))
            quiet = touched.muted - touched.reasons.keys()
            new = tuple(name for name, _ in incident.services if name not in before and name not in quiet)
            joined = max(touched.joined, incident.alert_count - count if touched.repaired else 0)
            if new and joined:
                repaired = f"Part of it all along: {touched.repaired}." if touched.repaired else ""
                words = next((touched.reasons[name] for name in new if name in touched.reasons), repaired)
                events.append(Joined(alerts=joined, new_services=new, words=words))
            if not incident.graded_by_person and (severity := self._severity(view)) < incident.severity:
                events.append(incident.change_severity(severity, MUSTER, touched.worst[1]))
            else:
                for worse in touched.worse:
                    await timeline.append(work, incident.number, at, "worse", MUSTER, worse)
            events += await lifecycle.follow(work, incident, view, at, turned=touched.turned, again=touched.again)
        await store.save(work, incident)
        for event in events:
            await self._incidents.react(work, incident, event, at)
        if not events:
            await self._incidents.refresh(work, incident, at)
        work.announce("alerts", incident=incident.number)

    async def _declare(self, work: Transaction, view: GroupView, rankings: Rankings, at: float) -> None:
        opens, severity = self._grouping.opens(view.recipe), self._severity(view)
        incident = Incident(
            number=0,
            title=view.title,
            severity=severity,
            status_since=at,
            opened_at=at,
            first_alert_at=view.opened_at,
            last_alert_at=view.last_at,
            recipe=view.recipe,
            private=opens.private or self._catalog().is_private((name for name, _ in view.services), severity),
            auto_resolve=opens.auto_resolve,
        )
        _take_figures(incident, view, rankings)
        await store.insert_incident(work, incident)
        await work.connection.execute(
            update(tables.groups).where(tables.groups.c.id == view.id).values(incident=incident.number)
        )
        firing = incident.firing_count > 0  # what is over already, as after a downtime, wakes nobody
        await self._incidents.react(work, incident, Declared(by=MUSTER, invite=opens.invite, page=firing), at)
        if not firing and (cleared := incident.clear(at)):
            await store.save(work, incident)
            await self._incidents.react(work, incident, cleared, at)
        work.announce("alerts", incident=incident.number)
        self._metrics.incidents.labels(incident.severity).inc()
        log.info("incident_declared", incident=incident.ref, severity=incident.severity, group=view.id)

    def _severity(self, view: GroupView) -> SeverityLevel:
        return severity_of(view, self._grouping.opens(view.recipe).severity, self._catalog())

    async def _set_aside(self, delivery: Delivery) -> None:
        """Keep a delivery that cannot be processed where operators look, and go on behind it."""
        await self._journal.reject(
            delivery.source,
            delivery.headers,
            delivery.body,
            delivery.received_at,
            "It was accepted, but processing it failed; the log says why.",
        )
        await self._grouping.set_aside(delivery.id)
        log.error("delivery_set_aside", delivery=delivery.id, source=delivery.source)


def _first_alerts(deliveries: Sequence[Delivery], limit: int) -> list[Delivery]:
    taken: list[Delivery] = []
    alerts = 0
    for delivery in deliveries:
        if taken and alerts + delivery.accepted > limit:
            break
        taken.append(delivery)
        alerts += delivery.accepted
    return taken


def _take_figures(incident: Incident, view: GroupView, rankings: Rankings) -> None:
    incident.services = [(name, count) for name, count in view.services if name]
    incident.alert_count, incident.firing_count = view.size, view.active
    incident.first_alert_at = min(incident.first_alert_at, view.opened_at)
    incident.last_alert_at = max(incident.last_alert_at, view.last_at)
    incident.location = view.locations[0][0] if len(view.locations) == 1 else ""
    incident.environment = view.environments[0][0] if len(view.environments) == 1 else ""
    take_rankings(incident, rankings)


def _foremost(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of what went wrong at once, what is to be heeded: trouble that passes before a mistake of ours."""
    return min(failed.exceptions, key=lambda error: not isinstance(error, Unavailable))
