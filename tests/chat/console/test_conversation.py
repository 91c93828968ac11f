"""What people say in the console's rooms: kept, bounded, harmless, and private where it should be."""

from __future__ import annotations

import pytest

from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.views import Person
from bot.clock import ManualClock
from bot.errors import InvalidTransition, MalformedPayload, NotFound
from bot.storage.database import Database
from tests.chat.gateway_contract import card, notice, page, request

ROBIN = Person("robin", "Robin Vos")


@pytest.fixture
async def talk(sqlite: Database, clock: ManualClock) -> ConsoleConversation:
    conversation = ConsoleConversation(sqlite, clock)
    await conversation.prepare()
    return conversation


@pytest.fixture
def gateway(sqlite: Database, clock: ManualClock) -> ConsoleGateway:
    return ConsoleGateway(sqlite, clock)


async def test_the_lobby_is_always_there_and_only_once(talk: ConsoleConversation) -> None:
    await talk.prepare()
    assert [(room.id, room.kind) for room in await talk.rooms()] == [("lobby", "lobby")]


async def test_what_is_said_is_read_back_in_order_page_by_page(talk: ConsoleConversation) -> None:
    ids = [await talk.say("lobby", ROBIN, f"line {n}") for n in range(7)]
    newest = await talk.history("lobby", limit=3)
    assert [message.text for message in newest] == ["line 4", "line 5", "line 6"]
    older = await talk.history("lobby", before=newest[0].id, limit=3)
    assert [message.id for message in older] == ids[1:4]
    assert (older[0].author, older[0].author_name, older[0].author_kind) == ("robin", "Robin Vos", "person")


@pytest.mark.parametrize("words", ["", "  \n", "x" * 4001])
async def test_a_message_without_words_or_too_long_is_refused_with_its_path(
    talk: ConsoleConversation, words: str
) -> None:
    with pytest.raises(MalformedPayload) as caught:
        await talk.say("lobby", ROBIN, words)
    assert (caught.value.path, caught.value.status) == ("text", 422)
    assert await talk.history("lobby") == []


async def test_control_and_bidi_characters_are_neutralised_and_line_ends_stay(talk: ConsoleConversation) -> None:
    await talk.say("lobby", ROBIN, "a\x00b \u202egnp.exe\r\nשלמ\tno\x1b[31mred")
    (message,) = await talk.history("lobby")
    assert message.text == "a\ufffdb \ufffdgnp.exe\nשלמ\tnored"


async def test_in_an_archived_room_nothing_is_said_any_more(talk: ConsoleConversation, gateway: ConsoleGateway) -> None:
    room = await gateway.open_room(request())
    await gateway.archive(room)
    with pytest.raises(InvalidTransition, match="archived"):
        await talk.say(room, ROBIN, "one more thing")
    await gateway.open_room(request())
    await talk.say(room, ROBIN, "it is back")


async def test_a_room_that_is_not_there_is_not_found(talk: ConsoleConversation) -> None:
    with pytest.raises(NotFound):
        await talk.say("attic", ROBIN, "hello?")
    with pytest.raises(NotFound):
        await talk.room("attic")


async def test_private_rooms_are_listed_for_their_person_only(
    talk: ConsoleConversation, gateway: ConsoleGateway, clock: ManualClock
) -> None:
    clock.advance(10)
    await gateway.direct(ROBIN, page(), nonce="p")
    assert [room.id for room in await talk.rooms(person="robin")] == ["dm-robin", "lobby"]
    assert [room.id for room in await talk.rooms(person="mika")] == ["lobby"]
    assert not (await talk.room("dm-robin")).open_to("mika")


async def test_rooms_are_paged_newest_first_and_know_when_something_was_last_said(
    talk: ConsoleConversation, gateway: ConsoleGateway, clock: ManualClock
) -> None:
    for number in range(1, 5):
        clock.advance(10)
        await gateway.open_room(request(number, name=f"inc-{number}"))
    clock.advance(100)
    await gateway.post("inc-1", notice("late"), nonce="a")
    first = await talk.rooms(limit=3)
    assert [room.id for room in first] == ["inc-4", "inc-3", "inc-2"]
    rest = await talk.rooms(before=(first[-1].created_at, first[-1].id), limit=3)
    assert (rest[0].id, rest[0].last_at) == ("inc-1", clock.now())


async def test_pinned_messages_are_found_however_much_was_said_since(
    talk: ConsoleConversation, gateway: ConsoleGateway
) -> None:
    room = await gateway.open_room(request())
    posted = await gateway.post(room, card(), nonce="card")
    for n in range(5):
        await talk.say(room, ROBIN, f"line {n}")
    assert [str(message.id) for message in await talk.pinned(room)] == [posted.message]
