"""aiosqlite with one trip to its thread for each statement, where it makes three or four (cursor, execute, fetch, close); to
begin a transaction, and to end one that never began, is none.

In a storm each trip waits for its turn on the event loop, with the write lock held: measured, a command answers in a third of
the time. It is used through SQLAlchemy only, which fetches every row at once anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import dialect
from sqlalchemy.engine import URL

__all__ = ["connector"]


def connector(url: URL, **options: Any) -> Callable[[], aiosqlite.Connection]:
    """What opens connections to the file of `url`; `options` as sqlite3.connect has them. For `async_creator`."""
    (file,), named = dialect().create_connect_args(url)
    arguments: dict[str, Any] = {**named, **options}

    def connect() -> aiosqlite.Connection:
        return _Connection(lambda: sqlite3.connect(file, **arguments))

    return connect


class _Connection(aiosqlite.Connection):
    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        self._thread.daemon = True  # as SQLAlchemy has it: a process that ends waits for nobody
        self._begin = ""  # the statement that begins a transaction; it travels with the next one; BEGIN alone: to read
        self._open = self._wrote = False

    def cursor(self) -> _Cursor:  # type: ignore[override]  # entered by `async with` only, as SQLAlchemy does
        return _Cursor(self)

    def begin(self, sql: str) -> None:
        """Begin a transaction with the next statement."""
        self._begin = sql

    async def run(self, operation: Callable[[sqlite3.Cursor], Any]) -> _Outcome:
        """Do it with a cursor on the connection's thread, and bring everything back."""
        begin, self._begin = self._begin, ""
        if begin:  # noted before the answer, for whom nobody may wait any more
            self._open, self._wrote = True, begin != "BEGIN"
        return await self._execute(self._run, begin, operation)  # type: ignore[no-any-return,no-untyped-call]

    async def commit(self) -> None:
        self._begin = ""
        if self._open:
            await super().commit()
            self._open = False

    async def rollback(self) -> None:
        self._begin = ""
        if self._open and self._wrote:
            await super().rollback()
        elif self._open:  # nobody waits for the end of a transaction that only read: what comes next is behind it
            self._tx.put_nowait((None, self._conn.rollback))
        self._open = False

    def _run(self, begin: str, operation: Callable[[sqlite3.Cursor], Any]) -> _Outcome:
        cursor = self._conn.cursor()
        try:
            if begin:
                cursor.execute(begin)
            operation(cursor)
            description = cursor.description
            rows = cursor.fetchall() if description else []
            return description, rows, cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


_Outcome = tuple[Any, list[Any], int, int | None]  # description, rows, rowcount, lastrowid


class _Cursor:
    """The part of an asynchronous DBAPI cursor that SQLAlchemy uses."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        if sql.startswith("BEGIN"):
            self._connection.begin(sql)
            return
        await self._run(lambda cursor: cursor.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        await self._run(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _run(self, operation: Callable[[sqlite3.Cursor], Any]) -> None:
        self.description, self._rows, self.rowcount, self.lastrowid = await self._connection.run(operation)
