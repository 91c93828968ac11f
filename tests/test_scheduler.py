"""Timers fire once in effect, whatever fails and whenever the process dies."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import insert, select

from bot.clock import ManualClock
from bot.errors import StorageUnavailable
from bot.scheduler import Scheduler
from bot.storage import tables, timers
from bot.storage.database import Database
from bot.telemetry import Metrics
from tests import sqlite


@pytest.fixture
async def database(tmp_path):
    database = await Database.open(sqlite.url(tmp_path))
    yield database
    await database.close()


@pytest.fixture
def clock():
    return ManualClock()


class Recorder:
    """Writes a row for each timer that fired, in the transaction it is given."""

    def __init__(self) -> None:
        self.fired: list[tuple[str, float]] = []
        self.broken: set[str] = set()

    async def __call__(self, work, timer, at):
        await work.connection.execute(insert(tables.cursors).values(reader=timer.key, position=1))
        if timer.key in self.broken:
            raise RuntimeError("no")
        self.fired.append((timer.key, at))


async def set_timer(database, key, due, kind="test"):
    async with database.transaction() as work:
        await timers.schedule(work, kind, key, due, {})


async def written(database):
    async with database.reading() as connection:
        return sorted((await connection.execute(select(tables.cursors.c.reader))).scalars())


async def eventually(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.005)


async def test_a_timer_fires_when_its_time_has_come_and_only_once(database, clock):
    handler = Recorder()
    scheduler = Scheduler(database, clock, {"test": handler})
    await set_timer(database, "x", clock.now() + 60)
    assert await scheduler.tick() == 0
    clock.advance(60)
    assert await scheduler.tick() == 1
    assert await scheduler.tick() == 0
    assert handler.fired == [("x", clock.now())]


async def test_timers_survive_a_restart(database, clock, tmp_path):
    await set_timer(database, "x", clock.now() + 60)
    await database.close()
    clock.advance(3600)
    again = await Database.open(sqlite.url(tmp_path))
    handler = Recorder()
    assert await Scheduler(again, clock, {"test": handler}).tick() == 1
    assert handler.fired == [("x", clock.now())]
    await again.close()


async def test_what_a_failing_handler_wrote_is_undone_and_it_is_tried_again_later_and_later(database, clock):
    metrics, handler = Metrics(), Recorder()
    handler.broken = {"x"}
    scheduler = Scheduler(database, clock, {"test": handler}, metrics=metrics)
    await set_timer(database, "x", clock.now())
    assert await scheduler.tick() == 0
    assert await written(database) == []
    assert await scheduler.tick() == 0, "not again at once"
    assert metrics.registry.get_sample_value("muster_failures_total", {"where": "timer"}) == 1
    clock.advance(1.1)
    await scheduler.tick()
    clock.advance(1.1)
    await scheduler.tick()
    assert metrics.registry.get_sample_value("muster_failures_total", {"where": "timer"}) == 2
    clock.advance(1.1)
    handler.broken = set()
    assert await scheduler.tick() == 1
    assert await written(database) == ["x"]


async def test_a_failed_timer_that_vanished_leaves_nothing_behind(database, clock):
    handler = Recorder()
    handler.broken = {"x", "y"}
    scheduler = Scheduler(database, clock, {"test": handler})
    for key in ("x", "y"):
        await set_timer(database, key, clock.now())
    await scheduler.tick()
    assert scheduler.resting == 2
    async with database.transaction() as work:
        await timers.cancel(work, "test", "x")
    clock.advance(0.1)
    await scheduler.tick()
    assert scheduler.resting == 1, "what still waits for its next try is remembered"
    async with database.transaction() as work:
        await timers.schedule(work, "test", "y", clock.now() + 60, {})  # set anew
    await scheduler.tick()
    assert scheduler.resting == 0


async def test_a_failing_handler_costs_only_itself(database, clock):
    handler = Recorder()
    handler.broken = {f"bad{n}" for n in range(150)}  # more than one batch of them
    scheduler = Scheduler(database, clock, {"test": handler})
    async with database.transaction() as work:
        for key in handler.broken:
            await timers.schedule(work, "test", key, clock.now() - 5, {})
        await timers.schedule(work, "test", "good", clock.now(), {})
    assert await scheduler.tick() == 1
    assert handler.fired == [("good", clock.now())]


async def test_a_timer_that_nothing_handles_is_kept(database, clock):
    await set_timer(database, "x", clock.now(), kind="of a newer version")
    assert await Scheduler(database, clock, {}).tick() == 0
    async with database.reading() as connection:
        assert await timers.find(connection, "of a newer version", "x")


async def test_a_moved_timer_does_not_rest_for_its_failures_before(database, clock):
    handler = Recorder()
    handler.broken = {"x"}
    scheduler = Scheduler(database, clock, {"test": handler})
    await set_timer(database, "x", clock.now())
    for _ in range(8):
        await scheduler.tick()
        clock.advance(400)
    await scheduler.tick()
    handler.broken = set()
    await set_timer(database, "x", clock.now())
    assert await scheduler.tick() == 1


async def test_a_handler_may_set_the_same_timer_again(database, clock):
    seen = []

    async def climb(work, timer, at):
        seen.append(timer.payload["step"])
        if timer.payload["step"] < 3:
            await timers.schedule(work, "climb", timer.key, at, {"step": timer.payload["step"] + 1})

    async with database.transaction() as work:
        await timers.schedule(work, "climb", "x", clock.now(), {"step": 1})
    assert await Scheduler(database, clock, {"climb": climb}).tick() == 3
    assert seen == [1, 2, 3]


async def test_timers_that_set_themselves_for_ever_do_not_hold_a_tick_for_ever(database, clock):
    async def again(work, timer, at):
        await timers.schedule(work, "again", timer.key, at, {})

    await set_timer(database, "x", clock.now(), kind="again")
    assert 1 <= await Scheduler(database, clock, {"again": again}).tick() < 1000


async def test_two_ticks_at_once_fire_a_timer_once(database, clock):
    handler = Recorder()
    scheduler, other = (Scheduler(database, clock, {"test": handler}) for _ in range(2))
    for n in range(20):
        await set_timer(database, f"x{n}", clock.now())
    counts = await asyncio.gather(scheduler.tick(), other.tick(), scheduler.tick(), other.tick())
    assert sum(counts) == 20
    assert len(handler.fired) == 20


async def test_a_storage_failure_leaves_the_timers_as_they_are(database, clock):
    async def full(work, timer, at):
        raise StorageUnavailable("the disk is full")

    await set_timer(database, "x", clock.now())
    with pytest.raises(StorageUnavailable):
        await Scheduler(database, clock, {"test": full}).tick()
    handler = Recorder()
    assert await Scheduler(database, clock, {"test": handler}).tick() == 1


async def test_a_timer_due_now_fires_without_waiting_for_the_next_tick(database, clock):
    handler = Recorder()
    scheduler = Scheduler(database, clock, {"test": handler})
    scheduler.start()
    try:
        await eventually(lambda: not scheduler._tasks)
        before = time.monotonic()
        for n in range(5):
            await set_timer(database, f"x{n}", clock.now())
            await eventually(lambda n=n: len(handler.fired) == n + 1)
        assert time.monotonic() - before < 0.9
        await set_timer(database, "later", clock.now() + 5)
        clock.advance(5)
        scheduler.poke()
        await eventually(lambda: len(handler.fired) == 6)
    finally:
        await scheduler.stop()


async def test_a_started_scheduler_ticks_by_itself(database, clock):
    handler = Recorder()
    scheduler = Scheduler(database, clock, {"test": handler})
    await set_timer(database, "x", clock.now() + 10)
    scheduler.start()
    try:
        clock.advance(10)
        await eventually(lambda: handler.fired)
    finally:
        await scheduler.stop()


async def test_periodic_jobs_run_and_a_failing_one_runs_again(database, clock):
    runs = []

    async def job():
        runs.append(1)
        raise RuntimeError("no")

    metrics = Metrics()
    scheduler = Scheduler(database, clock, {}, metrics=metrics)
    scheduler.every(0.02, "prune", job)
    scheduler.start()
    try:
        await eventually(lambda: len(runs) >= 3)
    finally:
        await scheduler.stop()
    assert metrics.registry.get_sample_value("muster_failures_total", {"where": "job"}) >= 3


async def test_a_job_never_runs_twice_at_once_and_stopping_lets_it_finish(database, clock):
    running, most, finished = 0, 0, 0

    async def job():
        nonlocal running, most, finished
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        finished += 1

    scheduler = Scheduler(database, clock, {})
    scheduler.start()
    scheduler.every(0.01, "slow", job)
    await eventually(lambda: finished >= 2 and running == 1)
    before = finished
    await scheduler.stop()
    assert (most, running) == (1, 0)
    assert finished == before + 1
