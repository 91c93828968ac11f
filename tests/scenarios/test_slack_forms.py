"""Every form of every verb in Slack: it opens where typing is worse, says at its field what is wrong, and does what one would have
typed. A verb that gets a form is asked for here by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.chat.slack.manifest import ADD_TO_TIMELINE, DECLARE, DECLARE_FROM_MESSAGE
from bot.commands.forms import FORMS
from tests.fakes.slack import FakeSlack, Person
from tests.scenarios.slack_stage import Stage, muster

Values = dict[str, Any]

FILLED: dict[str, tuple[Values, str]] = {  # what somebody fills in, and what they or the room are then told
    "declare": ({"argument:title": "Checkout is down", "argument:severity": "sev2"}, "Checkout is down"),
    "note": ({"argument:text": "rolled back"}, "Note by Robin Vos: rolled back"),
    "page": ({"argument:who": "@mika", "argument:message": "need your eyes"}, "Mika Laine"),
    "rename": ({"argument:title": "Carts are empty"}, "Carts are empty"),
    "retro action add": (
        {"argument:text": "alert on queue length", "argument:owner": "@mika"},
        "alert on queue length",
    ),
    "retro mood": ({"argument:mood": "good"}, "good"),
    "runbook run": ({"parameter:instance": "checkout-1"}, "checkout-1"),
    "severity": ({"argument:level": "sev3"}, "SEV3"),
    "silence": ({"argument:matcher": 'service="cart"', "argument:duration": "2h"}, "cart"),
    "update": ({"argument:text": "Errors are falling", "argument:next": "30m"}, "Errors are falling"),
}
WRONG: dict[str, tuple[Values, str]] = {  # what the form refuses, and at which field it says why
    "update": ({"argument:next": "30m"}, "argument:text"),
    "runbook run": ({"parameter:instance": "all of them; now"}, "parameter:instance"),
    "page": ({"argument:who": "@nobody-here"}, "argument:who"),
    "retro action add": ({"argument:text": "x", "argument:owner": "@nobody-here"}, "argument:owner"),
    "silence": ({"argument:matcher": "what", "argument:duration": "2h"}, "argument:matcher"),
}
REQUIRED = {
    "declare",
    "note",
    "page",
    "rename",
    "retro mood",
    "retro action add",
    "silence",
}  # Slack's client asks itself


async def ready(stage: Stage, *people: Person) -> str:
    """An incident whose room these people are in."""
    await stage.alert()
    room = await stage.room()
    await stage.card(room)
    for person in people:
        await person.join(room)
    return room


def told(stage: Stage, *people: Person) -> Callable[[], str]:
    """Everything that they and the rooms are shown."""

    def shown() -> str:
        answers = [answer.shown for person in people for answer in person.private]
        rooms = [message.text + message.shown for room in stage.rooms() for message in stage.slack.posts(room)]
        return "\n".join((*answers, *rooms))

    return shown


@pytest.mark.parametrize("path", [" ".join(path) for path in FORMS])
async def test_each_form_opens_refuses_and_does_what_one_would_have_typed(
    tmp_path: Path, slack: FakeSlack, path: str
) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    async with muster(tmp_path, slack) as stage:
        room = await ready(stage, robin, mika)
        view = await (await robin.command("/incident", path, room)).view(seconds=60.0)
        if path == "runbook run":
            await robin.press(view, "runbook", "restart")
            await slack.until(lambda: robin.modal and "parameter:" in json.dumps(robin.modal["blocks"]), 60.0)
        if path in REQUIRED:
            with pytest.raises(ValueError, match="is required"):
                robin.submit({})
        if path in WRONG:
            values, field = WRONG[path]
            refused = await robin.submit(values)
            assert list(refused.errors) == [field]
            assert refused.errors[field].strip()
            assert robin.modal is not None
        values, words = FILLED[path]
        before = len(robin.private)
        sent = await robin.submit(values)
        assert not sent.errors
        assert robin.modal is None
        await slack.until(lambda: len(robin.private) > before, 60.0)
        shown = told(stage, robin)
        await slack.until(lambda: words in shown(), 60.0)
        assert "Something went wrong" not in shown()
        if path == "page":
            await slack.until(lambda: "need your eyes" in "".join(m.shown for m in mika.dm.messages), 60.0)


async def test_a_form_outside_a_room_asks_which_incident_and_offers_the_open_ones(
    tmp_path: Path, slack: FakeSlack
) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    async with muster(tmp_path, slack) as stage:
        await ready(stage, robin)
        await (await robin.command("/incident", "note", general)).view(seconds=60.0)
        offered = await robin.type_ahead("complete", "inc")
        assert [option["value"] for option in offered.ack["options"]] == ["INC-1"]  # type: ignore[index]
        sent = await robin.submit({"incident": offered.ack["options"][0], "argument:text": "from afar"})  # type: ignore[index]
        assert not sent.errors
        await stage.shown(await stage.room(), "Note by Robin Vos: from afar")


@pytest.mark.parametrize(
    ("path", "typed", "expected"),
    [("page", "mi", "@mika"), ("page", "check", "checkout"), ("runbook run", "res", "restart"), ("page", "zzz", None)],
)
async def test_menus_offer_what_fits_what_was_typed_so_far(
    tmp_path: Path, slack: FakeSlack, path: str, typed: str, expected: str | None
) -> None:
    robin = slack.person("robin")
    async with muster(tmp_path, slack) as stage:
        room = await ready(stage, robin)
        await (await robin.command("/incident", path, room)).view(seconds=60.0)
        offered = await robin.type_ahead("runbook" if path == "runbook run" else "complete", typed)
        assert offered.ack is not None
        values = [option["value"] for option in offered.ack["options"]]
        assert (expected in values) if expected else values == []


async def test_add_to_timeline_keeps_the_message_once(tmp_path: Path, slack: FakeSlack) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    general = slack.channel("general", robin)
    async with muster(tmp_path, slack) as stage:
        room = await ready(stage, robin, mika)
        said = await robin.say(room, "the pool is *exhausted*")
        assert said.message
        done = await mika.message_shortcut(said.message, ADD_TO_TIMELINE)
        assert "Noted" in (await done.answer(seconds=60.0)).shown
        await stage.shown(room, "Robin Vos: the pool is *exhausted*")
        slack.deliveries.again(done)
        await slack.until(lambda: done.attempts > 1, 60.0)
        elsewhere = await robin.say(general, "no incident here")
        assert elsewhere.message
        lost = await robin.message_shortcut(elsewhere.message, ADD_TO_TIMELINE)
        assert "INC-" in (await lost.answer(seconds=60.0)).shown  # it says how to name one
        assert len(await stage.notes()) == 1


async def test_an_incident_is_declared_from_a_message_and_from_anywhere(tmp_path: Path, slack: FakeSlack) -> None:
    robin = slack.person("robin")
    general = slack.channel("general", robin)
    async with muster(tmp_path, slack) as stage:
        said = await robin.say(general, "customers cannot pay")
        assert said.message
        view = await (await robin.message_shortcut(said.message, DECLARE_FROM_MESSAGE)).view(seconds=60.0)
        assert "customers cannot pay" in json.dumps(view["blocks"])
        assert not (await robin.submit({})).errors
        assert await stage.room(1) == "inc-1-customers-cannot-pay"
        await (await robin.shortcut(DECLARE)).view(seconds=60.0)
        assert not (await robin.submit({"argument:title": "Carts are empty", "argument:severity": "sev1"})).errors
        assert await stage.room(2) == "inc-2-carts-are-empty"
