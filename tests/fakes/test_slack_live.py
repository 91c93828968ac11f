"""The fake Slack and a real slack_bolt app: events, sockets, and a bot with a public address."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from tests.fakes.driving import (
    client_of,
    connected,
    refusal,
    specification,
)
from tests.fakes.slack import FakeSlack


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
