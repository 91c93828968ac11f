"""Whose turn it is on the event loop: somebody who typed a command waits for the answer, a storm of alerts does not.

Whoever works in bulk asks here between two pieces of work; whoever serves a person says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["Turns"]

STAYS = 5.0  # seconds that somebody who typed something is expected to type more


class Turns:
    """People first, but not for ever: bulk work waits for them a bounded time in all, until `renew`."""

    def __init__(self, *, longest: float = 0.1) -> None:
        self._longest = self._left = longest  # seconds
        self._people = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._served_at = float("-inf")  # on the event loop's clock

    @contextmanager
    def of_a_person(self) -> Iterator[None]:
        """Somebody waits for what the block does."""
        self._people += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._people -= 1
            self._served_at = asyncio.get_running_loop().time()
            if not self._people:
                self._nobody.set()

    @property
    def attended(self) -> bool:
        """Whether somebody is here: was served lately, and may ask again."""
        return self._people > 0 or asyncio.get_running_loop().time() - self._served_at < STAYS

    def renew(self) -> None:
        """A new piece of bulk work begins, and may be made to wait anew."""
        self._left = self._longest

    async def give(self) -> None:
        """Let the others go on: people until they have their answer, everybody else once."""
        if self._people and self._left > 0.0:
            loop = asyncio.get_running_loop()
            began = loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._left):
                    await self._nobody.wait()
            self._left -= loop.time() - began
        else:
            await asyncio.sleep(0)
