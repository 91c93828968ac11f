"""Where the engine works, as its keeper sees it: here, or in a process of its own so that two cores work at once.

A request is answered before the next is asked. What is asked and answered does not enter here.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from bot.child import Child, module
from bot.engine.messages import Answer, Request, decode_reply, decode_request, encode
from bot.engine.worker import Worker
from bot.errors import Unavailable

__all__ = ["EngineLost", "EngineProcess", "Here", "Host"]

PATIENCE = 5.0  # seconds that it has to end when nothing is asked any more


class EngineLost(Unavailable):
    """The correlation engine has ended, and is started again from what is kept."""


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
        self._child: Child | None = None
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
        return self._child is not None and self._child.code is None

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._child.pid if self._child is not None else None

    async def ask(self, request: Request) -> Answer:
        """As Host. Who is cancelled while waiting leaves the answer unread, not half read."""
        exchange = asyncio.ensure_future(self._exchange(request))
        exchange.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(exchange)

    async def close(self) -> None:
        """As Host."""
        async with self._turn:
            self._closed = True
            child, self._child = self._child, None
            if child is not None:
                await child.end(PATIENCE)

    async def _exchange(self, request: Request) -> Answer:
        async with self._turn:
            child = await self._running()
            try:
                reply = decode_reply(await child.ask(encode(request)))
            except (OSError, EOFError) as error:
                self._child = None
                code = await child.end()
                raise EngineLost(
                    f"The correlation engine ended (code {code}) and is started again. Try once more in a moment."
                ) from error
            except BaseException:  # the rest of the answer would be taken for the next one
                self._child = None
                await child.end()
                raise
            self.waits_until = reply.waits_until
            return reply.answer

    async def _running(self) -> Child:
        if self._closed:
            raise EngineLost("The correlation engine is stopped: Muster stops.")
        if self._child is None:
            self._child = await Child.start(module("bot.engine"))
        return self._child
