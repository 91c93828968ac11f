"""What holds for every chat platform. A platform's test module subclasses `GatewayContract` and gives a `platform` fixture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import pytest

from bot.chat.gateway import (
    Announcing,
    Archiving,
    Bookmarking,
    Gateway,
    MessageLost,
    Pinning,
    PostedMessage,
    Renaming,
    RoomRequest,
    Withdrawing,
)
from bot.chat.views import (
    Announcement,
    Button,
    Card,
    Code,
    Link,
    Moment,
    Notice,
    Page,
    Person,
    Picture,
    RoleHolder,
    ServiceCount,
    Strong,
    View,
    text,
)
from bot.errors import Permanent

ONSET = 1_767_603_600.0
HOSTILE = (
    "<!channel> <!here> @everyone @here <@U01ROBIN> <@80351110224678912> <#C1|general> <https://evil.example|safe> "
    "<script>alert(1)</script> *bold* _it_ `code` ```fence``` [x](https://evil.example) \u202egnp.exe\u202c \x00\x1b[31m & < >"
)


# The smallest picture there is: one pixel. https://www.w3.org/TR/png-3/
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c636868680000030401"
    "814bd3d2100000000049454e44ae426082"
)


class Platform(Protocol):
    """A platform under test, seen from its other side."""

    gateway: Gateway
    person: Person  # somebody whom the platform knows
    nowhere: PostedMessage  # well formed, of a room and a message that never were
    channel: str  # one that is nobody's room, as the catalogue names it; "" where the platform announces nothing

    async def rooms(self) -> Sequence[str]:
        """The ids of the rooms that were opened."""
        ...

    async def texts(self, room: str) -> Sequence[str]:
        """What stands in a room now, oldest first, as plain text."""
        ...

    async def private_texts(self, person: Person) -> Sequence[str]:
        """What stands in the conversation with one person."""
        ...

    async def alarms(self) -> Sequence[str]:
        """Mentions that made somebody's phone ring: of a channel, of everyone, of a person nobody meant."""
        ...


def request(number: int = 42, name: str = "", marker: str = "", title: str = "checkout latency") -> RoomRequest:
    return RoomRequest(
        marker=marker or f"muster-incident-{number}",
        name=name or f"inc-{number}-checkout-latency",
        incident=f"INC-{number}",
        title=title,
    )


def notice(words: str) -> Notice:
    return Notice(text=(words,))


def card(title: str = "checkout latency", **changes: object) -> Card:
    fields: dict[str, object] = {
        "incident": "INC-42",
        "title": title,
        "severity": "SEV2",
        "status": "open",
        "status_since": ONSET,
        "opened_at": ONSET,
        "lead": Person("robin", "Robin Vos"),
        "alert_count": 37,
        "firing_count": 30,
        "services": (ServiceCount("checkout", 21), ServiceCount("cart", 9)),
        "location": "eu-west-1",
        "cause": text("Probably ", Strong("payments-api"), ": first at ", Moment(ONSET)),
        "suspects": (text("deploy ", Code("a1b2c3d"), " by ", Person("robin", "Robin Vos")),),
        "next_step": text("Take it: ", Code("/incident ack")),
        "buttons": (Button(label="Acknowledge", command="ack INC-42", style="primary"),),
        "links": (Link("Dashboard", "https://grafana.example.org/d/checkout"),),
    }
    return Card(**{**fields, **changes})  # type: ignore[arg-type]


def page(words: str = "37 alerts on 4 services") -> Page:
    return Page(
        incident="INC-42",
        headline=text(Strong("SEV2 INC-42"), " checkout latency"),
        body=(words,),
        buttons=(Button(label="Acknowledge", command="ack INC-42", style="primary"),),
    )


def picture(alt: str = "37 alerts since 02:14 on 4 services, most on checkout") -> Picture:
    return Picture.of(PIXEL, incident="INC-42", name="INC-42-alerts.png", alt=alt)


def announcement(title: str = "checkout latency", *, room: str = "", status: str = "open") -> Announcement:
    said = text(
        Strong("SEV2 INC-42"), f" {title}: {status} since ", Moment(ONSET), ", ", Person("mika", title), " leads"
    )
    return Announcement(incident="INC-42", status=status, text=said, room=room)


class GatewayContract:
    """The tests. `platform` is the only thing to give."""

    @pytest.fixture
    def gateway(self, platform: Platform) -> Gateway:
        return platform.gateway

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def test_a_room_asked_for_twice_is_one_room(self, platform: Platform, gateway: Gateway) -> None:
        first = await gateway.open_room(request())
        assert await gateway.open_room(request()) == first
        assert list(await platform.rooms()) == [first]

    async def test_a_room_asked_for_many_times_at_once_is_one_room(self, platform: Platform, gateway: Gateway) -> None:
        opened = await asyncio.gather(*(gateway.open_room(request()) for _ in range(5)))
        assert len(set(opened)) == 1
        assert list(await platform.rooms()) == [opened[0]]

    async def test_two_incidents_that_wish_for_one_name_get_two_rooms(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        first = await gateway.open_room(request(1, name="inc-checkout"))
        second = await gateway.open_room(request(2, name="inc-checkout"))
        assert first != second
        assert sorted(await platform.rooms()) == sorted([first, second])
        assert await gateway.open_room(request(2, name="inc-checkout")) == second

    async def test_a_name_that_no_platform_would_take_still_makes_a_room(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        room = await gateway.open_room(request(name="Ünïcode / <!channel> " + "x" * 300, title=HOSTILE))
        await gateway.post(room, notice("here"), nonce="n1")
        assert list(await platform.texts(room))[-1].endswith("here")

    # --- posts --------------------------------------------------------------------------------------------------------

    async def test_a_post_is_there_once_however_often_it_is_sent(self, platform: Platform, gateway: Gateway) -> None:
        room = await gateway.open_room(request())
        first = await gateway.post(room, notice("all clear"), nonce="effect-1")
        assert await gateway.post(room, notice("all clear"), nonce="effect-1") == first
        assert [said for said in await platform.texts(room) if "all clear" in said] == ["all clear"]

    async def test_a_post_that_is_sent_again_with_newer_words_shows_those(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        room = await gateway.open_room(request())
        first = await gateway.post(room, notice("3 alerts"), nonce="progress-1")
        assert await gateway.post(room, notice("4 alerts"), nonce="progress-1") == first
        assert [said for said in await platform.texts(room) if "alerts" in said] == ["4 alerts"]

    async def test_posts_stand_in_the_order_in_which_they_were_sent(self, platform: Platform, gateway: Gateway) -> None:
        room = await gateway.open_room(request())
        for number in range(5):
            await gateway.post(room, notice(f"line {number}"), nonce=f"effect-{number}")
        said = [words for words in await platform.texts(room) if words.startswith("line")]
        assert said == [f"line {number}" for number in range(5)]

    async def test_an_edit_replaces_what_a_message_shows(self, platform: Platform, gateway: Gateway) -> None:
        room = await gateway.open_room(request())
        message = await gateway.post(room, notice("first words"), nonce="effect-1")
        await gateway.edit(message, notice("second words"))
        await gateway.edit(message, notice("second words"))
        said = "\n".join(await platform.texts(room))
        assert "second words" in said
        assert "first words" not in said

    async def test_what_cannot_arrive_is_permanent(self, platform: Platform, gateway: Gateway) -> None:
        with pytest.raises(Permanent):
            await gateway.post(platform.nowhere.room, notice("anybody?"), nonce="effect-1")
        with pytest.raises(Permanent):
            await gateway.edit(platform.nowhere, notice("anybody?"))

    @pytest.mark.parametrize(
        "view",
        [
            card(),
            card(title=HOSTILE, cause=(HOSTILE,), suspects=((HOSTILE,),)),
            card(
                title="x" * 1_000_000,
                services=tuple(ServiceCount(f"service-{n}", n) for n in range(500)),
                suspects=tuple((f"suspect {n} " + "y" * 500,) for n in range(50)),
                buttons=tuple(Button(label=f"Button {n} " + "z" * 200, command=f"note {n}") for n in range(40)),
            ),
            card(title="", lead=None, services=(), cause=(), suspects=(), next_step=(), buttons=(), links=()),
            card(
                roles=(
                    RoleHolder("communications", Person("mika", "Mika Laine")),
                    RoleHolder(HOSTILE, Person("x", HOSTILE)),
                ),
                update=text(
                    "Last update ", Moment(ONSET), f" by Mika: {HOSTILE * 20}; next due ", Moment(ONSET + 1800)
                ),
                ruled_out=text("cart (", Person("mika", "Mika Laine"), f": {HOSTILE})"),
                picture=picture(HOSTILE),
            ),
            Notice(text=("Alerts over time",), picture=picture()),
            notice(HOSTILE),
            Notice(
                text=("Output of ", Code("restart-checkout")),
                tone="bad",
                details=tuple((f"detail {n} " + "d" * 300,) for n in range(60)),
                output="line of output\n" * 20_000,
                buttons=(Button(label="Cancel", command="runbook cancel", style="danger", confirm="Stop it?"),),
            ),
            Notice(text=(Link(HOSTILE, "javascript:alert(1)"), Link("ok", "https://example.org"), Code(HOSTILE))),
            Notice(text=()),
            announcement(HOSTILE, room=HOSTILE, status=HOSTILE),
            announcement("x" * 100_000),
            Announcement(incident="", status="", text=()),
            page(HOSTILE),
            page("w" * 100_000),
        ],
        ids=lambda view: type(view).__name__.lower(),
    )
    async def test_every_view_arrives_and_rings_nobody(self, platform: Platform, gateway: Gateway, view: View) -> None:
        room = await gateway.open_room(request())
        message = await gateway.post(room, view, nonce="effect-1")
        await gateway.edit(message, view)
        assert list(await platform.alarms()) == []
        assert "\u202e" not in "".join(await platform.texts(room))

    # --- people -------------------------------------------------------------------------------------------------------

    async def test_a_direct_message_reaches_one_person_once_and_no_room(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        room = await gateway.open_room(request())
        first = await gateway.direct(platform.person, page("wake up"), nonce="page-1")
        assert await gateway.direct(platform.person, page("wake up"), nonce="page-1") == first
        assert sum("wake up" in said for said in await platform.private_texts(platform.person)) == 1
        assert not any("wake up" in said for said in await platform.texts(room))

    async def test_a_direct_message_can_be_edited(self, platform: Platform, gateway: Gateway) -> None:
        message = await gateway.direct(platform.person, page("wake up"), nonce="page-1")
        await gateway.edit(message, page("answered by Mika"))
        said = "\n".join(await platform.private_texts(platform.person))
        assert "answered by Mika" in said
        assert "wake up" not in said

    async def test_an_invitation_may_be_repeated(self, platform: Platform, gateway: Gateway) -> None:
        room = await gateway.open_room(request())
        for _ in range(2):
            invitation = await gateway.invite(room, [platform.person])
            assert [person.id for person in invitation.joined] == [platform.person.id]
            assert invitation.failed == ()

    async def test_nobody_to_invite_is_no_error(self, gateway: Gateway) -> None:
        room = await gateway.open_room(request())
        assert (await gateway.invite(room, [])).joined == ()

    # --- capabilities -------------------------------------------------------------------------------------------------

    async def test_a_pin_may_be_repeated(self, gateway: Gateway) -> None:
        if not isinstance(gateway, Pinning):
            pytest.skip(f"{gateway.platform} pins nothing")
        room = await gateway.open_room(request())
        message = await gateway.post(room, card(), nonce="effect-1")
        await gateway.pin(message)
        await gateway.pin(message)

    async def test_what_is_withdrawn_is_gone_and_may_be_withdrawn_again(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        if not isinstance(gateway, Withdrawing):
            pytest.skip(f"{gateway.platform} withdraws nothing")
        room = await gateway.open_room(request())
        message = await gateway.post(room, notice("the password is 1234"), nonce="effect-1")
        for _ in range(2):
            await gateway.withdraw(message)
        assert not [said for said in await platform.texts(room) if "1234" in said]
        with pytest.raises(MessageLost):
            await gateway.edit(message, notice("again"))

    async def test_another_title_leaves_the_room_what_it_is(self, platform: Platform, gateway: Gateway) -> None:
        if not isinstance(gateway, Renaming):
            pytest.skip(f"{gateway.platform} retitles nothing")
        room = await gateway.open_room(request())
        await gateway.retitle(room, HOSTILE + "t" * 1000)
        assert await gateway.open_room(request()) == room
        assert list(await platform.rooms()) == [room]

    async def test_an_archived_room_stays_readable_and_may_be_archived_again(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        if not isinstance(gateway, Archiving):
            pytest.skip(f"{gateway.platform} archives nothing")
        room = await gateway.open_room(request())
        await gateway.post(room, notice("the last word"), nonce="effect-1")
        await gateway.archive(room)
        await gateway.archive(room)
        assert any("the last word" in said for said in await platform.texts(room))

    async def test_an_archived_room_that_is_asked_for_again_takes_posts(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        if not isinstance(gateway, Archiving):
            pytest.skip(f"{gateway.platform} archives nothing")
        room = await gateway.open_room(request())
        await gateway.archive(room)
        assert await gateway.open_room(request()) == room
        await gateway.post(room, notice("it came back"), nonce="effect-1")
        assert any("it came back" in said for said in await platform.texts(room))

    async def test_bookmarks_may_be_repeated_and_hostile(self, platform: Platform, gateway: Gateway) -> None:
        if not isinstance(gateway, Bookmarking):
            pytest.skip(f"{gateway.platform} bookmarks nothing")
        room = await gateway.open_room(request())
        kept = [
            Link("dashboard", "https://grafana.example.org/d/x"),
            Link(HOSTILE, "https://a.example"),
            Link("", "javascript:1"),
        ]
        for _ in range(2):
            await gateway.bookmark(room, kept)
        for _ in range(2):  # what is gone may be gone already
            await gateway.bookmark(room, kept[1:], gone=[kept[0], Link("never", "https://b.example")])
        assert list(await platform.alarms()) == []

    async def test_an_incident_is_announced_once_and_kept_true_in_place(
        self, platform: Platform, gateway: Gateway
    ) -> None:
        if not isinstance(gateway, Announcing):
            pytest.skip(f"{gateway.platform} announces nothing")
        channel = await gateway.find_channel(platform.channel)
        assert await gateway.find_channel(platform.channel) == channel
        room = await gateway.open_room(request())
        assert room != channel
        first = await gateway.post(channel, announcement(room=""), nonce="announcement-1")
        assert await gateway.post(channel, announcement(room=""), nonce="announcement-1") == first
        await gateway.edit(first, announcement(room=room, status="resolved"))
        [said] = [words for words in await platform.texts(channel) if "INC-42" in words]
        assert "SEV2" in said
        assert "checkout latency" in said
        assert "resolved" in said
        assert list(await platform.alarms()) == []

    @pytest.mark.parametrize("named", ["#there-is-no-such-channel", "0", HOSTILE])
    async def test_a_channel_that_is_not_there_is_told_with_a_way_out(self, gateway: Gateway, named: str) -> None:
        if not isinstance(gateway, Announcing):
            pytest.skip(f"{gateway.platform} announces nothing")
        with pytest.raises(Permanent) as caught:
            await gateway.find_channel(named)
        assert "catalogue" in str(caught.value)
        assert "\u202e" not in str(caught.value)
