"""Muster in Discord, as it runs: the real discord.py over REST and the gateway, people who type, press and talk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.discord import FakeDiscord, Person
from tests.scenarios.discord_stage import alert, muster


@pytest.mark.parametrize("kind", ["channel", "forum", "thread"])
async def test_from_the_alert_to_the_archive(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person, kind: str
) -> None:
    place = discord.channel("incidents", kind="forum" if kind == "forum" else "text")
    wish = "" if kind == "channel" else f', discord: {{kind: {kind}, channel: "{place.id}"}}'
    async with muster(tmp_path, discord, robin, mika, catalog=f"rooms: {{archive_after: 0s{wish}}}\n") as stage:
        await stage.alerts()
        room = await stage.room()
        card = await stage.card(room)
        assert "SEV" in card.shown
        await discord.until(lambda: robin.dm.posts, 60.0)
        page = robin.dm.posts[0]
        assert "INC-1" in page.shown
        pressed = await robin.press(page, "Acknowledge")
        await pressed.answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Robin Vos")
        await discord.until(lambda: "Acknowledged" in card.shown, 60.0)
        mika.say(room, f"it is the queue, {robin.mention}", file=("queue.png", b"picture"))
        said = mika.say(room, "restarting it")
        assert said.message
        mika.edit(said.message, "restarted it")
        oops = mika.say(room, "wrong channel")
        assert oops.message
        mika.delete(oops.message)
        robin.react(said.message, "\N{PUSHPIN}")
        await stage.shown(room, "Note by Robin Vos")
        queue = next(m for m in room.posts if "it is the queue" in m.content)
        mika.react(queue, "\N{ROUND PUSHPIN}")
        await stage.shown(room, "Note by Mika Laine: Mika Laine: it is the queue")
        mika.unreact(queue, "\N{ROUND PUSHPIN}")
        noted = lambda retro: any("| note " in line and "it is the queue" in line for line in retro.splitlines())  # noqa: E731
        await stage.until(stage.refiled, lambda retro: not noted(retro))
        await stage.alerts(alert(status="resolved"))
        await stage.shown(room, "cleared")
        done = await mika.command("incident resolve", room, summary="the queue was full")
        await done.answer(seconds=60.0)
        if kind == "channel":
            await discord.until(lambda: "Incidents archive" in discord.world.channels[str(room.parent_id)].name, 60.0)
        else:
            assert room.parent_id == place.id
            await discord.until(lambda: room.archived and room.locked, 60.0)
        await stage.settled()
        retro = await stage.refiled()
        for words in ("it is the queue, @\u200bRobin Vos", "queue.png", "restarted it"):
            assert words in retro
        assert "wrong channel" not in retro
        assert (await stage.ready())["outbox"]["dead"] == 0
    assert discord.unanswered == []


async def test_two_runs_of_muster_know_one_room_and_buttons_work_after_a_restart(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts()
        room = await stage.room()
        card = await stage.card(room)
        await stage.settled()
    async with muster(tmp_path, discord, robin, mika) as stage:
        done = await mika.press(card, "m:ack INC-1")
        await done.answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Mika Laine")
        await stage.settled()
        assert stage.rooms() == [room]
        assert stage.said(room, "SEV") >= 1


async def test_short_commands_are_there_when_they_are_switched_on(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika, DISCORD_SHORT_COMMANDS="true") as stage:
        await stage.alerts()
        room = await stage.room()
        await stage.card(room)
        done = await robin.command("ack", room)
        await done.answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Robin Vos")


POLICY = """
escalations:
  default: {steps: [{page: [robin], wait: 30m}, {page: [mika], wait: 30m}]}
defaults: {team: sre, escalation: default}
"""


async def test_who_takes_no_direct_messages_is_called_in_the_room_and_the_policy_goes_on(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    robin.user.dms_open = False
    async with muster(tmp_path, discord, robin, mika, catalog=POLICY) as stage:
        await stage.alerts()
        room = await stage.room()
        called = await stage.shown(room, "a direct message does not reach you")
        assert called.pinged == [robin.id]
        await discord.until(lambda: mika.dm.posts, 60.0)
        await (await robin.press(called, "Acknowledge")).answer(seconds=60.0)
        await stage.shown(room, "Acknowledged by Robin Vos")
        await stage.settled()
        assert robin.dm.posts == []
        assert [message for message in room.posts if message.pinged] == [called]
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_who_left_the_server_keeps_the_policy_waiting_no_more_than_who_takes_no_direct_messages(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    robin.leave()
    async with muster(tmp_path, discord, robin, mika, catalog=POLICY) as stage:
        await stage.alerts()
        room = await stage.room()
        await discord.until(lambda: mika.dm.posts, 60.0)
        await stage.shown(room, "Robin Vos is not in this Discord server")
        await stage.settled()
        assert stage.said(room, "does not reach you") == 0
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_the_graph_is_a_picture_on_the_card_and_in_a_private_answer(
    tmp_path: Path, discord: FakeDiscord, robin: Person, mika: Person
) -> None:
    async with muster(tmp_path, discord, robin, mika) as stage:
        await stage.alerts(*(alert(host=f"checkout-{number}") for number in range(15)))
        room = await stage.room()
        card = await stage.card(room)
        await discord.until(lambda: card["attachments"], 60.0)
        (drawn,) = card["attachments"]
        assert drawn["filename"].endswith(".png")
        assert "15 alerts" in drawn["description"]
        assert await stage.fetched(drawn["url"]) == b"\x89PNG"
        assert drawn["filename"] in str(card["components"])
        answer = await (await mika.command("incident more graph", room)).answer(seconds=60.0)
        assert answer.private
        assert [one["filename"][-4:] for one in answer.message["attachments"]] == [".png"]
        await (await mika.command("incident ack", room)).answer(seconds=60.0)
        await discord.until(lambda: "Acknowledged" in card.shown, 60.0)
        assert len(card["attachments"]) == 1
