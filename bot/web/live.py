"""Live events: what a committed transaction announced goes to every browser that listens, serialised once for all of them.

Nothing is replayed: a client that comes back fetches anew what it shows, and one that is too slow is let go so that it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from bot.errors import StorageUnavailable, Unavailable
from bot.storage.database import Announcement
from bot.telemetry import Metrics, get_logger

__all__ = ["KEEP_ALIVE", "Event", "Hub", "frame"]

QUEUE = 256  # events that may wait for one client
CLIENTS = 500
PACE = 0.025  # seconds between two rounds: what changes a hundred times in that time is told once
KEEP_ALIVE = 15.0  # seconds; proxies cut a silent connection after 30 to 60
GATHERED = 64  # waiting events that are written together
TOPICS = frozenset({"message", "edited", "room", "incident", "alerts", "change"})
HEARTBEAT = b": still here\n\n"

log = get_logger("bot.web.live")
Key = tuple[str, int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something to tell; `only` is the person whose it is, None for everybody."""

    topic: str
    data: Any
    only: str | None = None


Loader = Callable[[Sequence[Key]], Awaitable[Sequence[Event]]]


def frame(topic: str, data: Any) -> bytes:
    """An event as server-sent events write it; JSON has no line ends of its own."""
    return b"event: %s\ndata: %s\n\n" % (topic.encode(), msgspec.json.encode(data))


class Client:
    """One browser that listens."""

    __slots__ = ("_transport", "person", "queue")

    def __init__(self, person: str, transport: asyncio.BaseTransport | None) -> None:
        self.person, self._transport = person, transport
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)

    def send(self, data: bytes | None) -> bool:
        """Queue it; False when too much is waiting already."""
        try:
            self.queue.put_nowait(data)
        except asyncio.QueueFull:
            return False
        return True

    def drop(self) -> None:
        """End the connection at once, whatever is still being written."""
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Collects announcements, loads what they are about, tells the clients. `load` turns keys into events, in order."""

    def __init__(self, load: Loader, metrics: Metrics) -> None:
        self._load, self._metrics = load, metrics
        self._clients: set[Client] = set()
        self._pending: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def listen(self, announcement: Announcement) -> None:
        """Take note of an announcement; a listener of Database, which must not wait."""
        if self._clients and announcement.topic in TOPICS:
            self._pending[announcement.topic, _subject(announcement.data)] = None
            self._wake.set()

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="live")
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """End every stream."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for client in list(self._clients):
            if not client.send(None):
                client.drop()

    def join(self, person: str, transport: asyncio.BaseTransport | None) -> Client:
        """Somebody listens from now on; "" for nobody in particular."""
        if len(self._clients) >= CLIENTS:
            raise Unavailable(f"{CLIENTS} pages listen already.", retry_after=30.0)
        client = Client(person, transport)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Somebody listens no more."""
        self._clients.discard(client)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            pending, self._pending = self._pending, {}
            try:
                events = await self._load(list(pending))
            except StorageUnavailable as error:
                log.warning("live_events_lost", reason=str(error), events=len(pending))
                self._drop_all()  # they come back and fetch what they show
            else:
                self._tell(events)
            await asyncio.sleep(PACE)

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            data = frame(event.topic, event.data)
            for client in list(self._clients):
                if event.only is not None and event.only != client.person:
                    continue
                if not client.send(data):
                    log.info("slow_client_dropped", waiting=QUEUE)
                    self.leave(client)
                    client.drop()

    def _drop_all(self) -> None:
        for client in list(self._clients):
            self.leave(client)
            client.drop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A mistake of ours must not leave pages that look alive and are not: they reconnect, and we begin again."""
        if task.cancelled():
            return
        log.error("live_failed", exc_info=task.exception())
        self._metrics.failures.labels(where="live").inc()
        self._drop_all()
        self.start()


async def stream(client: Client, response: web.StreamResponse, hello: bytes) -> None:
    """Write what the client is told, until it or the hub ends it."""
    await response.write(hello)
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                first = await client.queue.get()
        except TimeoutError:
            first = HEARTBEAT
        waiting = [first]
        while len(waiting) < GATHERED and not client.queue.empty():
            waiting.append(client.queue.get_nowait())
        data = b"".join(part for part in waiting if part is not None)
        if data:
            await response.write(data)
        if None in waiting:
            return


def _subject(data: Mapping[str, Any]) -> int | str | None:
    """What an announcement is about: {"id": 7}, {"number": 42}, {"incident": 42}; None for everything."""
    for name in ("id", "number", "incident"):
        if name in data:
            subject = data[name]
            return subject if isinstance(subject, int | str) else None
    return None
