"""Discord when things go wrong: nothing is doubled, nothing is lost, and it is told what is wrong and what to do."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.chat import absence
from bot.chat.discord import client, hearing, lacking, socket, supervision
from bot.chat.views import Person as Somebody
from tests.fakes.discord import FakeDiscord, Person
from tests.scenarios.discord_stage import SPEED, Stage, alert, muster, plain

ROBIN = Somebody("robin", "Robin Vos")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are short here."""
    monkeypatch.setattr(client, "AWAY", 0.1)
    monkeypatch.setattr(lacking, "AGAIN", 0.5)
    monkeypatch.setattr(supervision, "AWAY", 0.1)
    monkeypatch.setattr(client, "LOCKED_OUT", 0.3)
    monkeypatch.setattr(supervision, "LOCKED_OUT", 0.3)
    monkeypatch.setattr(supervision, "RESUMING", 1.0)
    monkeypatch.setattr(supervision, "PAUSE", 0.1)
    monkeypatch.setattr(socket, "SPACE", 5.0 / 60.0)
    monkeypatch.setattr(absence, "LOUD", 0.2)


async def check_of(stage: Stage, words: str) -> dict[str, Any]:
    """What /readyz says of Discord, once it says that."""
    ready = await stage.until(stage.ready, lambda ready: words in ready["checks"]["discord"]["detail"])
    return dict(ready["checks"]["discord"])


async def test_after_discord_was_away_for_ten_minutes_everything_arrives_once_and_in_order_and_it_is_told(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        edits = len(discord.calls_of("PATCH /channels/{channel_id}/messages/{message_id}", ok=True))
        async with discord.away():
            gone = discord.world.now()
            for number in range(14):
                await stage.app.incidents.note(1, f"note {number:02}", ROBIN)
            await stage.app.incidents.acknowledge(1, ROBIN)
            ready = await stage.until(stage.ready, lambda ready: not ready["checks"]["discord"]["ok"])
            assert ready["status"] == "degraded"
            await discord.until(lambda: discord.world.now() - gone >= 600.0 / SPEED, 30.0)
        await stage.shown(room, "Acknowledged by Robin Vos")
        await stage.settled()
        notes = [plain(m)[-7:] for m in room.posts if "Note by" in plain(m)]
        assert notes == [f"note {number:02}" for number in range(14)]
        assert stage.said(room, "Acknowledged by") == 1
        assert len(discord.calls_of("PATCH /channels/{channel_id}/messages/{message_id}", ok=True)) - edits <= 6
        await stage.told("updates arrive now, in order.")
        assert "Discord was unreachable" in await stage.lobby()
        assert (await stage.ready())["outbox"]["dead"] == 0
        await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
        done = await mika.command("incident note", room, text="back again")
        await done.answer(seconds=60.0)
        await stage.shown(room, "back again")


@pytest.mark.parametrize("kind", ["reset_after", "http_after", "timeout_after"])
async def test_what_arrived_although_discord_did_not_say_so_is_not_said_again(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.5)
    async with muster(tmp_path, discord, robin, mika) as stage:
        discord.faults.plan("POST /guilds/*/channels", kind, times=2, seconds=1.0)
        discord.faults.plan("POST /channels/*/messages", kind, times=3, seconds=1.0)
        discord.faults.plan("PUT /channels/*/messages/pins/*", kind, seconds=1.0)
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.app.incidents.note(1, "looked at it", ROBIN)
        await stage.shown(room, "looked at it")
        await stage.settled()
        assert stage.rooms() == [room]
        words = [message.shown for message in room.posts]
        assert len(words) == len(set(words))
        assert len(robin.dm.posts) == 1
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_lost_socket_is_resumed_and_what_was_said_meanwhile_is_kept(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        for number, lose in enumerate([discord.gateway.abort, discord.gateway.reconnect], start=1):
            result = lose()
            if asyncio.iscoroutine(result):
                await result
            robin.say(room, f"while nobody heard {number}")
            await discord.until(lambda: discord.gateway.resumed == number and discord.gateway.open, 60.0)  # noqa: B023
        assert discord.gateway.identified == 1
        await kept(stage, "while nobody heard 1", "while nobody heard 2")


async def test_after_a_session_that_cannot_be_resumed_history_is_read(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        thread = robin.start_thread(room, "side talk")
        oops = robin.say(room, "wrong channel").message
        assert oops
        await kept(stage, "wrong channel")
        discord.gateway.forget()
        discord.gateway.abort()
        said = robin.say(room, "while nobody heard").message
        assert said
        mika.react(said, "\N{PUSHPIN}")
        robin.delete(oops)
        robin.say(thread, "nor here")
        await discord.until(lambda: discord.gateway.identified == 2 and discord.gateway.open, 60.0)
        await kept(stage, "while nobody heard", "nor here")
        await stage.shown(room, "Note by Mika Laine: Robin Vos: while nobody heard")
        await stage.until(stage.refiled, lambda retro: "wrong channel" not in retro)


async def test_what_was_said_while_muster_was_down_is_kept(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
    for number in range(130):
        robin.say(room, f"line {number:03}")
    async with muster(tmp_path, discord, robin, mika) as stage:
        await kept(stage, "line 000", "line 129")


async def test_what_was_said_in_threads_that_were_folded_away_meanwhile_is_kept_and_what_is_left_out_is_told(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
    for number in range(7):
        aside = robin.start_thread(room, f"aside {number}")
        robin.say(aside, f"quietly {number}")
        robin.archive(aside)
    monkeypatch.setattr(hearing, "PAGE", 3)
    monkeypatch.setattr(hearing, "FOLDED", 6)
    async with muster(tmp_path, discord, robin, mika) as stage:
        await kept(stage, *(f"quietly {number}" for number in range(1, 7)))
        await stage.told("The room of INC-1 on Discord has more than")
        assert "quietly 0" not in await stage.refiled()
    monkeypatch.setattr(hearing, "FOLDED", 9)
    async with muster(tmp_path, discord, robin, mika) as stage:
        await kept(stage, "quietly 0")
        assert "threads" not in (await stage.ready())["checks"]["discord"]["detail"]


async def kept(stage: Stage, *words: str) -> None:
    """The retrospective has these words, sooner or later."""
    await stage.until(stage.refiled, lambda text: all(word in text for word in words))


async def test_a_token_that_discord_does_not_accept_is_told_and_nothing_is_lost(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        discord.app.token_trouble = True
        await stage.app.incidents.note(1, "kept for later", ROBIN)
        told = await check_of(stage, "DISCORD_BOT_TOKEN")
        assert not told["ok"]
        assert "Reset the token in the developer portal" in told["detail"]
        await stage.told("DISCORD_BOT_TOKEN")
        discord.app.token_trouble = False
        await stage.shown(room, "kept for later")
        await stage.told("Discord was unreachable")


async def test_a_token_that_is_reset_while_muster_runs_is_told_at_once_and_no_session_is_begun_with_it(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        discord.app.token_trouble = True
        opened = discord.gateway.opened
        await discord.gateway.close_all(4004)
        told = await check_of(stage, "DISCORD_BOT_TOKEN")
        assert not told["ok"]
        await stage.told("Reset the token in the developer portal")
        asked = len(discord.calls)
        await discord.until(lambda: len(discord.calls) >= asked + 3, 60.0)  # a few looks whether it is accepted again
        assert (discord.gateway.opened - opened, discord.gateway.identified) == (0, 1)
        assert {call.path for call in discord.calls[asked:]} <= {"/users/@me", "/oauth2/applications/@me"}
        discord.app.token_trouble = False
        await discord.until(lambda: discord.gateway.open and discord.gateway.identified == 2, 60.0)
        await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
        robin.say(room, "it has a new one")
        await kept(stage, "it has a new one")


@pytest.mark.parametrize("portal", ["says so", "says otherwise"])
async def test_without_the_message_content_intent_it_works_and_is_told_what_is_lost(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person, portal: str
) -> None:
    if portal == "says so":
        discord.app.privileged.clear()
    async with muster(tmp_path, discord, robin, mika, connected=portal == "says so") as stage:
        if portal == "says otherwise":
            await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
            discord.app.privileged.clear()
            discord.gateway.forget()
            discord.gateway.abort()
        told = await check_of(stage, "no transcript")
        assert told["ok"]
        assert "Turn on the Message Content Intent" in told["detail"]
        await stage.told("no transcript")
        await stage.alerts()
        room = await stage.room()
        card = await stage.card(room)
        await (await robin.press(card, "m:ack INC-1")).answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Robin Vos")


async def test_a_gateway_that_is_not_there_at_first_is_found_when_it_is(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    discord.faults.absent = "reset"
    async with muster(tmp_path, discord, robin, mika, connected=False) as stage:
        await stage.alerts()
        await stage.until(stage.ready, lambda ready: not ready["checks"]["discord"]["ok"])
        discord.faults.absent = ""
        await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["ok"])
        await stage.card(await stage.room())


async def test_a_gateway_that_hangs_up_on_everybody_is_not_asked_too_often(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        told, begun = "", 0

        async def news() -> str:
            detail = (await stage.ready())["checks"]["discord"]["detail"]
            return str(detail) if "begin a session" in detail else "again" if discord.gateway.identified > begun else ""

        while "begin a session" not in told and begun < 12:
            begun = discord.gateway.identified
            discord.gateway.forget()
            discord.gateway.abort()
            told = await stage.until(news, bool)
        assert "connects again within" in told
        assert discord.gateway.identified <= socket.FEW + 1


async def test_a_room_that_somebody_deleted_is_made_anew_with_everybody_who_was_there(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        discord.effects.remove_channel(room)
        await stage.app.incidents.note(1, "still here", ROBIN)
        another = await stage.room()
        assert another.id != room.id
        await stage.shown(another, "still here")
        await stage.card(another)
        await stage.settled()
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_permission_that_is_taken_away_is_told_and_what_needs_it_is_done_when_it_is_back(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    before = discord.app.role.permissions
    async with muster(tmp_path, discord, robin, mika) as stage:
        discord.deny("MANAGE_CHANNELS")
        await stage.alerts()
        await check_of(stage, "does not let Muster make a room. muster check --live names")
        await stage.told("does not let Muster make a room")
        await discord.until(lambda: robin.dm.posts, 60.0)  # people are paged nevertheless
        discord.app.role.permissions = before
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        discord.deny("SEND_MESSAGES")
        for number in range(3):
            await stage.app.incidents.note(1, f"note {number}", ROBIN)
        await stage.told("does not let Muster post in a room")
        discord.app.role.permissions = before
        await stage.shown(room, "note 2")
        await stage.settled()
        assert [plain(m)[-6:] for m in room.posts if "Note by" in plain(m)] == ["note 0", "note 1", "note 2"]
        ready = await stage.until(stage.ready, lambda ready: ready["checks"]["discord"]["detail"] == "connected")
        assert ready["outbox"]["dead"] == 0


async def test_twenty_incidents_at_once_stay_within_discords_limits(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await asyncio.gather(*(stage.app.incidents.declare(f"part {number} is down", ROBIN) for number in range(20)))
        await discord.until(lambda: len(stage.rooms()) == 20, 60.0)
        await discord.until(lambda: all(room.pins for room in stage.rooms()), 60.0)
        await stage.settled()
        for room in stage.rooms():
            assert len(room.pins) == 1
            assert stage.said(room, "declared by") == 1
        assert len({room.parent_id for room in stage.rooms()}) == 1
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_storm_costs_one_card_edit_a_second_and_no_message(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        card = await stage.card(room)
        await stage.settled()
        posts, before = len(room.posts), len(discord.calls)
        for start in range(0, 5_000, 500):
            await stage.alerts(*(alert(host=f"checkout-{start + n}") for n in range(500)))
        await discord.until(lambda: "5,000 alerts" in plain(card), 60.0)
        await stage.settled()
        edits = [call.at for call in discord.calls[before:] if call.method == "PATCH" and call.path.endswith(card.id)]
        assert all(later - earlier >= 0.9 for earlier, later in pairwise(edits))
        assert len(room.posts) == posts
