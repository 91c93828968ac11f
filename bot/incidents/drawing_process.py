"""A process of our own for drawing, started when the first picture is wanted and ended when none was for a while.

What draws takes a second to import and holds the interpreter for tenths of a second: nothing of it is imported here.
docs/decisions/0012 says why it is a process, and why this kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import msgspec

from bot.child import Child, module
from bot.errors import Unavailable
from bot.incidents.sketch import Sketch
from bot.telemetry import get_logger
from correlation.words import clean

__all__ = ["LIMIT", "DrawingProcess", "NotDrawn", "Theme", "Wanted"]

log = get_logger(__name__)

LIMIT = 30.0  # seconds for a picture, the start included: a first start ever looks through the machine's fonts
IDLE = 300.0  # seconds without a picture after which the process ends; it has some 90 MB
REST = 10.0  # seconds until it is started again after it failed
GRACE = 5.0  # seconds between asking it to end and ending it, or between its last word and its exit code
MOST = 8 * 1024 * 1024  # bytes of a picture; usual are 40 KB
LAST_WORDS = 300  # characters of what it said last

Theme = Literal["dark", "light"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A picture to draw, with times in a zone that it names."""

    sketch: Sketch
    zone: str = "UTC"
    theme: Theme = "dark"


class NotDrawn(Unavailable):
    """The picture could not be drawn."""


class DrawingProcess:
    """Draws one picture at a time; whoever else asks waits for their turn. `command` is what to start, `close` ends it."""

    def __init__(
        self,
        command: Sequence[str] = module("bot.incidents.drawing_child"),
        *,
        limit: float = LIMIT,
        idle: float = IDLE,
        rest: float = REST,
    ) -> None:
        self._command, self._limit, self._idle, self._rest = command, limit, idle, rest
        self._child: Child | None = None
        self._turn = asyncio.Lock()
        self._leaving: asyncio.Task[None] | None = None  # ends the process unless another picture is wanted
        self._resting_until = 0.0  # in the event loop's time
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        return self._child.pid if self._child is not None else None

    async def draw(self, wanted: Wanted) -> bytes:
        """The PNG. NotDrawn where the process cannot be started, ends or hangs: another one draws the next."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            if self._closed:
                raise NotDrawn("Muster is stopping.")
            if (rest := self._resting_until - loop.time()) > 0.0:
                raise NotDrawn("Drawing failed a moment ago.", retry_after=rest)
            self._stay()
            png = b""
            try:
                async with asyncio.timeout(self._limit):
                    png = await self._ask(wanted)
            except (OSError, EOFError) as error:
                self._resting_until = loop.time() + self._rest
                raise NotDrawn(f"The drawing process {await self._why(error)}.", retry_after=self._rest) from error
            finally:
                if not png:  # nobody waits for what it may still say
                    await self._end(at_once=True)
            self._leaving = loop.create_task(self._leave())
            return png

    async def close(self) -> None:
        """End the process; nothing is drawn any more."""
        self._closed = True
        self._stay()
        if self._turn.locked() and self._child is not None:
            self._child.kill()
        async with self._turn:
            await self._end()

    async def _ask(self, wanted: Wanted) -> bytes:
        if self._child is None or self._child.code is not None:
            self._child = await Child.start(self._command, last_words=True)
            log.info("drawing_process_started", pid=self._child.pid)
        return await self._child.ask(msgspec.msgpack.encode(wanted), most=MOST)

    async def _why(self, error: OSError | EOFError) -> str:
        """What became of the process, with the last it said."""
        if isinstance(error, TimeoutError):
            return f"took more than {self._limit:g} s and was ended"
        child = self._child
        if child is None:
            return f"cannot be started: {error}"
        if not isinstance(error, EOFError | ConnectionError):  # it lives, and says what is no picture
            return f"failed: {error}"
        last = ""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                last = clean(await child.last_words(), LAST_WORDS)
        if child.code is None:
            return f"failed: {error}"
        return f"ended by signal {-child.code}" if child.code < 0 else f"ended with exit code {child.code}: {last}"

    async def _leave(self) -> None:
        await asyncio.sleep(self._idle)
        async with self._turn:
            self._leaving = None
            await self._end()

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    async def _end(self, *, at_once: bool = False) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end(0.0 if at_once else GRACE)
