"""Runs a run: its steps one after the other, output into the room as it comes, and exactly one end. It decides nothing.

A run that was under way when the process died is marked interrupted at the next start, and never run again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import ValidationError

from bot.catalog.model import Runbook
from bot.chat.views import MUSTER, Notice, Person, plain
from bot.clock import Clock, duration
from bot.errors import ConfigError, DeliveryError, StorageUnavailable
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.runbooks import run_words, store
from bot.runbooks.action import Action, Context
from bot.runbooks.filling import FilledStep
from bot.runbooks.model import Run, RunState
from bot.runbooks.output import Output
from bot.storage import timers
from bot.storage.database import Database, Transaction
from bot.telemetry import Metrics, get_logger

__all__ = ["INTERVAL", "VERIFY", "Runner"]

log = get_logger(__name__)

VERIFY = "run.verify"  # the timer that asks whether it helped
INTERVAL = 1.0  # seconds between two looks of the room at a run's output
KEEP_EVERY = 5  # looks, after which the output is kept too
PATIENCE = 8.0  # seconds that `stop` waits; a command has 2 of them to end by itself
LONG = 30.0  # seconds; the end of a longer run is said anew, since its message is far up by then
TITLE_LENGTH = 120  # characters of a step in the room; two lines on a phone
STORAGE_PAUSE = 1.0  # seconds before trying a database again that says no


@dataclass(slots=True)
class _Live:
    """A run under way."""

    run: Run
    runbook: Runbook
    steps: Sequence[FilledStep]
    output: Output = field(default_factory=Output)
    step: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    ending: tuple[RunState, str] | None = None  # how it ends when it is stopped from outside
    task: asyncio.Task[None] | None = None

    @property
    def title(self) -> str:
        """The present step in one line; the whole of it stood in the plan."""
        return _first_line(self.steps[self.step - 1].title or self.run.plan[self.step - 1])


class Runner:
    """`environment` is where secrets are read from at the moment of use; commands never see it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        announcements: Announcements,
        person: Callable[[str], Person],
        actions: Mapping[str, Action],
        environment: Mapping[str, str],
        metrics: Metrics,
        interval: float = INTERVAL,
    ) -> None:
        self._database, self._clock, self._announcements = database, clock, announcements
        self._person, self._actions, self._environment = person, actions, environment
        self._metrics, self._interval = metrics, interval
        self._live: dict[int, _Live] = {}

    @property
    def under_way(self) -> int:
        """How many run now."""
        return len(self._live)

    def begin(self, run: Run, runbook: Runbook, steps: Sequence[FilledStep]) -> None:
        """Run it in the background; its row says `running` already."""
        live = _Live(run, runbook, steps)
        self._live[run.id] = live
        live.task = asyncio.create_task(self._run(live), name=f"run {run.ref}")
        live.task.add_done_callback(lambda _: self._live.pop(run.id, None))

    def cancel(self, run: int, by: Person) -> bool:
        """Stop it halfway; False when it does not run here."""
        return self._stop(run, "cancelled", f"cancelled by {by.name}")

    async def wait(self, run: int) -> None:
        """Until it has ended; at once when it does not run."""
        live = self._live.get(run)
        if live is not None and live.task is not None:
            await asyncio.wait((live.task,))

    async def recover(self) -> None:
        """Mark what was under way when the process died, and tell its rooms."""
        at = self._clock.now()
        async with self._database.transaction() as work:
            for run in await store.in_state(work.connection, "running"):
                if run.id not in self._live:
                    await self._end(
                        work, run, "interrupted", "Muster stopped while it ran; how far it came is not known", at
                    )

    async def stop(self) -> None:
        """Stop everything that runs, and wait for it, but not for ever."""
        tasks = [live.task for live in self._live.values() if live.task is not None]
        for run in list(self._live):
            self._stop(run, "interrupted", "Muster was stopped while it ran")
        if tasks:
            await asyncio.wait(tasks, timeout=PATIENCE)

    def _stop(self, run: int, state: RunState, words: str) -> bool:
        live = self._live.get(run)
        if live is None or live.task is None or live.ending is not None:
            return False
        live.ending = (state, words)
        live.task.cancel()
        return True

    async def _run(self, live: _Live) -> None:
        log.info("run_started", run=live.run.ref, runbook=live.run.runbook, incident=f"INC-{live.run.incident}")
        telling = asyncio.create_task(self._keep_telling(live), name=f"telling {live.run.ref}")
        state: RunState = "failed"
        words = "an unexpected error; see the log"
        try:
            words = await self._steps(live)
            state = "failed" if words else "succeeded"
        except asyncio.CancelledError:
            state, words = live.ending or ("interrupted", "Muster was stopped while it ran")
        finally:
            live.ending = live.ending or (state, words)  # from here on it cannot be stopped
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self._settle(live, state, words)

    async def _steps(self, live: _Live) -> str:
        """Do one step after the other; returns why one failed, or ""."""
        for position, step in enumerate(live.steps):
            live.step, number = position + 1, f"step {position + 1}"
            try:
                arguments, secrets = step.for_running(self._environment)
            except ConfigError as error:
                return f"{number} cannot run: {error}"
            live.output.secrets(secrets)
            live.output.end_line()
            live.output.feed(f"> {live.title}\n")
            live.changed.set()
            action = self._actions[step.action]
            context = Context(timeout=step.timeout)
            try:
                finished = action.parameters.validate_python(arguments)
            except ValidationError:  # its words hold the values, and so the secrets
                return f"{number} cannot run: with its secrets filled in it is nothing that {step.action} takes"
            try:
                async with asyncio.timeout(step.timeout):
                    running = action.run(finished, context)
                    async with aclosing(running) as chunks:
                        async for chunk in chunks:
                            live.output.feed(chunk)
                            live.changed.set()
            except TimeoutError:
                limit = duration(step.timeout) if step.timeout >= 1 else f"{step.timeout:g} s"
                return f"{number} took longer than {limit} and was stopped"
            except DeliveryError as error:
                return f"{number} failed: {error}"
            live.output.end_line()
        return ""

    async def _keep_telling(self, live: _Live) -> None:
        """Show the room how it goes, not more often than it can read."""
        looks = 0
        while True:
            await live.changed.wait()
            live.changed.clear()
            try:
                async with self._database.transaction() as work:
                    if looks % KEEP_EVERY == 0:
                        await store.keep_output(work, live.run, live.output.text)
                    notice = run_words.going(live.run, live.step, live.title, live.output.tail)
                    await self._tell(work, live.run, notice)
            except StorageUnavailable as error:
                log.warning("run_not_shown", run=live.run.ref, reason=str(error))
            looks += 1
            await asyncio.sleep(self._interval)

    async def _settle(self, live: _Live, state: RunState, words: str) -> None:
        """Write down how it ended, however long the database takes to listen."""
        while True:
            try:
                at = self._clock.now()
                async with self._database.transaction() as work:
                    await self._end(work, live.run, state, words, at, output=live.output)
                    if state == "succeeded" and live.runbook.verify is not None:
                        within = live.runbook.verify.clears_within
                        payload = {"run": live.run.id, "within": within}
                        await timers.schedule(work, VERIFY, live.run.ref, at + within, payload)
                return
            except StorageUnavailable as error:
                log.warning("run_not_settled", run=live.run.ref, reason=str(error))
                await asyncio.sleep(STORAGE_PAUSE)

    async def _end(
        self, work: Transaction, run: Run, state: RunState, words: str, at: float, *, output: Output | None = None
    ) -> None:
        kept = {} if output is None else {"output": output.text}
        if not await store.change(work, run, state, states=("running",), finished_at=at, outcome=words, **kept):
            return
        run = await store.get(work.connection, run.id)
        self._metrics.runs.labels(state).inc()
        line = plain(run_words.headline(run)).rstrip(".")
        await timeline.append(work, run.incident, at, "runbook", MUSTER, line, run=run.id, state=state)
        tail = output.tail if output else ""
        await self._tell(work, run, run_words.ended(run, tail, whole=output is None or tail == output.text))
        took = at - (run.started_at or at)
        if state in ("failed", "interrupted") or took >= LONG:
            notice = Notice(text=run_words.headline(run), tone="good" if state == "succeeded" else "bad")
            await self._announcements.say(work, run.incident, notice, at)
        log.info("run_ended", run=run.ref, runbook=run.runbook, state=state, seconds=round(took, 1), reason=words)

    async def _tell(self, work: Transaction, run: Run, notice: Notice) -> None:
        await self._announcements.progress(work, run.incident, f"{run.ref}:run", notice, self._clock.now())


def _first_line(words: str) -> str:
    first, _, more = words.partition("\n")
    return f"{first[: TITLE_LENGTH - 1]}…" if more or len(first) > TITLE_LENGTH else first
