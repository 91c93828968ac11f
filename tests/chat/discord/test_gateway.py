"""Discord as a platform: the contract of all gateways, over channels, forum posts and threads, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import DiscordRooms
from bot.catalog.model import Person as Member
from bot.chat.discord import client as client_module
from bot.chat.discord.accounts import Accounts
from bot.chat.discord.client import DiscordClient
from bot.chat.discord.gateway import DiscordGateway
from bot.chat.gateway import DoorClosed, Gateway, MessageLost, PostedMessage, RoomLost
from bot.chat.views import Notice, Person
from bot.errors import Permanent, Retryable, Uncertain
from tests.chat.gateway_contract import GatewayContract, card, notice, page, request
from tests.fakes.discord import Channel, FakeDiscord
from tests.fakes.discord.tables import PERMISSIONS

CLOSED = PERMISSIONS["SEND_MESSAGES"]


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=False) as fake:
        yield fake


class Server:
    """A Discord server seen from its other side."""

    def __init__(self, fake: FakeDiscord, kind: str = "channel") -> None:
        self.fake = fake
        self.robin, self.mika = fake.person("robin"), fake.person("mika")
        self.place = (
            fake.channel("incidents", kind="forum" if kind == "forum" else "text") if kind != "channel" else None
        )
        self.wish = DiscordRooms(kind=kind, channel=self.place.id if self.place else "")  # type: ignore[arg-type]
        people = {"robin": self.robin.id, "mika": self.mika.id}
        self.catalog = Catalog(
            people={
                name: Member(id=name, name=name.title(), chat={"discord": account}) for name, account in people.items()
            }
            | {"sam": Member(id="sam", name="Sam")}
        )
        self.person = Person("robin", "Robin Vos")
        self.nowhere = PostedMessage(room="1180351110224678912", message="1180351110224678913")
        self.client = DiscordClient(fake.app.token, fake.api_url)
        self.gateway: Gateway = self.again()

    def again(self) -> DiscordGateway:
        """The gateway of a Muster that has just started."""
        return DiscordGateway(self.client, Accounts(lambda: self.catalog), lambda: self.wish, lambda room: "")

    def made(self) -> list[Channel]:
        world = self.fake.world
        if self.place is not None:
            return [thread for thread in world.threads if thread.parent_id == self.place.id]
        return [channel for channel in world.guild_channels if "(muster-incident-" in (channel.topic or "")]

    async def rooms(self) -> Sequence[str]:
        return [channel.id for channel in self.made()]

    async def texts(self, room: str) -> Sequence[str]:
        return [message.shown for message in self.fake.posts(room)]

    async def private_texts(self, person: Person) -> Sequence[str]:
        account = self.catalog.people[person.id].chat["discord"]
        return [message.shown for message in self.fake.world.direct(account).posts]

    async def alarms(self) -> Sequence[str]:
        channels = self.fake.world.channels.values()
        return [
            message.shown for channel in channels if not channel.is_dm for message in channel.messages if message.pinged
        ]


class TestDiscordGateway(GatewayContract):
    @pytest.fixture(params=["channel", "forum", "thread"])
    async def platform(self, request: pytest.FixtureRequest, discord: FakeDiscord) -> AsyncIterator[Server]:
        server = Server(discord, request.param)
        yield server
        await server.client.close()
        assert discord.violations == []
