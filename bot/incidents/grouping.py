"""The engine's keeper: rebuilds it from snapshot, journal and people's corrections, guards it, and keeps snapshots.

Nothing decides here what an incident is; the pipeline does, with the engine it borrows under the lock.
"""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook, topology
from bot.clock import Clock
from bot.errors import InvalidTransition, MalformedPayload, NotFound, StorageUnavailable
from bot.incidents import corrections
from bot.incidents.batch import Told
from bot.incidents.causes import Weighed, weighed
from bot.incidents.grading import SplitOff, severity_of
from bot.incidents.lookout import Lesson, Lookout
from bot.incidents.model import ref
from bot.incidents.muting import Muting
from bot.incidents.reading import TICK, Reading, read
from bot.incidents.service import Causes
from bot.incidents.snapshots import READER, heard_up_to, newest_numbers, newest_readable
from bot.intake.journal import Delivery, Journal
from bot.intake.source import Source
from bot.storage import tables
from bot.storage.database import Announcement, Database, Transaction, upsert
from bot.telemetry import get_logger
from bot.turns import Turns
from correlation.alert import Alert
from correlation.decision import Decision
from correlation.engine import Engine, UnknownGroup
from correlation.warning import EarlyWarning
from correlation.weights import Weights, shipped

__all__ = ["READER", "Grouping"]

log = get_logger(__name__)

REPLAY_BATCH = 500  # deliveries
SLICE = 8  # alerts told at once
BREATH = 0.001  # seconds after which webhooks and commands have their turn
SNAPSHOT_ALERTS = 50_000  # alerts after which a snapshot is due
SNAPSHOT_SECONDS = 60.0  # ... or so long after the last, when anything happened


class Grouping:
    """Owns the engine. `position` is the delivery up to which it has heard everything."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        *,
        sources: dict[str, Source],
        catalog: Callable[[], Catalog],
        weights: Weights | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._database, self._journal, self._clock = database, journal, clock
        self._sources, self._catalog, self._weights = sources, catalog, weights or shipped()
        self._turns = turns or Turns()
        self._lock = asyncio.Lock()
        self._muting: Muting | None = None
        self._stale = True
        self._feedback = 0
        self._since_snapshot = 0
        self._ticked_for = 0.0  # the engine's moment for which a tick was written: one is enough
        self._snapshot_at = clock.now()
        self._digest = ""
        self._breath_at = 0.0
        self.engine = Engine()
        self.lookout = Lookout()
        self.position = 0
        database.subscribe(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.topic == "silence":
            self._muting = None

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Engine]:
        """The engine, for one batch or one correction at a time.

        When the block fails, what it told the engine may not be in the database: the engine is rebuilt before it is lent again.
        """
        async with self._ready() as engine:
            self._turns.renew()
            try:
                yield engine
            except BaseException:
                self._stale = True
                raise

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[Engine]:
        """The engine alone, as the database knows it and by the present catalogue."""
        async with self._lock:
            if self._stale:
                await self._rebuild()
            if self._catalog().digest != self._digest or self.engine.weights != self._weights:
                self._stale = True  # until a snapshot is kept
                await self._reconfigure()
                self._stale = False
            yield self.engine

    async def tell(self, delivery: Delivery) -> Told:
        """Tell the engine what a delivery says; the caller holds it. MalformedPayload as `read` has it."""
        reading = self.read(delivery, await self.muting())
        called = () if reading.tick is None else self.engine.advance(reading.tick)
        self.engine.observe(reading.changes)
        decided: list[tuple[Alert, Decision]] = []
        warned: list[EarlyWarning] = []
        for start in range(0, len(reading.alerts), SLICE):
            alerts, muted = reading.alerts[start : start + SLICE], reading.muted[start : start + SLICE]
            decided += zip(alerts, self.engine.ingest(alerts, delivery.received_at, muted=muted), strict=True)
            warned += self.lookout.hear(alerts, muted, delivery.received_at)
            if time.perf_counter() >= self._breath_at:
                await self._turns.give()
                self._breath_at = time.perf_counter() + BREATH
        return Told(changes=reading.changes, decided=decided, called=called, warned=warned)

    def read(self, delivery: Delivery, muting: Muting) -> Reading:
        """What a delivery says. MalformedPayload when this version of its source no longer understands it."""
        return read(delivery, self._sources, self._catalog(), muting)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """While the block runs nothing is decided: what it writes stands between two batches, for a replay too."""
        async with self._lock:
            if self._stale:  # what the engine heard may not be in the database
                async with self._database.reading() as connection:
                    self.position = await heard_up_to(connection)
            yield

    async def muting(self) -> Muting:
        """The silences as they are now. The caller holds the engine, so that none changes meanwhile."""
        if self._muting is None:
            async with self._database.reading() as connection:
                self._muting = await Muting.load(connection)
        return self._muting

    async def tick(self) -> bool:
        """When time alone may change what the engine says, put it into the journal, so that a replay hears it too."""
        now, due = self._clock.now(), self.engine.waits_until
        if due is None or due > now or due == self._ticked_for:
            return False
        await self._journal.append(TICK, {}, b"", now)
        self._ticked_for = due
        return True

    async def heard(self, work: Transaction, position: int) -> None:
        """Note, in the transaction of a batch, that everything up to `position` is in the database."""
        statement = upsert(work.connection, tables.cursors).values(reader=READER, position=position)
        await work.connection.execute(
            statement.on_conflict_do_update(index_elements=["reader"], set_={"position": statement.excluded.position})
        )

    async def keep_snapshot(self, *, alerts: int = 0, force: bool = False) -> None:
        """Write a snapshot when one is due; `alerts` have been told since the last call. The caller holds the engine."""
        self._since_snapshot += alerts
        now = self._clock.now()
        due = self._since_snapshot >= SNAPSHOT_ALERTS or (
            self._since_snapshot > 0 and now - self._snapshot_at >= SNAPSHOT_SECONDS
        )
        if not (due or force):
            return
        state = await self._state()
        async with self._database.transaction() as work:
            await self._write_snapshot(work, state, now)
        self._since_snapshot, self._snapshot_at = 0, now

    async def set_aside(self, position: int) -> None:
        """Go on behind a delivery that the engine shall not hear: with a snapshot, so that no replay tells it."""
        async with self.borrowed():
            self.position = position
            state = await self._state()
            async with self._database.transaction() as work:
                await self.heard(work, position)
                await self._write_snapshot(work, state, self._clock.now())

    async def _state(self) -> tuple[bytes, bytes]:
        """The engine's state and the watch's, packed aside: the caller holds both, and everybody else is answered meanwhile."""
        engine, watch = self.engine, self.lookout.watch
        return await asyncio.to_thread(lambda: (zlib.compress(engine.snapshot(), level=1), watch.snapshot()))

    async def _write_snapshot(self, work: Transaction, state: tuple[bytes, bytes], now: float) -> None:
        values = {
            "position": self.position,
            "at": now,
            "feedback": self._feedback,
            "catalog_digest": self._digest,
            "state": state[0],
            "lesson": self.lookout.lesson,
            "watch": state[1],
        }
        states = tables.engine_states
        await work.connection.execute(delete(states).where(states.c.position >= self.position))
        await work.connection.execute(insert(states).values(values))
        older = select(states.c.position).order_by(states.c.position.desc()).offset(2)
        await work.connection.execute(delete(states).where(states.c.position.in_(older)))
        log.info("engine_snapshot_kept", position=self.position, bytes=len(state[0]))

    async def close(self) -> None:
        """Keep a last snapshot, so that the next start has nothing to replay."""
        async with self._lock:
            if not self._stale:
                try:
                    await self.keep_snapshot(force=self._since_snapshot > 0)
                except StorageUnavailable as error:  # no reason not to stop: the next start replays the journal
                    log.warning("engine_snapshot_missed", reason=str(error))

    # --- corrections by people ----------------------------------------------------------------------------------------

    async def merge(self, kept: int, lost: int, then: Callable[[Transaction], Awaitable[None]]) -> None:
        """Move the groups of incident `lost` to `kept`; `then` runs in the same transaction, and may refuse."""
        async with self._ready() as engine:
            into, other = await self._group_of(kept), await self._group_of(lost)
            async with self._database.transaction() as work:
                await then(work)
                groups = tables.groups
                moved = update(groups).where(groups.c.incident == lost).values(incident=kept)
                if into and other and into != other:
                    self._stale = True  # until this is committed
                    engine.merge(into, other)
                    await self._remember(work, "merge", into, other=other)
                    moved = moved.values(merged_into=into)
                await work.connection.execute(moved)
            self._stale = False

    async def split(
        self, number: int, alerts: Sequence[int], then: Callable[[Transaction, SplitOff], Awaitable[None]]
    ) -> None:
        """Move alerts of an incident to a new group; `then` declares its incident in the same transaction."""
        a, g = tables.alerts.c, tables.groups.c
        async with self._database.reading() as connection:
            query = select(a.id, a.group_id).join(tables.groups, a.group_id == g.id).where(g.incident == number)
            of_incident = {row.id: row.group_id for row in await connection.execute(query)}
        strangers = [alert for alert in alerts if alert not in of_incident]
        if strangers:
            raise NotFound(f"{ref(number)} has no alert A{strangers[0]}. Its alerts: /incident alerts")
        if len(set(alerts)) == len(of_incident):
            raise InvalidTransition("Those are all its alerts. To give them another incident, rename this one.")
        async with self._ready() as engine:
            group, *others = {engine.surviving(of_incident[alert]): None for alert in alerts}
            if others:
                raise InvalidTransition("Those alerts were never one group. Split off one group at a time.")
            muted = engine.muted(group)
            async with self._database.transaction() as work:
                try:
                    new = engine.split(group, sorted(set(alerts)))
                except (UnknownGroup, ValueError) as error:
                    raise InvalidTransition(f"{ref(number)} is too old for this to be split off.") from error
                self._stale = True  # until this is committed
                await self._remember(work, "split", group, other=new, episodes=sorted(set(alerts)))
                await work.connection.execute(
                    insert(tables.groups).values(id=new, opened_at=self._clock.now(), recipe="")
                )
                await work.connection.execute(
                    update(tables.alerts).where(a.id.in_(sorted(set(alerts)))).values(group_id=new)
                )
                loud = muted - engine.muted(group) - engine.muted(new)  # no longer with its cause
                await work.connection.execute(update(tables.alerts).where(a.id.in_(loud)).values(muted=False))
                await then(work, self._split_off(new))
            self._stale = False

    async def weigh(self, number: int, then: Callable[[Transaction, Causes], Awaitable[None]]) -> None:
        """`then` runs in a transaction while nothing is decided; it may ask for the causes of incident `number`."""
        async with self._ready() as engine:
            group = await self._group_of(number)

            def causes(ruled_out: Collection[str]) -> Weighed | None:
                return weighed(engine, group, ruled_out) if group else None

            await self._database.attempt(lambda work: then(work, causes))

    def _split_off(self, group: str) -> SplitOff:
        view = self.engine.group(group)
        if view is None:
            raise LookupError(f"the engine does not know {group}, which it has just made")
        catalog = self._catalog()
        severity = severity_of(view, self.engine.opens(view.recipe).severity, catalog)
        private = catalog.is_private((name for name, _ in view.services), severity)
        return SplitOff(group=group, title=view.title, severity=severity, private=private)

    async def _group_of(self, number: int) -> str:
        """The engine's surviving group of an incident, "" when it has none."""
        groups = tables.groups
        query = select(groups.c.id).where(groups.c.incident == number).order_by(groups.c.opened_at.desc())
        async with self._database.reading() as connection:
            for group in (await connection.execute(query)).scalars():
                surviving = self.engine.surviving(group)
                if self.engine.group(surviving) is not None:
                    return surviving
        return ""

    async def _remember(
        self,
        work: Transaction,
        kind: Literal["merge", "split"],
        group: str,
        *,
        other: str,
        episodes: Sequence[int] = (),
    ) -> None:
        self._feedback = await corrections.remember(
            work, kind, group, other=other, episodes=episodes, position=self.position, at=self._clock.now()
        )
        self._since_snapshot += 1

    async def teach(self, write: Callable[[Transaction, int], Awaitable[Sequence[Lesson]]]) -> None:
        """Teach the watch what `write` keeps in a transaction, between two deliveries: it is told after which one."""
        async with self._ready():
            self._stale = True  # until this is committed
            lessons = await self._database.attempt(lambda work: write(work, self.position))
            for lesson in lessons:
                self.lookout.teach(lesson)
            self._since_snapshot += len(lessons)
            self._stale = False

    # --- rebuilding ---------------------------------------------------------------------------------------------------

    async def _reconfigure(self) -> None:
        """The catalogue or the weights changed: tell the engine, and keep a snapshot so that no replay crosses the change."""
        catalog = self._catalog()
        self.engine.reconfigure(cookbook(catalog), topology(catalog), self._weights)
        self._digest = catalog.digest
        await self.keep_snapshot(force=True)

    async def _rebuild(self) -> None:
        states, feedback, lessons = tables.engine_states, tables.feedback, tables.lessons
        async with self._database.reading() as connection:
            cursor = await heard_up_to(connection)
            query = select(states).where(states.c.position <= cursor).order_by(states.c.position.desc())
            kept = list(await connection.execute(query))
            rows = list(await connection.execute(select(feedback).order_by(feedback.c.id)))
            taught = [Lesson.of(row) for row in await connection.execute(select(lessons).order_by(lessons.c.id))]
        newest = rows[-1].id if rows else 0
        catalog = self._catalog()
        state, engine = newest_readable(kept)
        self.lookout.restore(state, taught)
        self.engine = engine or Engine(cookbook(catalog), topology(catalog), weights=self._weights)
        self._digest = state.catalog_digest if state else catalog.digest
        self.position, self._feedback = (state.position, state.feedback) if state else (0, 0)
        if not kept:  # so that a replay from the beginning knows the recipes of the beginning
            await self.keep_snapshot(force=True)
        elif not state:  # of the journal only the end may be left: what it tells gets numbers of its own
            await self._number_on()
            rows = []
        waiting = [row for row in rows if row.id > self._feedback]
        replayed = await self._replay(cursor, waiting)
        self._feedback = newest
        if await self._number_on():
            log.warning("engine_rebuilt_differently", catalogue_changed=replayed > 0 and self._digest != catalog.digest)
        self._stale = False
        self._since_snapshot += replayed + len(waiting)
        log.info("engine_rebuilt", position=self.position, replayed=replayed, corrections=len(waiting))

    async def _replay(self, cursor: int, corrected: Sequence[Row[Any]]) -> int:
        """Tell the engine again what it heard between the snapshot and `cursor`; its answers are in the database already."""
        waiting, told = list(corrected), 0
        while self.position < cursor:
            deliveries = [d for d in await self._journal.read(self.position, REPLAY_BATCH) if d.id <= cursor]
            for delivery in deliveries:
                while waiting and waiting[0].position < delivery.id:
                    corrections.correct(self.engine, waiting.pop(0))
                self.lookout.up_to(delivery.id)
                with suppress(MalformedPayload):
                    told += len((await self.tell(delivery)).decided)
            if not deliveries:
                break
            self.position = deliveries[-1].id
        self.position = max(self.position, cursor)
        for correction in waiting:
            corrections.correct(self.engine, correction)
        self.lookout.up_to(math.inf)
        return told

    async def _number_on(self) -> bool:
        """Go on above every number that the database knows, for none may be given twice; whether that skips any."""
        async with self._database.reading() as connection:
            episode, group = await newest_numbers(connection)
        return self.engine.number_from(episode=episode + 1, group=group + 1)
