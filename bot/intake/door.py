"""The front door: plain webhook requests go straight to the desk; anything else goes, untouched, to aiohttp.

Measured, aiohttp's way through parser, router and response costs most of a webhook's time on one core. The door takes only
what it recognises in full (HTTP/1.1, POST /webhooks/NAME, a Content-Length within the limit, no other transfer). At the first
doubt it hands the connection with every byte of the request to aiohttp, for good: no second HTTP server is hidden here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import cast

from aiohttp import web

from bot.clock import Clock
from bot.intake.webhooks import BODY_LIMIT, READ_TIMEOUT, Answer, Desk

__all__ = ["DoorSite", "runner"]

IDLE_TIMEOUT = 300.0  # seconds; Alertmanager keeps its connections for 5 minutes
STOP_TIMEOUT = 5.0  # seconds for the answers under way; who hears none sends again, and that is safe
SWEEP = 10.0  # seconds between two looks at who is idle
READ_AHEAD = 256 * 1024  # bytes of further requests that may wait while one is being answered

_HEAD_LIMIT = 8190  # bytes, as aiohttp's own
_START = re.compile(rb"POST /webhooks/([a-z0-9_-]{1,64}) HTTP/1\.1\r\n")
_FIELDS = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~]*\r\n)+\r\n")
_FIELD = re.compile(rb"([^:\r\n]+):[\t ]*([^\r\n]*?)[\t ]*\r\n")
_LENGTH = re.compile(rb"[0-9]{1,7}")
_FOREIGN = frozenset({b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"te", b"trailer"})


def runner(app: web.Application) -> web.AppRunner:
    """The application's runner as the webhooks need it: they unpack bodies themselves, and log one line each."""
    # aiohttp's own patience is an hour, also with somebody who never sends a whole head.
    return web.AppRunner(
        app, access_log=None, auto_decompress=False, handle_signals=False, keepalive_timeout=IDLE_TIMEOUT
    )


class DoorSite(web.BaseSite):
    """A TCP site whose connections pass the door first. Use it in place of `web.TCPSite`."""

    def __init__(self, app_runner: web.AppRunner, desk: Desk, clock: Clock, host: str, port: int) -> None:
        super().__init__(app_runner)
        self._host, self._port = host, port
        self._desk, self._clock = desk, clock
        self._doors: set[_Door] = set()
        self._empty = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self.port}"

    @property
    def port(self) -> int:
        """The port, also when 0 was asked for."""
        server = cast("asyncio.Server | None", self._server)
        return server.sockets[0].getsockname()[1] if server and server.sockets else self._port

    async def start(self) -> None:
        """Listen."""
        await super().start()
        server = self._runner.server
        if server is None:
            raise RuntimeError("call the runner's setup() first")
        loop = asyncio.get_running_loop()

        def connect() -> asyncio.Protocol:
            door = _Door(self._left, server, self._desk, self._clock, loop)
            self._doors.add(door)
            return door

        self._server = await loop.create_server(connect, self._host, self._port, backlog=self._backlog)
        self._sweeper = loop.call_later(SWEEP, self._sweep)

    async def stop(self) -> None:
        """Take no more; what is being answered is answered first."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for door in tuple(self._doors):
            door.finish()
        await super().stop()
        if self._doors:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), STOP_TIMEOUT)

    def _left(self, door: _Door) -> None:
        self._doors.discard(door)
        if not self._doors:
            self._empty.set()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for door in tuple(self._doors):
            door.close_if_idle(now)
        self._sweeper = loop.call_later(SWEEP, self._sweep)


class _Door(asyncio.Protocol):
    """One connection, one request at a time."""

    __slots__ = (
        "_buffer",
        "_choked",
        "_clock",
        "_desk",
        "_ended",
        "_finishing",
        "_left",
        "_loop",
        "_server",
        "_serving",
        "_since",
        "_transport",
        "_wanted",
    )

    def __init__(
        self,
        left: Callable[[_Door], None],
        server: web.Server,
        desk: Desk,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._left, self._server, self._desk, self._clock, self._loop = left, server, desk, clock, loop
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._wanted = 0  # bytes that the request at the buffer's beginning has in all; 0 before its head was read
        self._serving = False
        self._finishing = False  # the site stops
        self._ended = False  # the sender will send no more
        self._choked = False  # the sender does not read our answers
        self._since = 0.0  # when the connection last got somewhere

    # --- the event loop calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._since = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._left(self)

    def data_received(self, data: bytes) -> None:
        if not self._buffer:
            self._since = self._loop.time()  # a request begins, however long the connection was silent before it
        self._buffer += data
        if self._serving or self._choked:
            if len(self._buffer) > READ_AHEAD and self._transport is not None:
                self._transport.pause_reading()
        elif len(self._buffer) >= self._wanted:
            self._next()

    def eof_received(self) -> bool:
        self._ended = True
        return self._serving  # who only shut down the sending half still hears the answer

    def pause_writing(self) -> None:
        self._choked = True

    def resume_writing(self) -> None:
        self._choked = False
        self._resume()

    # --- the site calls -----------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Close after the answer that is under way, or now."""
        self._finishing = True
        if not self._serving and self._transport is not None:
            self._transport.close()

    def close_if_idle(self, now: float) -> None:
        """Close a connection that waits for a body or for a request too long."""
        limit = READ_TIMEOUT if self._buffer else IDLE_TIMEOUT
        if not self._serving and now - self._since > limit and self._transport is not None:
            self._transport.abort()  # `close` would wait for one who does not read to read

    # --- one request --------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        """Serve the request at the buffer's beginning, wait for its body, or hand the connection on."""
        buffer = self._buffer
        head = buffer.find(b"\r\n\r\n", 0, _HEAD_LIMIT)
        start = _START.match(buffer)
        if head < 0 or start is None:
            self._hand_on()
            return
        head += 4
        headers = _headers(bytes(buffer[start.end() : head]))
        if headers is None:
            self._hand_on()
            return
        end = head + int(headers["content-length"])
        if len(buffer) < end:
            self._wanted = end
            if self._transport is not None:
                self._transport.resume_reading()
            return
        name = start[1].decode()  # now: a match looks into the buffer, whose bytes are about to move
        body = bytes(buffer[head:end])
        del buffer[:end]
        self._wanted = 0
        self._serving = True
        self._desk.deliver(name, headers, body, self._reply)

    def _reply(self, answer: Answer) -> None:
        self._serving = False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._since = self._loop.time()
        transport.write(_response(answer, self._clock.now()))
        if self._finishing or (self._ended and not self._buffer):
            transport.close()
        elif self._buffer:
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        if self._buffer and not (self._serving or self._choked) and self._transport is not None:
            if len(self._buffer) <= READ_AHEAD:
                self._transport.resume_reading()
            self._next()

    def _hand_on(self) -> None:
        """Give the connection and everything unread to aiohttp."""
        transport, self._transport = self._transport, None
        self._left(self)
        if transport is None:
            return
        transport.resume_reading()  # the pause was ours: aiohttp knows nothing of it
        handler = self._server()
        handler.connection_made(transport)
        transport.set_protocol(handler)
        handler.data_received(bytes(self._buffer))
        self._buffer.clear()


def _headers(head: bytes) -> dict[str, str] | None:
    """The header fields of a request that the door takes; None for any other."""
    if _FIELDS.fullmatch(head) is None:
        return None
    found = _FIELD.findall(head)
    fields = {name.lower(): value for name, value in found}
    length = fields.get(b"content-length", b"")
    if (
        len(fields) != len(found)
        or not _LENGTH.fullmatch(length)
        or int(length) > BODY_LIMIT
        or b"host" not in fields
        or fields.get(b"connection", b"keep-alive").lower() != b"keep-alive"
        or not _FOREIGN.isdisjoint(fields)
    ):
        return None
    return {name.decode(): value.decode() for name, value in fields.items()}


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def _response(answer: Answer, now: float) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        f"Date: {_date(int(now))}\r\n{more}\r\n"
    )
    return head.encode("latin-1", "replace") + answer.body


_dates: tuple[int, str] = (0, "")


def _date(second: int) -> str:
    global _dates  # noqa: PLW0603  # one text a second, for every answer within it
    if _dates[0] != second:
        _dates = (second, formatdate(second, usegmt=True))
    return _dates[1]
