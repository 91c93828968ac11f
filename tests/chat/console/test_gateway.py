"""The console as a platform: the contract of all gateways, on SQLite and PostgreSQL, and what is its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy import event, select

from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.console.drawing import describe
from bot.chat.gateway import Archiving, Gateway, Pinning, PostedMessage, Renaming
from bot.chat.views import Link, Notice, Person, decode_view
from bot.clock import ManualClock
from bot.errors import Permanent, Retryable
from bot.storage.database import Announcement, Database
from bot.storage.tables import console_rooms, messages
from tests.chat.gateway_contract import HOSTILE, GatewayContract, card, notice, page, request


class Console:
    """The console seen from its other side: its tables."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.gateway: Gateway = ConsoleGateway(database, clock)
        self.person = Person("robin", "Robin Vos")
        self.nowhere = PostedMessage(room="inc-99-nowhere", message="99")
        self.channel = ""
        self._database = database

    async def rooms(self) -> Sequence[str]:
        return await self._column(select(console_rooms.c.id).where(console_rooms.c.kind == "incident"))

    async def texts(self, room: str) -> Sequence[str]:
        return await self._column(select(messages.c.text).where(messages.c.room == room).order_by(messages.c.id))

    async def private_texts(self, person: Person) -> Sequence[str]:
        return await self.texts(f"dm-{person.id}")

    async def alarms(self) -> Sequence[str]:
        return []  # the console has no mentions

    async def _column(self, query: object) -> list[str]:
        async with self._database.reading() as connection:
            return list((await connection.execute(query)).scalars())  # type: ignore[call-overload]


class TestConsoleGateway(GatewayContract):
    @pytest.fixture
    def platform(self, database: Database, clock: ManualClock) -> Console:
        return Console(database, clock)


@pytest.fixture
def gateway(sqlite: Database, clock: ManualClock) -> ConsoleGateway:
    return ConsoleGateway(sqlite, clock)


@pytest.fixture
def told(sqlite: Database) -> list[Announcement]:
    """What the database announced."""
    heard: list[Announcement] = []
    sqlite.subscribe(heard.append)
    return heard


def test_the_console_has_every_capability(gateway: ConsoleGateway) -> None:
    assert isinstance(gateway, Pinning)
    assert isinstance(gateway, Renaming)
    assert isinstance(gateway, Archiving)


async def test_a_card_is_pinned_and_a_notice_is_not(sqlite: Database, gateway: ConsoleGateway) -> None:
    room = await gateway.open_room(request())
    await gateway.post(room, card(), nonce="a")
    await gateway.post(room, notice("hello"), nonce="b")
    async with sqlite.reading() as connection:
        pins = (await connection.execute(select(messages.c.pinned).order_by(messages.c.id))).scalars().all()
    assert pins == [True, False]


async def test_rooms_and_messages_are_announced_after_the_commit(
    gateway: ConsoleGateway, told: list[Announcement]
) -> None:
    room = await gateway.open_room(request())
    message = await gateway.post(room, notice("one"), nonce="a")
    await gateway.post(room, notice("one"), nonce="a")
    await gateway.edit(message, notice("two"))
    await gateway.edit(message, notice("two"))
    await gateway.archive(room)
    assert [(a.topic, a.data["id"]) for a in told] == [
        ("room", room),
        ("message", int(message.message)),
        ("edited", int(message.message)),
        ("room", room),
    ]


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("inc-42-checkout-latency", "inc-42-checkout-latency"),
        ("Inc 42: Checkout/Latency!", "inc-42-checkout-latency"),
        ("lobby", "lobby-2"),
        ("dm-robin", "room-dm-robin-2"),
        ("\u202e///", "room"),
        ("x" * 200, "x" * 80),
    ],
)
async def test_a_room_is_named_as_it_can_be_written_in_an_address(
    gateway: ConsoleGateway, wish: str, name: str
) -> None:
    assert await gateway.open_room(request(name=wish)) == name


async def test_the_title_and_the_texts_of_a_view_are_harmless(
    sqlite: Database, clock: ManualClock, gateway: ConsoleGateway
) -> None:
    room = await gateway.open_room(request(title=HOSTILE))
    await gateway.post(room, card(title=HOSTILE + "x" * 100_000), nonce="a")
    talk = ConsoleConversation(sqlite, clock)
    (message,) = await talk.history(room)
    shown = msgspec.json.encode(message.view).decode() + message.text + (await talk.room(room)).title
    assert "\u202e" not in shown
    assert "\\u0000" not in shown
    assert "\x1b" not in shown
    assert len(shown) < 60_000
    assert "<script>alert(1)</script>" in message.text  # left as it is: whoever draws it escapes it


async def test_only_web_links_are_kept_as_links(sqlite: Database, clock: ManualClock, gateway: ConsoleGateway) -> None:
    room = await gateway.open_room(request())
    said = Notice(text=(Link("run me", "javascript:alert(1)"), " ", Link("read me", "HTTPS://example.org/x")))
    await gateway.post(room, said, nonce="a")
    await gateway.post(
        room, card(links=(Link("bad", "file:///etc/passwd"), Link("good", "http://x.example"))), nonce="b"
    )
    async with sqlite.reading() as connection:
        views = [decode_view(v) for v in (await connection.execute(select(messages.c.view_json))).scalars()]
    assert views[0] == Notice(text=("run me", " ", Link("read me", "HTTPS://example.org/x")))
    assert views[1] == card(links=(Link("good", "http://x.example"),))


async def test_a_disk_that_is_full_makes_a_delivery_that_may_arrive_later(
    sqlite: Database, gateway: ConsoleGateway
) -> None:
    import sqlite3

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    room = await gateway.open_room(request())
    event.listen(sqlite._writer.sync_engine, "before_cursor_execute", full)
    with pytest.raises(Retryable, match="disk is full") as caught:
        await gateway.post(room, notice("hello"), nonce="a")
    assert caught.value.retry_after
    event.remove(sqlite._writer.sync_engine, "before_cursor_execute", full)
    await gateway.post(room, notice("hello"), nonce="a")


async def test_a_message_of_a_person_is_not_muster_s_to_edit(
    sqlite: Database, clock: ManualClock, gateway: ConsoleGateway
) -> None:
    room = await gateway.open_room(request())
    said = await ConsoleConversation(sqlite, clock).say(room, Person("mika", "Mika Laine"), "mine")
    with pytest.raises(Permanent):
        await gateway.edit(PostedMessage(room=room, message=str(said)), notice("not any more"))


def test_the_words_of_a_view_tell_all_of_it() -> None:
    words = describe(card())
    assert words.splitlines() == [
        "SEV2 INC-42 checkout latency",
        "open since 09:00 UTC, led by Robin Vos",
        "37 alerts, 30 firing",
        "Services: checkout 21, cart 9",
        "Where: eu-west-1",
        "Probable cause: Probably payments-api: first at 09:00 UTC",
        "Suspect: deploy a1b2c3d by Robin Vos",
        "Next: Take it: /incident ack",
    ]
    assert describe(page()) == "SEV2 INC-42 checkout latency\n37 alerts on 4 services"
    told = Notice(text=("Ran.",), details=(("step 1",), ("step 2",)), output="ok\n")
    assert describe(told) == "Ran.\n- step 1\n- step 2\nok\n"
