"""Where and how incidents appear in Slack: announced in other channels, open or closed, archived when they are over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.chat.views import Person
from tests.fakes.slack import FakeSlack
from tests.scenarios.slack_stage import CATALOG, Hurried, muster

ROBIN = Person("robin", "Robin Vos")
DAY = 86_400.0

SHOP = """
people:
  robin: {name: Robin Vos, email: robin@example.org}
  mika: {name: Mika Laine, email: mika@example.org}
teams:
  payments: {members: [robin], channels: {slack: "#payments"}}
  storefront: {members: [mika], channels: {slack: "#storefront"}}
services:
  checkout: {team: payments, tier: 1, depends_on: [cart]}
  cart: {team: storefront}
rooms: {announce: {slack: "#incidents"}}
"""


def lines(slack: FakeSlack, channel: str) -> list[str]:
    """What stands about incidents in a channel."""
    return [message.shown.replace("\n", "") for message in slack.posts(channel) if "INC-" in message.shown]


async def says(slack: FakeSlack, channel: str, *words: str) -> Any:
    """The one line of the channel, once it says so."""
    await slack.until(lambda: any(all(word in line for word in words) for line in lines(slack, channel)), 60.0)
    return next(m for m in slack.posts(channel) if all(word in m.shown.replace("\n", "") for word in words))


# --- announced ------------------------------------------------------------------------------------------------------------


async def test_an_incident_is_one_line_in_the_channels_that_should_know_and_stays_true(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin = slack.person("robin")
    for name in ("incidents", "payments", "storefront"):
        slack.channel(name, robin, with_app=False)
    async with muster(tmp_path, slack, written=SHOP) as stage:
        await stage.alert()
        room = await stage.room()
        id_ = slack.world.named(room).id
        first = await says(slack, "incidents", "SEV", "INC-1", "open")
        await slack.until(
            lambda: {"type": "channel", "channel_id": id_} in first.blocks[0]["elements"][0]["elements"], 20.0
        )
        await says(slack, "payments", "INC-1", "open")
        assert lines(slack, "storefront") == []
        await stage.app.incidents.acknowledge(1, ROBIN)
        await says(slack, "incidents", "acknowledged", "Robin Vos leads")
        await stage.app.incidents.rename(1, "cards are declined", ROBIN)
        await says(slack, "payments", "cards are declined")
        await stage.alert(name="CartErrors", service="cart", host="cart-1", summary="5xx at 40 %")
        await says(slack, "storefront", "INC-1 cards are declined", "acknowledged")
        await stage.app.incidents.resolve(1, ROBIN)
        for name in ("incidents", "payments", "storefront"):
            await says(slack, name, "resolved at")
        await stage.settled()
        for name in ("incidents", "payments", "storefront"):
            assert len(lines(slack, name)) == 1
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_private_incident_is_announced_nowhere(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    slack.channel("incidents", robin)
    async with muster(tmp_path, slack, written=SHOP) as stage:
        await stage.app.incidents.declare("keys were found on a forum", ROBIN, private=True)
        room = await stage.room()
        assert slack.world.named(room).kind == "private"
        await stage.app.incidents.acknowledge(1, ROBIN)
        await stage.app.incidents.declare("search is slow", ROBIN)
        await says(slack, "incidents", "INC-2")
        await stage.settled()
        assert len(lines(slack, "incidents")) == 1


async def test_a_channel_out_of_reach_is_told_once_and_used_when_it_is_there(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack, written=SHOP) as stage:
        await stage.app.incidents.declare("one", ROBIN)
        told = await stage.shown(await stage.room(1), "Not announced in #incidents")
        assert "invite @muster" in told.shown
        await stage.app.incidents.acknowledge(1, ROBIN)
        await stage.app.incidents.declare("two", ROBIN)
        await stage.room(2)
        await stage.settled()
        assert [stage.said(room, "Not announced") for room in stage.rooms()] == [1, 0]
        slack.channel("incidents", robin)
        for number in (1, 2):
            await stage.app.incidents.take_command(number, Person("mika", "Mika Laine"), ROBIN)
        await says(slack, "incidents", "INC-1 one", "Mika Laine leads")
        await says(slack, "incidents", "INC-2 two")
        await stage.settled()
        robin.archive("incidents")
        await stage.app.incidents.declare("three", ROBIN)
        await stage.shown(await stage.room(3), "Not announced in #incidents")
        await stage.settled()
        assert (await stage.ready())["outbox"]["dead"] == 0


@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "http_after"])
async def test_a_line_that_arrived_unnoticed_is_not_said_again(tmp_path: Path, slack: FakeSlack, kind: Any) -> None:
    channel = slack.channel("incidents", slack.person("robin"))
    async with muster(tmp_path, slack, written=SHOP) as stage:
        slack.faults.plan(
            "chat.postMessage", kind, times=1, seconds=0.1, when=lambda args: args["channel"] == channel.id
        )
        await stage.app.incidents.declare("search is slow", ROBIN)
        await stage.room()
        await says(slack, "incidents", "INC-1")
        await stage.app.incidents.acknowledge(1, ROBIN)
        await says(slack, "incidents", "acknowledged")
        await stage.settled()
        assert len(lines(slack, "incidents")) == 1


async def test_a_line_that_somebody_took_away_stays_away(tmp_path: Path, slack: FakeSlack) -> None:
    slack.channel("incidents", slack.person("robin"))
    async with muster(tmp_path, slack, written=SHOP) as stage:
        await stage.app.incidents.declare("search is slow", ROBIN)
        room = await stage.room()
        line = await says(slack, "incidents", "INC-1")
        await stage.settled()
        slack.world.delete(line)
        await stage.app.incidents.acknowledge(1, ROBIN)
        await stage.shown(room, "Acknowledged by Robin Vos")
        await stage.settled()
        assert lines(slack, "incidents") == []


# --- archived -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("may", [True, False], ids=["opened again", "replaced"])
async def test_a_room_is_archived_after_its_time_and_is_there_again_when_it_was_not_over(
    tmp_path: Path, slack: FakeSlack, may: bool
) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    general = slack.channel("general", robin)
    clock = Hurried()
    written = CATALOG + "rooms: {name: '{severity}-{number}-{slug}', archive_after: 3d}\n"
    async with muster(tmp_path, slack, clock=clock, written=written) as stage:
        await stage.alert(name="Checkout: 5xx & more!")
        [room] = await slack.until(lambda: [c for c in slack.world.channels.values() if c.name.startswith("sev")], 60.0)
        assert room.name == "sev2-1-checkout-5xx-more"
        card = await stage.card(room.name)
        await (await robin.press(card, "ack INC-1")).answer(seconds=60.0)
        await mika.join(room)
        await slack.until(lambda: {robin.id, mika.id} <= set(room.members), 60.0)
        await (await robin.command("/resolve", "rolled back", room)).answer(seconds=60.0)
        await stage.shown(room.name, "Resolved by Robin Vos")
        clock.advance(3 * DAY - 60)
        await stage.settled()
        assert not room.archived
        clock.advance(120)
        await slack.until(lambda: room.archived, 60.0)
        said = len(room.posts)
        if not may:
            slack.faults.plan("conversations.unarchive", "error", error="restricted_action", times=None)
        for person in (robin, mika):  # what becomes of an archived room's members is Slack's business
            room.members.remove(person.id)
        await (await robin.command("/incident", "reopen INC-1 it came back", general)).answer(seconds=60.0)
        name = room.name if may else f"{room.name}-2"
        now = await slack.until(lambda: (found := slack.world.named(name)) and not found.archived and found, 60.0)
        await stage.shown(name, "reopened it: it came back")
        assert "open" in (await stage.card(name)).shown.lower()
        await slack.until(lambda: {robin.id, mika.id} <= set(now.members), 60.0)
        await (await mika.command("/ack", "", name)).answer(seconds=60.0)
        await stage.shown(name, "Acknowledged by Mika Laine")
        await stage.settled()
        assert len(room.posts) > said if may else len(room.posts) == said
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_room_that_people_closed_is_left_closed_when_its_time_comes(tmp_path: Path, slack: FakeSlack) -> None:
    robin, clock = slack.person("robin"), Hurried()
    async with muster(tmp_path, slack, clock=clock) as stage:
        await stage.alert()
        room = slack.world.named(await stage.room())
        await stage.card(room.name)
        await stage.app.incidents.resolve(1, ROBIN)
        await stage.shown(room.name, "Resolved by Robin Vos")
        await stage.settled()
        robin.archive(room)
        clock.advance(8 * DAY)
        await slack.until(lambda: slack.calls_of("conversations.archive"), 60.0)
        await stage.settled()
        assert room.archived
        assert stage.rooms() == [room.name]
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_names_that_others_have_are_not_taken_from_them(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    theirs = slack.channel("inc-1-checkout", robin, with_app=False)
    archived = slack.channel("inc-1-checkout-2", robin, with_app=False)
    robin.archive(archived)
    async with muster(tmp_path, slack) as stage:
        await stage.app.incidents.declare("Checkout", ROBIN)
        await slack.until(lambda: slack.world.named("inc-1-checkout-3"), 60.0)
        await stage.card("inc-1-checkout-3")
        await stage.settled()
    assert not theirs.posts
    assert not archived.posts


# --- what they are --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "written"),
    [
        ("recipe", "recipes: [{name: all, opens: {private: true}}]"),
        ("service", "services: {checkout: {private: true}}"),
        ("severity", "rooms: {private: {severities: [SEV1, SEV2, SEV3, SEV4]}}"),
        ("nothing", ""),
    ],
)
async def test_a_room_is_private_by_recipe_service_or_severity(
    tmp_path: Path, slack: FakeSlack, why: str, written: str
) -> None:
    async with muster(tmp_path, slack, written=f"{written}\npeople: {{}}\n") as stage:
        await stage.alert()
        room = slack.world.named(await stage.room())
        await stage.card(room.name)
        assert room.kind == ("public" if why == "nothing" else "private")


async def test_the_topic_is_the_title_and_follows_it_the_purpose_says_whose_room_it_is_and_the_name_stays(
    tmp_path: Path, slack: FakeSlack
) -> None:
    written = f'{CATALOG}\nrooms: {{name: "{{severity}}-{{number}}-{{slug}}"}}\n'
    async with muster(tmp_path, slack, written=written) as stage:
        await stage.app.incidents.declare(f"checkout <!channel> {'is slow ' * 30}", ROBIN, severity="SEV2")
        named = await slack.until(lambda: [one for one in slack.world.channels.values() if "sev2-1-" in one.name], 60.0)
        room, name = named[0], named[0].name
        await stage.card(name)
        assert name.startswith("sev2-1-checkout-channel-is-slow")
        assert len(name) <= 80
        assert "INC-1 (muster-incident-1)" in room.purpose
        assert room.topic.startswith("checkout")
        assert len(room.topic) <= 250
        await stage.app.incidents.rename(1, "cards are declined", ROBIN)
        await slack.until(lambda: room.topic == "cards are declined", 60.0)
        assert room.name == name


# --- bookmarked -----------------------------------------------------------------------------------------------------------

LINKED = """
services:
  checkout: {depends_on: [cart], links: {dashboard: "https://grafana.example.org/d/checkout"}}
  cart: {links: {dashboard: "https://grafana.example.org/d/cart"}}
runbooks:
  slow: {title: Slow checkout, link: "https://wiki.example.org/slow", match: ['service="checkout"'], steps: [{command: [echo]}]}
"""


async def test_dashboards_and_runbooks_are_bookmarks_of_the_room_each_once(tmp_path: Path, slack: FakeSlack) -> None:
    public = {"MUSTER_PUBLIC_URL": "https://muster.example.org"}
    slack.faults.plan("bookmarks.add", "reset_after", times=1)
    async with muster(tmp_path, slack, written=LINKED, **public) as stage:
        await stage.alert(links=["https://evil.example.org/"])
        room = slack.world.named(await stage.room())
        await slack.until(lambda: len(room.bookmarks) == 3, 60.0)
        await stage.alert(name="CartErrors", service="cart", host="cart-1", summary="5xx at 40 %")
        await slack.until(lambda: len(room.bookmarks) == 4, 60.0)
        await stage.settled()
        assert [(mark["title"], mark["link"].split("/", 3)[2]) for mark in room.bookmarks] == [
            ("INC-1 in the situation room", "muster.example.org"),
            ("checkout dashboard", "grafana.example.org"),
            ("Runbook Slow checkout", "wiki.example.org"),
            ("cart dashboard", "grafana.example.org"),
        ]
        card = await stage.card(room.name)
        urls = [
            one.get("url")
            for block in card.blocks
            for part in block.get("elements", ())
            for one in part.get("elements", ())
        ]
        assert "https://grafana.example.org/d/cart" in urls
        assert "https://evil.example.org/" in urls


async def test_the_ticket_is_a_bookmark_that_follows_also_after_the_end(tmp_path: Path, slack: FakeSlack) -> None:
    mika = slack.person("mika")
    slack.faults.plan("bookmarks.remove", "reset_after", times=1)
    async with muster(tmp_path, slack, written=LINKED) as stage:
        await stage.alert()
        room = slack.world.named(await stage.room())

        def marks() -> list[str]:
            return [mark["title"] for mark in room.bookmarks]

        async def typed(words: str) -> str:
            return (await (await mika.command("/incident", f"ticket {words}", room)).answer(seconds=60.0)).shown

        await slack.until(lambda: len(room.bookmarks) == 2, 60.0)
        mine = slack.world.number("Bk")
        room.bookmarks.append(
            {"id": mine, "title": "Ticket of ours", "link": "https://tracker.example.org/browse/OPS-41"}
        )
        assert "is linked to INC-1" in await typed("<https://tracker.example.org/browse/OPS-41>")
        await stage.shown(room.name, "linked the ticket")
        await typed("https://tracker.example.org/browse/OPS-42?a=1&b=2")
        await slack.until(lambda: "Ticket OPS-42" in marks(), 60.0)
        await (await mika.command("/incident", "resolve", room)).answer(seconds=60.0)
        await typed("https://tracker.example.org/browse/OPS-43")
        await slack.until(lambda: "Ticket OPS-43" in marks() and "Ticket OPS-42" not in marks(), 60.0)
        await typed("-")
        await slack.until(lambda: "Ticket OPS-43" not in marks(), 60.0)
        await stage.settled()
        assert marks() == ["checkout dashboard", "Runbook Slow checkout", "Ticket of ours"]  # what people keep stays
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_room_without_bookmarks_is_a_room_still(tmp_path: Path, slack: FakeSlack) -> None:
    slack.app.scopes -= {"bookmarks:write"}
    async with muster(tmp_path, slack, written=LINKED) as stage:
        await stage.alert()
        await stage.card(await stage.room())
        await stage.settled()
        assert (await stage.ready())["outbox"]["dead"] == 0


# --- a user group is a team -----------------------------------------------------------------------------------------------

GROUPED = """
people: {mika: {name: Mika Laine, email: mika@example.org}}
teams: {payments: {members: [mika], slack_group: "@payments-oncall"}}
services: {checkout: {team: payments}}
recipes: [{name: all, opens: {invite: [team]}}]
"""


@pytest.mark.parametrize("paid", [True, False])
async def test_the_people_of_a_user_group_are_invited_else_the_members(
    tmp_path: Path, slack: FakeSlack, paid: bool
) -> None:
    slack.world.paid = paid
    zoe, mika = slack.person("zoe", real_name="Zoe Lind"), slack.person("mika")
    slack.group("payments-oncall", zoe)
    async with muster(tmp_path, slack, written=GROUPED) as stage:
        await slack.until(lambda: slack.calls_of("usergroups.list"), 60.0)
        if paid:
            await slack.until(lambda: slack.calls_of("users.info"), 60.0)
        await stage.alert()
        room = slack.world.named(await stage.room())
        await slack.until(lambda: (zoe if paid else mika).id in room.members, 60.0)
        await stage.settled()
        assert (mika if paid else zoe).id not in room.members
        if paid:
            await (await zoe.command("/ack", "", room)).answer(seconds=60.0)
            await stage.shown(room.name, "Acknowledged by Zoe Lind")
