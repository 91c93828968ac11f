"""mirror: what is said in one room is read in the others, or is not, from now on."""

from __future__ import annotations

from sqlalchemy import insert

from bot.storage import tables
from tests.commands.world import World, shown


async def with_rooms(here: World, *platforms: str) -> int:
    """An incident with rooms on these platforms."""
    number = await here.opened()
    async with here.database.transaction() as work:
        for platform in platforms:
            room = {"incident": number, "platform": platform, "name": "inc-1", "external": "C1", "state": "open"}
            await work.connection.execute(insert(tables.rooms).values(room))
    return number


async def test_how_it_is_says_where_words_are_read_and_how_to_change_it(here: World) -> None:
    number = await with_rooms(here, "console", "discord", "slack")
    assert shown(await here.say("mirror", room=number)) == (
        "What is said about INC-1 in Discord, Slack or the situation room is read in all of them. "
        "To keep it apart: /incident mirror off"
    )


async def test_off_and_on_again_are_told_to_the_rooms_and_stand_on_the_timeline(here: World) -> None:
    number = await with_rooms(here, "console", "discord", "slack")
    off = shown(await here.say("mirror off", room=number))
    assert off.startswith("What is said about INC-1 in Discord, Slack or the situation room stays there,")
    assert off.endswith("To mirror it: /incident mirror on")
    again = await here.say("mirror off", room=number)
    assert (again.failed, shown(again)) == (True, "The rooms of INC-1 are kept apart already.")
    await here.say("mirror on", room=number)
    told = ["keeps what is said to the room it is said in", "mirrors what is said in one room to the others"]
    assert await here.announced() == [f"Mika Laine {what}, from now on." for what in told]
    assert await here.story(number) == [f"Mika Laine {what}" for what in told]


async def test_where_there_is_no_other_room_it_says_so(here: World) -> None:
    number = await with_rooms(here, "console")
    assert shown(await here.say("mirror", room=number)) == "INC-1 has one room, the situation room: nothing to mirror."
