"""The engine's keeper: rebuilds it from snapshot, journal and people's corrections, guards it, and keeps snapshots.

Nothing decides here what an incident is; the pipeline does, with the engine it borrows under the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select, update

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook, topology
from bot.clock import Clock
from bot.engine import messages
from bot.engine.batch import Batch, Rankings
from bot.engine.host import Host
from bot.engine.messages import Lesson, Reading, expect
from bot.errors import InvalidTransition, NotFound, Unavailable
from bot.incidents import corrections
from bot.incidents.grading import SplitOff, severity_of
from bot.incidents.reading import TICK, Reader
from bot.incidents.reference import ref
from bot.incidents.retelling import Between, number_on, tell_again
from bot.incidents.service import Causes, May, Parting, Weighing
from bot.incidents.snapshots import READER, heard_up_to, keep_state, note_heard, states_up_to
from bot.intake.journal import Journal
from bot.storage import tables
from bot.storage.database import Database, Transaction
from bot.telemetry import get_logger
from correlation.alert import Change
from correlation.beginnings import Kind
from correlation.cookbook import Cookbook, OpensPolicy
from correlation.weights import Weights, shipped

__all__ = ["READER", "Grouping", "Heard"]

log = get_logger(__name__)

MOST_OPENED = 40  # groups of a batch; each may be an incident to declare, and its dozen rows keep other writers waiting
SNAPSHOT_ALERTS = 50_000  # alerts after which a snapshot is due
SNAPSHOT_SECONDS = 60.0  # ... or so long after the last, when anything happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the engine made of the first `taken` of the deliveries that it was told, and the changes that they told of."""

    batch: Batch
    changes: list[Change]
    taken: int


class Grouping:
    """Owns the engine. `position` is the delivery up to which it has heard everything."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        clock: Clock,
        *,
        host: Host,
        reader: Reader,
        catalog: Callable[[], Catalog],
        weights: Weights | None = None,
    ) -> None:
        self._database, self._journal, self._clock, self._host = database, journal, clock, host
        self._reader, self._catalog, self._weights = reader, catalog, weights or shipped()
        self._lock = asyncio.Lock()
        self._wanting = 0  # who waits for the lock
        self._stale = True
        self._feedback = 0
        self._since_snapshot = 0
        self._ticked_for = 0.0  # the engine's moment for which a tick was written: one is enough
        self._snapshot_at = clock.now()
        self._digest = ""
        self._decides_by: Weights | None = None
        self._cookbook = Cookbook()
        self.position = 0

    # --- whose turn it is ---------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> bool:
        """Whether somebody waits to have the engine."""
        return self._wanting > 0

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        self._wanting += 1
        try:
            await self._lock.acquire()
        finally:
            self._wanting -= 1
        try:
            yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[None]:
        """The engine, for a few batches or one correction at a time.

        When the block fails, what it told the engine may not be in the database: the engine is rebuilt before it is lent again.
        """
        async with self._ready():
            try:
                yield
            except BaseException:
                self._stale = True
                raise

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[None]:
        """The engine alone, as the database knows it and by the present catalogue."""
        async with self._alone():
            if self._stale or not self._host.alive:
                await self._rebuild()
            if self._catalog().digest != self._digest or self._decides_by != self._weights:
                self._stale = True  # until a snapshot is kept
                await self._reconfigure()
                self._stale = False
            yield

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """While the block runs nothing is decided: what it writes stands between two batches, for a replay too."""
        async with self._alone():
            if self._stale:  # what the engine heard may not be in the database
                async with self._database.reading() as connection:
                    self.position = await heard_up_to(connection)
            yield

    async def _ask(self, request: messages.Request) -> messages.Answer:
        """Ask the engine; the caller holds it. One that failed or was lost is rebuilt before it is lent again."""
        try:
            answer = await self._host.ask(request)
        except BaseException:
            self._stale = True
            raise
        if isinstance(answer, messages.Failed):
            self._stale = True
        return answer

    # --- what alerts say ----------------------------------------------------------------------------------------------

    async def tell(self, readings: Sequence[Reading]) -> Heard:
        """Tell the engine; the caller holds it. It stops where many groups were opened."""
        told = expect(await self._ask(messages.Tell(list(readings), MOST_OPENED)), messages.Told)
        self.position = told.batch.position
        changes = [change for reading in readings[: told.taken] for change in reading.changes]
        return Heard(batch=told.batch, changes=changes, taken=told.taken)

    async def rankings(self, group: str, ruled_out: Collection[str]) -> Rankings | None:
        """What is likely of a group when these are ruled out, from now on; None when the engine has forgotten it."""
        return expect(await self._ask(messages.Weigh(group, tuple(ruled_out))), messages.Weighed).rankings

    def opens(self, recipe: str) -> OpensPolicy:
        """What an incident that this recipe opens looks like; the default policy for a recipe that is gone."""
        compiled = self._cookbook.get(recipe)
        return compiled.recipe.opens if compiled is not None else OpensPolicy()

    @property
    def waits_until(self) -> float | None:
        """The event time at which time alone may change what the engine says; None when nothing waits."""
        return self._host.waits_until

    async def tick(self) -> bool:
        """When time alone may change what the engine says, put it into the journal, so that a replay hears it too."""
        now, due = self._clock.now(), self.waits_until
        if due is None or due > now or due == self._ticked_for:
            return False
        await self._journal.append(TICK, {}, b"", now)
        self._ticked_for = due
        return True

    async def heard(self, work: Transaction, position: int) -> None:
        """Note, in the transaction of a batch, that everything up to `position` is in the database."""
        await note_heard(work, position)

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def count(self, alerts: int) -> bool:
        """So many alerts were told; whether a snapshot is due."""
        self._since_snapshot += alerts
        return self._since_snapshot >= SNAPSHOT_ALERTS or (
            self._since_snapshot > 0 and self._clock.now() - self._snapshot_at >= SNAPSHOT_SECONDS
        )

    async def keep_snapshot(self) -> None:
        """Write a snapshot. The caller holds the engine, and everything that was told is in the database."""
        state = expect(await self._ask(messages.Keep()), messages.Kept).state
        async with self._database.transaction() as work:
            await self._keep_state(work, state)

    async def set_aside(self, position: int) -> None:
        """Go on behind a delivery that the engine shall not hear: with a snapshot, so that no replay tells it."""
        async with self.borrowed():
            self.position = position
            state = expect(await self._ask(messages.Keep()), messages.Kept).state
            async with self._database.transaction() as work:
                await self.heard(work, position)
                await self._keep_state(work, state)

    async def _keep_state(self, work: Transaction, state: messages.State) -> None:
        now = self._clock.now()
        values = {
            "position": self.position,
            "at": now,
            "feedback": self._feedback,
            "catalog_digest": self._digest,
            "state": state.engine,
            "lesson": state.lesson,
            "watch": state.watch,
        }
        await keep_state(work, values)
        self._since_snapshot, self._snapshot_at = 0, now
        log.info("engine_snapshot_kept", position=self.position, bytes=len(state.engine))

    async def close(self) -> None:
        """Keep a last snapshot, so that the next start has nothing to replay."""
        async with self._alone():
            if not self._stale and self._since_snapshot > 0:
                try:
                    await self.keep_snapshot()
                except Unavailable as error:  # no reason not to stop: the next start replays the journal
                    log.warning("engine_snapshot_missed", reason=str(error))
            self._stale = True

    # --- corrections by people ----------------------------------------------------------------------------------------

    async def merge(self, kept: int, lost: int, may: May, then: Weighing) -> None:
        """Move the groups of incident `lost` to `kept`; `may` refuses first, `then` may ask for the causes of the whole."""
        async with self._ready():
            into, other = await self._group_of(kept), await self._group_of(lost)
            async with self._database.transaction() as work:
                await may(work)
                groups = tables.groups
                moved = update(groups).where(groups.c.incident == lost).values(incident=kept)
                if into and other and into != other:
                    self._stale = True  # until this is committed
                    expect(await self._ask(messages.Merge(into, other)), messages.Done)
                    await self._remember(work, "merge", into, other=other)
                    moved = moved.values(merged_into=into)
                await then(work, self._causes(into or other))
                await work.connection.execute(moved)
            self._stale = False

    async def split(self, number: int, alerts: Sequence[int], then: Parting) -> None:
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
        episodes = sorted(set(alerts))
        async with self._ready():
            found = expect(
                await self._ask(messages.Find(sorted({of_incident[alert] for alert in alerts}))), messages.Found
            )
            group, *others = {found.surviving[of_incident[alert]]: None for alert in alerts}
            if others:
                raise InvalidTransition("Those alerts were never one group. Split off one group at a time.")
            async with self._database.transaction() as work:
                answer = await self._ask(messages.Split(group, episodes))
                if isinstance(answer, messages.Refused):
                    raise InvalidTransition(f"{ref(number)} is too old for this to be split off.")
                self._stale = True  # until this is committed
                apart = expect(answer, messages.Apart)
                new = apart.view.id
                await self._remember(work, "split", group, other=new, episodes=episodes)
                await work.connection.execute(
                    insert(tables.groups).values(id=new, opened_at=self._clock.now(), recipe="")
                )
                await work.connection.execute(update(tables.alerts).where(a.id.in_(episodes)).values(group_id=new))
                await work.connection.execute(update(tables.alerts).where(a.id.in_(apart.loud)).values(muted=False))
                await then(work, self._split_off(apart), self._causes(group), self._causes(new))
            self._stale = False

    async def weigh(self, number: int, then: Weighing) -> None:
        """`then` runs in a transaction while nothing is decided; it may ask for the causes of incident `number`."""
        async with self._ready():
            causes = self._causes(await self._group_of(number))
            await self._database.attempt(lambda work: then(work, causes))

    def _causes(self, group: str) -> Causes:
        async def causes(ruled_out: Collection[str]) -> Rankings | None:
            return await self.rankings(group, ruled_out) if group else None

        return causes

    def _split_off(self, apart: messages.Apart) -> SplitOff:
        view, catalog = apart.view, self._catalog()
        severity = severity_of(view, self.opens(view.recipe).severity, catalog)
        private = catalog.is_private((name for name, _ in view.services), severity)
        rest, anew = apart.rest, apart.retitled
        return SplitOff(group=view.id, title=view.title, severity=severity, private=private, rest=rest, retitled=anew)

    async def _group_of(self, number: int) -> str:
        """The engine's surviving group of an incident, "" when it has none."""
        groups = tables.groups
        query = select(groups.c.id).where(groups.c.incident == number).order_by(groups.c.opened_at.desc())
        async with self._database.reading() as connection:
            groups_of = list((await connection.execute(query)).scalars())
        found = expect(await self._ask(messages.Find(groups_of)), messages.Found)
        return next((one for one in found.surviving.values() if one in found.remembered), "")

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

    async def teach(self, write: Callable[[Transaction, int], Awaitable[list[Lesson]]]) -> None:
        """Teach the watch what `write` keeps in a transaction, between two deliveries: it is told after which one."""
        async with self._ready():
            self._stale = True  # until this is committed
            lessons = await self._database.attempt(lambda work: write(work, self.position))
            expect(await self._ask(messages.Teach(lessons)), messages.Done)
            self._since_snapshot += len(lessons)
            self._stale = False

    async def chances(self, kinds: Sequence[Kind]) -> list[float]:
        """How likely each of these kinds of alert is to be there at any time, as far as the watch has seen."""
        async with self._ready():
            return expect(await self._ask(messages.Estimate(list(kinds))), messages.Chances).each

    # --- rebuilding ---------------------------------------------------------------------------------------------------

    def _rules(self) -> messages.Rules:
        catalog = self._catalog()
        book = cookbook(catalog)
        self._cookbook = book
        return messages.Rules(
            recipes=book.recipes,
            with_default=book.with_default,
            services=topology(catalog).services,
            weights=self._weights,
        )

    async def _reconfigure(self) -> None:
        """The catalogue or the weights changed: tell the engine, and keep a snapshot so that no replay crosses the change."""
        digest = self._catalog().digest
        expect(await self._ask(messages.Configure(self._rules())), messages.Done)
        self._digest, self._decides_by = digest, self._weights
        await self.keep_snapshot()

    async def _rebuild(self) -> None:
        feedback, lessons = tables.feedback, tables.lessons
        async with self._database.reading() as connection:
            cursor = await heard_up_to(connection)
            kept = await states_up_to(connection, cursor)
            corrected = list(await connection.execute(select(feedback).order_by(feedback.c.id)))
            taught = list(await connection.execute(select(lessons).order_by(lessons.c.id)))
        newest = corrected[-1].id if corrected else 0
        catalog = self._catalog()
        states = [messages.State(engine=row.state, watch=row.watch, lesson=row.lesson) for row in kept]
        restored = expect(await self._ask(messages.Restore(states, self._rules())), messages.Restored)
        for row, problem in zip(kept, restored.problems, strict=False):  # of those before the chosen one
            log.warning("engine_snapshot_unreadable", position=row.position, reason=problem)
        if restored.watch_problem:  # it warns again when it has watched for long enough
            log.warning("watch_snapshot_unreadable", reason=restored.watch_problem)
        state = None if restored.chosen is None else kept[restored.chosen]
        self._decides_by = restored.weights
        self._digest = state.catalog_digest if state else catalog.digest
        self.position, self._feedback = (state.position, state.feedback) if state else (0, 0)
        if not kept:  # so that a replay from the beginning knows the recipes of the beginning
            await self.keep_snapshot()
        elif not state:  # of the journal only the end may be left: what it tells gets numbers of its own
            await number_on(self._host, self._database)
            corrected = []
        waiting = [Between.of_correction(row) for row in corrected if row.id > self._feedback]
        waiting += [Between.of_lesson(row) for row in taught if row.id > restored.lesson]
        replayed = await tell_again(
            self._host, self._journal, self._reader.read_all, waiting, after=self.position, up_to=cursor
        )
        self.position, self._feedback = max(self.position, cursor), newest
        if await number_on(self._host, self._database):
            log.warning("engine_rebuilt_differently", catalogue_changed=replayed > 0 and self._digest != catalog.digest)
        self._stale = False
        self._since_snapshot += replayed + len(waiting)
        log.info("engine_rebuilt", position=self.position, replayed=replayed, told_between=len(waiting))
