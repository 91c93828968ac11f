"""A running Muster and the Slack that it is in: what the scenario tests of Slack share."""

from __future__ import annotations

import asyncio
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
from bot.chat.slack.manifest import COMMANDS, EVENTS, SCOPES
from bot.chat.slack.tiers import Tiers
from bot.clock import Clock
from bot.settings import Settings, load_settings
from tests import sqlite
from tests.fakes.slack import FakeSlack

__all__ = ["Hurried", "Stage", "alert", "careless", "commands", "muster", "slack", "workspace"]

SPEED = 60.0  # a minute of Slack's is a second here

CATALOG = """
defaults: {team: sre}
people:
  robin: {name: Robin Vos, email: robin@example.org, github: rvos}
  mika: {name: Mika Laine, email: mika@example.org}
teams:
  sre: {members: [robin, mika], schedule: sre}
schedules:
  sre: {timezone: UTC, layers: [{people: [robin], rotation: weekly}]}
services:
  checkout: {tier: 1}
  cart: {tier: 2}
runbooks:
  restart:
    title: Restart one instance
    run_by: [anyone]
    parameters: {instance: {pattern: "[a-z0-9-]+"}}
    steps: [{title: Restart, command: [echo, "{{ instance }}"]}]
"""


def alert(**more: Any) -> dict[str, Any]:
    return {
        "name": "CheckoutErrors",
        "severity": "critical",
        "service": "checkout",
        "host": "checkout-1",
        "summary": "5xx at 30 %",
    } | more


def commands(blocks: list[dict[str, Any]]) -> list[str]:
    """What the buttons stand for."""
    return [one["value"] for block in blocks if block["type"] == "actions" for one in block["elements"]]


def workspace(**more: Any) -> FakeSlack:
    """Slack with the app as its manifest makes it."""
    manifest = {"scopes": [scope for scope, _ in SCOPES], "events": EVENTS, "commands": [one.name for one in COMMANDS]}
    return FakeSlack(**{"speed": SPEED, **manifest, **more})


def careless(slack: FakeSlack) -> list[str]:
    """What a careful client does not do; that bolt names the team when it asks who it is, is bolt's."""
    return [what for what in slack.complaints if what != "auth.test: no argument is called team_id"]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace in which nobody was careless."""
    async with workspace() as fake:
        yield fake
        assert careless(fake) == []


class Hurried:
    """The machine's clock, which can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class Stage:
    """A running Muster and the workspace that it is in."""

    def __init__(self, app: App, slack: FakeSlack) -> None:
        self.app, self.slack = app, slack
        self.session = aiohttp.ClientSession()

    async def alert(self, **more: Any) -> None:
        async with self.session.post(f"{self.app.address}/webhooks/generic", json=alert(**more)) as answer:
            assert answer.status == 202

    async def alerts(self, many: list[dict[str, Any]]) -> None:
        async with self.session.post(f"{self.app.address}/webhooks/generic", json=many) as answer:
            assert answer.status == 202

    async def retro(self, ref: str = "INC-1") -> str:
        async with self.session.get(f"{self.app.address}/api/v1/incidents/{ref}/retro.md") as answer:
            return await answer.text()

    async def timeline(self, kind: str, ref: str = "INC-1") -> list[str]:
        """What the timeline says, of one kind."""
        async with self.session.get(f"{self.app.address}/api/v1/incidents/{ref}/timeline?limit=200") as answer:
            return [one["text"] for one in (await answer.json())["items"] if one["kind"] == kind]

    async def notes(self) -> list[str]:
        """The notes on the timeline."""
        return await self.timeline("note")

    async def filed(self, room: str, person: Any, *words: str, without: tuple[str, ...] = ()) -> str:
        """The retrospective, once it has these words, and others no more."""
        deadline = time.monotonic() + 60.0
        while True:
            await (await person.command("/incident", "retro", room)).answer(seconds=60.0)
            retro = await self.retro()
            if all(one in retro for one in words) and not any(one in retro for one in without):
                return retro
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all of {words}, or some of {without}, in {retro}")
            await asyncio.sleep(0.1)

    async def told(self, kind: str, line: str) -> None:
        """Once the timeline has this line: Slack may tell two things in either order, and the later one counts."""
        deadline = time.monotonic() + 60.0
        while line not in await self.timeline(kind):
            assert time.monotonic() < deadline, await self.timeline(kind)
            await asyncio.sleep(0.02)

    async def lobby(self) -> str:
        """What is told in the situation room's lobby."""
        return "\n".join([m.text for m in await ConsoleConversation(self.app.database, self.app.clock).history(LOBBY)])

    async def settled(self) -> None:
        """Nothing waits to be sent."""
        deadline = time.monotonic() + 60.0
        while (outbox := (await self.ready())["outbox"])["pending"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"still waiting: {outbox}")
            await asyncio.sleep(0.01)

    def said(self, room: str, words: str) -> int:
        """How many messages of the room say it."""
        return sum(words in m.shown or words in m.text for m in self.slack.posts(room))

    async def ready(self) -> dict[str, Any]:
        async with self.session.get(f"{self.app.address}/readyz") as answer:
            return dict(await answer.json())

    def rooms(self) -> list[str]:
        return [channel.name for channel in self.slack.world.channels.values() if channel.name.startswith("inc-")]

    async def room(self, number: int = 1) -> str:
        found = await self.slack.until(
            lambda: [name for name in self.rooms() if name.startswith(f"inc-{number}-")], 20.0
        )
        return str(found[0])

    async def shown(self, room: str, words: str) -> Any:
        """The message of the room that says these words, once it is there."""
        said = lambda m: words in m.text or words in m.shown  # noqa: E731
        found = await self.slack.until(lambda: [m for m in self.slack.posts(room) if said(m)], 60.0)
        return found[0]

    async def card(self, room: str) -> Any:
        """The card, once it is there and pinned."""
        pins = [pin["ts"] for pin in await self.slack.until(lambda: self.slack.world.named(room).pins, 60.0)]
        return next(message for message in self.slack.posts(room) if message.ts in pins)


@asynccontextmanager
async def muster(
    folder: Path,
    slack: FakeSlack,
    *,
    connected: bool = True,
    clock: Clock | None = None,
    written: str = CATALOG,
    **more: str,
) -> AsyncIterator[Stage]:
    catalog = folder / "catalog.yaml"
    catalog.write_text(written)
    settings: Settings = load_settings(
        {
            "MUSTER_DATABASE_URL": sqlite.url(folder, "m.db"),
            "MUSTER_HTTP_PORT": "0",
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_APP_TOKEN": slack.app.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        | more
    )
    pace = Tiers(minute=60.0 / slack.speed)
    async with App(settings, CatalogStore(catalog), environment={}, clock=clock, tiers=pace) as app:
        stage = Stage(app, slack)
        try:
            await slack.until(lambda: slack.sockets.open or not (connected and settings.slack_app_token), 60.0)
            yield stage
        finally:
            await stage.session.close()
