"""Slack as a platform: the contract of all gateways, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person as Member
from bot.chat.gateway import Announcing, Archiving, Pinning, PostedMessage, Renaming
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import SlackClient
from bot.chat.slack.gateway import SlackGateway
from bot.chat.slack.tiers import Tiers
from bot.chat.views import Notice, Person
from bot.errors import Permanent, Retryable, Uncertain
from tests.chat.gateway_contract import GatewayContract, announcement, notice, request
from tests.chat.slack import specs
from tests.fakes.slack import FakeSlack
from tests.scenarios.slack_stage import SPEED

ROBIN = Person("robin", "Robin Vos")


class Slack:
    """Slack seen from its other side."""

    def __init__(self, slack: FakeSlack, gateway: SlackGateway, person: Person) -> None:
        self.slack, self.gateway, self.person = slack, gateway, person
        self.nowhere = PostedMessage(room="C0NOWHERE", message="1700000000.000100")
        self.channel = "#incidents"

    async def rooms(self) -> Sequence[str]:
        return [
            one.id
            for one in self.slack.world.channels.values()
            if one.creator == self.slack.app.user_id and one.kind != "im"
        ]

    async def texts(self, room: str) -> Sequence[str]:
        return [message.shown for message in self.slack.posts(room)]

    async def private_texts(self, person: Person) -> Sequence[str]:
        found = self.slack.world.direct(self.slack.app.user_id, self._account())
        return [message.shown for message in found.posts] if found else []

    async def alarms(self) -> Sequence[str]:
        """Mentions in what the room's members see or are notified of."""
        found = []
        for channel in self.slack.world.channels.values():
            for message in channel.posts:
                found += [
                    one for one in ("<!channel", "<!here", "<!everyone", "<@", "<!subteam") if one in message.text
                ]
                found += [
                    one
                    for one in ('"broadcast"', '"user"', '"usergroup"')
                    if f'"type": {one}' in str(message.blocks).replace("'", '"')
                ]
        return found

    def _account(self) -> str:
        return next(user.id for user in self.slack.world.users.values() if user.name == "robin")


@pytest.fixture
async def ours(slack: FakeSlack) -> AsyncIterator[SlackGateway]:
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    robin = slack.person("robin")
    catalog = Catalog(people={"robin": Member(id="robin", name="Robin Vos", chat={"slack": robin.id})})
    yield SlackGateway(client, Accounts(client, lambda: catalog))
    await client.close()


class TestSlackGateway(GatewayContract):
    @pytest.fixture
    def platform(self, slack: FakeSlack, ours: SlackGateway) -> Slack:
        slack.channel("incidents", slack.person("mika"), with_app=False)
        return Slack(slack, ours, ROBIN)


async def test_what_is_still_under_way_when_muster_stops_opens_no_new_connection(slack: FakeSlack) -> None:
    client = SlackClient(slack.app.bot_token, slack.api_url)
    assert await client.myself() == slack.app.user_id
    await client.close()
    with pytest.raises(Retryable, match="stopping"):
        await client.call("auth.test")
    assert len(slack.calls) == 1


def test_slack_has_every_capability(ours: SlackGateway) -> None:
    for capability in (Announcing, Archiving, Pinning, Renaming):
        assert isinstance(ours, capability)


# --- channels that are nobody's room --------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["#incidents", "incidents", "#Incidents", "id"])
async def test_a_channel_is_found_by_name_or_id_and_entered(slack: FakeSlack, ours: SlackGateway, named: str) -> None:
    channel = slack.channel("incidents", slack.person("mika"), with_app=False)
    slack.channel("incidents-old", slack.person("jonas"))
    assert await ours.find_channel(channel.id if named == "id" else named) == channel.id
    assert slack.app.user_id in channel.members


async def test_a_private_channel_is_found_where_muster_was_invited(slack: FakeSlack, ours: SlackGateway) -> None:
    channel = slack.channel("war-room", slack.person("mika"), private=True)
    assert await ours.find_channel("#war-room") == channel.id


async def test_a_channel_beyond_the_first_page_is_found(slack: FakeSlack, ours: SlackGateway) -> None:
    mika = slack.person("mika")
    for number in range(1_200):
        slack.channel(f"team-{number}", mika, with_app=False)
    last = slack.channel("incidents", mika, with_app=False)
    assert await ours.find_channel("#incidents") == last.id


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("unknown", "Slack has no channel #incidents that Muster can see"),
        ("private", "or, into a private channel, invite @muster"),
        ("archived", "that Muster can see"),
        ("refused", "Slack does not let Muster into #incidents (restricted_action)"),
    ],
)
async def test_a_channel_out_of_reach_is_told_with_the_way_out(
    slack: FakeSlack, ours: SlackGateway, trouble: str, words: str
) -> None:
    mika = slack.person("mika")
    if trouble != "unknown":
        slack.channel("incidents", mika, private=trouble == "private", with_app=False)
    if trouble == "archived":
        mika.archive("incidents")
    if trouble == "refused":
        slack.faults.plan("conversations.join", "error", error="restricted_action", times=None)
    with pytest.raises(Permanent) as caught:
        await ours.find_channel("#incidents")
    assert words in str(caught.value)


async def test_a_line_leads_to_the_room_and_survives_a_crash(slack: FakeSlack, ours: SlackGateway) -> None:
    slack.channel("incidents", slack.person("mika"), with_app=False)
    room = await ours.open_room(request())
    channel = await ours.find_channel("#incidents")
    first = await ours.post(channel, announcement(room=room), nonce="announcement:INC-42:C1")
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    again = SlackGateway(client, Accounts(client, Catalog.empty))
    try:
        assert await again.post(channel, announcement(room=room), nonce="announcement:INC-42:C1") == first
    finally:
        await client.close()
    [message] = slack.posts("incidents")
    assert {"type": "channel", "channel_id": room} in message.blocks[0]["elements"][0]["elements"]
    assert message.text.startswith("SEV2 INC-42 checkout latency: open since")


# --- invited --------------------------------------------------------------------------------------------------------------


async def test_people_are_invited_a_hundred_at_a_time_and_who_cannot_come_is_named(slack: FakeSlack) -> None:
    left, guest = {17, 140}, 200
    elsewhere = slack.person("guest", is_ultra_restricted=True)
    slack.channel("partners", elsewhere)
    accounts = [slack.person(f"p{n}", deleted=n in left).id if n != guest else elsewhere.id for n in range(230)]
    people = {f"p{n}": Member(id=f"p{n}", name=f"P {n}", chat={"slack": id_}) for n, id_ in enumerate(accounts)}
    people["nobody"] = Member(id="nobody", name="No Body")
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    gateway = SlackGateway(client, Accounts(client, lambda: Catalog(people=people)))
    try:
        room = await gateway.open_room(request())
        done = await gateway.invite(room, [Person(one.id, one.name) for one in people.values()])
    finally:
        await client.close()
    assert len(done.joined) == 227
    assert {person.id: why for person, why in done.failed} == {
        "p17": "Slack does not let us invite them",
        "p140": "Slack does not let us invite them",
        "p200": "a guest cannot be in more channels",
        "nobody": "no Slack account that Muster knows",
    }
    assert len(slack.world.channels[room].members) == 228
    assert [len(call.args["users"].split(",")) for call in slack.calls_of("conversations.invite")] == [100, 100, 30]


# --- what may have arrived ------------------------------------------------------------------------------------------------


async def uncertain(slack: FakeSlack, gateway: SlackGateway, room: str, words: str, nonce: str, since: float) -> None:
    """It is said, and Slack does not say so."""
    slack.faults.plan("chat.postMessage", "reset_after")
    with pytest.raises(Uncertain):
        await gateway.post(room, notice(words), nonce=nonce, since=since)


def chatter(slack: FakeSlack, room: str, count: int) -> None:
    robin = slack.person("robin")
    for number in range(count):
        slack.world.post(slack.world.channels[room], robin.id, f"message {number}")


@pytest.mark.parametrize("restarted", [False, True])
async def test_what_arrived_is_found_however_much_was_said_since(
    slack: FakeSlack, ours: SlackGateway, restarted: bool
) -> None:
    room = await ours.open_room(request())
    chatter(slack, room, 3)
    began = slack.world.now()
    await uncertain(slack, ours, room, "it is the queue", "effect:7", began)
    chatter(slack, room, 450)
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    asked = SlackGateway(client, Accounts(client, Catalog.empty)) if restarted else ours
    try:
        await asked.post(room, notice("it is the queue"), nonce="effect:7", since=began)
        await asked.post(room, notice("and now the cache"), nonce="effect:8", since=began + 1)
    finally:
        await client.close()
    assert [m.shown for m in slack.posts(room) if "it is" in m.shown or "now" in m.shown] == [
        "it is the queue",
        "and now the cache",
    ]
    looks = slack.calls_of("conversations.history", ok=True)
    assert len(looks) == 3  # and no fourth for what came later
    assert all(float(call.args["oldest"]) < began for call in looks)


async def test_what_was_said_long_before_it_was_tried_is_not_read(slack: FakeSlack, ours: SlackGateway) -> None:
    channel = slack.channel("incidents", slack.person("mika"))
    chatter(slack, channel.id, 450)
    await ours.post(channel.id, notice("it is the queue"), nonce="effect:7", since=slack.world.now() + 900.0)
    assert len(slack.calls_of("conversations.history", ok=True)) == 1


async def test_a_look_for_something_newer_does_not_hide_what_was_tried_before(
    slack: FakeSlack, ours: SlackGateway
) -> None:
    room, began = await ours.open_room(request()), slack.world.now()
    await uncertain(slack, ours, room, "first", "effect:1", began)
    await ours.post(room, notice("second"), nonce="effect:2", since=began + 900.0)
    await ours.post(room, notice("first"), nonce="effect:1", since=began)
    assert [m.shown for m in slack.posts(room)] == ["first", "second"]


async def test_what_was_too_long_leads_to_the_situation_room(slack: FakeSlack, ours: SlackGateway) -> None:
    client = SlackClient(slack.app.bot_token, slack.api_url, tiers=Tiers(minute=60.0 / SPEED))
    there = "https://muster.example.org"
    gateway = SlackGateway(client, Accounts(client, Catalog.empty), there)
    long = Notice(text=("it printed",), output="a line\n" * 5_000)
    try:
        room = await gateway.open_room(request())
        await gateway.post(room, long, nonce="effect:1")
        await ours.post(room, long, nonce="effect:2")
    finally:
        await client.close()
    links = [[node["url"] for kind, node in specs.nodes(m.blocks) if kind == "link"] for m in slack.posts(room)]
    assert links == [[there], []]  # nobody said where it is
    assert [mark["link"] for mark in slack.world.channels[room].bookmarks] == [f"{there}/#/rooms/{request().name}"]
