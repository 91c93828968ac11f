"""Where the engine works, as its keeper sees it: here, or in a process of its own so that two cores work at once.

A request is answered before the next is asked. What is asked and answered does not enter here.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Protocol

from bot.engine.messages import LENGTH, Answer, Request, decode_reply, decode_request, encode
from bot.engine.worker import Worker
from bot.errors import StorageUnavailable

__all__ = ["EngineLost", "EngineProcess", "Here", "Host"]

BUFFER = 8 * 1024 * 1024  # bytes of an answer that are read at once
PATIENCE = 5.0  # seconds that it has to end when nothing is asked any more


class EngineLost(StorageUnavailable):
    """The correlation engine has ended. It is started again from what is kept: try once more."""


class Host(Protocol):
    """Somewhere an engine works."""

    @property
    def waits_until(self) -> float | None:
        """The event time at which time alone may change what it says."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it is the engine that was asked before; another one knows nothing."""
        ...

    async def start(self) -> None:
        """Get ready to be asked, beside whatever else starts."""
        ...

    async def ask(self, request: Request) -> Answer:
        """The answer, of a type that `request` names, or Failed. EngineLost."""
        ...

    async def close(self) -> None:
        """Nothing more will be asked."""
        ...


class Here:
    """The engine in this process. Every message is packed and unpacked as on its way to another one."""

    def __init__(self) -> None:
        self.worker = Worker()
        self.waits_until: float | None = None
        self.alive = True

    async def start(self) -> None:
        """As Host."""

    async def ask(self, request: Request) -> Answer:
        """As Host."""
        reply = decode_reply(encode(self.worker.do(decode_request(encode(request)))))
        self.waits_until = reply.waits_until
        return reply.answer

    async def close(self) -> None:
        """As Host."""


class EngineProcess:
    """The engine in a process of its own, which ends with this one however this one ends.

    It is started when it is first asked, or by `start`, and again when it was lost: then it knows nothing.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._closed = False
        self.waits_until: float | None = None

    async def start(self) -> None:
        """As Host."""
        async with self._turn:
            await self._running()

    @property
    def alive(self) -> bool:
        """As Host."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._process.pid if self._process is not None else None

    async def ask(self, request: Request) -> Answer:
        """As Host. Who is cancelled while waiting leaves the answer unread, not half read."""
        exchange = asyncio.ensure_future(self._exchange(request))
        exchange.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(exchange)

    async def close(self) -> None:
        """As Host."""
        async with self._turn:
            self._closed = True
            process, self._process = self._process, None
            if process is None:
                return
            _streams(process)[0].close()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
            await _end(process)

    async def _exchange(self, request: Request) -> Answer:
        async with self._turn:
            process = await self._running()
            into, out = _streams(process)
            if into.is_closing():  # uvloop's writer would say so with a RuntimeError
                raise await self._lost(process)
            try:
                message = encode(request)
                into.write(len(message).to_bytes(LENGTH, "big") + message)
                await into.drain()
                size = int.from_bytes(await out.readexactly(LENGTH), "big")
                reply = decode_reply(await out.readexactly(size))
            except (OSError, asyncio.IncompleteReadError) as error:
                raise await self._lost(process) from error
            except BaseException:  # the rest of the answer would be taken for the next one
                await self._lost(process)
                raise
            self.waits_until = reply.waits_until
            return reply.answer

    async def _lost(self, process: Process) -> EngineLost:
        self._process = None
        return EngineLost(f"The correlation engine ended (code {await _end(process)}). It is started again.")

    async def _running(self) -> Process:
        if self._closed:
            raise EngineLost("The correlation engine is stopped: Muster stops.")
        if self._process is None:
            # Its modules are found where ours are, and nowhere else: not in whatever folder this happens to run in.
            places = os.pathsep.join(filter(None, sys.path))
            kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "TZ"}}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "bot.engine",
                stdin=PIPE,
                stdout=PIPE,
                limit=BUFFER,
                env=kept | {"PYTHONPATH": places},
            )
        return self._process


def _streams(process: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
    return process.stdin, process.stdout


async def _end(process: Process) -> int:
    with suppress(ProcessLookupError):
        process.kill()
    return await process.wait()
