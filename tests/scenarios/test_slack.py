"""Slack from end to end: the real app with bolt over real sockets, against a Slack that refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.catalog.store import CatalogStore
from bot.settings import Settings, load_settings
from tests.fakes.slack import FakeSlack

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
"""


def alert(**more: Any) -> dict[str, Any]:
    return {
        "name": "CheckoutErrors",
        "severity": "critical",
        "service": "checkout",
        "host": "checkout-1",
        "summary": "5xx at 30 %",
    } | more


def careless(slack: FakeSlack) -> list[str]:
    """What a careful client does not do; that bolt names the team when it asks who it is, is bolt's."""
    return [what for what in slack.complaints if what != "auth.test: no argument is called team_id"]


class Stage:
    """A running Muster and the workspace that it is in."""

    def __init__(self, app: App, slack: FakeSlack) -> None:
        self.app, self.slack = app, slack
        self.session = aiohttp.ClientSession()

    async def alert(self, **more: Any) -> None:
        async with self.session.post(f"{self.app.address}/webhooks/generic", json=alert(**more)) as answer:
            assert answer.status == 202

    async def ready(self) -> dict[str, Any]:
        async with self.session.get(f"{self.app.address}/readyz") as answer:
            return dict(await answer.json())

    def rooms(self) -> list[str]:
        return [channel.name for channel in self.slack.world.channels.values() if channel.name.startswith("inc-")]

    async def room(self, number: int = 1) -> str:
        found = await self.slack.until(lambda: [name for name in self.rooms() if name.startswith(f"inc-{number}-")])
        return str(found[0])

    async def shown(self, room: str, words: str) -> Any:
        """The message of the room that says these words, once it is there."""
        said = lambda m: words in m.text or words in m.shown  # noqa: E731
        found = await self.slack.until(lambda: [m for m in self.slack.posts(room) if said(m)], 10.0)
        return found[0]

    async def card(self, room: str) -> Any:
        """The card, once it is there and pinned."""
        pins = [pin["ts"] for pin in await self.slack.until(lambda: self.slack.world.named(room).pins, 10.0)]
        return next(message for message in self.slack.posts(room) if message.ts in pins)


@asynccontextmanager
async def muster(folder: Path, slack: FakeSlack, **more: str) -> AsyncIterator[Stage]:
    catalog = folder / "catalog.yaml"
    catalog.write_text(CATALOG)
    settings: Settings = load_settings(
        {
            "MUSTER_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'm.db'}",
            "MUSTER_HTTP_PORT": "0",
            "SLACK_BOT_TOKEN": slack.app.bot_token,
            "SLACK_APP_TOKEN": slack.app.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        | more
    )
    async with App(settings, CatalogStore(catalog), environment={}) as app:
        stage = Stage(app, slack)
        try:
            await slack.until(lambda: slack.sockets.open or not settings.slack_app_token, 10.0)
            yield stage
        finally:
            await stage.session.close()


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as fake:
        yield fake


async def test_the_golden_path(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        page = await slack.until(lambda: robin.dm.messages, 10.0)
        assert "Acknowledge" in str(page[0].blocks)
        done = await mika.press(card, "ack INC-1")
        assert not done.failed
        await stage.shown(room, "Acknowledged by Mika Laine")
        done = await mika.command("/incident", "note rolled back", room)
        assert "Noted" in (await done.answer()).shown
        await (await robin.say(room, "looks better"))
        done = await mika.command("/resolve", "rolled back checkout", room)
        await stage.shown(room, "Resolved by Mika Laine")
        done = await mika.command("/incident", "retro", room)
        await done.answer()
        async with stage.session.get(f"{stage.app.address}/api/v1/incidents/INC-1/retro.md") as answer:
            assert "looks better" in await answer.text()
    assert stage.rooms() == [room]
    assert careless(slack) == []
