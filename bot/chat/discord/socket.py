"""One connection to Discord's gateway: what it asks to hear, and how often it may say who it is. What is heard goes on elsewhere.

A socket lives until it fails for good; then there is another one. It keeps nothing that grows but the server's channels.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from typing import Any, Protocol

import aiohttp
import discord
from discord.gateway import KeepAliveHandler

from bot.chat.discord.client import LONGEST
from bot.telemetry import Metrics, get_logger

__all__ = ["Happening", "Identifies", "Listeners", "Socket", "TooSoon"]

log = get_logger(__name__)

# 1,000 IDENTIFYs in 24 hours are one every 86.4 s; beyond them Discord resets the token: docs, gateway, session start limit.
EVERY = 100.0  # seconds between two, on average
FEW = 5  # may be nearer to each other
SPACE = 5.0  # seconds between two at least: max_concurrency
KEPT_BACK = 20  # of the day's, for an operator who starts Muster again


class TooSoon(Exception):
    """Discord must not be told yet who we are; not one that discord.py would catch."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the next session may begin in {seconds:.0f} s")
        self.seconds = seconds


class Identifies:
    """When a new session may begin, over all connections."""

    def __init__(self) -> None:
        self._left, self._at = float(FEW), time.monotonic()
        self._not_before = 0.0

    def wait(self) -> float:
        """Seconds until the next one."""
        now = time.monotonic()
        self._left, self._at = min(float(FEW), self._left + (now - self._at) / EVERY), now
        return max(self._not_before - now, (1.0 - self._left) * EVERY, 0.0)

    def take(self) -> None:
        """One begins now."""
        self.wait()
        self._left -= 1.0
        self._not_before = max(self._not_before, time.monotonic() + SPACE)

    def told(self, remaining: int, reset_after: float) -> None:
        """What Discord says is left of the day's; `reset_after` in seconds."""
        if remaining <= KEPT_BACK:
            self._not_before = max(self._not_before, time.monotonic() + reset_after)


class Happening(Protocol):
    """Where what happened in a channel goes; `parent` is the channel that a thread is in."""

    def __call__(self, what: str, channel: int, parent: int | None, about: Any) -> None: ...


class Listeners(Protocol):
    """Who is asked things by people in Discord."""

    def attach(self, client: discord.Client, guild: discord.abc.Snowflake) -> Any:
        """A new connection is made: hear its interactions. Returns its menu of commands."""
        ...

    async def synchronise(self, tree: Any) -> str:
        """Discord should know the menu. Returns what is wrong, "" for nothing."""
        ...


class Socket(discord.Client):
    """`content`: ask for what people say (a privileged intent). `sessions` counts the new ones, before which events were missed.

    `remark` is what the operator should know of it.
    """

    def __init__(
        self,
        happened: Happening,
        listeners: Listeners,
        identifies: Identifies,
        metrics: Metrics,
        *,
        content: bool,
        guild: int,
    ) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.guild_reactions = True
        intents.message_content = content
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=LONGEST,
        )
        for name in ("discord.client", "discord.gateway"):  # they tell each try with a trace; we say it once
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._happened, self._who, self._identifies, self._here = happened, listeners, identifies, guild
        self._metrics = metrics
        self.connected, self.sessions, self.remark = False, 0, ""
        self._tree = listeners.attach(self, discord.Object(guild))
        dial = self.http.ws_connect

        async def connect(url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
            self._wire = await dial(url, compress=compress)
            return self._wire

        vars(self.http)["ws_connect"] = connect

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002
        """Not too often; Discord waits for some seconds only, so what takes longer begins anew."""
        seconds = self._identifies.wait()
        if seconds > SPACE:
            await self._wire.close()  # discord.py forgets one that has not said who we are
            raise TooSoon(seconds)
        await asyncio.sleep(seconds)
        self._identifies.take()

    async def close(self) -> None:
        """Let go of it. A connection that was given up before Discord knew us has a heart that discord.py forgets."""
        await super().close()
        loop = asyncio.get_running_loop()
        for thread in threading.enumerate():
            if isinstance(thread, KeepAliveHandler) and thread.ws.loop is loop:
                thread.stop()

    # --- the connection -----------------------------------------------------------------------------------------------

    async def on_connect(self) -> None:
        """A new session: events were missed. (discord.py's `ready` waits two more seconds for further servers.)"""
        self.connected = True
        self.sessions += 1
        self.remark = await self._who.synchronise(self._tree)

    async def on_resumed(self) -> None:
        """The same session goes on, nothing was missed."""
        self.connected = True

    async def on_disconnect(self) -> None:
        """The socket is gone; discord.py tries to resume."""
        self.connected = False

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """One event of Discord's costs only itself; discord.py calls this inside its handler."""
        self._metrics.failures.labels("discord").inc()
        log.error("discord_event_failed", what=event_method, exc_info=sys.exc_info())

    # --- what happens -------------------------------------------------------------------------------------------------

    async def on_message(self, message: discord.Message) -> None:
        """Somebody said something."""
        self._tell("said", message.guild.id if message.guild else None, message.channel.id, message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """... says something else now."""
        self._tell("said", payload.guild_id, payload.channel_id, payload.message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """... took it back."""
        self._tell("deleted", payload.guild_id, payload.channel_id, [payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Somebody took many back."""
        self._tell("deleted", payload.guild_id, payload.channel_id, sorted(payload.message_ids))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """A pushpin, perhaps."""
        self._tell("pinned", payload.guild_id, payload.channel_id, payload)

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        """A pushpin is gone, perhaps."""
        self._tell("pinned", payload.guild_id, payload.channel_id, payload)

    def _tell(self, what: str, guild: int | None, channel: int, about: Any) -> None:
        if guild != self._here:  # direct messages, and servers that are none of our business
            return
        place = self.get_channel(channel)
        self._happened(what, channel, place.parent_id if isinstance(place, discord.Thread) else None, about)
