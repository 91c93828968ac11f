"""The pipeline: journal -> engine -> incidents -> outbox, in micro-batches of one transaction each.

State, timeline, outbox and the journal's cursor commit together: a crash replays, never loses, never doubles. What a delivery
says is the reader's, what becomes of a batch the writer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.clock import Clock
from bot.engine.host import EngineLost
from bot.engine.messages import Reading
from bot.errors import Unavailable
from bot.incidents.grouping import Grouping, Heard
from bot.incidents.reading import TICK, Reader
from bot.incidents.writing import Writer
from bot.intake.journal import Delivery, Journal
from bot.storage.database import Database
from bot.telemetry import Metrics, get_logger
from bot.turns import Turns

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
        writer: Writer,
        metrics: Metrics,
        turns: Turns | None = None,
    ) -> None:
        self._database, self._journal, self._clock, self._metrics = database, journal, clock, metrics
        self._reader, self._grouping, self._writer = reader, grouping, writer
        self._turns = turns or Turns()
        self._kept = 0  # the delivery up to which everything is in the database
        self._oldest = 0.0  # when the oldest delivery at work was received
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

    async def look_again(self) -> None:
        """The catalogue is another one: go by it now, though no alert comes."""
        await self._journal.append(TICK, {}, b"", self._clock.now())

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
            await self._database.attempt(lambda work: self._writer.write(work, heard))  # a command may have been faster
        self._kept = batch.position
        self._at_work = [delivery for delivery in self._at_work if delivery.id > batch.position]
        for kind, count in batch.decisions.items():
            self._metrics.alerts.labels(kind).inc(count)
        for change in heard.changes:
            self._metrics.changes.labels(change.kind).inc()
        return loop.time() - began

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


def _foremost(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of what went wrong at once, what is to be heeded: trouble that passes before a mistake of ours."""
    return min(failed.exceptions, key=lambda error: not isinstance(error, Unavailable))
