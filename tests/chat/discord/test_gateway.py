"""Discord as a platform: the contract of all gateways, over channels, forum posts and threads, and what is its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import DiscordRooms
from bot.catalog.model import Person as Member
from bot.chat.discord import client as client_module
from bot.chat.discord.accounts import Accounts
from bot.chat.discord.client import DiscordClient
from bot.chat.discord.gateway import DiscordGateway
from bot.chat.gateway import DoorClosed, Gateway, MessageLost, PostedMessage, Renaming, RoomLost, RoomRequest
from bot.chat.views import Notice, Person
from bot.errors import Permanent, Retryable, Uncertain
from tests.chat.gateway_contract import GatewayContract, card, notice, page
from tests.chat.gateway_contract import request as wanted
from tests.fakes.discord import Channel, FakeDiscord
from tests.fakes.discord.tables import PERMISSIONS

VIEW = PERMISSIONS["VIEW_CHANNEL"]


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(limits=False) as fake:
        yield fake


class Server:
    """A Discord server seen from its other side."""

    def __init__(self, fake: FakeDiscord, kind: str = "channel") -> None:
        self.fake = fake
        self.robin, self.mika = fake.person("robin"), fake.person("mika")
        self.channel = f"#{fake.channel('all-incidents').name}"
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


# --- Discord's own ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def server(discord: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(client_module, "AWAY", 0.05)
    made = Server(discord)
    yield made
    await made.client.close()


def incident(number: int = 42, **more: Any) -> RoomRequest:
    return replace(wanted(number), **more)


async def until_sent(gateway: Gateway, room: str, words: str, nonce: str) -> PostedMessage:
    """As the relay does: again and again, until it is there."""
    async with asyncio.timeout(10.0):
        while True:
            try:
                return await gateway.post(room, notice(words), nonce=nonce)
            except (Retryable, Uncertain):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["reset_after", "http_after", "timeout_after", "reset", "http"])
@pytest.mark.parametrize("crashed", [False, True], ids=["goes on", "starts again"])
async def test_a_post_that_may_have_arrived_stands_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, kind: Any, crashed: bool
) -> None:
    monkeypatch.setattr(client_module, "PATIENCE", 0.2)
    room = await server.gateway.open_room(incident())
    server.fake.faults.plan("POST /channels/*/messages", kind, seconds=1.0)
    with pytest.raises(Uncertain):
        await server.gateway.post(room, notice("all clear"), nonce="effect:7")
    gateway = server.again() if crashed else server.gateway
    for message in server.fake.world.channels[room].messages:
        message.nonce_at = 0.0  # Discord remembers a nonce for some minutes only
    await until_sent(gateway, room, "all clear", "effect:7")
    assert [said for said in await server.texts(room) if "all clear" in said] == ["all clear"]


async def test_what_somebody_deleted_can_be_said_again(server: Server) -> None:
    room = await server.gateway.open_room(incident())
    message = await server.gateway.post(room, card(), nonce="card:42")
    server.robin.give(server.fake.role("moderators", ["MANAGE_MESSAGES"]))
    server.robin.delete(server.fake.posts(room)[0])
    with pytest.raises(MessageLost):
        await server.gateway.edit(message, card())
    again = await server.gateway.post(room, card(), nonce="card:42")
    assert again != message
    assert len(server.fake.posts(room)) == 1


async def test_a_room_that_was_made_but_not_told_is_adopted(server: Server) -> None:
    server.fake.faults.plan("POST /guilds/*/channels", "reset_after", when=lambda body: body.get("type") == 0)
    with pytest.raises(Uncertain):
        await server.gateway.open_room(incident())
    room = await server.again().open_room(incident())
    assert [channel.id for channel in server.made()] == [room]


async def test_a_room_of_the_same_number_from_before_is_not_adopted(server: Server) -> None:
    old = await server.gateway.open_room(incident())
    later = time.time() + 3600.0
    assert await server.again().open_room(incident(opened_at=later)) != old


@pytest.mark.parametrize("how", ["deleted", "hidden"])
async def test_a_room_that_is_gone_is_replaced(server: Server, how: str) -> None:
    room = await server.gateway.open_room(incident())
    channel = server.fake.world.channels[room]
    if how == "deleted":
        server.fake.effects.remove_channel(channel)
    else:
        everyone = server.fake.world.guild.id
        channel.overwrites |= {everyone: (0, 0, VIEW), server.fake.app.user.id: (1, 0, VIEW)}
    with pytest.raises(RoomLost):
        await server.again().post(room, notice("anybody?"), nonce="effect:1")
    another = await server.gateway.open_room(incident(known=room))
    assert another != room
    await server.gateway.post(another, notice("here"), nonce="effect:1")
    assert (await server.texts(another))[-1] == "here"


async def test_neither_state_nor_severity_is_in_a_rooms_name_or_topic_and_both_stay(server: Server) -> None:
    room = await server.gateway.open_room(incident())
    channel = server.fake.world.channels[room]
    assert channel.name == "inc-42-checkout-latency"
    assert channel.topic == "INC-42 checkout latency (muster-incident-42)"
    assert not isinstance(server.gateway, Renaming)


async def test_a_full_category_is_followed_by_another(server: Server) -> None:
    full = server.fake.channel("Incidents", kind="category")
    for number in range(50):
        server.fake.channel(f"old-{number}", parent=full)
    rooms = [await server.gateway.open_room(incident(number)) for number in (1, 2)]
    parents = {server.fake.world.channels[room].parent_id for room in rooms}
    (second,) = [channel for channel in server.fake.world.guild_channels if channel.name == "Incidents 2"]
    assert parents == {second.id}


async def test_a_full_archive_is_followed_by_another(server: Server) -> None:
    full = server.fake.channel("Incidents archive", kind="category")
    for number in range(50):
        server.fake.channel(f"old-{number}", parent=full)
    room = await server.gateway.open_room(incident())
    await server.gateway.archive(room)
    channels = server.fake.world.channels
    assert channels[str(channels[room].parent_id)].name == "Incidents archive 2"


async def test_a_closed_room_goes_to_the_archive_and_is_for_reading(server: Server) -> None:
    room = await server.gateway.open_room(incident())
    channel = server.fake.world.channels[room]
    await server.gateway.archive(room)
    assert server.fake.world.channels[str(channel.parent_id)].name == "Incidents archive"
    with pytest.raises(PermissionError):
        server.robin.say(room, "one more thing")
    await server.gateway.post(room, notice("the retrospective is out"), nonce="effect:9")
    assert await server.gateway.open_room(incident(known=room)) == room
    assert server.fake.world.channels[str(channel.parent_id)].name == "Incidents"
    server.robin.say(room, "it is back")


async def test_before_discord_has_no_room_for_channels_it_is_told_and_then_rooms_are_threads(server: Server) -> None:
    for number in range(460):
        server.fake.world.channel(f"old-{number}", 0)
    gateway = server.again()
    await gateway.open_room(incident(1))
    assert "of the 500 channels" in gateway.remarks[0]
    assert "Delete channels of Incidents archive" in gateway.remarks[0]
    for number in range(30):
        server.fake.world.channel(f"older-{number}", 0)
    rooms = [await gateway.open_room(incident(number)) for number in (2, 3, 2)]
    assert rooms[0] == rooms[2] != rooms[1]
    channels = [server.fake.world.channels[room] for room in rooms]
    assert all(channel.is_thread for channel in channels)
    assert server.fake.world.channels[str(channels[0].parent_id)].name == "incident-rooms"
    await gateway.post(rooms[0], card(), nonce="card:2")


@pytest.mark.parametrize("kind", ["channel", "forum", "thread"])
async def test_a_private_room_is_seen_by_those_who_are_let_in(discord: FakeDiscord, kind: str) -> None:
    server = Server(discord, kind)
    room = await server.gateway.open_room(incident(private=True))
    channel = discord.world.channels[room]
    assert not server.robin.sees(channel)
    for _ in range(2):
        let_in = await server.gateway.invite(room, [server.person])
        assert (len(let_in.joined), let_in.failed) == (1, ())
    assert server.robin.sees(channel)
    assert not server.mika.sees(channel)
    await server.gateway.post(room, card(), nonce="card:42")
    assert await server.gateway.open_room(incident(private=True)) == room
    await server.client.close()
    assert discord.violations == []


async def test_who_cannot_come_is_named_with_the_reason(server: Server) -> None:
    room = await server.gateway.open_room(incident(private=True))
    server.mika.leave()
    outcome = await server.gateway.invite(room, [server.person, Person("mika", "Mika"), Person("sam", "Sam")])
    assert [person.id for person in outcome.joined] == ["robin"]
    reasons = {person.id: why for person, why in outcome.failed}
    assert reasons == {
        "mika": "they are no member of this Discord server",
        "sam": "no Discord account that Muster knows",
    }


async def test_closed_doors_are_told_apart_and_nobody_is_asked_twice(server: Server) -> None:
    server.robin.user.dms_open = False
    with pytest.raises(DoorClosed, match="takes no direct messages"):
        await server.gateway.direct(server.person, page("wake up"), nonce="page-1")
    with pytest.raises(Permanent, match="set discord in the catalogue"):
        await server.gateway.direct(Person("sam", "Sam"), page("wake up"), nonce="page-2")


async def test_who_left_the_server_is_not_called_there(server: Server) -> None:
    server.robin.leave()
    with pytest.raises(Permanent, match="Robin Vos is not in this Discord server") as refused:
        await server.gateway.direct(server.person, page("wake up"), nonce="page-1")
    assert not isinstance(refused.value, DoorClosed)


async def test_whatever_else_is_wrong_with_a_direct_message_a_mention_is_tried(server: Server) -> None:
    server.fake.faults.plan("POST /users/@me/channels", "error", error=20026)
    with pytest.raises(DoorClosed, match="20026"):
        await server.gateway.direct(server.person, page("wake up"), nonce="page-1")


async def test_direct_messages_that_are_opened_too_fast_are_opened_later(server: Server) -> None:
    server.fake.faults.plan("POST /users/@me/channels", "error", error=40003)
    with pytest.raises(Retryable, match="too fast"):
        await server.gateway.direct(server.person, page("wake up"), nonce="page-1")
    await server.gateway.direct(server.person, page("wake up"), nonce="page-1")
    assert len(server.robin.dm.posts) == 1


async def test_a_notice_rings_those_whom_it_calls_and_nobody_else(server: Server) -> None:
    room = await server.gateway.open_room(incident())
    people = (Person("robin", "Robin Vos"), " and ", Person("mika", "Mika"), " and @everyone <@&1> ")
    await server.gateway.post(room, Notice(text=people), nonce="effect:1")
    await server.gateway.post(room, Notice(text=people, called=("robin",)), nonce="effect:2")
    assert [message.pinged for message in server.fake.posts(room)] == [[], [server.robin.id]]


@pytest.mark.parametrize(("lacks", "told"), [("PIN_MESSAGES", "the permission Pin Messages"), ("", "250 pinned")])
async def test_a_card_that_cannot_be_pinned_is_told_and_no_reason_to_fail(
    server: Server, lacks: str, told: str
) -> None:
    gateway = server.again()
    room = await gateway.open_room(incident())
    if lacks:
        server.fake.deny(lacks)
    else:
        server.fake.faults.plan("PUT */messages/pins/*", "error", error=30003)
    message = await gateway.post(room, card(), nonce="card:42")
    await gateway.pin(message)
    assert told in gateway.remarks[0]
    server.fake.app.role.permissions |= PERMISSIONS["PIN_MESSAGES"]
    await gateway.pin(message)
    assert gateway.remarks == ()


async def test_without_manage_roles_public_rooms_work_and_private_ones_say_what_is_missing(server: Server) -> None:
    server.fake.deny("MANAGE_ROLES")
    room = await server.gateway.open_room(incident())
    await server.gateway.archive(room)
    assert server.fake.world.channels[str(server.fake.world.channels[room].parent_id)].name == "Incidents archive"
    with pytest.raises(Retryable, match="does not let Muster make a room"):
        await server.gateway.open_room(incident(7, private=True))
    assert "muster check --live names what its role lacks" in server.gateway.remarks[0]


async def test_a_catalogue_that_names_no_forum_is_told(server: Server) -> None:
    place = server.fake.channel("talk")
    server.wish = DiscordRooms(kind="forum", channel=place.id)
    with pytest.raises(Permanent, match="is no forum"):
        await server.gateway.open_room(incident())
    server.wish = DiscordRooms(kind="thread", channel="1180351110224678912")
    with pytest.raises(Permanent, match=r"rooms\.discord\.channel"):
        await server.gateway.open_room(incident(2))


async def test_a_channel_where_muster_may_not_speak_is_told(server: Server) -> None:
    gateway = server.again()
    channel = server.fake.world.named("all-incidents")
    assert channel is not None
    assert await gateway.find_channel(channel.id) == channel.id
    channel.overwrites[server.fake.app.user.id] = (1, 0, PERMISSIONS["SEND_MESSAGES"])
    with pytest.raises(Permanent, match="may not speak in #all-incidents"):
        await gateway.find_channel("#all-incidents")
    server.fake.channel("all-incidents")
    with pytest.raises(Permanent, match="2 channels are called"):
        await gateway.find_channel("all-incidents")


async def test_a_forum_that_wants_a_tag_gets_one(server: Server) -> None:
    place = server.fake.channel("incident-forum", kind="forum", tags=["incident", "other"], require_tag=True)
    server.wish = DiscordRooms(kind="forum", channel=place.id)
    room = await server.gateway.open_room(incident())
    assert server.fake.world.channels[room].parent_id == place.id
