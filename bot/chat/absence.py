"""Tells where nothing is away that a chat platform is, and how long it was. Whether it is away, the platform's edge knows."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

from bot.chat.conversation import LOBBY
from bot.chat.gateway import Gateway
from bot.chat.outbox import waiting
from bot.chat.views import Moment, Notice, Text, text
from bot.clock import Clock
from bot.errors import DeliveryError, StorageUnavailable
from bot.storage.database import Database
from bot.telemetry import get_logger

__all__ = ["LOUD", "Absence"]

log = get_logger(__name__)

LOUD = 10.0  # seconds before it is told


class Absence:
    """One platform's; `name` is what people call it."""

    def __init__(self, platform: str, name: str, elsewhere: Gateway, database: Database, clock: Clock) -> None:
        self._platform, self._name, self._elsewhere = platform, name, elsewhere
        self._database, self._clock = database, clock
        self._since: float | None = None  # when it went wrong
        self._told = ""
        self._waiting = 0
        self._remarks: set[str] = set()

    async def look(self, wrong: str, *, at_once: bool = False) -> None:
        """`wrong` is what is wrong now, with the way out; "" for nothing. It is told when it lasts, unless `at_once`."""
        now = self._clock.now()
        if wrong:
            self._since = now if self._since is None else self._since
            with suppress(StorageUnavailable):
                self._waiting = max(self._waiting, await self._count())
            if wrong != self._told and (at_once or now - self._since >= LOUD):
                self._told = wrong
                log.error("platform_trouble", platform=self._platform, reason=wrong)
                await self._tell(Notice(text=(wrong,), tone="bad"))
            return
        if self._told and self._since is not None:
            await self._tell(Notice(text=self._back(self._since, now), tone="good"))
        self._since, self._told, self._waiting = None, "", 0

    async def remark(self, *remarks: str) -> None:
        """What should be known though it works, each told once for as long as it holds."""
        for words in set(remarks) - self._remarks:
            log.warning("platform_remark", platform=self._platform, remark=words)
            await self._tell(Notice(text=(words,), tone="warning"))
        self._remarks = set(remarks)

    def _back(self, since: float, now: float) -> Text:
        many = {0: "Nothing waited.", 1: "1 update arrives now."}
        after = many.get(self._waiting, f"{self._waiting} updates arrive now, in order.")
        return text(f"{self._name} was unreachable ", Moment(since), "-", Moment(now), f". {after}")

    async def _count(self) -> int:
        async with self._database.reading() as connection:
            return await waiting(connection, self._platform)

    async def _tell(self, notice: Notice) -> None:
        """Say it where the platform is not needed."""
        with suppress(DeliveryError, StorageUnavailable):
            await self._elsewhere.post(LOBBY, notice, nonce=f"{self._platform}:{uuid4().hex}")
