"""Slack when things go wrong, and when much happens at once: nothing is doubled, nothing is lost, nothing is too fast."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.chat.slack import socket
from bot.chat.slack.manifest import ADD_TO_TIMELINE
from bot.chat.views import Person as Member
from tests.fakes.slack import FakeSlack, Happening, Person
from tests.scenarios.slack_stage import Hurried, Stage, alert, muster

ROBIN = Member("robin", "Robin Vos")


async def told(stage: Stage, words: str) -> None:
    """The situation room says so."""
    async with asyncio.timeout(60.0):
        while words not in await stage.lobby():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "http_after"])
async def test_what_arrived_although_slack_did_not_say_so_is_not_said_again(
    tmp_path: Path, slack: FakeSlack, kind: Any
) -> None:
    async with muster(tmp_path, slack) as stage:
        slack.faults.plan("conversations.create", kind, seconds=0.1)
        slack.faults.plan("chat.postMessage", kind, times=3, seconds=0.1)
        slack.faults.plan("pins.add", kind, seconds=0.1)
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await stage.app.incidents.note(1, "looked at it", ROBIN)
        await stage.shown(room, "looked at it")
        await stage.settled()
        assert stage.rooms() == [room]
        nonces = [m["metadata"]["event_payload"]["nonce"] for m in slack.posts(room) if m.get("metadata")]
        assert len(nonces) == len(set(nonces)) >= 3
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_a_room_that_was_made_but_not_written_down_is_found_after_a_crash(
    tmp_path: Path, slack: FakeSlack
) -> None:
    slack.faults.plan("conversations.setPurpose", "slow", seconds=30.0, times=None)
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await slack.until(lambda: slack.faults.planned[0].hits, 60.0)
    slack.faults.clear()
    async with muster(tmp_path, slack) as stage:
        await stage.card(room)
        await stage.settled()
        assert stage.rooms() == [room]
        assert stage.said(room, "INC-1") >= 1
    assert "muster-incident-1" in slack.world.named(room).purpose


async def test_when_slack_asks_to_wait_the_lane_waits_as_long(tmp_path: Path, slack: FakeSlack) -> None:
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        before = len(slack.calls)
        slack.faults.plan("chat.postMessage", "ratelimited", seconds=1)
        for number in range(3):
            await stage.app.incidents.note(1, f"note {number}", ROBIN)
        await stage.shown(room, "note 2")
        calls = [call for call in slack.calls[before:] if call.method == "chat.postMessage"]
        assert calls[0].error == "429"
        assert calls[1].at - calls[0].at >= 0.99
        shown = [m.shown for m in slack.posts(room) if "Note by" in m.shown]
        assert [words[-6:] for words in shown] == ["note 0", "note 1", "note 2"]


async def test_what_people_wait_for_passes_what_only_looks_better(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        before = len(slack.calls)
        slack.faults.plan("chat.update", "ratelimited", seconds=3)
        await robin.command("/incident", "note looking", room)
        await slack.until(lambda: slack.calls_of("chat.update", ok=False), 60.0)  # the card waits from now on
        noted = await robin.command("/incident", "note found it", room)
        paged = await robin.command("/incident", "page @mika need your eyes", room)
        await slack.until(lambda: "need your eyes" in "".join(m.shown for m in mika.dm.messages), 60.0)
        await stage.shown(room, "found it")
        assert "Noted" in (await noted.answer(seconds=60.0)).shown
        assert "Mika" in (await paged.answer(seconds=60.0)).shown
        assert len([call for call in slack.calls[before:] if call.method == "chat.update"]) == 1
        await stage.settled()
        edits = [call for call in slack.calls[before:] if call.method == "chat.update"]
        assert edits[1].at - edits[0].at >= 2.99


@pytest.mark.parametrize("may", [True, False], ids=["opened again", "replaced"])
async def test_when_somebody_archives_the_room_the_incident_goes_on(
    tmp_path: Path, slack: FakeSlack, may: bool
) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = (await stage.card(room)).frozen()
        await (await robin.press(card, "ack INC-1")).answer(seconds=60.0)
        await slack.until(lambda: robin.id in slack.world.named(room).members, 60.0)
        await stage.settled()
        if not may:
            slack.faults.plan("conversations.unarchive", "error", error="restricted_action", times=None)
        await robin.archive(room)
        await stage.app.incidents.note(1, "still here", ROBIN)
        now = room if may else f"{room}-2"
        await slack.until(lambda: slack.world.named(now), 60.0)
        await stage.shown(now, "still here")
        await stage.card(now)
        await slack.until(lambda: robin.id in slack.world.named(now).members, 60.0)
        done = await robin.command("/incident", "note in the new one", now)
        assert "Noted" in (await done.answer(seconds=60.0)).shown
        assert not slack.world.named(now).archived
        assert (await stage.ready())["outbox"]["dead"] == 0


@pytest.mark.parametrize("private", [False, True])
async def test_a_room_that_somebody_archives_is_there_again_though_nothing_else_happens(
    tmp_path: Path, slack: FakeSlack, private: bool
) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.app.incidents.declare("keys were found on a forum", ROBIN, private=private)
        room = await stage.room()
        await stage.card(room)
        await slack.until(lambda: robin.id in slack.world.named(room).members, 60.0)
        await stage.settled()
        await robin.archive(room)
        await slack.until(lambda: not slack.world.named(room).archived, 60.0)
        await stage.app.incidents.resolve(1, ROBIN)
        await stage.settled()
        await robin.archive(room)  # it is over: let them
        await (await robin.command("/incident", "list", slack.channel("general", robin))).answer(seconds=60.0)
        await stage.settled()
        assert slack.world.named(room).archived
        assert stage.rooms() == [room]


async def test_a_deleted_card_is_posted_again(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        await stage.settled()
        slack.world.delete(card)
        await (await robin.command("/ack", "", room)).answer(seconds=60.0)
        pins = slack.world.named(room).pins
        await slack.until(lambda: [pin for pin in pins if pin["ts"] != card.ts], 60.0)
        await stage.settled()
        assert "Acknowledged" in (await stage.card(room)).shown


async def test_who_cannot_be_invited_is_named_in_the_room(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    slack.channel("partners", slack.person("mika", is_ultra_restricted=True))
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await (await robin.command("/incident", "lead @mika", room)).answer(seconds=60.0)
        told = await stage.shown(room, "Could not be invited")
        assert "a guest" in told.shown
        assert "Mika Laine" in told.shown


async def test_what_slack_delivers_twice_happens_once(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        said = await robin.say(room, "it is the queue")
        assert said.message
        pinned = await robin.react(said.message, "pushpin")
        noted = await robin.command("/incident", "note once", room)
        await noted.answer(seconds=60.0)
        pressed = await robin.press(card, "ack INC-1")
        await pressed.answer(seconds=60.0)
        await stage.shown(room, "Note by Robin Vos: Robin Vos: it is the queue")
        for happening in (said, pinned, noted, pressed):
            slack.deliveries.again(happening)
        await slack.until(lambda: all(one.attempts > 1 for one in (said, pinned, noted, pressed)), 60.0)
        await (await robin.command("/incident", "note last", room)).answer(seconds=60.0)
        await stage.shown(room, "last")
        await stage.settled()
        assert stage.said(room, "Robin Vos: it is the queue") == 1
        assert stage.said(room, "Note by Robin Vos: once") == 1
        assert stage.said(room, "Acknowledged by") == 1


async def test_what_slack_delivers_again_after_a_restart_is_no_news(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        said = await robin.say(room, "it is the cache")
        gone = await mika.say(room, "never said")
        assert said.message
        assert gone.message
        edited = await robin.edit(said.message, "it is the queue")
        pinned = await robin.react(said.message, "pushpin")
        await stage.shown(room, "Note by Robin Vos: Robin Vos: it is the queue")
        unpinned = await robin.unreact(said.message, "pushpin")
        await stage.shown(room, "took a pin away")
        deleted = await mika.delete(gone.message)
        sam = slack.person("sam")
        joined = await sam.join(room)
        await stage.told("room", "sam joined the Slack room")
        left = await sam.leave(room)
        await stage.told("room", "sam left the Slack room")
        noted = await robin.command("/incident", "note once", room)
        await noted.answer(seconds=60.0)
    again = [deleted, said, gone, edited, unpinned, pinned, left, joined, noted]
    async with muster(tmp_path, slack) as stage:
        for happening in again:
            slack.deliveries.again(happening)
        await slack.until(lambda: all(one.attempts > 1 for one in again), 60.0)
        retro = await stage.filed(room, robin, "it is the queue")
        assert "it is the cache" not in retro
        assert "never said" not in retro
        assert await stage.notes() == ["once"]
        lines = await stage.timeline(
            "room"
        )  # whoever speaks before Slack tells that they came takes part without a line
        assert len(set(lines)) == len(lines)
        assert [one for one in lines if one.startswith("sam")] == [
            "sam joined the Slack room",
            "sam left the Slack room",
        ]
        assert stage.said(room, "Note by Robin Vos: Robin Vos") == 1
        assert stage.said(room, "took a pin away") == 1


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_what_slack_asks_again_is_answered_once(tmp_path: Path, slack: FakeSlack, restarted: bool) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        said = await robin.say(room, "it is the queue")
        assert said.message
        kept = await robin.message_shortcut(said.message, ADD_TO_TIMELINE)
        typed = await robin.command("/incident", "note once", room)
        pressed = await robin.press(card, "ack INC-1")
        read = await robin.command("/incident", "show", room)
        wrong = await robin.command("/incident", "acknowlege", room)
        looked = await robin.press(card, "runbook list INC-1")
        for one in (kept, typed, pressed, read, wrong, looked):
            await one.answer(seconds=60.0)
        formed = await robin.command("/incident", "rename", room)
        await formed.view(seconds=60.0)
        robin.close()
        called = await robin.say(room, f"<@{slack.app.user_id}> help")
        await slack.until(lambda: "/incident help" in robin.private[-1].shown, 60.0)
        before = [answer.shown for answer in robin.private]
        again = [kept, typed, pressed, read, wrong, looked, formed, *called.also]
        assert called.also  # the message, and that it calls us
        if not restarted:
            await repeated(stage, robin, again)
    if restarted:
        async with muster(tmp_path, slack) as stage:
            await repeated(stage, robin, again)
    assert [answer.shown for answer in robin.private[:-1]] == before
    assert "Noted" in robin.private[-1].shown


async def repeated(stage: Stage, person: Person, happenings: list[Happening]) -> None:
    """Slack says all of it again, and what comes after it is answered."""
    for happening in happenings:
        stage.slack.deliveries.again(happening)
    await stage.slack.until(lambda: all(one.attempts > 1 for one in happenings), 60.0)
    await (await person.command("/incident", "note last", await stage.room())).answer(seconds=60.0)


async def test_a_socket_that_is_refreshed_or_lost_is_opened_again(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "PING", 1.0)
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await slack.sockets.disconnect("refresh_requested")
        await slack.until(lambda: slack.sockets.opened == 2 and slack.sockets.open, 60.0)
        slack.sockets.abort()
        robin.say(room, "while nobody heard")
        await slack.until(lambda: slack.sockets.opened == 3 and slack.sockets.open, 60.0)
        done = await robin.command("/incident", "note after", room)
        assert "Noted" in (await done.answer(seconds=60.0)).shown
        assert (await stage.ready())["checks"]["slack"]["ok"]
        await stage.filed(room, robin, "while nobody heard")


async def test_after_ten_minutes_without_slack_everything_arrives_once_and_in_order(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "PING", 1.0)
    robin, clock = slack.person("robin"), Hurried()
    async with muster(tmp_path, slack, clock=clock) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        edits = len(slack.calls_of("chat.update", ok=True))
        async with slack.away():
            for number in range(14):
                await stage.app.incidents.note(1, f"note {number:02}", ROBIN)
            await stage.app.incidents.acknowledge(1, ROBIN)
            for _ in range(200):
                check = (await stage.ready())["checks"]["slack"]
                if not check["ok"]:
                    break
                await asyncio.sleep(0.02)
            assert not check["ok"]
            assert (await stage.ready())["status"] == "degraded"
            await asyncio.sleep(1.0)  # so that a few tries fail
            clock.advance(600.0)  # ten minutes of Muster's
            await told(stage, "is not connected")
        await stage.shown(room, "Acknowledged by Robin Vos")
        await stage.settled()
        notes = [m.shown[-7:] for m in slack.posts(room) if "Note by" in m.shown]
        assert notes == [f"note {number:02}" for number in range(14)]
        assert len(slack.calls_of("chat.update", ok=True)) - edits <= 4
        assert stage.said(room, "Acknowledged by") == 1
        await slack.until(lambda: slack.sockets.open, 60.0)
        await told(stage, "Slack was unreachable")
        assert "updates arrive now, in order" in await stage.lobby()
        done = await robin.command("/incident", "note back", room)
        assert "Noted" in (await done.answer(seconds=60.0)).shown


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked"])
async def test_a_token_that_slack_does_not_accept_is_told_on_readyz(
    tmp_path: Path, slack: FakeSlack, word: Any
) -> None:
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await stage.settled()
        slack.app.token_trouble = word
        await stage.app.incidents.note(1, "kept for later", ROBIN)
        check: dict[str, Any] = {"ok": True}
        for _ in range(500):
            ready = await stage.ready()
            check = ready["checks"]["slack"]
            if not check["ok"]:
                break
            await asyncio.sleep(0.01)
        assert ready["status"] == "degraded"
        assert f"SLACK_BOT_TOKEN ({word})" in check["detail"]
        assert "set the new token" in check["detail"]
        await told(stage, f"SLACK_BOT_TOKEN ({word})")
        slack.app.token_trouble = ""
        await stage.shown(room, "kept for later")
        await stage.settled()
        await told(stage, "Slack was unreachable")
        assert (await stage.ready())["checks"]["slack"]["ok"]


async def test_an_app_token_that_slack_does_not_accept_is_told_on_readyz(tmp_path: Path, slack: FakeSlack) -> None:
    slack.app.app_scopes = set()
    async with muster(tmp_path, slack, connected=False) as stage:
        detail = ""
        for _ in range(500):
            check = (await stage.ready())["checks"]["slack"]
            detail = check["detail"]
            if "missing_scope" in detail:
                break
            await asyncio.sleep(0.01)
        assert "SLACK_APP_TOKEN (missing_scope)" in detail
        assert "connections:write" in detail


async def test_a_storm_costs_one_card_edit_a_second_and_no_message(tmp_path: Path, slack: FakeSlack) -> None:
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        await stage.settled()
        posts = len(slack.posts(room))
        before = len(slack.calls)
        for start in range(0, 10_000, 500):
            await stage.alerts([alert(host=f"checkout-{start + n}") for n in range(500)])
        await slack.until(lambda: "10,000 alerts" in card.shown, 60.0)
        await stage.settled()
        calls = slack.calls[before:]
        edits = [call.at for call in calls if call.method == "chat.update" and call.args["ts"] == card.ts]
        assert all(later - earlier >= 0.9 for earlier, later in pairwise(edits))
        assert len(slack.posts(room)) == posts
        assert not slack.rates.refused
