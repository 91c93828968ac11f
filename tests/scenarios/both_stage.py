"""A running Muster, the workspace and the server that it is in at once: what the scenario tests of the mirror share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import App
from bot.catalog.store import CatalogStore
from bot.chat.slack.tiers import Tiers
from bot.settings import load_settings
from tests import sqlite
from tests.fakes import discord as discords
from tests.fakes import slack as slacks
from tests.scenarios.discord_stage import plain
from tests.scenarios.slack_stage import alert

__all__ = ["PATIENCE", "Stage", "muster"]

PATIENCE = 90.0  # seconds: the machine may be busy

CATALOG = """
defaults: {{team: sre}}
people:
  robin: {{name: Robin Vos, email: robin@example.org, discord: "{robin}"}}
  mika: {{name: Mika Laine, email: mika@example.org, discord: "{mika}"}}
teams:
  sre: {{members: [robin, mika], schedule: sre}}
schedules:
  sre: {{timezone: UTC, layers: [{{people: [robin], rotation: weekly}}]}}
services:
  checkout: {{tier: 1}}
"""


class Stage:
    """Robin is in Slack, Mika in Discord; `inc` and `room` are where they talk about INC-1."""

    def __init__(self, app: App, slack: slacks.FakeSlack, discord: discords.FakeDiscord) -> None:
        self.app, self.slack, self.discord = app, slack, discord
        self.session = aiohttp.ClientSession()
        self.inc: Any = None
        self.room: Any = None

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.app.address}{path}") as answer:
            return await answer.json() if "json" in answer.content_type else await answer.text()

    async def say(self, text: str, person: str = "robin") -> dict[str, Any]:
        """Say something in the situation room."""
        path = f"{self.app.address}/api/v1/rooms/{(await self.console())['id']}/messages"
        async with self.session.post(path, json={"as": person, "text": text}) as answer:
            assert answer.status == 201, await answer.text()
            return dict(await answer.json())

    async def console(self) -> dict[str, Any]:
        rooms = (await self.get("/api/v1/rooms"))["items"]
        return dict(next(room for room in rooms if room["kind"] == "incident"))

    async def conversation(self) -> list[dict[str, Any]]:
        """What people said, as the situation room shows it."""
        found = await self.get(f"/api/v1/rooms/{(await self.console())['id']}/messages?limit=200")
        return [one for one in found["items"] if one["author"]["kind"] == "person"]

    async def retro(self) -> str:
        return str(await self.get("/api/v1/incidents/INC-1/retro.md"))

    async def ready(self) -> dict[str, Any]:
        return dict(await self.get("/readyz"))

    def in_slack(self) -> list[str]:
        """All that stands in the room in Slack."""
        return [message.text for message in self.slack.posts(self.inc)]

    def in_discord(self) -> list[str]:
        return [plain(message) for message in self.room.posts]

    async def until(self, ask: Callable[[], Awaitable[Any]], fits: Callable[[Any], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not fits(found := await ask()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {PATIENCE} s: {found}")
            await asyncio.sleep(0.05)
        return found

    async def slack_shows(self, words: str) -> Any:
        """The message there that says these words, once it is there."""
        found = lambda: [one for one in self.slack.posts(self.inc) if words in one.text]  # noqa: E731
        return (await self.slack.until(found, PATIENCE))[0]

    async def discord_shows(self, words: str) -> Any:
        found = lambda: [one for one in self.room.posts if words in plain(one)]  # noqa: E731
        return (await self.discord.until(found, PATIENCE))[0]

    async def settled(self) -> None:
        """Nothing waits to be sent."""
        await self.until(self.ready, lambda ready: ready["outbox"]["pending"] == 0)


@asynccontextmanager
async def muster(
    folder: Path,
    slack: slacks.FakeSlack,
    discord: discords.FakeDiscord,
    *people: discords.Person,
    declared: bool = True,
    catalog: str = "",
) -> AsyncIterator[Stage]:
    """A Muster in both; with `declared`, one alert has opened INC-1, and its rooms are there."""
    file = folder / "catalog.yaml"
    robin, mika = people
    file.write_text(CATALOG.format(robin=robin.id, mika=mika.id) + catalog)
    settings = load_settings(
        {
            "MUSTER_DATABASE_URL": sqlite.url(folder, "m.db"),
            "MUSTER_HTTP_PORT": "0",
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_APP_TOKEN": slack.app.app_token,
            "SLACK_API_URL": slack.api_url,
            "DISCORD_BOT_TOKEN": discord.app.token,
            "DISCORD_API_URL": discord.api_url,
        }
    )
    pace = Tiers(minute=60.0 / slack.speed)
    async with App(settings, CatalogStore(file), environment={}, tiers=pace) as app:
        stage = Stage(app, slack, discord)
        try:
            await slack.until(lambda: slack.sockets.open, PATIENCE)
            await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
            if declared:
                async with stage.session.post(f"{app.address}/webhooks/generic", json=alert()) as answer:
                    assert answer.status == 202
            inc = lambda: [one for one in slack.world.channels.values() if one.name.startswith("inc-1-")]  # noqa: E731
            room = lambda: [one for one in discord.world.channels.values() if one.name.startswith("inc-1-")]  # noqa: E731
            stage.inc = (await slack.until(inc, PATIENCE))[0]
            stage.room = (await discord.until(room, PATIENCE))[0]
            await slack.until(lambda: stage.inc.pins, PATIENCE)
            await discord.until(lambda: stage.room.pins, PATIENCE)
            await stage.settled()
            yield stage
        finally:
            await stage.session.close()
