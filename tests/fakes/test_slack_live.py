"""The fake Slack and a real slack_bolt app: commands, modals, buttons, events, over Socket Mode and by signed HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from tests.fakes.driving import (
    Client,
    actions,
    asked,
    button,
    client_of,
    connected,
    messages,
    modal,
    refusal,
    section,
    specification,
)
from tests.fakes.slack import FakeSlack

# ── a bot on Socket Mode


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


async def test_the_app_hears_what_people_do(slack: FakeSlack, app: AsyncApp) -> None:
    heard: list[tuple[str, str]] = []

    async def hear(event: dict[str, Any]) -> None:
        if event.get("user") != slack.app.user_id:
            heard.append((event["type"], event.get("subtype") or event.get("reaction") or event.get("text") or ""))

    for kind in (
        "message",
        "app_mention",
        "reaction_added",
        "reaction_removed",
        "member_joined_channel",
        "member_left_channel",
        "app_home_opened",
        "channel_archive",
    ):
        app.event(kind)(hear)
    app.event({"type": "message", "subtype": "message_changed"})(hear)

    robin = slack.person("robin")
    room, other = slack.channel("inc-1"), slack.channel("other", robin, with_app=False)
    async with connected(slack, app):
        assert not robin.say(other, "not for you").sent
        said = await robin.say(room, f"<@{slack.app.user_id}> help")
        assert said.message is not None
        assert (await robin.edit(said.message, "never mind")).attempts == 1
        await robin.react(said.message, "pushpin")
        await robin.unreact(said.message, "pushpin")
        await robin.say(room, "in a thread", thread=said.message)
        await robin.upload(room, "log.txt", b"42")
        await robin.delete(said.message)
        await robin.open_home()
        await robin.leave(room)
        await robin.archive(room)
    kinds = [f"{kind} {what}".strip() for kind, what in heard]
    assert [kind for kind in kinds if "help" in kind] == [
        f"message <@{slack.app.user_id}> help",
        f"app_mention <@{slack.app.user_id}> help",
    ]
    for kind in (
        "member_joined_channel",
        "message message_changed",
        "reaction_added pushpin",
        "reaction_removed pushpin",
    ):
        assert kind in kinds
    for kind in ("message in a thread", "message file_share", "message message_deleted", "app_home_opened"):
        assert kind in kinds
    assert {"member_left_channel", "channel_archive"} <= set(kinds)
    slack.app.events = {"app_mention"}
    assert not robin.join(slack.channel("inc-2")).sent
    slack.app.scopes -= {"app_mentions:read"}
    assert not robin.say("inc-2", f"<@{slack.app.user_id}>").sent


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


async def test_events_come_again_until_somebody_acks(slack: FakeSlack, app: AsyncApp) -> None:
    slack.ack_seconds, slack.retry_delays = 0.05, (0.0, 0.2, 0.5)
    slack.app.events = {"message.channels"}
    tries: list[tuple[int, str]] = []

    @app.event("message")
    async def hear(event: dict[str, Any]) -> None:
        if event["text"] == "hard":
            tries.append((len(tries), event["ts"]))

    robin = slack.person("robin")
    room = slack.channel("general", robin)
    lost = robin.say(room, "nobody is there")
    async with connected(slack, app) as handler:
        seen: list[tuple[str, int, str]] = []

        async def watch(_: Any, request: Any) -> None:
            seen.append((request.payload["event_id"], request.retry_attempt, request.retry_reason))

        handler.client.socket_mode_request_listeners.insert(0, watch)
        await slack.until(lambda: lost.done)
        assert lost.failed == ""
        assert lost.attempts > 1
        muted = handler.client.socket_mode_request_listeners.pop()
        said = robin.say(room, "hard")
        await slack.until(lambda: said.attempts == 2)
        handler.client.socket_mode_request_listeners.append(muted)
        assert (await said).acked_after is not None
        slack.deliveries.again(said)
        await slack.until(lambda: len(tries) == 2)
        mine = [(attempt, reason) for event_id, attempt, reason in seen if event_id == said.payload["event_id"]]
        assert mine[:3] == [(0, ""), (1, "timeout"), (2, "timeout")]
        assert len({event_id for event_id, _, _ in seen}) == 2
    assert (await robin.say(room, "nobody ever")).failed == "lost"


async def test_sockets_are_refreshed_broken_and_found_again(slack: FakeSlack, app: AsyncApp) -> None:
    slack.retry_delays = (0.1, 0.3, 3.0)
    heard: list[str] = []

    @app.event("message")
    async def hear(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    robin = slack.person("robin")
    room = slack.channel("general", robin)
    async with connected(slack, app), connected(slack, app):
        assert len(slack.sockets.open) == 2
        for number in range(4):
            await robin.say(room, str(number))
        assert sorted(heard) == ["0", "1", "2", "3"]
        await slack.sockets.disconnect("refresh_requested")
        await slack.until(lambda: slack.sockets.opened == 4)
        await robin.say(room, "after the refresh")
        slack.sockets.abort()
        await slack.until(lambda: slack.sockets.opened == 6)
        await robin.say(room, "after the loss")
        async with slack.away():
            in_the_dark = robin.say(room, "in the dark")
        await in_the_dark
    assert heard[4:] == ["after the refresh", "after the loss", "in the dark"]
    assert slack.sockets.open == []


async def test_a_ticket_opens_one_socket(slack: FakeSlack) -> None:
    url = slack.sockets.ticket()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as ws:
            hello = await ws.receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            await slack.sockets.disconnect("link_disabled")
            assert (await ws.receive_json())["reason"] == "link_disabled"
            await ws.send_str('{"envelope_id": "of nothing"}')
            await slack.until(lambda: slack.complaints)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_people_leave_and_the_app_is_thrown_out(slack: FakeSlack, app: AsyncApp) -> None:
    heard: list[str] = []

    async def hear(event: dict[str, Any]) -> None:
        heard.append(event["type"])

    app.event("user_change")(hear)
    app.event("app_uninstalled")(hear)
    robin = slack.person("robin")
    room = slack.channel("general", robin)
    async with connected(slack, app):
        await slack.deactivate(robin)
        assert robin.id not in room.members
        assert await refusal(app.client.users_lookupByEmail(email="robin@example.org")) == "users_not_found"
        await slack.uninstall()
        assert await refusal(app.client.auth_test()) == "account_inactive"
    assert heard == ["user_change", "app_uninstalled"]


async def test_envelopes_look_like_the_samples(slack: FakeSlack) -> None:
    samples = {sample["type"]: sample for sample in specification().envelopes()}
    robin = slack.person("robin")
    room = slack.channel("general", robin)
    got: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session, session.ws_connect(slack.sockets.ticket()) as ws:
        hello = await ws.receive_json()
        assert set(samples["hello"]) == set(hello)
        robin.command("/incident", "help", room)
        robin.shortcut("declare")
        robin.say(room, "hello")
        for _ in range(3):
            envelope = await ws.receive_json()
            got[envelope["type"]] = envelope
            await ws.send_json({"envelope_id": envelope["envelope_id"]})
    for kind in ("slash_commands", "interactive", "events_api"):
        assert set(samples[kind]) <= set(got[kind]), kind
        assert set(samples[kind]["payload"]) - {"action_ts"} <= set(got[kind]["payload"]), kind
    assert set(samples["events_api"]["payload"]["event"]) - {"blocks", "client_msg_id"} <= set(
        got["events_api"]["payload"]["event"]
    )


# ── a bot with a public address


async def test_http_mode_signs_what_it_posts(slack: FakeSlack) -> None:
    bolt = AsyncApp(
        token=slack.app.bot_token,
        signing_secret=slack.app.signing_secret,
        client=client_of(slack),
        process_before_response=True,
    )
    retried: list[str] = []

    @bolt.command("/incident")
    async def incident(ack: Any, respond: Any) -> None:
        await ack("one moment")
        await respond("done")

    @bolt.event("message")
    async def hear(event: dict[str, Any]) -> None: ...

    async def receive(request: web.Request) -> web.StreamResponse:
        from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

        retry = request.headers.get("X-Slack-Retry-Num", "0")
        if "event_callback" in await request.text():
            retried.append(f"{retry} {request.headers.get('X-Slack-Retry-Reason', '')}".strip())
            if retry in ("0", "1"):
                return web.Response(status=500)
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.router.add_post("/slack/events", receive)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    slack.retry_delays, slack.app.events = (0.0, 0.01, 0.02), {"message.channels"}
    try:
        assert await slack.deliveries.verify_url()
        robin = slack.person("robin")
        room = slack.channel("general", robin)
        done = await robin.command("/incident", "", room)
        assert (await done.answer(1)).how != (await done.answer(0)).how
        assert {answer.shown for answer in done.answers} == {"one moment", "done"}
        said = await robin.say(room, "hello")
        assert (said.attempts, retried) == (3, ["0", "1 http_error", "2 http_error"])
        body, kind = slack.deliveries.body(done)
        old = {"Content-Type": kind, **slack.deliveries.signed(body, at=1_000_000)}
        assert (await slack.deliveries.post(body, old))[0] == 401
        forged = {"Content-Type": kind, **slack.deliveries.signed(body + b"x")}
        assert (await slack.deliveries.post(body, forged))[0] == 401
    finally:
        await runner.cleanup()
