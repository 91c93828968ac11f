"""Timers as rows."""

from __future__ import annotations

import pytest

from bot.storage import timers
from bot.storage.database import Announcement


async def overdue(database, at, limit=100):
    async with database.reading() as connection:
        return await timers.due(connection, at, limit=limit)


async def test_a_timer_is_due_at_its_moment_and_not_before(database):
    async with database.transaction() as work:
        await timers.schedule(work, "escalate", "INC-1", 100.0, {"step": 2})
    assert await overdue(database, 99.9) == []
    [timer] = await overdue(database, 100.0)
    assert (timer.kind, timer.key, timer.due, timer.payload) == ("escalate", "INC-1", 100.0, {"step": 2})


async def test_the_longest_overdue_comes_first(database):
    async with database.transaction() as work:
        for due in (30.0, 10.0, 20.0):
            await timers.schedule(work, "remind", f"k{due}", due, {})
    assert [timer.due for timer in await overdue(database, 100.0)] == [10.0, 20.0, 30.0]
    assert [timer.due for timer in await overdue(database, 100.0, limit=2)] == [10.0, 20.0]


async def test_setting_a_timer_again_moves_it(database):
    async with database.transaction() as work:
        await timers.schedule(work, "escalate", "INC-1", 100.0, {"step": 1})
        await timers.schedule(work, "escalate", "INC-1", 200.0, {"step": 2})
        await timers.schedule(work, "remind", "INC-1", 50.0, {})
    [remind, escalate] = await overdue(database, 300.0)
    assert (remind.kind, escalate.due, escalate.payload) == ("remind", 200.0, {"step": 2})


async def test_timers_are_cancelled_by_key_by_prefix_or_by_kind(database):
    async with database.transaction() as work:
        for kind, key in (("a", "INC-1"), ("a", "INC-1:x"), ("a", "INC_1"), ("a", "INC-2"), ("b", "INC-1")):
            await timers.schedule(work, kind, key, 1.0, {})
    async with database.transaction() as work:
        assert await timers.cancel(work, "a", "INC-2") == 1
        assert await timers.cancel(work, "a", prefix="INC-1") == 2
    assert [(t.kind, t.key) for t in await overdue(database, 9.0)] == [("a", "INC_1"), ("b", "INC-1")]
    async with database.transaction() as work:
        assert await timers.cancel(work, "a") == 1
    assert [t.kind for t in await overdue(database, 9.0)] == ["b"]


async def test_a_timer_is_taken_once_and_not_after_it_was_moved(database):
    async with database.transaction() as work:
        await timers.schedule(work, "a", "x", 1.0, {})
        await timers.schedule(work, "a", "y", 1.0, {})
    x, y = await overdue(database, 9.0)
    async with database.transaction() as work:
        await timers.schedule(work, "a", "y", 2.0, {})
        assert await timers.take(work, x)
        assert not await timers.take(work, x)
        assert not await timers.take(work, y)
    async with database.reading() as connection:
        assert await timers.find(connection, "a", "x") is None
        moved = await timers.find(connection, "a", "y")
    assert moved is not None
    assert moved.due == 2.0


async def test_a_timer_of_a_transaction_that_failed_never_was(database):
    heard: list[Announcement] = []
    database.subscribe(heard.append)

    async def fail():
        async with database.transaction() as work:
            await timers.schedule(work, "a", "x", 1.0, {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await overdue(database, 9.0) == []
    assert heard == []
    async with database.transaction() as work:
        await timers.schedule(work, "a", "x", 1.0, {})
    assert heard == [Announcement(topic="timer", data={"due": 1.0})]
