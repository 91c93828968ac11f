"""The fake Slack and a real slack_bolt app: commands, forms, buttons, shortcuts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp

from tests.fakes.driving import (
    Client,
    actions,
    asked,
    button,
    connected,
    messages,
    modal,
    refusal,
    section,
)
from tests.fakes.slack import FakeSlack


async def test_a_command_is_acked_and_answered(slack: FakeSlack, app: AsyncApp) -> None:
    @app.command("/incident")
    async def incident(ack: Any, respond: Any, command: dict[str, Any]) -> None:
        if command["text"] == "quick":
            await ack("one moment")
            return
        await ack()
        for number in range(6):
            await respond(text=f"{command['text']} {number}", blocks=[section(f"block {number}")])

    robin = slack.person("robin")
    room = slack.channel("general", robin)
    async with connected(slack, app):
        done = await robin.command("/incident", "declare", room)
        assert done.acked_after is not None
        assert done.acked_after < 1
        assert done.failed == ""
        assert (await done.answer()).shown == "block 0"
        await slack.until(lambda: slack.errors["response_url", "used_url"] == 1)
        assert [answer.text for answer in done.answers] == [f"declare {n}" for n in range(5)]
        quick = await robin.command("/incident", "quick", room)
        assert ((await quick.answer()).how, (await quick.answer()).shown) == ("ack", "one moment")
        late = await robin.command("/incident", "late", room)
        late.at -= 1801
        assert slack.interactions.respond(late.response_token, {"text": "x"})[1]["error"] == "expired_url"


async def test_a_command_without_an_ack_fails_before_the_persons_eyes(slack: FakeSlack, app: AsyncApp) -> None:
    slack.ack_seconds = 0.1

    @app.command("/slow")
    async def slow(ack: Any) -> None:
        await asyncio.sleep(0.2)
        await ack()

    robin = slack.person("robin")
    assert (await robin.command("/slow", "")).failed == "dispatch_failed"
    async with connected(slack, app):
        done = await robin.command("/slow", "")
        assert (done.failed, done.acked_after) == ("operation_timeout", None)
        await slack.until(lambda: done.acked_late)
    assert slack.complaints == []


async def test_a_modal_from_the_trigger_to_the_submission(slack: FakeSlack, app: AsyncApp) -> None:
    severities = [{"text": {"type": "plain_text", "text": f"SEV{n}"}, "value": str(n)} for n in (1, 2)]
    fields = [
        asked("Title", max_length=20),
        asked("Severity", type="static_select", options=severities),
        asked("Service", type="external_select", min_query_length=0),
        {**asked("Note"), "optional": True},
    ]
    got: dict[str, Any] = {}
    words: list[str] = []

    @app.command("/incident")
    async def incident(ack: Any, client: Client, command: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=command["trigger_id"], view=modal(*fields, callback_id="declare"))
        words.append(await refusal(client.views_open(trigger_id=command["trigger_id"], view=modal())))

    @app.options("service")
    async def services(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[{"text": {"type": "plain_text", "text": payload["value"]}, "value": "checkout"}])

    @app.view("declare")
    async def declared(ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        got.update(values)
        if values["title"]["title"]["value"] == "bad":
            await ack(response_action="errors", errors={"title": "Say more"})
        elif values["title"]["title"]["value"] == "again":
            await ack(response_action="update", view=modal(section("Sure?"), callback_id="declare"))
        else:
            await ack()

    robin = slack.person("robin")
    async with connected(slack, app):
        opened = await robin.command("/incident", "")
        assert "Declare" in (await opened.view()).shown
        with pytest.raises(ValueError, match="Title is required"):
            robin.submit({"severity": "1", "service": "checkout"})
        offered = await robin.type_ahead("service", "check")
        assert offered.ack is not None
        choice = offered.ack["options"][0]
        filled = {"Title": "bad", "severity": "SEV1", "service": choice}
        assert (await robin.submit(filled)).errors == {"title": "Say more"}
        assert robin.modal is not None
        await robin.submit({**filled, "Title": "again"})
        assert "Sure?" in robin.modal.shown
        await slack.until(lambda: words)
        assert words == ["exchanged_trigger_id"]
        assert got["severity"]["severity"]["selected_option"]["value"] == "1"
        assert got["service"]["service"]["selected_option"]["value"] == "checkout"
        assert got["note"]["note"]["value"] is None
    assert slack.complaints == []


async def test_views_have_rules(slack: FakeSlack, client: Client) -> None:
    robin = slack.person("robin")

    def trigger() -> str:
        return robin.shortcut("x").trigger_id

    await client.views_open(trigger_id=trigger(), view=modal(external_id="one"))
    for number in range(2):
        await client.views_push(trigger_id=trigger(), view=modal(title=str(number)))
    assert await refusal(client.views_push(trigger_id=trigger(), view=modal())) == "push_limit_reached"
    top = robin.modal
    assert top is not None
    old = top["hash"]
    await client.views_update(view_id=top["id"], hash=old, view=modal(title="new"))
    assert await refusal(client.views_update(view_id=top["id"], hash=old, view=modal())) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V0NONE", view=modal())) == "not_found"
    assert (
        await refusal(client.views_open(trigger_id=trigger(), view=modal(external_id="one"))) == "duplicate_external_id"
    )
    assert await refusal(client.views_open(trigger_id="nonsense", view=modal())) == "invalid_trigger_id"
    late = robin.shortcut("x")
    late.at -= 3.1
    assert await refusal(client.views_open(trigger_id=late.trigger_id, view=modal())) == "expired_trigger_id"
    for view, said in (
        (modal(title="t" * 25), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="m" * 3001), "must be less than 3001 characters"),
        (modal(*[section()] * 101), "no more than 100 items"),
        ({**modal(asked("A")), "submit": None}, "submit required"),
        (modal(section("x" * 3001)), "[json-pointer:/view/blocks/0/text/text]"),
    ):
        said_of = await messages(client.views_open(trigger_id=trigger(), view=view))
        assert any(said in message for message in said_of), said_of
    huge = modal(*[asked(f"Q{n}", initial_value="x" * 2900) for n in range(99)])
    assert await refusal(client.views_open(trigger_id=trigger(), view=huge)) == "view_too_large"
    await client.views_publish(user_id=robin.id, view={"type": "home", "blocks": [section("Home")]})
    assert robin.home is not None
    assert robin.home.shown == "Home"
    robin.close()
    assert robin.modal is not top


async def test_buttons_menus_and_outdated_screens(slack: FakeSlack, app: AsyncApp) -> None:
    pressed: list[tuple[str, Any, str]] = []

    @app.action("ack")
    async def acked(ack: Any, body: dict[str, Any], respond: Any, client: Client) -> None:
        await ack()
        pressed.append(
            (body["user"]["name"], body["actions"][0]["value"], body["message"]["blocks"][0]["text"]["text"])
        )
        await client.chat_postEphemeral(channel=body["channel"]["id"], user=body["user"]["id"], text="noted")
        await respond(text="replaced", replace_original=True)

    @app.action("who")
    async def who(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        pressed.append((body["user"]["name"], body["actions"][0]["selected_user"], body["container"]["type"]))

    robin, mika = slack.person("robin"), slack.person("mika")
    room = slack.channel("general", robin)
    menu = {"type": "users_select", "action_id": "who"}
    blocks = [section("card v1"), actions(button("Acknowledge", action_id="ack", value="inc-1"), menu)]
    async with connected(slack, app):
        ts = (await app.client.chat_postMessage(channel=room.id, text="card", blocks=blocks))["ts"]
        card = room.posts[0]
        seen = card.frozen()
        await app.client.chat_update(channel=room.id, ts=ts, text="card", blocks=[section("card v2"), *blocks[1:]])
        assert (await robin.press(seen, "Acknowledge")).failed == ""
        assert pressed[0] == ("robin", "inc-1", "card v1")
        await slack.until(lambda: card.text == "replaced")
        with pytest.raises(LookupError, match="nothing here is called"):
            robin.press(card, "ack")
        chosen = await robin.press(seen, "who", mika.id)
        assert pressed[1] == ("robin", mika.id, "message")
        assert chosen.answers == []
        assert [answer.shown for answer in robin.private] == ["noted"]
        await app.client.views_publish(user_id=robin.id, view={"type": "home", "blocks": blocks})
        assert robin.home is not None
        await robin.press(robin.home, "who", mika.id)
        assert pressed[2][2] == "view"


async def test_shortcuts_bring_a_message_or_nothing(slack: FakeSlack, app: AsyncApp) -> None:
    got: list[str] = []

    @app.shortcut("declare")
    async def declare(ack: Any, client: Client, shortcut: dict[str, Any]) -> None:
        await ack()
        got.append(shortcut["type"])
        await client.views_open(trigger_id=shortcut["trigger_id"], view=modal())

    @app.shortcut("timeline")
    async def timeline(ack: Any, respond: Any, shortcut: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"kept: {shortcut['message']['text']}")

    robin = slack.person("robin")
    room = slack.channel("general", robin)
    async with connected(slack, app):
        assert (await (await robin.shortcut("declare")).view())["type"] == "modal"
        said = robin.say(room, "it was DNS")  # nobody listens, so bolt does not ack
        assert said.message is not None
        assert (await robin.message_shortcut(said.message, "timeline").answer()).shown == "kept: it was DNS"
    assert got == ["shortcut"]
