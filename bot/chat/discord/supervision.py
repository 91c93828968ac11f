"""Keeps a socket to Discord's gateway: another one when one failed for good, not too often, and never by guessing why.

A short loss is discord.py's to resume. What is heard, and what is told of it, does not enter here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import discord
import yarl
from discord.gateway import DiscordWebSocket

from bot.chat.discord.client import AWAY, LOCKED_OUT, DiscordClient, Refused
from bot.chat.discord.socket import Identifies, Socket, TooSoon
from bot.errors import DeliveryError, Retryable
from bot.telemetry import get_logger

__all__ = ["Supervision"]

log = get_logger(__name__)

LOOK = 0.25  # seconds between two looks at the socket
RESUMING = 20.0  # seconds that discord.py has to resume; its own back-off may sleep for a quarter of an hour
PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before another socket, doubled each time it does not hold
HELD = 60.0  # seconds after which a socket has held

_SELDOM = "Discord lets a bot begin a session now and then only: Muster connects again within {seconds:.0f} s."
DEAF = (
    "Discord does not let Muster read what people say, so the retrospective has no transcript; commands and buttons work. "
    "Turn on the Message Content Intent (developer portal, Bot) and start Muster again."
)


class Supervision:
    """`trouble` says why there is no connection, "" while there is one; `content` is False when we may not read what is said."""

    def __init__(self, client: DiscordClient, token: str, make: Callable[[Identifies, bool, int], Socket]) -> None:
        self._client, self._token, self._make = client, token, make
        self._identifies = Identifies()
        self._socket: Socket | None = None
        self._sessions = 0  # of sockets that are gone
        self.trouble = ""
        self.content: bool | None = None

    @property
    def connected(self) -> bool:
        """Whether we hear Discord."""
        return self._socket is not None and self._socket.connected

    @property
    def sessions(self) -> int:
        """How many sessions have begun: before each, something may have been missed."""
        return self._sessions + (self._socket.sessions if self._socket is not None else 0)

    async def run(self) -> None:
        """Keep a socket until cancelled."""
        pause = PAUSE
        while True:
            try:
                guild = await self._prepare()
            except DeliveryError as error:
                self.trouble = str(error)
                await asyncio.sleep((error.retry_after if isinstance(error, Retryable) else None) or LOCKED_OUT)
                continue
            if (seconds := self._identifies.wait()) > 0.0:
                self.trouble = _SELDOM.format(seconds=seconds)
                await asyncio.sleep(seconds)
            began = time.monotonic()
            seconds = self._pause(await self._live(self._make(self._identifies, bool(self.content), guild)), pause)
            pause = PAUSE if time.monotonic() - began > HELD else min(LONGEST_PAUSE, 2 * pause)
            await asyncio.sleep(seconds)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever looks after Muster should know, though it works."""
        here = self._socket.remark if self._socket is not None else ""
        return tuple(word for word in ("" if self.content in {None, True} else DEAF, here) if word)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _prepare(self) -> int:
        """Where the gateway is, what we may hear there, how many sessions are left today; returns the server's id."""
        guild = await self._client.guild()
        if self.content is None:
            flags = await self._client.flags()
            self.content = flags.gateway_message_content or flags.gateway_message_content_limited
        found = await self._client.raw("find the gateway", "GET", "/gateway")
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(found["url"])
        try:
            limit = (await self._client.raw("ask how many sessions are left", "GET", "/gateway/bot"))[
                "session_start_limit"
            ]
        except Refused as error:
            log.warning("session_limit_unknown", reason=str(error))
        else:
            self._identifies.told(int(limit["remaining"]), float(limit["reset_after"]) / 1000.0)
        return guild.id

    async def _live(self, socket: Socket) -> BaseException | None:
        """Until the socket has ended, or is dead while Discord is not; returns what ended it."""
        running = asyncio.create_task(socket.start(self._token), name="discord socket")
        self._socket, lost, looked = socket, time.monotonic(), 0.0
        try:
            while not running.done():
                await asyncio.wait({running}, timeout=LOOK)
                now = time.monotonic()
                if socket.connected:
                    self.trouble, lost = "", now
                elif now - lost > RESUMING and now - looked > AWAY:
                    looked = now
                    if await self._answers():
                        return None
            return running.exception()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await socket.close()
            self._sessions, self._socket = self.sessions, None

    async def _answers(self) -> bool:
        """Whether Discord can be reached, though the socket does not find it."""
        try:
            await self._client.raw("find the gateway", "GET", "/gateway")
        except DeliveryError:
            return False
        return True

    def _pause(self, ended: BaseException | None, pause: float) -> float:
        """What it means that a socket ended so, in words for people; returns the seconds until another one."""
        self.trouble = "The connection to Discord's gateway is lost; Muster keeps trying."
        match ended:
            case TooSoon(seconds=seconds):
                self.trouble = _SELDOM.format(seconds=seconds)
                return seconds
            case discord.PrivilegedIntentsRequired():
                self.content = False  # what is said is lost, nothing else
                log.error("discord_intent_refused", intent="message content")
                return 0.0
            case discord.LoginFailure() | discord.ConnectionClosed(code=4004):  # docs, gateway close event codes
                self._client.locked_out()
                return LOCKED_OUT
        log.warning("discord_socket_ended", reason=f"{type(ended).__name__}: {ended}" if ended else "it did not resume")
        return pause
