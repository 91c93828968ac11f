"""The fake Slack tried with the real slack_sdk: how often it may be called, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.clock import ManualClock
from tests.fakes.driving import (
    Client,
    asked,
    client_of,
    modal,
    refusal,
    section,
)
from tests.fakes.slack import FakeSlack, wrong_message, wrong_view

# ── how often


async def test_each_method_has_its_minute() -> None:
    clock = ManualClock()
    async with FakeSlack(now=clock.now) as slack:
        client = client_of(slack)
        for number in range(20):
            await client.conversations_create(name=f"inc-{number}")
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_create(name="inc-20")
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert caught.value.response.headers["Retry-After"] == "60"
        await client.auth_test()
        clock.advance(60)
        await client.conversations_create(name="inc-20")
        assert slack.rates.refused == {"conversations.create": 1}


async def test_a_channel_takes_one_message_a_second_after_a_short_burst() -> None:
    clock = ManualClock()
    async with FakeSlack(now=clock.now) as slack:
        client, one, other = client_of(slack), slack.channel("one"), slack.channel("other")
        for _ in range(4):
            await client.chat_postMessage(channel=one.id, text="t")
        assert await refusal(client.chat_postMessage(channel=one.id, text="t")) == "ratelimited"
        await client.chat_postMessage(channel=other.id, text="t")
        clock.advance(1)
        await client.chat_postMessage(channel=one.id, text="t")
        assert await refusal(client.chat_postMessage(channel=one.id, text="t")) == "ratelimited"
        assert len(one.posts) == 5


async def test_time_may_run_faster() -> None:
    async with FakeSlack(speed=600) as slack:  # a minute is a tenth of a second
        client, room = client_of(slack), slack.channel("one")
        words = []
        for number in range(25):
            try:
                await client.conversations_setTopic(channel=room.id, topic=str(number))
            except SlackApiError as error:
                words.append(error.response["error"])
                await asyncio.sleep(0.1)
        assert set(words) <= {"ratelimited"}
        assert slack.busiest("conversations.setTopic", 60) == 25


# ── what goes wrong


async def test_trouble_comes_on_demand(slack: FakeSlack) -> None:
    client, room = client_of(slack, timeout=1), slack.channel("general")

    def post(text: str) -> Awaitable[Any]:
        return client.chat_postMessage(channel=room.id, text=text)

    slack.faults.plan("chat.*", "http", status=503)
    with pytest.raises(SlackApiError):
        await post("unavailable")
    slack.faults.plan("chat.postMessage", "error", error="internal_error")
    assert await refusal(post("error")) == "internal_error"
    slack.faults.plan("chat.postMessage", "reset")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await post("reset")
    assert room.posts == []
    slack.faults.plan("chat.postMessage", "reset_after")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await post("reset after")
    slack.faults.plan("chat.postMessage", "timeout_after", when=lambda args: args["text"] == "silence after")
    await post("fine")
    with pytest.raises(TimeoutError):
        await post("silence after")
    slack.faults.plan("chat.postMessage", "http_after", status=500)
    with pytest.raises(SlackApiError):
        await post("500 after")
    slack.faults.plan("chat.postMessage", "ratelimited", seconds=7)
    assert await refusal(post("429")) == "ratelimited"
    slack.faults.plan("chat.postMessage", "slow", seconds=0.05)
    await post("slow")
    assert [m.text for m in room.posts] == ["reset after", "fine", "silence after", "500 after", "slow"]


async def test_a_clients_mistakes_are_kept(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    await client.chat_postMessage(channel=room.id, text="fine", blocks=[section()])
    assert await refusal(client.conversations_info(channel="C0NONE")) == "channel_not_found"
    assert slack.violations == []
    await refusal(client.chat_postMessage(channel=room.id, text="t", blocks=[section("")]))
    assert slack.violations == ["chat.postMessage: invalid_blocks"]
    assert wrong_message("t", [section("x" * 2900)] * 5) == ["msg_blocks_too_long: 14500 characters in blocks"]
    assert wrong_message("x" * 4001, update=True) == ["text of 4001 characters, 4000 are the most"]
    assert wrong_view(modal(asked("Title"))) == []


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_everything_may_be_away_for_a_while(slack: FakeSlack, client: Client, how: Any) -> None:
    async with slack.away(how):
        with pytest.raises((aiohttp.ClientError, ConnectionError, SlackApiError)):
            await client.auth_test()
    await client.auth_test()
