"""A running Muster and the Discord that it is in: what the scenario tests of Discord share."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.catalog.store import CatalogStore
from bot.chat.console import ConsoleConversation
from bot.chat.conversation import LOBBY
from bot.chat.discord.manifest import permission_bits
from bot.settings import load_settings
from tests import sqlite
from tests.fakes.discord import Channel, FakeDiscord, Message, Person

__all__ = ["SPEED", "Stage", "alert", "careless", "discord", "mika", "muster", "plain", "robin", "server"]

SPEED = 60.0  # a minute of Discord's is a second here

CATALOG = """
defaults: {{team: sre}}
people:
  robin: {{name: Robin Vos, discord: "{robin}", github: rvos}}
  mika: {{name: Mika Laine, discord: "{mika}"}}
teams:
  sre: {{members: [robin, mika], schedule: sre}}
schedules:
  sre: {{timezone: UTC, layers: [{{people: [robin], rotation: weekly}}]}}
services:
  checkout: {{tier: 1}}
  cart: {{tier: 2}}
"""


def alert(**more: Any) -> dict[str, Any]:
    return {
        "name": "CheckoutErrors",
        "severity": "critical",
        "service": "checkout",
        "host": "checkout-1",
        "summary": "5xx at 30 %",
    } | more


def server(**more: Any) -> FakeDiscord:
    """Discord with the app as its manifest has it."""
    return FakeDiscord(**{"speed": SPEED, "permissions": permission_bits(), **more})


def careless(fake: FakeDiscord) -> list[str]:
    """What a careful client does not do: what Discord refuses, and posts that may stand twice or ring whomever they name."""
    posts = [call.body for call in fake.calls_of("POST /channels/{channel_id}/messages") if isinstance(call.body, dict)]
    lax = [f"no nonce: {body}" for body in posts if not (body.get("nonce") and body.get("enforce_nonce"))]
    lax += [f"may ring everybody: {body}" for body in posts if (body.get("allowed_mentions") or {}).get("parse") != []]
    return [*fake.violations, *lax]


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    """A server on which nobody was careless."""
    async with server() as fake:
        yield fake
        assert careless(fake) == []


@pytest.fixture
def robin(discord: FakeDiscord) -> Person:
    return discord.person("robin", global_name="Robin Vos")


@pytest.fixture
def mika(discord: FakeDiscord) -> Person:
    return discord.person("mika", global_name="Mika Laine")


def plain(message: Message) -> str:
    """What it says, without marks of bold and the like."""
    return re.sub(r"\\([^\w\s])", r"\1", message.shown.replace("**", ""))


class Stage:
    """A running Muster, and the server that it is in."""

    def __init__(self, app: App, fake: FakeDiscord, robin: Person, mika: Person) -> None:
        self.app, self.fake, self.robin, self.mika = app, fake, robin, mika
        self.session = aiohttp.ClientSession()

    async def alerts(self, *many: dict[str, Any]) -> None:
        async with self.session.post(f"{self.app.address}/webhooks/generic", json=list(many) or alert()) as answer:
            assert answer.status == 202

    async def retro(self, ref: str = "INC-1") -> str:
        async with self.session.get(f"{self.app.address}/api/v1/incidents/{ref}/retro.md") as answer:
            return await answer.text()

    async def refiled(self, ref: str = "INC-1") -> str:
        """The retrospective as it is when it is filed now."""
        general = self.fake.world.named("general") or self.fake.channel("general")
        await (await self.mika.command("incident retro draft", general, incident=ref)).answer(seconds=60.0)
        return await self.retro(ref)

    async def fetched(self, url: str) -> bytes:
        """How a file of Discord's begins."""
        async with self.session.get(url) as answer:
            return (await answer.read())[:4]

    async def ready(self) -> dict[str, Any]:
        async with self.session.get(f"{self.app.address}/readyz") as answer:
            return dict(await answer.json())

    async def lobby(self) -> str:
        """What is told in the situation room's lobby."""
        return "\n".join([m.text for m in await ConsoleConversation(self.app.database, self.app.clock).history(LOBBY)])

    async def told(self, words: str) -> None:
        """The situation room says so."""
        await self.until(self.lobby, lambda said: words in said)

    async def settled(self) -> None:
        """Nothing waits to be sent."""
        await self.until(self.ready, lambda ready: ready["outbox"]["pending"] == 0)

    async def until(self, ask: Any, fits: Any, seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while not fits(found := await ask()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s: {found}")
            await asyncio.sleep(0.02)
        return found

    def rooms(self) -> list[Channel]:
        return [channel for channel in self.fake.world.channels.values() if channel.name.startswith("inc-")]

    async def room(self, number: int = 1) -> Channel:
        found = await self.fake.until(lambda: [c for c in self.rooms() if c.name.startswith(f"inc-{number}-")], 60.0)
        channel: Channel = found[0]
        return channel

    async def shown(self, room: Channel, words: str) -> Message:
        """The message of the room that says these words, once it is there."""
        found = await self.fake.until(lambda: [m for m in room.posts if words in plain(m)], 60.0)
        message: Message = found[0]
        return message

    async def card(self, room: Channel) -> Message:
        """The card, once it is there and pinned."""
        pins = await self.fake.until(lambda: [message for message, _ in room.pins], 60.0)
        return next(message for message in room.posts if message.id in pins)

    def said(self, room: Channel, words: str) -> int:
        """How many messages of the room say it."""
        return sum(words in plain(message) for message in room.posts)


@asynccontextmanager
async def muster(
    folder: Path,
    fake: FakeDiscord,
    robin: Person,
    mika: Person,
    *,
    connected: bool = True,
    catalog: str = "",
    **more: str,
) -> AsyncIterator[Stage]:
    file = folder / "catalog.yaml"
    base = CATALOG.format(robin=robin.id, mika=mika.id)
    if "defaults:" in catalog:
        base = base.replace("defaults: {team: sre}\n", "")
    file.write_text(base + catalog)
    settings = load_settings(
        {
            "MUSTER_DATABASE_URL": sqlite.url(folder, "m.db"),
            "MUSTER_HTTP_PORT": "0",
            "DISCORD_BOT_TOKEN": fake.app.token,
            "DISCORD_API_URL": fake.api_url,
        }
        | more
    )
    async with App(settings, CatalogStore(file), environment={}) as app:
        stage = Stage(app, fake, robin, mika)
        try:
            if connected:
                await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
            yield stage
        finally:
            await stage.session.close()
