"""The journal's log as an SQLite file of its own: one thread that writes, one that reads. Grouping is the journal's business.

Raw sqlite3, not SQLAlchemy: measured, a transaction of 64 deliveries costs a fifth of what the async driver takes, and the
webhook's whole budget is 50 microseconds.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import ConfigError, StorageUnavailable
from bot.intake.journal import REJECTED_KEPT, Delivery, Entry, Receipt, Rejection, headers_of

__all__ = ["SqliteLog", "beside"]

SCHEMA_VERSION = 1  # PRAGMA user_version
BUSY_TIMEOUT = 2.0  # seconds to wait for another process's lock before we say 503
CHECKPOINT_PAGES = 4000  # about 16 MiB of write-ahead log: each checkpoint is two more fsyncs in somebody's request
PRUNED_AT_ONCE = 2000  # rows of one transaction, so that a webhook never waits long behind it

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
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = "INSERT INTO deliveries (id, source, received_at, delivery_key, headers, body, accepted, state, reason, path) VALUES "
# One statement for many rows lets go of the interpreter's lock once, not once a row: with the event loop busy, each time costs.
_INSERTS = {size: _INSERT + ", ".join([_ROW] * size) for size in (64, 16, 4, 1)}
_FIND = "SELECT id, accepted FROM deliveries WHERE source = ? AND delivery_key = ?"
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


class SqliteLog:
    """A `Log` in one file. Every connection is used by one thread only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="journal-writer")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._floor = 0

    async def open(self, at_least: int = 0) -> int:
        """Create or open the file. ConfigError when it is no journal, or one of a newer version."""
        self._floor = at_least
        return await self._in(self._write_thread, self._open)

    async def close(self) -> None:
        await self._in(self._read_thread, self._drop_reader)
        await self._in(self._write_thread, self._drop_writer)
        self._read_thread.shutdown()
        self._write_thread.shutdown()

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        return await self._in(self._write_thread, self._write, entries)

    async def read(self, after: int, limit: int, max_bytes: int) -> list[Delivery]:
        return await self._in(self._read_thread, self._read, after, limit, max_bytes)

    async def rejected(self, before: int | None, limit: int) -> list[Rejection]:
        return await self._in(self._read_thread, self._rejected, before, limit)

    async def prune(self, before: float, up_to: int) -> int:
        total = 0
        while pruned := await self._in(self._write_thread, self._prune, before, up_to):
            total += pruned
        if total:
            await self._in(self._write_thread, self._shrink)
        return total

    async def size(self) -> int:
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def _in(self, thread: ThreadPoolExecutor, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, call, *arguments)

    # --- on the writer's thread ---------------------------------------------------------------------------------------

    def _open(self) -> int:
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
            head = connection.execute("SELECT max(id) FROM deliveries WHERE state = 'accepted'").fetchone()[0]
        except sqlite3.Error as error:
            raise ConfigError(f"The journal {self._path} cannot be opened: {error}") from error
        self._writer = connection
        return int(head or 0)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, isolation_level=None)
        for pragma in (
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _write(self, entries: Sequence[Entry]) -> list[Receipt]:
        return self._transact(self._insert, entries)

    def _transact(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run in one transaction; whatever fails leaves nothing behind, not even a connection in an unknown state."""
        try:
            connection = self._writer = self._writer or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            result = work(connection, *arguments)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._drop_writer()  # closing rolls back; the next write opens anew, when space or the lock is there again
            raise StorageUnavailable(f"The journal cannot be written: {error}.") from error
        except BaseException:
            self._drop_writer()
            raise
        return result

    def _insert(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> list[Receipt]:
        newest = connection.execute("SELECT max(id) FROM deliveries").fetchone()[0] or 0
        position = max(newest, self._floor)
        receipts: list[Receipt] = []
        values: list[Any] = []
        keys: dict[tuple[str, str], Receipt] = {}
        rejected = 0
        for e in entries:
            if e.key is not None:
                known = keys.get((e.source, e.key))
                if known is None and (row := connection.execute(_FIND, (e.source, e.key)).fetchone()):
                    known = Receipt(row[0], row[1], True)
                if known is not None:
                    receipts.append(known)
                    continue
            position += 1
            receipts.append(Receipt(position, e.accepted))
            if e.key is not None:
                keys[e.source, e.key] = Receipt(position, e.accepted, True)
            rejected += e.state == "rejected"
            values += (
                position,
                e.source,
                e.received_at,
                e.key,
                e.headers,
                e.body,
                e.accepted,
                e.state,
                e.reason,
                e.path,
            )
        done, width = 0, 10
        for size, statement in _INSERTS.items():
            while len(values) - done >= size * width:
                connection.execute(statement, values[done : done + size * width])
                done += size * width
        if rejected:
            connection.execute(_TRIM_REJECTED)
        return receipts

    def _prune(self, before: float, up_to: int) -> int:
        def delete(connection: sqlite3.Connection) -> int:
            # The newest row stays, so that its position is never given again.
            head = connection.execute("SELECT max(id) FROM deliveries").fetchone()[0] or 0
            bounds = {"before": before, "up_to": up_to, "head": head, "limit": PRUNED_AT_ONCE}
            return connection.execute(_PRUNE, bounds).rowcount

        return self._transact(delete)

    def _shrink(self) -> None:
        try:
            connection = self._writer = self._writer or self._connect()
            connection.execute("PRAGMA incremental_vacuum").fetchall()
        except sqlite3.Error as error:
            self._drop_writer()
            raise StorageUnavailable(f"The journal cannot be shrunk: {error}.") from error

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
