"""What people say elsewhere is kept as it is now, though platforms repeat themselves, late and out of order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.chat import heard
from bot.chat.mirror import Mirror
from bot.chat.views import Person
from bot.clock import ManualClock
from bot.storage.database import Database, Transaction
from bot.storage.tables import messages
from tests import sqlite

SAM = Person("sam", "Sam Okafor")
NOWHERE = Mirror((), ManualClock())
Told = Callable[[Transaction], Awaitable[None]]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(sqlite.url(tmp_path))
    yield database
    await database.close()


def says(text: str, *, edited_at: float | None = None, message: str = "1.0") -> Told:
    async def tell(work: Transaction) -> None:
        await heard.hear(work, NOWHERE, "slack", "C1", message, at=1.0, author=SAM, text=text, edited_at=edited_at)

    return tell


def takes_back(message: str = "1.0") -> Told:
    async def tell(work: Transaction) -> None:
        await heard.forget(work, NOWHERE, "slack", "C1", message, at=9.0)

    return tell


async def known(database: Database, *tells: Told) -> list[tuple[str, float | None]]:
    """What stands after being told this: the words, and when they were edited."""
    for tell in tells:
        async with database.transaction() as work:
            await tell(work)
    async with database.reading() as connection:
        rows = await connection.execute(messages.select().where(messages.c.taken_back_at.is_(None)))
        return [(row.text, row.edited_at) for row in rows]


async def test_an_edit_is_kept_and_what_was_said_before_it_is_not_brought_back(database: Database) -> None:
    first, second, third = says("cache"), says("queue", edited_at=2.0), says("disk", edited_at=3.0)
    assert await known(database, first) == [("cache", None)]
    assert await known(database, third, second, first) == [("disk", 3.0)]


@pytest.mark.parametrize("seed", range(10))
async def test_what_was_taken_back_stays_so_in_whatever_order_it_is_told(database: Database, seed: int) -> None:
    tells = [says("cache"), says("queue", edited_at=2.0), takes_back(), says("cache"), takes_back()]
    random.Random(seed).shuffle(tells)
    assert await known(database, *tells) == []
    async with database.reading() as connection:
        assert await heard.standing(connection, "slack", "C1") == set()
        assert [row.text for row in await connection.execute(messages.select())] == [""]


async def test_only_messages_of_the_room_that_nobody_took_back_stand(database: Database) -> None:
    await known(database, says("one", message="1.0"), says("two", message="2.0"), takes_back("1.0"))
    async with database.reading() as connection:
        assert await heard.standing(connection, "slack", "C1") == {"2.0"}
        assert await heard.standing(connection, "slack", "C2") == set()
