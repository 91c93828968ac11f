"""What is told in the situation room when a platform is away: when it lasts, once, and how much waited."""

from __future__ import annotations

import pytest

from bot.chat.absence import LOUD, Absence
from bot.chat.console import ConsoleConversation, ConsoleGateway
from bot.chat.conversation import LOBBY
from bot.chat.outbox import enqueue
from bot.clock import ManualClock
from bot.storage.database import Database


class Room:
    """The situation room, where it is told."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self._database, self._clock = database, clock
        self._conversation = ConsoleConversation(database, clock)
        self.absence = Absence("discord", "Discord", ConsoleGateway(database, clock), database, clock)

    async def said(self) -> list[str]:
        return [message.text for message in await self._conversation.history(LOBBY)]

    async def wait(self, platform: str, many: int) -> None:
        async with self._database.transaction() as work:
            for number in range(many):
                payload = {"number": number}
                await enqueue(work, platform=platform, lane=platform, kind="post", payload=payload, at=0.0)


@pytest.fixture
async def room(sqlite: Database, clock: ManualClock) -> Room:
    made = Room(sqlite, clock)
    await ConsoleConversation(sqlite, clock).prepare()
    return made


async def test_a_moment_without_a_connection_is_no_news(room: Room, clock: ManualClock) -> None:
    await room.absence.look("away")
    clock.advance(LOUD - 0.1)
    await room.absence.look("away")
    await room.absence.look("")
    clock.advance(LOUD)
    await room.absence.look("away")
    assert await room.said() == []


async def test_what_lasts_is_told_once_and_so_is_its_end_with_how_much_waited(room: Room, clock: ManualClock) -> None:
    await room.wait("slack", 3)
    await room.absence.look("It does not answer.")
    await room.wait("discord", 14)
    clock.advance(540.0)
    for _ in range(3):
        await room.absence.look("It does not answer.")
    for _ in range(3):
        await room.absence.look("")
    first, second = await room.said()
    assert first == "It does not answer."
    assert second.startswith("Discord was unreachable ")
    assert second.endswith(" UTC. 14 updates arrive now, in order.")


@pytest.mark.parametrize(("many", "words"), [(0, "Nothing waited."), (1, "1 update arrives now.")])
async def test_what_somebody_has_to_act_on_is_told_at_once(room: Room, many: int, words: str) -> None:
    await room.wait("discord", many)
    await room.absence.look("The token is refused.", at_once=True)
    await room.absence.look("")
    told, back = await room.said()
    assert told == "The token is refused."
    assert back.endswith(words)


async def test_what_should_be_known_is_told_once_until_it_changes(room: Room) -> None:
    for remarks in [("no pins",), ("no pins",), (), ("no pins", "nearly full")]:
        await room.absence.remark(*remarks)
    assert sorted(await room.said()) == ["nearly full", "no pins", "no pins"]
