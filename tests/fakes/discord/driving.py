"""The real discord.py pointed at the fake. No assertions about any bot."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import discord
import pytest
import yarl
from discord.asset import Asset
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import Route

from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.shapes import channel_json
from tests.fakes.discord.world import Channel

__all__ = ["Bot", "card", "connected", "guild_of", "here", "pointed", "refusal", "rows"]


@contextmanager
def pointed(server: FakeDiscord) -> Iterator[None]:
    """discord.py speaks to the fake within the block; where it speaks is kept in classes, so one server at a time."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, Asset.BASE
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = server.api_url, yarl.URL(server.gateway_url)
    Asset.BASE = server.cdn_url
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, Asset.BASE = before


class Bot(discord.Client):
    """A client with a tree, that remembers every event it was told of as `heard`: (name, arguments)."""

    def __init__(self, *, intents: discord.Intents | None = None, **options: Any) -> None:
        super().__init__(intents=intents or discord.Intents.all(), **options)
        self._connection.guild_ready_timeout = 0.05  # seconds of quiet before READY; two by default
        self.tree = discord.app_commands.CommandTree(self)
        self.server: FakeDiscord
        self.heard: list[tuple[str, tuple[Any, ...]]] = []

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Remember, and pass on."""
        if not event.startswith("socket"):
            self.heard.append((event, args))
        super().dispatch(event, *args, **kwargs)

    def events(self, name: str) -> list[Any]:
        """The first argument of every such event."""
        return [args[0] if args else None for event, args in self.heard if event == name]


@asynccontextmanager
async def connected(server: FakeDiscord, client: Bot | None = None, *, ready: bool = True) -> AsyncIterator[Bot]:
    """A client that is logged in and connected; closed afterwards."""
    with pointed(server):
        bot = client or Bot()
        bot.server = server
        task = asyncio.create_task(bot.start(server.app.token))
        try:
            if ready:
                await server.until(lambda: task.done() or bot.is_ready())
                if task.done():
                    task.result()
            yield bot
        finally:
            await bot.close()
            await asyncio.gather(task, return_exceptions=True)
            for thread in threading.enumerate():  # of a connection that was given up before it was made
                if isinstance(thread, KeepAliveHandler) and thread.ws.loop is asyncio.get_running_loop():
                    thread.stop()


async def refusal(work: Awaitable[Any]) -> int:
    """The code Discord says no with."""
    with pytest.raises(discord.HTTPException) as caught:
        await work
    return int(caught.value.code)


def guild_of(bot: discord.Client) -> discord.Guild:
    """The guild there is."""
    return bot.guilds[0]


def here(bot: Bot, channel: Channel) -> discord.TextChannel:
    """A text channel of the fake in discord.py's hands."""
    shape: Any = channel_json(bot.server.world, channel)
    return discord.TextChannel(state=bot._connection, guild=guild_of(bot), data=shape)


def rows(count: int) -> discord.ui.ActionRow[Any]:
    """A row of buttons b0, b1, ..."""
    buttons = (discord.ui.Button[Any](label=f"b{n}", custom_id=f"m:b{n}") for n in range(count))
    return discord.ui.ActionRow(*buttons)


def card(text: str, *items: discord.ui.Item[Any]) -> discord.ui.LayoutView:
    """A Components V2 message: a container with a text and items."""
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.Container(discord.ui.TextDisplay(text), *items))
    return view
