"""Fires timers that are due, and runs periodic jobs. Timers are rows; the clock's library only ticks. What they do is not here.

A handler runs in the transaction that removes its timer, so it happens once in effect, whenever the process dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from bot.errors import Unavailable
from bot.storage import timers
from bot.storage.database import Announcement, Database, Transaction
from bot.storage.timers import Timer
from bot.telemetry import Metrics, get_logger

__all__ = ["Handler", "Scheduler"]

log = get_logger(__name__)

Handler = Callable[[Transaction, Timer, float], Awaitable[None]]
Job = Callable[[], Awaitable[object]]

TICK = 1.0  # seconds
BATCH = 100  # timers read at once
ROUNDS = 20  # batches in one tick, so that timers which set timers cannot keep it for ever
FIRST_REST, LONGEST_REST = 1.0, 300.0  # seconds until a failed timer is tried again; doubles in between
PATIENCE = 5.0  # seconds that `stop` waits for what is under way


@dataclass(slots=True)
class _Rest:
    """A timer that failed, and when it is tried again. Kept in memory only: a restart is a good moment to try again."""

    failures: int
    until: float


class Scheduler:
    """`handlers` is by a timer's kind. A failing handler is retried with back-off and costs only its own timer."""

    def __init__(
        self, database: Database, clock: Clock, handlers: Mapping[str, Handler], *, metrics: Metrics | None = None
    ) -> None:
        self._database, self._clock, self._handlers = database, clock, dict(handlers)
        self._metrics = metrics or Metrics()
        self._ticker: AsyncIOScheduler | None = None
        self._jobs: list[tuple[float, str, Job]] = []
        self._rests: dict[tuple[str, str, float], _Rest] = {}  # by kind, key and due time: row ids come again
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._poked = self._listening = False

    @property
    def resting(self) -> int:
        """How many failed timers wait for another try."""
        return len(self._rests)

    def every(self, seconds: float, name: str, job: Job) -> None:
        """Run `job` every so many seconds while started; never twice at once."""
        self._jobs.append((seconds, name, job))
        if self._ticker is not None:
            self._add(self._ticker, seconds, name, job)

    def start(self) -> None:
        """Begin to tick, in the running event loop."""
        if self._ticker is not None:
            return
        self._ticker = AsyncIOScheduler(timezone=UTC)
        self._add(self._ticker, TICK, "timers", self.tick)
        for seconds, name, job in self._jobs:
            self._add(self._ticker, seconds, name, job)
        self._ticker.start()
        if not self._listening:
            self._database.subscribe(self._heard)
            self._listening = True
        self.poke()

    async def stop(self) -> None:
        """Stop ticking; what is under way may finish, but not for long."""
        if self._ticker is None:
            return
        self._ticker.shutdown(wait=False)
        self._ticker = None
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def poke(self) -> None:
        """Look for due timers now rather than at the next tick."""
        if self._ticker is not None:
            self._poked = True
            self._spawn("timers", self.tick)

    async def tick(self) -> int:
        """Fire everything that is due; returns how many timers did what they are for."""
        fired = 0
        async with self._turn:
            for _ in range(ROUNDS):
                self._poked = False
                at = self._clock.now()
                async with self._database.reading() as connection:
                    overdue = await timers.due(connection, at, limit=BATCH + len(self._rests))
                if len(overdue) < BATCH + len(self._rests):  # these are all there are
                    self._forget_others(overdue)
                ready = [timer for timer in overdue if not self._resting(timer, at)]
                if not ready:
                    break
                for timer in ready:
                    fired += await self._fire(timer, at)
        return fired

    async def _fire(self, timer: Timer, at: float) -> bool:
        try:
            async with self._database.transaction() as work:
                if not await timers.take(work, timer):
                    self._rests.pop(_identity(timer), None)
                    return False
                await self._handlers.get(timer.kind, _unknown)(work, timer, at)
        except Unavailable:
            raise  # nothing is wrong with this timer, and the next one would fare no better
        except Exception:  # named place: a failing timer costs only itself
            self._metrics.failures.labels("timer").inc()
            rest = self._let_rest(timer, at)
            pause = round(rest.until - at)
            log.exception("timer_failed", kind=timer.kind, key=timer.key, failures=rest.failures, retry_in=pause)
            return False
        self._rests.pop(_identity(timer), None)
        return True

    def _forget_others(self, overdue: Sequence[Timer]) -> None:
        """A timer that was cancelled or set anew while it rested is due no more: it would stay here for ever."""
        if self._rests:
            left = {_identity(timer) for timer in overdue}
            self._rests = {timer: rest for timer, rest in self._rests.items() if timer in left}

    def _resting(self, timer: Timer, at: float) -> bool:
        rest = self._rests.get(_identity(timer))
        return rest is not None and rest.until > at

    def _let_rest(self, timer: Timer, at: float) -> _Rest:
        known = self._rests.get(_identity(timer))
        failures = 1 + (known.failures if known else 0)
        rest = _Rest(failures, at + min(FIRST_REST * 2 ** min(failures - 1, 20), LONGEST_REST))
        self._rests[_identity(timer)] = rest
        return rest

    def _heard(self, announcement: Announcement) -> None:
        if announcement.topic == "timer" and announcement.data["due"] <= self._clock.now():
            self.poke()

    def _add(self, ticker: AsyncIOScheduler, seconds: float, name: str, job: Job) -> None:
        async def turn() -> None:
            # Only starts the work: the library would cancel what it runs itself when it is shut down.
            self._spawn(name, job)

        ticker.add_job(
            turn, "interval", seconds=seconds, id=name, max_instances=1, coalesce=True, misfire_grace_time=None
        )

    def _spawn(self, name: str, job: Job) -> None:
        if name in self._tasks:
            return
        task = asyncio.create_task(self._run(name, job), name=f"scheduler:{name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._ended(name))

    def _ended(self, name: str) -> None:
        self._tasks.pop(name, None)
        if name == "timers" and self._poked:
            self.poke()  # somebody poked while the last look was nearly over

    async def _run(self, name: str, job: Job) -> None:
        try:
            await job()
        except Unavailable as error:
            log.warning("job_postponed", job=name, reason=str(error))
        except Exception:  # named place: a failing job is run again at its next turn
            self._metrics.failures.labels("job").inc()
            log.exception("job_failed", job=name)


def _identity(timer: Timer) -> tuple[str, str, float]:
    return timer.kind, timer.key, timer.due


async def _unknown(_work: Transaction, timer: Timer, _at: float) -> None:
    raise LookupError(f"nothing handles timers of the kind {timer.kind!r}")
