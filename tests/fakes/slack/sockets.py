"""Socket Mode's server side: one-use tickets, hello, envelopes to any one socket, acks, refresh and loss. Knows
no payloads.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket as sockets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["Ack", "Sockets", "abort"]

MOST = 10  # sockets of one app (docs: Socket Mode)

Ack = tuple[str, dict[str, Any] | None]
"""Why there is none ("" when there is one), and the payload it carries."""


def abort(request: web.BaseRequest) -> None:
    """Break the TCP connection: the client sees a reset, not an end."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


@dataclass(eq=False)
class Socket:
    """One connection of the app."""

    request: web.Request
    ws: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Ack]] = field(default_factory=dict)


class Sockets:
    """The app's connections. `held` keeps acks from being read, as a slow network would."""

    def __init__(self, slack: FakeSlack) -> None:
        self._slack = slack
        self._tickets: set[str] = set()
        self._next = 0
        self.open: list[Socket] = []
        self.opened = 0  # how many connections there have been
        self.delivered = 0

    def ticket(self) -> str:
        """A URL that opens one socket."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        address = self._slack.url.replace("http://", "ws://", 1)
        return f"{address}/link/?ticket={ticket}&app_id={self._slack.app.id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection from hello to its end."""
        ticket = request.query.get("ticket", "")
        if self._slack.faults.absent:
            abort(request)
            return web.Response(status=503)
        if ticket not in self._tickets:
            return web.Response(status=404, text="ticket is unknown or was used")
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        socket = Socket(request, ws)
        if len(self.open) >= MOST:
            await self._say_goodbye(socket, "too_many_websockets")
            await ws.close()
            return ws
        await ws.send_json(self._hello())
        self.open.append(socket)
        self.opened += 1
        try:
            async for frame in ws:
                if frame.type is WSMsgType.TEXT:
                    self._received(socket, frame.data)
        finally:
            self._gone(socket)
        return ws

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open) + 1,
            "debug_info": {"host": "applink-1", "build_number": 10, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._slack.app.id},
        }

    def _received(self, socket: Socket, data: str) -> None:
        try:
            message = json.loads(data)
        except ValueError:
            self._slack.complain(f"socket: not JSON: {data[:100]}")
            return
        future = socket.waiting.pop(message.get("envelope_id", ""), None)
        if future is None:
            self._slack.late_ack(message.get("envelope_id", ""))
        elif not future.done():
            future.set_result(("", message.get("payload")))

    def _gone(self, socket: Socket) -> None:
        if socket in self.open:
            self.open.remove(socket)
        for future in socket.waiting.values():
            if not future.done():
                future.set_result(("connection_failed", None))
        socket.waiting.clear()

    async def deliver(self, envelope: dict[str, Any], seconds: float) -> Ack:
        """Send an envelope to any one socket and wait for its ack."""
        alive = [s for s in self.open if not s.ws.closed]
        if not alive:
            return "dispatch_failed", None
        self._next += 1
        socket = alive[self._next % len(alive)]
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        socket.waiting[envelope["envelope_id"]] = future
        self.delivered += 1
        try:
            await socket.ws.send_str(json.dumps(envelope))
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return "timeout", None
        except (ConnectionError, RuntimeError):
            return "connection_failed", None
        finally:
            socket.waiting.pop(envelope["envelope_id"], None)

    # ── the ways a socket ends

    async def _say_goodbye(self, socket: Socket, reason: str) -> None:
        message = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
        await socket.ws.send_json(message | {"connection_info": {"app_id": self._slack.app.id}})

    async def disconnect(self, reason: str = "refresh_requested", *, grace: float | None = None) -> None:
        """Say `disconnect` on every socket; with `grace`, Slack closes what is still open after so many seconds."""
        leaving = list(self.open)
        for socket in leaving:
            await self._say_goodbye(socket, reason)
        if grace is not None:
            await asyncio.sleep(grace)
            for socket in leaving:
                await socket.ws.close()

    async def send_raw(self, message: Any) -> None:
        """Send anything on every socket: what an app must survive."""
        for socket in list(self.open):
            await socket.ws.send_str(message if isinstance(message, str) else json.dumps(message))

    def abort(self) -> None:
        """Break every connection without a word."""
        for socket in list(self.open):
            abort(socket.request)

    async def close(self) -> None:
        """End every connection properly."""
        for socket in list(self.open):
            await socket.ws.close()
