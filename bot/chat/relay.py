"""The relay takes effects from the outbox by lane, in order, hands each to its executor and settles it. It knows no kind by name.

A crash between sending and settling sends again with the same nonce, which gateways recognise. A platform of our own tables is
written and settled at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from bot.chat import outbox
from bot.chat.gateway import Gateway, Local
from bot.chat.outbox import Effect
from bot.chat.pacing import Pacer
from bot.clock import Clock
from bot.errors import DeliveryError, Permanent, Retryable, StorageUnavailable
from bot.storage.database import Announcement, Database, Transaction
from bot.telemetry import Metrics, get_logger

__all__ = ["DROPPED", "Dropped", "Executor", "Relay", "Settlement"]

log = get_logger(__name__)

MAX_LANES = 32  # lanes at work at once
IDLE = 30.0  # seconds after which the relay looks by itself, were a wake-up ever lost
STORAGE_PAUSE = 1.0  # seconds before trying a database again that says no

Settlement = Callable[[Transaction], Awaitable[None]]


class Dropped:
    """The state, read again, says that the effect is no longer wanted."""


DROPPED: Final = Dropped()


class Executor(Protocol):
    """Carries out one kind of effect. Raises DeliveryErrors only."""

    async def __call__(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        """Do it; what is returned is written in the transaction that settles the effect."""
        ...


class Relay:
    """Sends what the outbox holds, for as long as it runs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        gateways: Mapping[str, Gateway],
        executors: Mapping[str, Executor],
        metrics: Metrics,
    ) -> None:
        self._database, self._clock, self._metrics = database, clock, metrics
        self._gateways, self._executors = gateways, executors
        self._pacer = Pacer()
        self._wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._resume: dict[str, float] = {}  # lanes whose first effect has to wait, and until when
        database.subscribe(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.topic == "effects":
            self._wake.set()

    async def run(self) -> None:
        """Send until cancelled; what is under way then is finished or sent again at the next start."""
        try:
            while True:
                self._wake.clear()
                try:
                    due = await self._start_lanes()
                except StorageUnavailable:
                    due = STORAGE_PAUSE
                try:
                    async with asyncio.timeout(due):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def drain(self) -> None:
        """Send everything that may be sent now, and return."""
        while True:
            await self._start_lanes()
            if not self._busy:
                return
            await asyncio.gather(*self._busy.values())

    async def _start_lanes(self) -> float:
        """Start a task for every lane that has something to send; returns the seconds until the next one has."""
        async with self._database.reading() as connection:
            waiting = await outbox.ready(connection)
        now, soonest = self._clock.now(), IDLE
        for lane, kind, not_before in waiting:
            if lane in self._busy:
                continue
            ready = max(not_before, self._resume.get(lane, 0.0), now + self._pacer.wait(lane, kind, now))
            if ready > now:
                soonest = min(soonest, ready - now)
            elif len(self._busy) < MAX_LANES:
                self._resume.pop(lane, None)
                task = asyncio.create_task(self._work(lane), name=f"lane {lane}")
                self._busy[lane] = task
                task.add_done_callback(lambda _, lane=lane: self._finished(lane))  # type: ignore[misc]
        return soonest

    def _finished(self, lane: str) -> None:
        self._busy.pop(lane, None)
        self._wake.set()

    async def _work(self, lane: str) -> None:
        """Send the lane's effects in order until there is none, or the first one has to wait."""
        try:
            while True:
                paced = self._pacer.waiting(lane, self._clock.now())  # nothing behind them waits with them
                async with self._database.reading() as connection:
                    effects = await outbox.pending(connection, lane, without=paced)
                if not effects or not await self._send_all(effects):
                    return
        except StorageUnavailable as error:
            log.warning("relay_paused", lane=lane, reason=str(error))
            await asyncio.sleep(STORAGE_PAUSE)

    async def _send_all(self, effects: list[Effect]) -> bool:
        """True when the lane may go on at once."""
        for effect in effects:
            now = self._clock.now()
            if self._pacer.wait(effect.lane, effect.kind, now):
                continue
            if effect.not_before > now:
                self._resume[effect.lane] = effect.not_before
                return False
            if not await self._send(effect):
                return False
        return True

    async def _send(self, effect: Effect) -> bool:
        """Carry out one effect and settle it; False when its lane has to wait."""
        try:
            executor, gateway = self._way(effect)
            if isinstance(gateway, Local):
                async with self._database.transaction() as work:
                    state = await self._settle(work, effect, await executor(effect, gateway.within(work)))
            else:
                result = await executor(effect, gateway)
                async with self._database.transaction() as work:
                    state = await self._settle(work, effect, result)
        except Permanent as error:
            await self._bury(effect, str(error))
            return True
        except DeliveryError as error:
            await self._try_later(effect, error)
            return False
        except StorageUnavailable:
            raise
        except Exception:  # named place: one effect's mistake costs only itself
            log.exception("effect_failed", effect=effect.id, kind=effect.kind, lane=effect.lane)
            self._metrics.failures.labels("relay").inc()
            await self._bury(effect, "an unexpected error; see the log")
            return True
        now = self._clock.now()
        self._pacer.sent(effect, now)
        self._metrics.effects.labels(effect.platform, state).inc()
        self._metrics.effect_seconds.observe(max(0.0, now - effect.created_at))
        return True

    def _way(self, effect: Effect) -> tuple[Executor, Gateway]:
        gateway, executor = self._gateways.get(effect.platform), self._executors.get(effect.kind)
        if gateway is None:
            raise Permanent(f"{effect.platform} is not configured any more")
        if executor is None:
            raise Permanent(f"this version knows no effect {effect.kind!r}")
        return executor, gateway

    async def _settle(self, work: Transaction, effect: Effect, result: Settlement | Dropped | None) -> str:
        state = "dropped" if isinstance(result, Dropped) else "done"
        if result is not None and not isinstance(result, Dropped):
            await result(work)
        await outbox.settle(work, effect, state, self._clock.now())
        return state

    async def _try_later(self, effect: Effect, error: DeliveryError) -> None:
        after = error.retry_after if isinstance(error, Retryable) else None
        delay = self._pacer.backoff(effect.attempts) if after is None else after
        log.warning(
            "effect_postponed", effect=effect.id, kind=effect.kind, lane=effect.lane, seconds=delay, reason=str(error)
        )
        self._metrics.effects.labels(effect.platform, "postponed").inc()
        now = self._clock.now()
        if not self._pacer.postponed(effect, now, delay):
            self._resume[effect.lane] = now + delay
        async with self._database.transaction() as work:
            await outbox.postpone(work, effect, now + delay, str(error))

    async def _bury(self, effect: Effect, reason: str) -> None:
        log.error("effect_buried", effect=effect.id, kind=effect.kind, lane=effect.lane, reason=reason)
        self._metrics.effects.labels(effect.platform, "dead").inc()
        async with self._database.transaction() as work:
            await outbox.settle(work, effect, "dead", self._clock.now(), reason)
