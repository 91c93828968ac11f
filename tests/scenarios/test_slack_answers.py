"""When the way that Slack gave for an answer is closed, the answer takes another; when the socket is taken away, it comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.chat.slack import socket
from bot.chat.slack.manifest import DECLARE, DECLARE_FROM_MESSAGE
from bot.chat.views import Person
from tests.fakes.slack import FakeSlack, Happening
from tests.fakes.slack import Person as Member
from tests.scenarios.slack_stage import muster

ROBIN = Person("robin", "Robin Vos")


async def test_a_form_whose_trigger_is_too_old_is_answered_with_what_is_missing(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    slack.trigger_seconds = 0.0
    async with muster(tmp_path, slack):
        done = await robin.command("/incident", "declare", general)
        answer = await done.answer(seconds=60.0)
        assert "/incident declare" in answer.shown
        assert robin.modal is None
        assert slack.errors["views.open", "expired_trigger_id"] == 1


@pytest.mark.parametrize("restarted", [False, True], ids=["at once", "after a restart"])
async def test_a_shortcut_that_comes_too_late_is_answered_once_with_the_way_out(
    tmp_path: Path, slack: FakeSlack, restarted: bool
) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    slack.trigger_seconds = 0.0
    async with muster(tmp_path, slack):
        said = await robin.say(general, "customers *cannot* pay")
        assert said.message
        chosen = await robin.message_shortcut(said.message, DECLARE_FROM_MESSAGE)
        here = await slack.until(lambda: robin.private, 60.0)
        assert "/incident declare customers *cannot* pay" in here[0].shown
        anywhere = await robin.shortcut(DECLARE)
        directly = await slack.until(lambda: robin.dm.messages, 60.0)
        assert "/incident declare" in directly[0].shown
        if not restarted:
            await again(slack, robin, chosen, anywhere)
    if restarted:
        async with muster(tmp_path, slack):
            await again(slack, robin, chosen, anywhere)
    assert (len(robin.private), len(robin.dm.messages)) == (2, 1)  # what they asked then is the second
    assert robin.modal is None


async def again(slack: FakeSlack, person: Member, *happenings: Happening) -> None:
    """Slack says it once more, and what comes after it is answered."""
    for happening in happenings:
        slack.deliveries.again(happening)
    await slack.until(lambda: all(one.attempts > 1 for one in happenings), 60.0)
    await slack.until(lambda: slack.errors["views.open", "expired_trigger_id"] == 2 * len(happenings), 60.0)
    await (await person.command("/incident", "help", "general")).answer(seconds=60.0)


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after", "http_after"])
async def test_a_form_that_opened_though_slack_did_not_say_so_is_sent_once(
    tmp_path: Path, slack: FakeSlack, kind: Any
) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    async with muster(tmp_path, slack) as stage:
        slack.faults.plan("views.open", kind, seconds=0.1)
        await (await robin.command("/incident", "declare", general)).view(seconds=60.0)
        sent = await robin.submit({"argument:title": "Checkout is down", "argument:severity": "sev3"})
        assert not sent.errors
        await stage.room()
        await stage.settled()
        assert len(stage.rooms()) == 1


@pytest.mark.parametrize("how", ["used up", "expired", "broken"])
async def test_where_the_response_url_is_closed_the_answer_is_said_privately_in_the_channel(
    tmp_path: Path, slack: FakeSlack, how: str
) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    if how == "broken":
        slack.faults.plan("response_url", "reset", times=None)
    async with muster(tmp_path, slack):
        slack.faults.plan("users.info", "slow", seconds=0.2)  # so that the test is quicker than the answer
        done = robin.command("/incident", "help", general)
        if how == "used up":
            done.responses = 5
        if how == "expired":
            done.at -= 1_801.0
        said = await slack.until(lambda: robin.private, 60.0)
        assert said[0].how == "ephemeral"
        assert "ack" in said[0].shown
        assert len(robin.private) == 1


async def test_who_is_not_in_the_channel_is_answered_in_a_direct_message(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    general = slack.channel("general", mika)
    slack.faults.plan("response_url", "reset", times=None)
    async with muster(tmp_path, slack):
        robin.command("/incident", "help", general)
        said = await slack.until(lambda: robin.dm.messages, 60.0)
        assert "ack" in said[0].shown
        assert slack.errors["chat.postEphemeral", "user_not_in_channel"] == 1
        assert mika.private == []


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "too_many_websockets"])
async def test_whatever_slack_says_when_it_hangs_up_it_is_called_again(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setattr(socket, "PING", 1.0)
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        await slack.sockets.disconnect(reason, grace=0.0)
        await slack.until(lambda: slack.sockets.opened >= 2 and slack.sockets.open, 60.0)
        while not (await stage.ready())["checks"]["slack"]["ok"]:  # the test's time is bounded
            await asyncio.sleep(0.05)
        done = await robin.command("/incident", "note after", room)
        assert "Noted" in (await done.answer(seconds=60.0)).shown
        assert (await stage.ready())["checks"]["slack"]["ok"]


async def test_a_socket_that_an_administrator_switched_off_is_told_and_comes_back_by_itself(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "PING", 0.5)
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        off = slack.faults.plan("apps.connections.open", "error", error="link_disabled", times=None)
        await slack.sockets.disconnect("link_disabled", grace=0.0)
        async with asyncio.timeout(60.0):
            while "link_disabled" not in (check := (await stage.ready())["checks"]["slack"])["detail"]:
                await asyncio.sleep(0.05)
        assert not check["ok"]
        await stage.app.incidents.note(1, "posts still arrive", ROBIN)
        await stage.shown(room, "posts still arrive")
        robin.say(room, "said while it was off")
        slack.faults.planned.remove(off)
        await slack.until(lambda: slack.sockets.open, 60.0)
        await stage.filed(room, robin, "said while it was off")
        assert (await stage.ready())["checks"]["slack"]["ok"]


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after"])
@pytest.mark.parametrize(
    "method", ["conversations.open", "conversations.invite", "bookmarks.add", "conversations.setPurpose", "chat.update"]
)
async def test_what_was_done_although_slack_did_not_say_so_is_not_done_twice(
    tmp_path: Path, slack: FakeSlack, method: str, kind: Any
) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack, MUSTER_PUBLIC_URL="https://muster.example.org") as stage:
        fault = slack.faults.plan(method, kind, seconds=0.1)
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        await slack.until(lambda: robin.dm.messages, 60.0)
        await mika.press(card, "ack INC-1")
        await slack.until(lambda: mika.id in slack.world.named(room).members, 60.0)
        await slack.until(lambda: "Acknowledged" in card.shown, 60.0)
        await stage.settled()
        assert fault.hits == 1
        assert stage.rooms() == [room]
        assert len(robin.dm.messages) == 1
        assert len(slack.world.named(room).bookmarks) <= 1
        assert stage.said(room, "Acknowledged by") == 1
        assert (await stage.ready())["outbox"]["dead"] == 0
