"""Whoever made the suspect change is brought in: invited, told in the room, briefed alone; never twice, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import BadArguments, NotFound
from tests.commands.world import MIKA, ROBIN, World, shown, world


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        await made.opened()
        yield made


async def test_the_author_of_the_first_suspect_is_invited_and_everybody_told_why(here: World) -> None:
    await here.changed(1, here.deploy())
    reply = await here.say("owner", room=1)
    assert shown(reply) == (
        "Invited Robin Vos: deployed payments-api a1b2c3d at 08:53 UTC, 3 min before the first alert, 1 hop upstream."
    )
    assert not reply.failed
    assert len(await here.effects("card")) == 1, "it need not offer that any more"
    assert (await here.effects("invite"))[0]["people"] == [{"span": "person", "id": "robin", "name": "Robin Vos"}]
    assert await here.announced() == [
        (
            "Mika Laine invited Robin Vos, who deployed payments-api a1b2c3d at 08:53 UTC, 3 min before the first alert, "
            "1 hop upstream. / Retry the payment once (https://git.example.org/payments/commit/a1b2c3d) / "
            "Suspected from time and place; it may have nothing to do with it."
        )
    ]
    assert await here.announced("direct") == [
        (
            "SEV2 INC-1 checkout latency, eu-west-1: 3 alerts on 2 services since 08:56 UTC (4 min ago). "
            "You deployed payments-api a1b2c3d at 08:53 UTC, 3 min before the first alert, 1 hop upstream. "
            "It may have nothing to do with it; you know best. Mika Laine asks you into the room. / "
            "The change (https://git.example.org/payments/commit/a1b2c3d) / Where it stands: /incident show INC-1"
        )
    ]
    assert (await here.story(1))[-1].startswith(
        "Mika Laine invited Robin Vos, who deployed payments-api a1b2c3d at 08:53"
    )
    assert "With Robin Vos" in shown(await here.say("show", room=1))


async def test_inviting_twice_says_so_and_does_nothing(here: World) -> None:
    await here.changed(1, here.deploy())
    await here.say("owner", room=1)
    here.clock.advance(60)
    assert shown(await here.say("owner", room=1)).startswith("Robin Vos was invited 1 min ago: deployed payments-api")
    assert len(await here.announced()) == len(await here.announced("direct")) == 1


async def test_two_who_press_at_once_invite_once(here: World) -> None:
    await here.changed(1, here.deploy())
    await asyncio.gather(*(here.say("owner", room=1) for _ in range(5)))
    assert len(await here.announced()) == len(await here.announced("direct")) == len(await here.effects("invite")) == 1


async def test_the_nth_suspect_and_the_way_to_the_next(here: World) -> None:
    second = here.deploy(id="b", revision="bbbbbbbb", author_login="mlaine", author_name="Mika Laine", before=600.0)
    await here.changed(1, here.deploy(), second)
    assert shown(await here.say("owner", room=1)).splitlines()[-1] == "Next suspect: /incident owner 2"
    assert shown(await here.say("owner 2", actor=ROBIN, room=1)) == (
        "Invited Mika Laine: deployed payments-api bbbbbbbb at 08:50 UTC, 6 min before the first alert, 1 hop upstream."
    )
    with pytest.raises(BadArguments, match="There are only 2 suspect changes of INC-1"):
        await here.services.owners.invite(1, MIKA, 3)


async def test_all_are_invited_each_once(here: World) -> None:
    again = here.deploy(id="b", revision="bbbbbbbb", before=600.0)
    third = here.deploy(id="c", service="cart", author_login="mlaine", author_name="", before=900.0)
    await here.changed(1, here.deploy(), again, third)
    reply = await here.say("owner --all", actor=ROBIN, room=1)
    assert len(shown(reply).splitlines()) == 3
    assert sorted(p["people"][0]["id"] for p in await here.effects("invite")) == ["mika", "robin"]
    assert (await here.say("owner 2 --all", room=1)).failed


async def test_an_author_who_is_nobody_here_is_said_with_the_way_to_map(here: World) -> None:
    await here.changed(1, here.deploy(author_login="build-bot", author_name="build-bot"))
    reply = await here.say("owner", room=1)
    assert shown(reply) == (
        'The change is by "build-bot", who is nobody here (deploy payments-api a1b2c3d). '
        'To map people: in the catalogue set people.NAME.github: "build-bot".'
    )
    assert reply.failed
    assert await here.effects("invite") == []


async def test_a_bot_that_commits_with_somebodys_address_is_that_person(here: World) -> None:
    await here.changed(1, here.deploy(author_login="", author_name="CI", author_email="mika@example.org"))
    assert shown(await here.say("owner", actor=ROBIN, room=1)).startswith("Invited Mika Laine")


async def test_a_change_of_nobody_says_what_is_missing(here: World) -> None:
    await here.changed(1, here.deploy(author_login="", author_name=""))
    assert shown(await here.say("owner", room=1)) == (
        "The change does not say who made it (deploy payments-api a1b2c3d). "
        "To know: send author.email or author.login with it."
    )


async def test_ones_own_change_is_told_in_the_room_without_a_brief(here: World) -> None:
    await here.changed(1, here.deploy())
    assert shown(await here.say("owner", actor=ROBIN, room=1)).startswith("That change is yours: you deployed")
    [said] = await here.announced()
    assert said.startswith("Robin Vos deployed payments-api a1b2c3d at 08:53 UTC")
    assert (await here.story(1))[-1] == (
        "Robin Vos, who deployed payments-api a1b2c3d at 08:53 UTC, 3 min before the first alert, 1 hop upstream, is in the room."
    )
    assert await here.announced("direct") == []


async def test_without_ranked_suspects_the_nearest_change_is_taken_and_said_to_be_a_guess(here: World) -> None:
    await here.changed(1, here.deploy(before=400.0), here.deploy(id="old", before=20_000.0), suspect=False)
    lines = shown(await here.say("owner", room=1)).splitlines()
    assert lines[0].startswith("Invited Robin Vos: deployed payments-api a1b2c3d")
    assert lines[1:] == ["No change stands out; this one is only near in time.", "Next suspect: /incident owner 2"]


async def test_without_any_change_it_is_said_where_changes_come_from(here: World) -> None:
    with pytest.raises(
        NotFound, match=r"No change is known on checkout, cart or what they depend on in the 1 d before"
    ):
        await here.services.owners.invite(1, MIKA)


async def test_a_change_of_a_repository_of_many_services_counts_once(here: World) -> None:
    await here.changed(1, here.deploy(id="d#checkout", service="checkout"), here.deploy(id="d#cart", service="cart"))
    outcome = await here.services.owners.invite(1, MIKA)
    assert outcome.following is None
    assert outcome.invited[0].person == ROBIN
