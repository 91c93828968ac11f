"""The journal's log as an SQLite file of its own: one thread that writes, one that reads. Grouping is the journal's business.

Raw sqlite3, not SQLAlchemy: measured, a transaction of 64 deliveries costs a fifth of what the async driver takes, and the
webhook's whole budget is 50 microseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import ConfigError, StorageUnavailable
from bot.intake.journal import REJECTED_KEPT, Delivery, Entry, Receipt, Rejection, headers_of

__all__ = ["SqliteLog", "beside"]

SCHEMA_VERSION = 1  # PRAGMA user_version
BUSY_TIMEOUT = 2.0  # seconds to wait for another process's lock before we say 503
PAGE = 16384  # bytes; measured, a batch of large bodies commits a third faster than with 4 KiB, a small one no slower
CHECKPOINT_PAGES = (
    256  # 4 MiB of write-ahead log: it is soon overwritten instead of grown, which halves the cost of an fsync
)
PRUNED_AT_ONCE = 2000  # rows of one transaction, so that a webhook never waits long behind it
PAGES_AT_ONCE = 1000  # free pages given back in one transaction, likewise

_SCHEMA = """
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  received_at REAL NOT NULL,
  delivery_key TEXT,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  accepted INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  path TEXT NOT NULL
);
CREATE UNIQUE INDEX uq_deliveries_source_delivery_key ON deliveries (source, delivery_key) WHERE delivery_key IS NOT NULL;
CREATE INDEX ix_deliveries_rejected ON deliveries (id) WHERE state = 'rejected';
"""
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = (
    "INSERT INTO deliveries (source, received_at, delivery_key, headers, body, accepted, state, reason, path) VALUES "
)
# One statement for many rows, and no BEGIN where one statement is all: each call lets go of the interpreter's lock, and with
# the event loop busy each time it is taken again costs more than the row.
ROWS = 64
_INSERTS = [_INSERT + ", ".join([_ROW] * size) for size in range(1, ROWS + 1)]
_FIND = "SELECT id, accepted FROM deliveries WHERE source = ? AND delivery_key = ?"
_RESTART = """
INSERT INTO deliveries (id, source, received_at, headers, body, accepted, state, reason, path)
VALUES (?, 'muster', 0, '{}', x'', 0, 'rejected', 'The journal was lost or replaced; positions go on from here.', '')
"""
_TRIM_REJECTED = f"""
DELETE FROM deliveries WHERE state = 'rejected' AND id <= (
  SELECT id FROM deliveries WHERE state = 'rejected' ORDER BY id DESC LIMIT 1 OFFSET {REJECTED_KEPT})
"""  # noqa: S608  # the only thing put in is our own number
_PRUNE = """
DELETE FROM deliveries WHERE received_at < :before AND id < :head AND id IN (
  SELECT id FROM deliveries WHERE id <= :up_to ORDER BY id LIMIT :limit)
"""

T = TypeVar("T")


def beside(database: Path) -> Path:
    """Where the journal of an SQLite database lies.

    >>> str(beside(Path("muster.db")))
    'muster.deliveries.db'
    """
    return database.with_name(f"{database.stem}.deliveries{database.suffix or '.db'}")


class _Thread:
    """A thread that runs calls in order, for an event loop. A quarter of a thread pool's overhead on each call."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, call: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """What the call returns or raises, awaitable."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                settle = functools.partial(outcome.set_result, call(*arguments))
            except BaseException as error:  # noqa: BLE001  # not handled here: it travels to who awaits
                settle = functools.partial(outcome.set_exception, error)
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(_unless_done, outcome, settle)

        self._calls.put(work)
        return outcome

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    def stop(self) -> None:
        """End the thread after what it was given."""
        self._calls.put(None)
        self._thread.join()


def _unless_done(outcome: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    if not outcome.done():
        settle()


class SqliteLog:
    """A `Log` in one file. Every connection is used by one thread only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write_thread = _Thread("journal-writer")
        self._read_thread = _Thread("journal-reader")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    async def open(self, at_least: int = 0) -> int:
        """Create or open the file. ConfigError when it is no journal, or one of a newer version."""
        return await self._write_thread.run(self._open, at_least)

    async def close(self) -> None:
        await self._read_thread.run(self._drop_reader)
        await self._write_thread.run(self._drop_writer)
        self._read_thread.stop()
        self._write_thread.stop()

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        return await self._write_thread.run(self._write, entries)

    async def read(self, after: int, limit: int, max_bytes: int) -> list[Delivery]:
        return await self._read_thread.run(self._read, after, limit, max_bytes)

    async def rejected(self, before: int | None, limit: int) -> list[Rejection]:
        return await self._read_thread.run(self._rejected, before, limit)

    async def prune(self, before: float, up_to: int) -> int:
        total = 0
        while pruned := await self._write_thread.run(self._prune, before, up_to):
            total += pruned
        while total and await self._write_thread.run(self._shrink):
            pass
        return total

    async def size(self) -> int:
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # --- on the writer's thread ---------------------------------------------------------------------------------------

    def _open(self, at_least: int) -> int:
        try:
            connection = self._connect()
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise ConfigError(
                    f"{self._path} is a journal of a newer Muster (version {version}; this one knows {SCHEMA_VERSION}). "
                    "Run that version, or restore the file's backup."
                )
            if version == 0:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
            newest = connection.execute("SELECT max(id) FROM deliveries").fetchone()[0] or 0
            if newest < at_least:  # the file was lost or is an old copy: what comes must lie after what was read
                connection.execute(_RESTART, (at_least,))
            head = connection.execute("SELECT max(id) FROM deliveries WHERE state = 'accepted'").fetchone()[0]
        except sqlite3.Error as error:
            raise ConfigError(f"The journal {self._path} cannot be opened: {error}") from error
        self._writer = connection
        return int(head or 0)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, isolation_level=None, cached_statements=2 * ROWS)
        for pragma in (
            f"page_size={PAGE}",
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _write(self, entries: Sequence[Entry]) -> list[Receipt]:
        if len(entries) <= ROWS and all(entry.key is None and entry.state == "accepted" for entry in entries):
            return self._attempt(self._insert, entries)
        return self._attempt(self._transact, self._insert_with_keys, entries)

    def _attempt(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run; whatever fails leaves nothing behind, not even a connection in an unknown state."""
        try:
            connection = self._writer = self._writer or self._connect()
            return work(connection, *arguments)
        except sqlite3.Error as error:
            self._drop_writer()  # closing rolls back; the next write opens anew, when space or the lock is there again
            raise StorageUnavailable(f"The journal cannot be written: {error}.") from error
        except BaseException:
            self._drop_writer()
            raise

    def _transact(self, connection: sqlite3.Connection, work: Callable[..., T], *arguments: Any) -> T:
        connection.execute("BEGIN IMMEDIATE")
        result = work(connection, *arguments)
        connection.execute("COMMIT")
        return result

    def _insert(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Receipt]:
        """Insert all, in statements of many rows; a single one commits by itself."""
        receipts: list[Receipt] = []
        for start in range(0, len(entries), ROWS):
            some = entries[start : start + ROWS]
            values: list[Any] = []
            for e in some:
                values += (e.source, e.received_at, e.key, e.headers, e.body, e.accepted, e.state, e.reason, e.path)
            last = connection.execute(_INSERTS[len(some) - 1], values).lastrowid or 0
            first = last - len(some) + 1  # SQLite numbers a statement's rows without a gap, above the newest
            receipts += [Receipt(first + index, e.accepted) for index, e in enumerate(some)]
        return receipts

    def _insert_with_keys(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Receipt]:
        """Insert those whose key is new; the others get the receipt of the first."""
        known: dict[tuple[str, str], Receipt] = {}
        fresh: list[Entry] = []
        first: dict[tuple[str, str], int] = {}
        for e in entries:
            if e.key is not None:
                key = (e.source, e.key)
                if key in first or key in known:
                    continue
                if row := connection.execute(_FIND, key).fetchone():
                    known[key] = Receipt(row[0], row[1], True)
                    continue
                first[key] = len(fresh)
            fresh.append(e)
        inserted = self._insert(connection, fresh)
        if any(e.state == "rejected" for e in fresh):
            connection.execute(_TRIM_REJECTED)
        receipts: list[Receipt] = []
        unclaimed = iter(inserted)
        seen: set[tuple[str, str]] = set()
        for e in entries:
            key = (e.source, e.key or "")
            if e.key is not None and (key in known or key in seen):
                one = known.get(key) or inserted[first[key]]
                receipts.append(Receipt(one.id, one.accepted, True))
                continue
            seen.add(key)
            receipts.append(next(unclaimed))
        return receipts

    def _prune(self, before: float, up_to: int) -> int:
        def delete(connection: sqlite3.Connection) -> int:
            # The newest row stays, so that its position is never given again.
            head = connection.execute("SELECT max(id) FROM deliveries").fetchone()[0] or 0
            bounds = {"before": before, "up_to": up_to, "head": head, "limit": PRUNED_AT_ONCE}
            return int(connection.execute(_PRUNE, bounds).rowcount)

        pruned: int = self._attempt(self._transact, delete)
        return pruned

    def _shrink(self) -> bool:
        """Give some free pages back to the disk; False when there are none left."""

        def give_back(connection: sqlite3.Connection) -> bool:
            before = connection.execute("PRAGMA freelist_count").fetchone()[0]
            # Only a script is stepped to its end: executed as a query, the pragma gives back a single page.
            connection.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
            return bool(connection.execute("PRAGMA freelist_count").fetchone()[0] < before)

        return self._attempt(give_back)

    def _drop_writer(self) -> None:
        connection, self._writer = self._writer, None
        if connection is not None:
            connection.close()

    # --- on the reader's thread ---------------------------------------------------------------------------------------

    def _query(self, statement: str, arguments: Sequence[Any]) -> sqlite3.Cursor:
        if self._reader is None:
            self._reader = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, isolation_level=None)
            self._reader.execute("PRAGMA query_only=ON")
        return self._reader.execute(statement, arguments)

    def _read(self, after: int, limit: int, max_bytes: int) -> list[Delivery]:
        found: list[Delivery] = []
        size = 0
        try:
            rows = self._query(
                "SELECT id, source, received_at, headers, body, accepted FROM deliveries"
                " WHERE id > ? AND state = 'accepted' ORDER BY id LIMIT ?",
                (after, limit),
            )
            for id_, source, received_at, headers, body, accepted in rows:
                size += len(body)
                if found and size > max_bytes:
                    rows.close()  # an open statement would hold the write-ahead log
                    break
                found.append(Delivery(id_, source, received_at, headers_of(headers), body, accepted))
        except sqlite3.Error as error:
            self._drop_reader()
            raise StorageUnavailable(f"The journal cannot be read: {error}.") from error
        return found

    def _rejected(self, before: int | None, limit: int) -> list[Rejection]:
        try:
            rows = self._query(
                "SELECT id, source, received_at, headers, body, reason, path FROM deliveries"
                " WHERE state = 'rejected' AND id < ? ORDER BY id DESC LIMIT ?",
                (2**63 - 1 if before is None else before, limit),
            ).fetchall()
        except sqlite3.Error as error:
            self._drop_reader()
            raise StorageUnavailable(f"The journal cannot be read: {error}.") from error
        return [Rejection(r[0], r[1], r[2], headers_of(r[3]), r[4], r[5], r[6]) for r in rows]

    def _drop_reader(self) -> None:
        connection, self._reader = self._reader, None
        if connection is not None:
            connection.close()
