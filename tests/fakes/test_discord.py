"""The fake Discord's REST side, tried with the real discord.py: what it lets pass, what it refuses, and what goes wrong."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import discord
import pytest

from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.driving import Bot, connected


@pytest.fixture
async def server() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=False) as made:
        yield made


@pytest.fixture
async def bot(server: FakeDiscord) -> AsyncIterator[Bot]:
    async with connected(server) as client:
        yield client


def guild_of(bot: Bot) -> discord.Guild:
    return bot.guilds[0]


async def test_a_message_with_a_file_is_kept_served_and_pings_whom_it_names(server: FakeDiscord, bot: Bot) -> None:
    robin, room = server.person("robin"), server.channel("general")
    channel = await bot.fetch_channel(int(room.id))
    assert isinstance(channel, discord.TextChannel)
    said = await channel.send(f"up, {robin.mention}", nonce="n-1", file=discord.File(io.BytesIO(b"graph"), "graph.png"))
    assert await said.attachments[0].read() == b"graph"
    assert [message.pinged for message in server.posts("general")] == [[robin.id]]
    again = await channel.send(f"up, {robin.mention}", nonce="n-1")
    assert again.id == said.id
    assert len(server.posts("general")) == 1
    assert server.violations == []
