"""Pictures in Discord: a file is part of its message, and goes with the edit that shows another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from bot.chat.views import Picture
from tests.chat.discord.test_gateway import Server
from tests.chat.gateway_contract import PIXEL, card, request
from tests.fakes.discord import FakeDiscord


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with FakeDiscord(limits=False) as fake:
        made = Server(fake)
        yield made
        await made.client.close()
        assert fake.violations == []


async def test_a_picture_that_the_card_shows_no_more_is_no_file_of_the_message_any_more(server: Server) -> None:
    room = await server.gateway.open_room(request(42))
    posted = await server.gateway.post(room, card(), nonce="card")
    shown = []
    for content in (PIXEL, PIXEL + b"more", b""):
        picture = Picture.of(content, incident="INC-42", name="INC-42-alerts.png", alt="37 alerts") if content else None
        await server.gateway.edit(posted, msgspec.structs.replace(card(), picture=picture))
        [message] = server.fake.posts(room)
        shown.append([server.fake.world.files[one["id"]][1] for one in message["attachments"]])
    assert shown == [[PIXEL], [PIXEL + b"more"], []]
