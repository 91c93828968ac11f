"""The durable log of deliveries with group commit: what `append` returned is on disk. What a body means must not enter here.

Concurrent appends share one transaction. Beneath it stands a `Log`: an SQLite file of its own, so that a webhook never waits
for the pipeline's write transaction, or a table of the PostgreSQL database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from bot.errors import StorageUnavailable
from bot.intake.sanitize import clean
from bot.telemetry import get_logger

__all__ = ["Delivery", "Entry", "Journal", "Log", "Receipt", "Rejection"]

log = get_logger(__name__)

REJECTED_KEPT = 1000  # rejected bodies, the newest
REJECTED_BODY = 64 * 1024  # bytes of each that are kept
MAX_WAITING = 4096  # deliveries waiting for the disk before we say 503
MAX_WAITING_BYTES = 64 * 1024 * 1024
BATCH_BYTES = 8 * 1024 * 1024  # one transaction takes no more than this, one delivery at least

_NO_HEADERS = "{}"
_encode = msgspec.json.Encoder().encode
_decode_headers = msgspec.json.Decoder(dict[str, str]).decode


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A delivery on its way into the log. `headers` is JSON text."""

    source: str
    received_at: float
    key: str | None
    headers: str
    body: bytes
    accepted: int
    state: Literal["accepted", "rejected"] = "accepted"
    reason: str = ""
    path: str = ""


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """Where a delivery lies in the journal. A duplicate names the first delivery of the same key."""

    id: int
    accepted: int
    duplicate: bool = False


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One accepted webhook body, as it came. `id` is its position."""

    id: int
    source: str
    received_at: float
    headers: dict[str, str]
    body: bytes
    accepted: int


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """One refused webhook body (its first 64 KiB), why, and where in it."""

    id: int
    source: str
    received_at: float
    headers: dict[str, str]
    body: bytes
    reason: str
    path: str


class Log(Protocol):
    """What the journal stands on. Every method raises StorageUnavailable when the disk or the database cannot."""

    async def open(self, at_least: int = 0) -> int:
        """Make ready; return the position of the newest accepted delivery, 0 when there is none.

        New positions are above `at_least` even where the log was lost: a reader that had come so far misses nothing.
        """
        ...

    async def write(self, entries: Sequence[Entry]) -> list[Receipt]:
        """All entries or none, in order, on disk when it returns. Positions grow and are never given twice."""
        ...

    async def read(self, after: int, limit: int, max_bytes: int) -> list[Delivery]: ...

    async def rejected(self, before: int | None, limit: int) -> list[Rejection]: ...

    async def prune(self, before: float, up_to: int) -> int: ...

    async def size(self) -> int: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Waiting:
    entry: Entry
    receipt: asyncio.Future[Receipt]


class Journal:
    """Appends together, reads in order, wakes who waits. One per process."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._in_flight = 0
        self._writer: asyncio.Task[None] | None = None
        self._head = 0
        self._readers: list[asyncio.Future[None]] = []
        self._trouble = ""

    async def open(self, at_least: int = 0) -> Journal:
        """Make the log ready; `at_least` is how far its reader has come. ConfigError when it cannot be used at all."""
        self._head = await self._log.open(at_least)
        return self

    async def close(self) -> None:
        """Write what is waiting, then let go."""
        while self._writer is not None:
            await asyncio.wait([self._writer])
        for reader in self._readers:
            reader.cancel()
        await self._log.close()

    @property
    def head(self) -> int:
        """Position of the newest accepted delivery; 0 before the first."""
        return self._head

    @property
    def waiting(self) -> int:
        """Deliveries that wait for the disk."""
        return len(self._waiting) + self._in_flight

    @property
    def trouble(self) -> str:
        """Why the last write failed; empty when it did not."""
        return self._trouble

    # --- writing ------------------------------------------------------------------------------------------------------

    def submit(self, entry: Entry) -> asyncio.Future[Receipt]:
        """Queue one entry; the future resolves after the fsync. StorageUnavailable when too many wait already."""
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            raise StorageUnavailable("Too many deliveries are waiting for the disk.", retry_after=1.0)
        loop = asyncio.get_running_loop()
        receipt: asyncio.Future[Receipt] = loop.create_future()
        self._waiting.append(_Waiting(entry, receipt))
        self._waiting_bytes += len(entry.body)
        if self._writer is None:
            self._writer = loop.create_task(self._write_all())
        return receipt

    async def append(
        self,
        source: str,
        headers: Mapping[str, str],
        body: bytes,
        received_at: float,
        delivery_key: str | None = None,
        accepted: int = 0,
    ) -> Receipt:
        """Keep one delivery. It is on disk when this returns. StorageUnavailable when it could not be kept."""
        entry = Entry(source, received_at, delivery_key, headers_text(headers), body, accepted)
        return await asyncio.shield(self.submit(entry))

    async def reject(
        self, source: str, headers: Mapping[str, str], body: bytes, received_at: float, reason: str, path: str = ""
    ) -> Receipt:
        """Keep a refused body (its first 64 KiB) with the reason; only the newest 1,000 stay."""
        entry = Entry(
            clean(source, 100),
            received_at,
            None,
            headers_text(headers),
            bytes(body[:REJECTED_BODY]),
            0,
            "rejected",
            clean(reason, 1000),
            clean(path, 500),
        )
        return await asyncio.shield(self.submit(entry))

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
                self._in_flight = len(batch)
                try:
                    receipts = await self._log.write([waiting.entry for waiting in batch])
                except BaseException as error:
                    self._fail(batch, error)
                    if not isinstance(error, StorageUnavailable):
                        raise
                else:
                    self._settle(batch, receipts)
        finally:
            self._in_flight = 0
            self._writer = None

    def _settle(self, batch: list[_Waiting], receipts: list[Receipt]) -> None:
        self._trouble = ""
        log.debug("deliveries_kept", deliveries=len(batch), alerts=sum(waiting.entry.accepted for waiting in batch))
        head = self._head
        for waiting, receipt in zip(batch, receipts, strict=True):
            if receipt.id > head and waiting.entry.state == "accepted":
                head = receipt.id
            if not waiting.receipt.done():
                waiting.receipt.set_result(receipt)
        if head > self._head:
            self._head = head
            self._wake()

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        """Tell every waiter. An unexpected error also ends the writer, which the next append starts anew."""
        self._trouble = str(error) or type(error).__name__
        waiting_too, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for waiting in (*batch, *waiting_too):
            if not waiting.receipt.done():
                retry_after = error.retry_after if isinstance(error, StorageUnavailable) else 5.0
                waiting.receipt.set_exception(StorageUnavailable(self._trouble, retry_after=retry_after))
                waiting.receipt.exception()  # its caller may have gone: that is no event of its own

    def _next_batch(self) -> list[_Waiting]:
        if self._waiting_bytes <= BATCH_BYTES:
            batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
            return batch
        size = taken = 0
        for waiting in self._waiting:
            if taken and size + len(waiting.entry.body) > BATCH_BYTES:
                break
            size += len(waiting.entry.body)
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._waiting_bytes -= size
        return batch

    # --- reading ------------------------------------------------------------------------------------------------------

    async def read(self, after: int, limit: int = 500, max_bytes: int = 16 * 1024 * 1024) -> list[Delivery]:
        """Accepted deliveries after a position, in order: at most `limit`, and about `max_bytes` of bodies, but one at least.

        Positions may jump (a rejected body takes one too), but nothing ever appears before what was read.
        """
        return await self._log.read(after, limit, max_bytes)

    async def wait_for(self, after: int) -> None:
        """Return when an accepted delivery lies after the position."""
        while self._head <= after:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._readers.append(woken)
            try:
                await woken
            finally:
                if woken in self._readers:
                    self._readers.remove(woken)

    def _wake(self) -> None:
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():
                reader.set_result(None)

    async def rejected(self, before: int | None = None, limit: int = 50) -> list[Rejection]:
        """Rejected deliveries, newest first, older than position `before`."""
        return await self._log.rejected(before, limit)

    # --- keeping house ------------------------------------------------------------------------------------------------

    async def prune(self, before: float, *, up_to: int) -> int:
        """Forget deliveries received before a moment, but none after position `up_to`: what nobody read yet stays."""
        return await self._log.prune(before, up_to)

    async def size(self) -> int:
        """Bytes that the log takes on disk."""
        return await self._log.size()


def headers_text(headers: Mapping[str, str]) -> str:
    """The kept headers as JSON text."""
    if not headers:
        return _NO_HEADERS
    return _encode({name: clean(value, 1000) for name, value in headers.items()}).decode()


def headers_of(text: str) -> dict[str, str]:
    """The headers back from their JSON text."""
    return {} if text == _NO_HEADERS else _decode_headers(text)
