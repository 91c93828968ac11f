"""POST /webhooks/{source}: who may post, what it says, on disk, answered. What an alert means to anybody must not enter here.

`Desk` judges a request and replies once; it knows no HTTP library. The aiohttp route below carries requests to it, and
`bot.intake.door` does the same for the plain ones, faster.
"""

from __future__ import annotations

import asyncio
import functools
import math
import zlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

import msgspec
from aiohttp import web

from bot import problems
from bot.clock import Clock
from bot.errors import (
    BadSignature,
    MalformedPayload,
    PayloadTooLarge,
    RequestError,
    StorageUnavailable,
    UnknownSource,
    UnreadablePayload,
    UnsupportedEncoding,
)
from bot.intake.journal import REJECTED_BODY, Entry, Journal, Receipt, headers_text
from bot.intake.sanitize import clean
from bot.intake.signatures import Guard
from bot.intake.source import Source
from bot.telemetry import get_logger

__all__ = ["BODY_LIMIT", "Answer", "Desk", "Metrics", "add_routes"]

BODY_LIMIT = 1024 * 1024  # bytes, as sent and as unpacked
READ_TIMEOUT = 30.0  # seconds for a body to arrive
KEEP_TIMEOUT = 1.0  # ... for the part that is kept of one that is refused for its length
MEMBERS = 64  # of one gzip body: each costs a copy of what follows

Reply = Callable[["Answer"], None]

_log = get_logger(__name__)
_NO_HEADERS: dict[str, str] = {}


class _Counter(Protocol):
    def inc(self, amount: float = 1) -> None: ...


class _Counters(Protocol):
    def labels(self, *values: Any) -> _Counter: ...


class _Histogram(Protocol):
    def observe(self, amount: float) -> None: ...


class Metrics(Protocol):
    """What the intake counts; `bot.telemetry.Metrics` has it."""

    @property
    def deliveries(self) -> _Counters:
        """By source and outcome."""
        ...

    @property
    def intake_seconds(self) -> _Histogram: ...

    @property
    def failures(self) -> _Counters:
        """Unexpected exceptions, by where."""
        ...


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the sender hears."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Desk:
    """Takes deliveries in. Every request gets exactly one answer: 2xx after the fsync, 4xx with a reason, or 503."""

    def __init__(
        self, *, sources: Mapping[str, Source], guard: Guard, journal: Journal, clock: Clock, metrics: Metrics
    ) -> None:
        self._sources = sources
        self._guard = guard
        self._journal = journal
        self._clock = clock
        self._metrics = metrics
        self._outcomes: dict[tuple[str, str], _Counter] = {}

    def source(self, name: str) -> Source:
        """The source of that name. UnknownSource, with the nearest name, when there is none."""
        if (source := self._sources.get(name)) is not None:
            return source
        near = get_close_matches(name, self._sources, n=1)
        known = f"Did you mean {near[0]}?" if near else f"There are {', '.join(self._sources)}."
        raise UnknownSource(f"There is no source {clean(name, 50)!r}. {known}")

    def check_before_body(self, name: str, headers: Mapping[str, str]) -> None:
        """Spare reading the body of who is refused anyway. UnknownSource or BadSignature."""
        source = self.source(name)
        self._guard.check(name, source.authentication, headers, None)

    def deliver(self, name: str, headers: Mapping[str, str], body: bytes, reply: Reply) -> None:
        """Judge one request whose whole body is here; call `reply` once, now or after the fsync. Raises nothing."""
        received_at = self._clock.now()
        try:
            source = self.source(name)
            self._guard.check(name, source.authentication, headers, body)
        except RequestError as error:
            self._reply_error(name, error, received_at, reply)
            return
        kept = _NO_HEADERS
        if source.headers:
            kept = {header: clean(headers[header], 1000) for header in source.headers if header in headers}
        try:
            body = unpacked(body, headers.get("content-encoding", ""))
            accepted = source.accepts(body, kept, received_at)
            key = source.delivery_id(headers) if source.delivery_header else None
            entry = Entry(name, received_at, key, headers_text(kept), body, accepted)
            written = self._journal.submit(entry)
        except RequestError as error:
            self._keep_rejected(name, kept, body, received_at, error, reply)
        except StorageUnavailable as error:
            self._reply_error(name, error, received_at, reply)
        except Exception as error:  # noqa: BLE001  # one of the four named places: no body may cost an answer
            self._metrics.failures.labels("webhooks").inc()
            _log.exception("delivery_failed", source=name)
            self._reply_error(name, StorageUnavailable(f"Unexpected: {type(error).__name__}."), received_at, reply)
        else:
            written.add_done_callback(functools.partial(self._reply_written, name, received_at, reply))

    def refuse(self, name: str, headers: Mapping[str, str], body: bytes, error: RequestError, reply: Reply) -> None:
        """Answer a request that was refused before its body was whole; keep what came, if the sender is proven."""
        received_at = self._clock.now()
        try:
            proven = self._guard.check(name, self.source(name).authentication, headers, None)
        except RequestError:
            proven = False
        if proven and body and not isinstance(error, BadSignature | UnknownSource):
            self._keep_rejected(name, _NO_HEADERS, body, received_at, error, reply)
        else:
            # A stranger's body is not kept: it would push out those that an operator needs to see.
            self._reply_error(name, error, received_at, reply)

    def _keep_rejected(
        self, name: str, kept: dict[str, str], body: bytes, received_at: float, error: RequestError, reply: Reply
    ) -> None:
        path = error.path if isinstance(error, MalformedPayload) else ""
        entry = Entry(
            name,
            received_at,
            None,
            headers_text(kept),
            body[:REJECTED_BODY],
            0,
            "rejected",
            clean(error.public, 1000),
            clean(path, 500),
        )
        try:
            written = self._journal.submit(entry)
        except StorageUnavailable as full:
            self._reply_error(name, full, received_at, reply)
            return

        def answer(written: asyncio.Future[Receipt]) -> None:
            # Not kept: the sender should try again, for then somebody can see what is wrong.
            self._reply_error(name, _failure(written) or error, received_at, reply)

        written.add_done_callback(answer)

    def _reply_written(self, name: str, received_at: float, reply: Reply, written: asyncio.Future[Receipt]) -> None:
        if (error := _failure(written)) is not None:
            self._reply_error(name, error, received_at, reply)
            return
        receipt = written.result()
        self._count(name, "repeated" if receipt.duplicate else "accepted", received_at)
        body = b'{"delivery": %d, "accepted": %d}' % (receipt.id, receipt.accepted)
        reply(Answer(200 if receipt.duplicate else 202, body))

    def _reply_error(
        self, name: str, error: RequestError | StorageUnavailable, received_at: float, reply: Reply
    ) -> None:
        known = name if name in self._sources else "unknown"
        self._count(known, error.code, received_at)
        log = _log.warning if isinstance(error, RequestError) else _log.error
        log("delivery_refused", source=known, reason=error.code, detail=clean(error.public, 300))
        reply(_problem(error, known))

    def _count(self, name: str, outcome: str, received_at: float) -> None:
        counter = self._outcomes.get((name, outcome))
        if counter is None:
            counter = self._outcomes[name, outcome] = self._metrics.deliveries.labels(name, outcome)
        counter.inc()
        self._metrics.intake_seconds.observe(max(0.0, self._clock.now() - received_at))


def _failure(written: asyncio.Future[Receipt]) -> StorageUnavailable | None:
    if written.cancelled():
        return StorageUnavailable("Muster is stopping.", retry_after=10.0)
    error = written.exception()
    if error is None or isinstance(error, StorageUnavailable):
        return error
    return StorageUnavailable(f"The journal failed: {type(error).__name__}.")


def _problem(error: RequestError | StorageUnavailable, source: str) -> Answer:
    """The error, and what a sender should do about it."""
    status = error.status if isinstance(error, RequestError) else 503
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, StorageUnavailable):
        headers = (("Retry-After", str(max(1, math.ceil(error.retry_after)))),)
    elif isinstance(error, BadSignature):
        headers = (("WWW-Authenticate", 'Bearer realm="muster"'),)
    elif isinstance(error, UnsupportedEncoding):
        headers = (("Accept-Encoding", "gzip, deflate"),)
    return Answer(status, problems.body_of(error, status, source=source), problems.PROBLEM_JSON, headers)


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding, and never more than 1 MiB of it in memory.

    PayloadTooLarge for a bomb, UnreadablePayload for what is not what it says, UnsupportedEncoding for other encodings.
    """
    if len(body) > BODY_LIMIT:
        raise PayloadTooLarge
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name in {"gzip", "x-gzip"}:
        window = 31
    elif name == "deflate":
        # The standard says zlib; some senders leave its header out.
        window = 15 if body[:1] and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0 else -15
    else:
        raise UnsupportedEncoding(f"Content-Encoding {clean(encoding, 50)!r} is not read: send gzip, deflate or none.")
    whole = bytearray()
    rest = body
    try:
        for _ in range(MEMBERS):
            if not rest:
                break
            inflate = zlib.decompressobj(window)
            whole += inflate.decompress(rest, BODY_LIMIT + 1 - len(whole))
            if len(whole) > BODY_LIMIT:
                raise PayloadTooLarge("The body is larger than 1 MiB when it is unpacked.")
            if not inflate.eof:
                raise UnreadablePayload(f"The {name} body ends too early.")
            rest = inflate.unused_data if window == 31 else b""
    except zlib.error:
        raise UnreadablePayload(f"The body is not {name}.") from None
    if rest:
        raise UnreadablePayload(f"The gzip body has more than {MEMBERS} members.")
    return bytes(whole)


def add_routes(app: web.Application, desk: Desk) -> None:
    """Serve POST /webhooks/{source}. The application's runner must be made with `auto_decompress=False`."""

    async def post(request: web.Request) -> web.Response:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def reply(answer: Answer) -> None:
            if not answered.done():
                answered.set_result(answer)

        name = request.match_info["source"]
        body = bytearray()
        try:
            desk.check_before_body(name, request.headers)
            await _read(request, body)
        except RequestError as error:
            desk.refuse(name, request.headers, bytes(body), error, reply)
        else:
            desk.deliver(name, request.headers, bytes(body), reply)
        answer = await answered
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type, headers=dict(answer.headers)
        )

    app.router.add_post("/webhooks/{source}", post)


async def _read(request: web.Request, body: bytearray) -> None:
    """Read the body into `body`, as it was sent. PayloadTooLarge after 1 MiB; of what is too large, the beginning stays."""
    too_large = request.content_length is not None and request.content_length > BODY_LIMIT
    enough = REJECTED_BODY if too_large else BODY_LIMIT + 1
    try:
        async with asyncio.timeout(KEEP_TIMEOUT if too_large else READ_TIMEOUT):
            while len(body) < enough and (chunk := await request.content.readany()):
                body += chunk
    except TimeoutError:
        if not too_large:
            raise UnreadablePayload(f"The body did not arrive within {READ_TIMEOUT:.0f} s.") from None
    except web.RequestPayloadError as error:
        raise UnreadablePayload(f"The body broke off: {clean(str(error), 200)}.") from None
    if too_large or len(body) > BODY_LIMIT:
        raise PayloadTooLarge
