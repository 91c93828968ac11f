"""The gateway: sockets, sessions, and what is replayed to a session that resumes. Knows what each session may hear; not why
anything happened.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from tests.fakes.discord import tables
from tests.fakes.discord.permissions import sees
from tests.fakes.discord.shapes import guild_json, hidden_json, member_json, message_json, user_json
from tests.fakes.discord.world import Channel, Message

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

__all__ = ["Gateway", "Session", "Socket"]

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11,
)  # fmt: skip
SENDS, SEND_SPAN, PAYLOAD = 120, 60.0, 4096  # sends, seconds, bytes (docs: gateway, rate limiting and sending events)
KEPT = 5000  # events a session may miss; not published: a guess
RESUMABLE = 180.0  # seconds without a socket after which a session is gone; not published: a guess on the severe side
IDENTIFY_SPAN = 5.0  # seconds between two IDENTIFYs (docs: max_concurrency)
_OWN_LIFE = ("INTERACTION_CREATE", "USER_UPDATE")  # sent whatever the intents


@dataclass(kw_only=True, eq=False)
class Session:
    """A session: what it hears, how far it has been told, and what may be told again."""

    id: str
    intents: set[str]
    seq: int = 0
    kept: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    socket: Socket | None = None
    left_at: float = 0.0
    resumes: int = 0


class Socket:
    """One connection: sends in order, compressed if asked."""

    def __init__(self, request: web.Request, ws: web.WebSocketResponse, compress: str) -> None:
        self.request, self.ws = request, ws
        self.session: Session | None = None
        self._deflate = zlib.compressobj() if compress == "zlib-stream" else None
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self.sends: deque[float] = deque()
        self.beats = 0
        self.writer = asyncio.create_task(self._write())

    def send(self, text: str) -> None:
        """Put a payload on the wire after those before it."""
        self._queue.put_nowait(text)

    def say(self, op: int, data: Any) -> None:
        """A payload that is no event."""
        self.send(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    async def drain(self) -> None:
        """Wait until everything is on the wire."""
        self._queue.put_nowait(None)
        await asyncio.wait([self.writer], timeout=1.0)

    async def _write(self) -> None:
        try:
            while (text := await self._queue.get()) is not None:
                if self._deflate is None:
                    await self.ws.send_str(text)
                else:
                    data = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                    await self.ws.send_bytes(data)
        except (ConnectionError, RuntimeError):
            return  # the other side has gone; the session keeps what it missed

    def abort(self) -> None:
        """Break the connection without a word."""
        if self.request.transport is not None:
            self.request.transport.abort()


class Gateway:
    """Every socket and session. `opened` counts sockets, `identified` and `resumed` what came of them.

    Attributes to turn: `heartbeat_interval` (seconds), `deaf` (True: heartbeats are not acknowledged), `refuse` (a close
    code for whoever connects), `resumable` (seconds).
    """

    def __init__(self, server: FakeDiscord) -> None:
        self._server = server
        self.sockets: list[Socket] = []
        self.sessions: dict[str, Session] = {}
        self.opened = self.identified = self.resumed = 0
        self.heartbeat_interval, self.resumable = 41.25, RESUMABLE
        self.deaf, self.refuse = False, 0
        self._last_identify = float("-inf")

    @property
    def open(self) -> int:
        """How many sessions have a socket."""
        return sum(session.socket is not None for session in self.sessions.values())

    # ── the socket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from HELLO to its end."""
        server = self._server
        if server.faults.absent:
            if server.faults.absent == "reset" and request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        compress = request.query.get("compress", "")
        ws = web.WebSocketResponse(max_msg_size=1 << 20)
        await ws.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            await ws.close(code=4012)
            return ws
        if compress not in ("", "zlib-stream"):
            server.complain(f"gateway: compress={compress} is not spoken here")
            await ws.close(code=4002)
            return ws
        if self.refuse:
            await ws.close(code=self.refuse)
            return ws
        socket = Socket(request, ws, compress)
        self.sockets.append(socket)
        self.opened += 1
        socket.say(HELLO, {"heartbeat_interval": round(self.heartbeat_interval * 1000), "_trace": ["fake"]})
        try:
            await self._listen(socket)
        finally:
            self._gone(socket)
            socket.writer.cancel()
        return ws

    async def _listen(self, socket: Socket) -> None:
        while True:
            try:
                message = await socket.ws.receive(timeout=self.heartbeat_interval * 1.5)
            except TimeoutError:
                await socket.ws.close(code=4009)
                return
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            code = await self._received(socket, message.data)
            if code:
                await socket.drain()
                await socket.ws.close(code=code)
                return

    def _gone(self, socket: Socket) -> None:
        self.sockets.remove(socket)
        session = socket.session
        if session is not None and session.socket is socket:
            session.socket, session.left_at = None, self._server.world.now()
            if socket.ws.close_code in (1000, 1001):  # docs: closing with these ends the session
                self.sessions.pop(session.id, None)

    async def _received(self, socket: Socket, data: Any) -> int:
        """Take in a payload; the code to close with, or 0."""
        now = time.monotonic()
        while socket.sends and socket.sends[0] <= now - SEND_SPAN:
            socket.sends.popleft()
        socket.sends.append(now)
        if len(socket.sends) > SENDS:
            self._server.complain("gateway: more than 120 payloads in a minute")
            return 4008
        raw = data.encode() if isinstance(data, str) else data
        try:
            payload = json.loads(raw)
            op, body = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError):
            return 4002
        if len(raw) > PAYLOAD:
            self._server.complain(f"gateway: a payload of {len(raw)} bytes")
            return 4002
        if op == HEARTBEAT:
            socket.beats += 1
            if not self.deaf:
                socket.say(ACK, None)
            return 0
        if op == IDENTIFY:
            return self._identify(socket, body)
        if op == RESUME:
            return self._resume(socket, body)
        if socket.session is None:
            return 4003
        if op == MEMBERS:
            self._members(socket.session, body)
            return 0
        return 0 if op in (PRESENCE, VOICE) else 4001

    # ── sessions

    def _identify(self, socket: Socket, body: dict[str, Any]) -> int:
        server, app = self._server, self._server.app
        if socket.session is not None:
            return 4005
        if body.get("token") != app.token or app.token_trouble:
            return 4004
        wanted = body.get("intents")
        if not isinstance(wanted, int) or wanted & ~sum(tables.INTENTS.values()):
            return 4013
        intents = tables.intents(wanted)
        if (intents & tables.PRIVILEGED) - app.privileged:
            return 4014
        if "browser" not in (body.get("properties") or {}):
            return 4002
        now = time.monotonic()  # a clock that stands still would lock a client out
        if server.rates.enabled and now - self._last_identify < IDENTIFY_SPAN / server.speed:
            socket.say(INVALID, False)
            return 0
        self._last_identify = now
        if app.identifies_left <= 0:  # docs: all sessions end, and the token is reset
            app.token_trouble = True
            server.complain("gateway: more than 1,000 IDENTIFYs a day; the token is reset")
            self.abort()
            return 4004
        app.identifies_left -= 1
        self.identified += 1
        session = Session(id=secrets.token_hex(16), intents=intents, socket=socket)
        socket.session = session
        self.sessions[session.id] = session
        world, me = server.world, app.user
        member = me.id in world.guild.members
        self._tell(session, "READY", {
            "v": 10,
            "user": user_json(me) | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": world.guild.id, "unavailable": True}] if member and "GUILDS" in intents else [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": server.gateway_url,
            "application": {"id": app.id, "flags": 0},
            "private_channels": [],
            "relationships": [],
        })  # fmt: skip
        if member and "GUILDS" in intents:
            self._tell(session, "GUILD_CREATE", guild_json(world, me.id, with_members="GUILD_MEMBERS" in intents))
        return 0

    def _resume(self, socket: Socket, body: dict[str, Any]) -> int:
        app, now = self._server.app, self._server.world.now()
        if body.get("token") != app.token or app.token_trouble:
            return 4004
        session = self.sessions.get(str(body.get("session_id")))
        seq = body.get("seq")
        if (
            session is None
            or not isinstance(seq, int)
            or (session.socket is None and now - session.left_at > self.resumable)
        ):
            self.sessions.pop(str(body.get("session_id")), None)
            socket.say(INVALID, False)
            return 0
        if seq > session.seq:
            return 4007
        oldest = session.kept[0][0] if session.kept else session.seq + 1
        if seq + 1 < oldest:
            self.sessions.pop(session.id)
            socket.say(INVALID, False)
            return 0
        if session.socket is not None:
            session.socket.session = None
            session.socket.abort()
        session.socket, socket.session = socket, session
        session.resumes += 1
        self.resumed += 1
        for number, text in session.kept:
            if number > seq:
                socket.send(text)
        self._tell(session, "RESUMED", {"_trace": ["fake"]})
        return 0

    def _members(self, session: Session, body: dict[str, Any]) -> None:
        world = self._server.world
        ids = body.get("user_ids")
        ids = [ids] if isinstance(ids, str | int) else ids
        if ids is None and "GUILD_MEMBERS" not in session.intents:
            self._server.complain("gateway: the whole list of members without the intent")
            return
        query, limit = str(body.get("query") or "").lower(), int(body.get("limit") or 0)
        found = [
            member
            for member in world.guild.members.values()
            if (str(member.user.id) in {str(i) for i in ids} if ids is not None else member.user.name.startswith(query))
        ]
        shapes = [member_json(member) for member in found[: limit or None]]
        chunk = {"guild_id": world.guild.id, "members": shapes, "chunk_index": 0, "chunk_count": 1, "not_found": []}
        self._tell(session, "GUILD_MEMBERS_CHUNK", chunk | {"nonce": body.get("nonce"), "presences": []})

    # ── events

    def dispatch(self, event: str, data: dict[str, Any], channel: Channel | None) -> bool:
        """Tell every session that may hear it; whether one with a socket was told."""
        world, me = self._server.world, self._server.app.user.id
        if channel is not None and not sees(world, me, channel):
            if event not in ("CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"):
                return False
            data = hidden_json(world, channel)
        guild, direct = tables.EVENT_INTENTS.get(event, ("GUILDS", "DIRECT_MESSAGES"))
        needed = direct if channel is not None and channel.is_dm else guild
        heard = False
        for session in list(self.sessions.values()):
            if event not in _OWN_LIFE and needed not in session.intents:
                continue
            shape: Any = data
            if isinstance(data, Message):
                shape = message_json(world, data, me, content="MESSAGE_CONTENT" in session.intents, event=True)
            self._tell(session, event, shape)
            heard = heard or session.socket is not None
        return heard

    def _tell(self, session: Session, event: str, data: Any) -> None:
        session.seq += 1
        text = json.dumps({"op": DISPATCH, "d": data, "s": session.seq, "t": event})
        session.kept.append((session.seq, text))
        if session.socket is not None:
            session.socket.send(text)

    # ── trouble

    def reconnect(self) -> None:
        """RECONNECT to everybody: they come back and resume."""
        for socket in self.sockets:
            socket.say(RECONNECT, None)

    def invalidate(self, *, resumable: bool = False) -> None:
        """INVALID_SESSION to everybody; unless `resumable`, the sessions are gone."""
        if not resumable:
            self.sessions.clear()
        for socket in self.sockets:
            socket.say(INVALID, resumable)

    def abort(self) -> None:
        """Every connection breaks without a word; sessions can be resumed."""
        for socket in list(self.sockets):
            if socket.session is not None and socket.session.socket is socket:
                socket.session.socket, socket.session.left_at = None, self._server.world.now()
            socket.abort()

    def forget(self) -> None:
        """Every session is gone, whoever resumes is told so; sockets stay."""
        self.sessions.clear()

    async def close_all(self, code: int = 4000) -> None:
        """Close every connection with a code."""
        for socket in list(self.sockets):
            await socket.drain()
            await socket.ws.close(code=code)
