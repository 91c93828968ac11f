"""The journal's log as the table `deliveries` of the PostgreSQL database. Grouping is the journal's business."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import delete, func, insert, select, text, tuple_
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.errors import ConfigError, StorageUnavailable
from bot.intake.journal import REJECTED_KEPT, Delivery, Entry, Receipt, Rejection, headers_of
from bot.storage.tables import deliveries

__all__ = ["PostgresLog"]

PRUNED_AT_ONCE = 2000  # rows of one transaction, so that a webhook never waits long behind it
_LOCK = 0x6D7573746572  # "muster": writers take turns, so that positions appear in the order of their commits
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:lock), set_config('synchronous_commit', 'on', true)")

_d = deliveries.c


class PostgresLog:
    """A `Log` in a table. It has connections of its own: a webhook never waits for the pipeline's transaction."""

    def __init__(self, url: URL | str) -> None:
        self._engine = create_async_engine(
            url, pool_size=2, max_overflow=1, pool_pre_ping=True, pool_timeout=10, connect_args={"timeout": 5}
        )

    async def open(
        self,
        at_least: int = 0,  # noqa: ARG002  # the reader's position lies in the same database
    ) -> int:
        """The schema is there already: the database's migrations made it."""
        try:
            async with self._reading() as connection:
                newest = select(func.max(_d.id)).where(_d.state == "accepted")
                return int((await connection.execute(newest)).scalar_one() or 0)
        except StorageUnavailable as error:
            raise ConfigError(f"The journal cannot be opened: {error}") from error

    async def close(self) -> None:
        await self._engine.dispose()

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        rows: list[dict[str, Any]] = []
        first: dict[tuple[str, str], int] = {}  # the row that is the first of its key
        places: list[Receipt | tuple[int, bool]] = []  # known already, or (row, whether it repeats that row)
        async with self._transaction() as connection:
            known = await self._known(connection, entries)
            for entry in entries:
                if entry.key is not None:
                    key = (entry.source, entry.key)
                    if receipt := known.get(key):
                        places.append(receipt)
                        continue
                    if key in first:
                        places.append((first[key], True))
                        continue
                    first[key] = len(rows)
                places.append((len(rows), False))
                rows.append(_row(entry))
            ids: list[int] = []
            if rows:
                returning = insert(deliveries).returning(_d.id, sort_by_parameter_order=True)
                ids = [row[0] for row in await connection.execute(returning, rows)]
            if any(row["state"] == "rejected" for row in rows):
                oldest = (
                    select(_d.id).where(_d.state == "rejected").order_by(_d.id.desc()).offset(REJECTED_KEPT).limit(1)
                )
                await connection.execute(
                    delete(deliveries).where(_d.state == "rejected", _d.id <= oldest.scalar_subquery())
                )
        return [
            place if isinstance(place, Receipt) else Receipt(ids[place[0]], rows[place[0]]["accepted"], place[1])
            for place in places
        ]

    async def _known(self, connection: AsyncConnection, entries: Sequence[Entry]) -> dict[tuple[str, str], Receipt]:
        keys = {(entry.source, entry.key) for entry in entries if entry.key is not None}
        if not keys:
            return {}
        query = select(_d.source, _d.delivery_key, _d.id, _d.accepted).where(
            tuple_(_d.source, _d.delivery_key).in_(sorted(keys))
        )
        return {(row[0], row[1]): Receipt(row[2], row[3], True) for row in await connection.execute(query)}

    async def read(self, after: int, limit: int, max_bytes: int) -> list[Delivery]:
        columns = (_d.id, _d.source, _d.received_at, _d.headers, _d.body, _d.accepted)
        length = func.octet_length(_d.body)
        before = (func.sum(length).over(order_by=_d.id) - length).label("before")
        page = (
            select(*columns, before)
            .where(_d.id > after, _d.state == "accepted")
            .order_by(_d.id)
            .limit(limit)
            .subquery()
        )
        query = select(page).where((page.c.before == 0) | (page.c.before + func.octet_length(page.c.body) <= max_bytes))
        async with self._reading() as connection:
            rows = (await connection.execute(query.order_by(page.c.id))).all()
        return [Delivery(r[0], r[1], r[2], headers_of(r[3]), r[4], r[5]) for r in rows]

    async def rejected(self, before: int | None, limit: int) -> list[Rejection]:
        columns = (_d.id, _d.source, _d.received_at, _d.headers, _d.body, _d.reason, _d.path)
        query = select(*columns).where(_d.state == "rejected").order_by(_d.id.desc()).limit(limit)
        if before is not None:
            query = query.where(_d.id < before)
        async with self._reading() as connection:
            rows = (await connection.execute(query)).all()
        return [Rejection(r[0], r[1], r[2], headers_of(r[3]), r[4], r[5], r[6]) for r in rows]

    async def prune(self, before: float, up_to: int) -> int:
        total = 0
        while True:
            async with self._transaction() as connection:
                oldest = select(_d.id).where(_d.id <= up_to).order_by(_d.id).limit(PRUNED_AT_ONCE)
                gone = await connection.execute(delete(deliveries).where(_d.received_at < before, _d.id.in_(oldest)))
            if not gone.rowcount:
                return total
            total += gone.rowcount

    async def size(self) -> int:
        async with self._reading() as connection:
            total = await connection.execute(text("SELECT pg_total_relation_size('deliveries')"))
            return int(total.scalar_one())

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                await connection.execute(_TAKE_TURN, {"lock": _LOCK})
                yield connection
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
            raise _unavailable("written", error) from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError, OSError, TimeoutError) as error:
            raise _unavailable("read", error) from error


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "source": entry.source,
        "received_at": entry.received_at,
        "delivery_key": entry.key,
        "headers": entry.headers,
        "body": entry.body,
        "accepted": entry.accepted,
        "state": entry.state,
        "reason": entry.reason,
        "path": entry.path,
    }


def _unavailable(verb: str, error: BaseException) -> StorageUnavailable:
    cause = getattr(error, "orig", None) or error
    return StorageUnavailable(f"The journal cannot be {verb}: {str(cause).strip() or type(cause).__name__}.")
