"""A fake Slack without rate limits, a client for it, and an app that the tests give listeners; the same of Discord."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_bolt.app.async_app import AsyncApp

from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.driving import Bot, connected
from tests.fakes.driving import Client, client_of
from tests.fakes.slack import FakeSlack


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(limits=False) as server:
        yield server
        assert server.undocumented <= {("pins.add", "is_archived")}, "errors that the reference does not list"


@pytest.fixture
def client(slack: FakeSlack) -> Client:
    return client_of(slack)


@pytest.fixture
def app(slack: FakeSlack) -> AsyncApp:
    return AsyncApp(token=slack.app.bot_token, client=client_of(slack), raise_error_for_unhandled_request=False)


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=False) as discord:
        yield discord


@pytest.fixture
async def bot(server: FakeDiscord) -> AsyncIterator[Bot]:
    async with connected(server) as client:
        yield client
