"""The Discord edge: a socket that is kept, what comes in on it, and the watch over both. What is asked is asking's."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.chat.absence import Absence
from bot.chat.discord.client import DiscordClient
from bot.chat.discord.gateway import DiscordGateway
from bot.chat.discord.hearing import Hearing
from bot.chat.discord.supervision import Supervision
from bot.errors import Unavailable
from bot.telemetry import get_logger

__all__ = ["DiscordEdge"]

log = get_logger(__name__)

LOOK = 0.5  # seconds between two looks whether all is well


class DiscordEdge:
    """Listens to Discord, and tells what is wrong between Discord and us."""

    def __init__(
        self,
        client: DiscordClient,
        gateway: DiscordGateway,
        supervision: Supervision,
        hearing: Hearing,
        absence: Absence,
    ) -> None:
        self._client, self._gateway, self._supervision, self._hearing = client, gateway, supervision, hearing
        self._absence = absence
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: asyncio.Task[None] | None = None
        self._sessions = 0  # whose history has been read

    async def start(self) -> None:
        """Begin to listen; Discord being away is no reason not to."""
        parts = {"socket": self._supervision.run(), "hearing": self._hearing.run(), "watch": self._watch()}
        self._tasks = [asyncio.create_task(part, name=f"discord {name}") for name, part in parts.items()]

    async def stop(self) -> None:
        """Listen no more."""
        tasks = [*self._tasks, *([self._reading] if self._reading is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks = []

    async def check(self) -> str:
        """A word on how it is. Unavailable with what to do when Discord does not hear us, or we do not hear Discord."""
        if wrong := self._wrong():
            raise Unavailable(wrong)
        return " ".join(["connected", *(f"({remark})" for remark in self._remarks())])

    def add_routes(self, app: web.Application) -> None:
        """Discord posts nothing to us: all comes by the socket."""

    async def _watch(self) -> None:
        """Read history after each gap; tell the situation room what is wrong for long, and that it is over."""
        while True:
            if self._supervision.connected:
                if self._supervision.sessions != self._sessions or self._hearing.missed:
                    self._catch_up()
                await self._absence.remark(*self._remarks())
            await self._client.probe()
            await self._absence.look(self._wrong(), at_once=bool(self._client.trouble))
            await asyncio.sleep(LOOK)

    def _wrong(self) -> str:
        """What is wrong between Discord and us, with the way out; "" when nothing is."""
        if self._client.trouble:
            return (
                f"Discord does not accept DISCORD_BOT_TOKEN ({self._client.trouble}). Nothing is lost: it is sent when Discord "
                "lets Muster in. Reset the token in the developer portal, set the new one, start Muster again."
            )
        if not self._supervision.connected:
            return self._supervision.trouble or "The connection to Discord is not up yet; Muster keeps trying."
        return "Discord's API does not answer; Muster keeps trying." if self._client.away else ""

    def _remarks(self) -> tuple[str, ...]:
        return (*self._supervision.remarks, *self._gateway.remarks, *self._hearing.remarks)

    def _catch_up(self) -> None:
        """Read history, unless it is being read; it may take long, and Discord is listened to meanwhile."""
        if self._reading is None or self._reading.done():
            self._sessions = self._supervision.sessions
            log.info("discord_connected", sessions=self._sessions)
            self._reading = asyncio.create_task(self._hearing.catch_up(), name="discord history")
