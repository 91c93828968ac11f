"""The database: one writing connection, a pool of readers, transactions that announce what they changed once it is true.

SQLite: WAL, `synchronous=FULL`, foreign keys, and BEGIN IMMEDIATE for writers (a deferred BEGIN loses concurrent updates).
PostgreSQL is the same code by another URL. Driver errors become `StorageUnavailable` here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Table, bindparam, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import ConfigError, Conflict, StorageUnavailable
from bot.storage.migrations import upgrade
from bot.storage.sqlite_driver import connector

__all__ = ["Along", "Announcement", "BulkUpsert", "Database", "Transaction", "upsert"]

BUSY_TIMEOUT = 2.0  # seconds that SQLite waits for another process's lock before we say 503
READERS = 4
LAST_ONES = 5.0  # seconds that closing waits for who is at it
ATTEMPTS = 5  # of a use case that lost a race; a race needs somebody else to have won
T = TypeVar("T")
_ADDRESSES = "sqlite+aiosqlite:///FILE or postgresql+asyncpg://..."
_TROUBLE = {"08", "53", "57", "58"}  # PostgreSQL's classes: connection, resources (a full disk), intervention, system


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Something that a committed transaction changed: the topic, and what a listener needs to find it."""

    topic: str
    data: dict[str, Any]


@dataclass(slots=True)
class Transaction:
    """A unit of work: everything in it is committed together, and only then announced."""

    connection: AsyncConnection
    _told: dict[tuple[object, ...], Announcement] = field(default_factory=dict)

    @property
    def announcements(self) -> Collection[Announcement]:
        """What there is to tell, in order."""
        return self._told.values()

    def announce(self, topic: str, **data: Any) -> None:
        """Tell the listeners, after the commit, that `topic` changed. The same words twice are said once."""
        self._told.setdefault((topic, *data.items()), Announcement(topic=topic, data=data))


class Along:
    """Something to be written once, together with whatever a block of code commits first; `done` when that is true."""

    def __init__(self, write: Callable[[Transaction], Awaitable[None]]) -> None:
        self.write, self.done = write, False

    def __enter__(self) -> Self:
        self._token = _along.set(self)
        return self

    def __exit__(self, *_error: object) -> None:
        _along.reset(self._token)


_along: ContextVar[Along | None] = ContextVar("along", default=None)


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """An INSERT of this connection's dialect that has `on_conflict_do_update` and `on_conflict_do_nothing`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


class BulkUpsert:
    """Rows of one table, inserted or, where `key` is known already, changed in `columns`: for the path that storms take.

    The statement is compiled once and given plain tuples; measured, that halves what a row costs.
    """

    def __init__(self, table: Table, key: str, columns: Sequence[str], *, given: Sequence[str]) -> None:
        self._table, self._key, self._columns, self._given = table, key, tuple(columns), tuple(given)
        self._compiled: tuple[str, Callable[[Sequence[Any]], tuple[Any, ...]]] | None = None

    async def write(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows; each gives a value to every column of the table, in the order of `given`."""
        if self._compiled is None:
            self._compiled = self._compile(connection)
        sql, values_of = self._compiled
        await connection.exec_driver_sql(sql, [values_of(row) for row in rows])

    def _compile(self, connection: AsyncConnection) -> tuple[str, Callable[[Sequence[Any]], tuple[Any, ...]]]:
        statement = upsert(connection, self._table)
        statement = statement.values({column.name: bindparam(column.name) for column in self._table.columns})
        changed = {name: statement.excluded[name] for name in self._columns}
        statement = statement.on_conflict_do_update(index_elements=[self._key], set_=changed)
        compiled = statement.compile(dialect=connection.dialect)
        return str(compiled), itemgetter(*[self._given.index(name) for name in compiled.positiontup])


class Database:
    """Opens, migrates and guards the database. Make one with `Database.open`."""

    def __init__(self, url: URL, writer: AsyncEngine, readers: AsyncEngine) -> None:
        self.url = url
        self._writer, self._readers = writer, readers
        self._turn = asyncio.Lock()
        self._users, self._closed = 0, False
        self._unused = asyncio.Event()
        self._unused.set()
        self._proving = asyncio.Lock()
        self._proved_at: float | None = None  # on the event loop's clock
        self._listeners: list[Callable[[Announcement], None]] = []

    @classmethod
    async def open(cls, url: str, called: str = "MUSTER_DATABASE_URL") -> Database:
        """Connect and bring the schema up to date; ConfigError when the URL, which people know by the name that it is
        `called`, or the database cannot be used."""
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError) as error:
            raise ConfigError(f"{called} cannot be read: {error}; write {_ADDRESSES}") from error
        if parsed.drivername == "sqlite":
            parsed = parsed.set(drivername="sqlite+aiosqlite")
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+asyncpg")
        if parsed.drivername not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
            raise ConfigError(f"{called} names {parsed.drivername!r}; use {_ADDRESSES}")
        if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
            raise ConfigError(f"{called} names an SQLite database in memory; Muster needs a file.")
        writer, readers = _engines(parsed)
        database = cls(parsed, writer, readers)
        try:
            _try_sqlite(parsed)
            async with writer.connect() as connection:
                await upgrade(connection)
        except ConfigError:
            await database.close()
            raise
        except (DBAPIError, sqlite3.Error, OSError) as error:
            await database.close()
            raise ConfigError(
                f"The database at {parsed.render_as_string()} cannot be opened: {_cause(error)}"
            ) from error
        return database

    async def close(self) -> None:
        """Let go of every connection, when those who are at it have finished; nobody new is let in."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_ONES):
                await self._unused.wait()
        await self._writer.dispose()
        await self._readers.dispose()

    @property
    def dialect(self) -> str:
        """sqlite or postgresql."""
        return self._writer.dialect.name

    def subscribe(self, listener: Callable[[Announcement], None]) -> None:
        """Call `listener` for every announcement, after its commit, in order. It must not raise and must not wait."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A unit of work on the writing connection. StorageUnavailable when the disk or the database says no."""
        along = _along.get()
        with self._in_use():
            async with self._turn, self._writer.begin() as connection:
                work = Transaction(connection)
                if along is not None and not along.done:
                    await along.write(work)
                yield work
        if along is not None:
            along.done = True
        for announcement in work.announcements:
            for listener in self._listeners:
                listener(announcement)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Somebody is at it. StorageUnavailable once it is closed, and for what the disk or the database says no to."""
        if self._closed:
            raise StorageUnavailable("The database is closed: Muster stops.")
        self._users += 1
        self._unused.clear()
        try:
            yield
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise _translated(error) from error
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()

    async def attempt(self, use_case: Callable[[Transaction], Awaitable[T]]) -> T:
        """A unit of work that loses a race where somebody was faster: done again then. Conflict after the fifth time."""
        for _ in range(ATTEMPTS - 1):
            with suppress(Conflict):
                async with self.transaction() as work:
                    return await use_case(work)
        async with self.transaction() as work:
            return await use_case(work)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state and writes nothing."""
        with self._in_use():
            async with self._readers.connect() as connection:
                yield connection

    async def size(self) -> int:
        """Bytes that the database takes on disk."""
        async with self.reading() as connection:
            if self.dialect == "sqlite":
                pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
                return int(pages) * int((await connection.execute(text("PRAGMA page_size"))).scalar_one())
            return int((await connection.execute(text("SELECT pg_database_size(current_database())"))).scalar_one())

    async def check(self, *, believed_for: float = 0.0) -> None:
        """Prove that writing is possible, by writing. StorageUnavailable when it is not.

        A proof is believed for so many seconds: who asks often costs no more than who asks seldom.
        """
        async with self._proving:
            now = asyncio.get_running_loop().time()
            if self._proved_at is not None and now - self._proved_at < believed_for:
                return
            self._proved_at = None
            async with self.transaction() as work:
                # A row that is there and gone again is committed like any other: a full disk refuses it. It must not stay,
                # for what is kept of the journal depends on every cursor.
                await work.connection.execute(text("INSERT INTO cursors (reader, position) VALUES ('health', 0)"))
                await work.connection.execute(text("DELETE FROM cursors WHERE reader = 'health'"))
            self._proved_at = now

    @property
    def file(self) -> Path | None:
        """The SQLite file, or None with another database or in memory."""
        name = self.url.database
        return Path(name) if self.dialect == "sqlite" and name and name != ":memory:" else None


def _engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    if url.get_backend_name() != "sqlite":
        return (
            create_async_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, pool_timeout=10),
            create_async_engine(
                url, pool_size=READERS, pool_pre_ping=True, pool_timeout=10, isolation_level="REPEATABLE READ"
            ),
        )
    options: dict[str, Any] = {"async_creator": connector(url, timeout=BUSY_TIMEOUT), "pool_timeout": 10}
    writer = create_async_engine(url, pool_size=1, max_overflow=0, **options)
    readers = create_async_engine(url, pool_size=READERS, max_overflow=0, **options)
    for engine, begin in ((writer, "BEGIN IMMEDIATE"), (readers, "BEGIN")):
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", lambda c, sql=begin: c.exec_driver_sql(sql))
        event.listen(engine.sync_engine, "invalidate", _let_go)
    return writer, readers


def _try_sqlite(url: URL) -> None:
    """Fail at once where there is no database to open: the async driver's thread would outlive its loop to say so."""
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database), timeout=BUSY_TIMEOUT)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; we do
    cursor = connection.cursor()
    cursor.execute("PRAGMA page_count")
    if cursor.fetchone()[0] == 0:  # only a new file can learn to give space back
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-32768",
        "journal_size_limit=67108864",  # bytes: a write-ahead log that grew is cut back to this
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _let_go(connection: Any, _record: Any, _error: Any) -> None:
    """End the transaction of whoever was cancelled in the middle of a statement.

    Its connection is closed next, but SQLite keeps a closed one, with its lock, for as long as anybody holds a cursor of it.
    """
    with suppress(asyncio.CancelledError, sqlite3.Error):
        connection.run_async(lambda driver: asyncio.shield(driver.rollback()))


def _cause(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip() or type(original).__name__


def _translated(error: Exception) -> Exception:
    """Trouble with the disk or the connection becomes StorageUnavailable; a mistake in a statement stays what it is."""
    original = getattr(error, "orig", None)
    if isinstance(error, PoolTimeoutError | OSError):
        return StorageUnavailable(f"The database does not answer: {_cause(error)}")
    trouble = isinstance(error, OperationalError) or isinstance(original, sqlite3.OperationalError)
    if trouble and getattr(original, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:  # that one is about the SQL
        return StorageUnavailable(f"The database cannot be written: {_cause(error)}")
    if str(getattr(original, "sqlstate", None) or "")[:2] in _TROUBLE:
        return StorageUnavailable(f"The database cannot be written: {_cause(error)}")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return StorageUnavailable(f"The connection to the database was lost: {_cause(error)}")
    return error
