"""Slack from end to end: the real app with bolt over real sockets, against a Slack that refuses what the real one refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.commands.definition import Verb
from bot.commands.registry import discover
from bot.incidents import pictures
from tests.fakes.slack import FakeSlack, Message, Person
from tests.scenarios.slack_stage import alert, commands, muster


async def test_the_golden_path(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        page = await slack.until(lambda: robin.dm.messages, 10.0)
        assert "Acknowledge" in str(page[0].blocks)
        done = await mika.press(card, "ack INC-1")
        assert not done.failed
        await stage.shown(room, "Acknowledged by Mika Laine")
        more = await (await mika.press(card, "show INC-1")).answer(seconds=60.0)
        assert {"why INC-1", "severity INC-1"} <= set(commands(more.blocks))
        done = await mika.command("/incident", "note rolled back", room)
        assert "Noted" in (await done.answer()).shown
        await (await robin.say(room, "looks better"))
        done = await mika.command("/resolve", "rolled back checkout", room)
        await stage.shown(room, "Resolved by Mika Laine")
        done = await mika.command("/incident", "retro", room)
        await done.answer()
        async with stage.session.get(f"{stage.app.address}/api/v1/incidents/INC-1/retro.md") as answer:
            assert "looks better" in await answer.text()
    assert stage.rooms() == [room]


def lines(verb: Verb, path: str = "") -> Iterator[str]:
    """A verb and all its sub-verbs, bare and as the help shows them."""
    path = f"{path} {verb.name}".strip()
    yield path
    yield from verb.examples
    for sub in verb.subverbs:
        yield from lines(sub, path)


async def typed(slack: FakeSlack, person: Person, line: str, room: str) -> str:
    """What is wrong with how it is answered, "" when nothing is."""
    done = await person.command("/incident", line, room)
    if done.failed:
        return done.failed
    try:
        await slack.until(lambda: done.answers or done.views, 10.0)
    except TimeoutError:
        return "no answer"
    while person.modal:
        person.close()
    if any(answer.public for answer in done.answers):
        return "answered in public"
    shown = "".join(answer.shown for answer in done.answers)
    return shown if "Something went wrong" in shown else ""


async def test_every_verb_answers_in_private_and_none_crashes(tmp_path: Path, slack: FakeSlack) -> None:
    robin, wrong = slack.person("robin"), dict[str, str]()
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        for verb in discover():  # in one story, for starting Muster takes longer than all of them
            for line in lines(verb):
                rooms = [name for name in stage.rooms() if not slack.world.named(name).archived]  # a verb may end one
                if said := await typed(slack, robin, line, room if room in rooms else rooms[-1]):
                    wrong[line] = said
    assert wrong == {}


async def test_a_verb_that_does_not_exist_is_answered_with_the_nearest(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    async with muster(tmp_path, slack):
        done = await robin.command("/incident", "acknowlege", general)
        assert "Did you mean ack" in (await done.answer(seconds=60.0)).shown
        mention = await robin.say(general, f"<@{slack.app.user_id}> help")
        answer = await slack.until(lambda: [a for a in robin.private if "/incident help" in a.shown], 60.0)
        assert mention.done
        assert answer


async def test_the_button_of_an_old_card_acts_on_what_is_so_now(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        old = (await stage.card(room)).frozen()
        await (await mika.press(old, "ack INC-1")).answer(seconds=60.0)
        second = await (await robin.press(old, "ack INC-1")).answer(seconds=60.0)
        assert "Mika" in second.shown
        await (await mika.command("/resolve", "rolled back", room)).answer(seconds=60.0)
        late = await (await robin.press(old, "ack INC-1")).answer(seconds=60.0)
        assert "Resolved" in late.shown
        assert stage.said(room, "Acknowledged by") == 1


async def test_the_graph_is_a_picture_on_the_card_and_in_a_private_answer(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    slack.file_seconds = 0.2
    async with muster(tmp_path, slack) as stage:
        await stage.alerts([alert(host=f"checkout-{number}") for number in range(15)])
        room = await stage.room()
        card = await stage.card(room)
        await robin.join(room)

        def pictures(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [block for block in blocks if block["type"] == "image"]

        await slack.until(lambda: pictures(card.blocks), 60.0)
        drawn = pictures(card.blocks)[0]
        assert "15 alerts" in drawn["alt_text"]
        assert slack.world.files[drawn["slack_file"]["id"]].content.startswith(b"\x89PNG")  # type: ignore[union-attr]
        answer = await (await robin.command("/incident", "graph", room)).answer(seconds=60.0)
        assert pictures(answer.blocks)[0]["alt_text"]
        assert not answer.public
        files = len(slack.world.files)
        await (await robin.command("/incident", "ack", room)).answer(seconds=60.0)
        await slack.until(lambda: "Acknowledged" in card.shown, 60.0)
        assert pictures(card.blocks)
        assert len(slack.world.files) <= files + 1


async def test_a_picture_that_the_card_shows_no_more_is_deleted_also_after_a_restart(
    tmp_path: Path, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "FIRST", 0.1)
    monkeypatch.setattr(pictures, "AGAIN", 0.3)

    def only(card: Message, words: str) -> bool:
        """The card shows a picture with these words, and Slack keeps no other file."""
        images = [block for block in card.blocks if block["type"] == "image"]
        told = [one for one in images if words in one["alt_text"]]
        return bool(told) and list(slack.world.files) == [told[0]["slack_file"]["id"]]

    async with muster(tmp_path, slack) as stage:
        await stage.alerts([alert(host=f"checkout-{number}") for number in range(15)])
        card = await stage.card(await stage.room())
        await slack.until(lambda: only(card, "15 alerts"), 30.0)
        await stage.alerts([alert(host=f"web-{number}") for number in range(5)])
        await slack.until(lambda: only(card, "20 alerts"), 30.0)
    async with muster(tmp_path, slack) as stage:
        await stage.alerts([alert(host=f"cart-{number}") for number in range(5)])
        await slack.until(lambda: only(card, "25 alerts"), 30.0)
    assert len(slack.world.deleted_files) >= 2


async def test_what_is_said_is_kept_as_it_happens(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        first = await robin.say(room, "it is the cache")
        assert first.message
        await mika.say(room, "not the cache, the queue", thread=first.message)
        await robin.edit(first.message, "it is the queue")
        gone = await mika.say(room, "lunch anyone")
        assert gone.message
        await mika.delete(gone.message)
        await robin.upload(room, "graph.png", b"png", "look")
        await mika.react(first.message, "pushpin")
        await stage.shown(room, "Note by Mika Laine: Robin Vos: it is the queue")
        await mika.unreact(first.message, "pushpin")
        await stage.shown(room, "took a pin away")
        await mika.leave(room)
        await (await robin.command("/resolve", "it was the queue", room)).answer(seconds=60.0)
        retro = await stage.filed(room, robin, "graph.png", "Mika Laine left the Slack room")
        assert "not the cache, the queue" in retro
        assert "it is the queue" in retro
        assert "it is the cache" not in retro
        assert "lunch" not in retro
        assert "graph.png, PNG" in retro  # its name and type, and where it is
        assert "/graph.png" in retro
        assert "Mika Laine joined the Slack room" in retro
        assert "Mika Laine left the Slack room" in retro


async def test_what_was_said_while_muster_was_down_is_read_afterwards(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        first = await robin.say(room, "it is the cache")
        assert first.message
        await robin.say(room, "looking")
    robin.say(room, "found it")
    mika.say(room, "in the thread too", thread=first.message)
    robin.edit(first.message, "it is the queue")
    async with muster(tmp_path, slack) as stage:
        retro = await stage.filed(room, robin, "in the thread too", "it is the queue", "found it")
        assert retro.index("it is the queue") < retro.index("looking") < retro.index("found it")


async def test_what_was_done_while_muster_was_down_is_found_afterwards(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        await stage.alert()
        room = await stage.room()
        await stage.card(room)
        lunch = await robin.say(room, "lunch anyone")
        thread = await robin.say(room, "this has answers")
        cause = await robin.say(room, "it was the cache")
        wrong = await robin.say(room, "it was the moon")
        assert lunch.message
        assert thread.message
        assert cause.message
        assert wrong.message
        reply = await mika.say(room, "rollback is out", thread=thread.message)
        assert reply.message
        await robin.react(wrong.message, "pushpin")
        await stage.shown(room, "Note by Robin Vos: Robin Vos: it was the moon")
    robin.delete(lunch.message)
    robin.delete(thread.message)
    robin.react(cause.message, "pushpin")
    mika.react(cause.message, "round_pushpin")
    mika.react(reply.message, "pushpin")
    robin.unreact(wrong.message, "pushpin")
    slack.person("sam").join(room)
    mika.leave(room)
    async with muster(tmp_path, slack) as stage:
        await stage.shown(room, "Note by Robin Vos: Robin Vos: it was the cache")
        await stage.shown(room, "Note by Mika Laine: Mika Laine: rollback is out")
        moved = ("sam joined the Slack room", "Mika Laine left the Slack room")
        await stage.filed(room, robin, *moved, without=("lunch anyone", "this has answers"))
        notes = await stage.notes()
        assert sorted(notes) == ["Mika Laine: rollback is out", "Robin Vos: it was the cache"]
    async with muster(tmp_path, slack) as stage:  # all of it is read again, and is no news
        await robin.say(room, "still here")
        again = await stage.filed(room, robin, "still here")
        assert again.count("sam joined the Slack room") == again.count("Mika Laine left the Slack room") == 1
        assert sorted(await stage.notes()) == sorted(notes)
        assert stage.said(room, "Note by") == 3


async def test_the_room_leads_to_the_situation_room_and_the_home_tab_shows_what_waits(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack, MUSTER_PUBLIC_URL="https://muster.example.org") as stage:
        await robin.open_home()
        home = await slack.until(lambda: robin.home, 60.0)
        assert "You are in no open incident" in json.dumps(home["blocks"])
        assert "Robin Vos" in json.dumps(home["blocks"])
        await stage.alert()
        room = await stage.room()
        marks = await slack.until(lambda: slack.world.named(room).bookmarks, 60.0)
        assert [mark["link"] for mark in marks] == [f"https://muster.example.org/#/rooms/{room}"]
        await slack.until(lambda: robin.dm.messages, 60.0)
        await robin.open_home()
        await slack.until(lambda: "Waiting for you" in json.dumps(robin.home["blocks"]), 60.0)
        await robin.press(robin.home, "ack INC-1")
        await stage.shown(room, "Acknowledged by Robin Vos")
        await robin.open_home()
        await slack.until(lambda: "Waiting for you" not in json.dumps(robin.home["blocks"]), 60.0)
        assert {"resolve INC-1", "show INC-1", "declare"} <= set(commands(robin.home["blocks"]))  # it is theirs now
        await robin.press(robin.home, "declare")
        await slack.until(lambda: robin.modal, 60.0)


async def test_by_http_what_slack_signed_is_heard_and_nothing_else(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    secret = slack.app.signing_secret
    async with muster(tmp_path, slack, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=secret) as stage:
        slack.request_url = f"{stage.app.address}/slack/events"
        assert await slack.deliveries.verify_url()
        await stage.alert()
        room = await stage.room()
        card = await stage.card(room)
        assert not (await robin.press(card, "ack INC-1")).failed
        await stage.shown(room, "Acknowledged by Robin Vos")
        await robin.say(room, "by http")
        done = await robin.command("/incident", "note heard", room)
        assert "Noted" in (await done.answer(seconds=60.0)).shown
        body, kind = slack.deliveries.body(done)
        headers = {"Content-Type": kind, **slack.deliveries.signed(body)}
        for bad in ({"X-Slack-Signature": "v0=00"}, slack.deliveries.signed(body, at=1.0)):
            status, _, _ = await slack.deliveries.post(body, headers | bad)
            assert status == 401
        assert (await stage.ready())["checks"]["slack"]["ok"]
