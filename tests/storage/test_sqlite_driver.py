"""The SQLite driver: a statement is one trip to its thread, and brings back what SQLAlchemy asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from bot.storage import tables
from bot.storage.database import Database


@pytest.fixture
async def file(tmp_path: Path) -> Database:
    return await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'm.db'}")


async def test_a_transaction_makes_one_trip_for_each_statement(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[Any] = []
    execute = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, call: Any, *arguments: Any) -> Any:
        trips.append(call)
        return await execute(self, call, *arguments)

    async with file.transaction():
        pass  # connected
    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with file.transaction() as work:
        await work.connection.execute(insert(tables.cursors).values(reader="r", position=1))
        assert (await work.connection.execute(select(tables.cursors))).all() == [("r", 1)]
    monkeypatch.undo()
    assert len(trips) == 3  # the insert, with what begins the transaction; the select; the commit
    await file.close()


async def test_a_refused_statement_says_why_and_leaves_the_connection_usable(file: Database) -> None:
    row = {"reader": "r", "position": 1}
    async with file.transaction() as work:
        await work.connection.execute(insert(tables.cursors), [row])
    with pytest.raises(IntegrityError, match="UNIQUE constraint failed"):
        async with file.transaction() as work:
            await work.connection.execute(insert(tables.cursors).values(row))
    async with file.reading() as connection:
        assert (await connection.execute(select(tables.cursors.c.position))).scalars().all() == [1]
    await file.close()
