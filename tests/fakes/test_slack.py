"""The fake Slack, tried with the real slack_sdk and slack_bolt over real sockets: what it lets pass, what it refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import ManualClock
from tests.fakes.slack import MISSING, FakeSlack, Specs
from tests.fakes.slack.calls import METHODS
from tests.fakes.slack.tables import RULES

logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)
logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)

Client = AsyncWebClient


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(limits=False) as server:
        yield server
        assert server.undocumented <= {("pins.add", "is_archived")}, "errors that the reference does not list"


def client_of(server: FakeSlack, token: str | None = None, *, timeout: float = 5) -> Client:
    return AsyncWebClient(
        token=token or server.app.bot_token, base_url=server.api_url, retry_handlers=[], timeout=timeout
    )


@pytest.fixture
def client(slack: FakeSlack) -> Client:
    return client_of(slack)


async def refusal(work: Awaitable[Any]) -> str:
    """The word Slack says no with."""
    with pytest.raises(SlackApiError) as caught:
        await work
    return str(caught.value.response["error"])


async def messages(work: Awaitable[Any]) -> list[str]:
    """What Slack says in detail when it says no."""
    with pytest.raises(SlackApiError) as caught:
        await work
    return list(caught.value.response["response_metadata"]["messages"])


def section(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Ack", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def modal(*blocks: dict[str, Any], title: str = "Declare", **more: Any) -> dict[str, Any]:
    plain = {"title": {"type": "plain_text", "text": title}, "submit": {"type": "plain_text", "text": "Go"}}
    return {"type": "modal", **plain, "blocks": list(blocks) or [section()], **more}


def asked(label: str, **element: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": label.lower(), **element}
    return {
        "type": "input",
        "label": {"type": "plain_text", "text": label},
        "block_id": label.lower(),
        "element": element,
    }


# ── who calls


async def test_a_bot_token_says_who_it_is_and_shows_its_scopes(slack: FakeSlack, client: Client) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.app.user_id
    assert answer["bot_id"] == slack.app.bot_id
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


async def test_each_kind_of_token_opens_only_its_methods(slack: FakeSlack) -> None:
    assert (await client_of(slack, slack.app.app_token).apps_connections_open(app_token=slack.app.app_token))["ok"]
    assert await refusal(client_of(slack, slack.app.app_token).auth_test()) == "not_allowed_token_type"
    assert (
        await refusal(client_of(slack).apps_connections_open(app_token=slack.app.bot_token)) == "not_allowed_token_type"
    )
    assert await refusal(client_of(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    slack.app.app_scopes.clear()
    app = client_of(slack, slack.app.app_token)
    assert await refusal(app.apps_connections_open(app_token=slack.app.app_token)) == "missing_scope"
    async with aiohttp.ClientSession() as session, session.post(slack.api_url + "auth.test") as response:
        assert (await response.json())["error"] == "not_authed"


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_token_may_die(slack: FakeSlack, client: Client, word: Any) -> None:
    slack.app.token_trouble = word
    assert await refusal(client.auth_test()) == word


async def test_a_missing_scope_is_named(slack: FakeSlack, client: Client) -> None:
    slack.app.scopes -= {"groups:write"}
    assert (await client.conversations_create(name="open"))["channel"]["is_private"] is False
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_create(name="secret", is_private=True)
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "groups:write"
    assert "channels:manage" in caught.value.response["provided"]


async def test_arguments_come_by_query_form_and_json_where_slack_reads_it(slack: FakeSlack) -> None:
    robin = slack.person("robin")
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def say(method: str, **how: Any) -> dict[str, Any]:
            async with session.post(slack.api_url + method, **how) as response:
                body: dict[str, Any] = await response.json()
                return body

        assert (await say("users.info", params={"user": robin.id}))["ok"]
        assert (await say("users.info", data={"user": robin.id}))["ok"]
        assert not (await say("users.info", json={"user": robin.id}))["ok"]
        assert (await say("conversations.create", json={"name": "a"}))["ok"]
        assert (await say("conversations.create", data={"name": "b", "is_private": "true"}))["channel"]["is_private"]
        broken = {"headers": {"Content-Type": "application/json"}}
        assert (await say("chat.postMessage", data="{", **broken))["error"] == "invalid_json"
        assert (await say("chat.postMessage", data="[]", **broken))["error"] == "json_not_object"
        assert (await say("chat.shout"))["error"] == "unknown_method"


# ── channels


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("taken", "name_taken"),
        ("", "invalid_name_required"),
        ("n" * 81, "invalid_name_maxlength"),
        ("Loud", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
    ],
)
async def test_a_channels_name_must_please(slack: FakeSlack, client: Client, name: str, word: str) -> None:
    slack.channel("taken")
    assert await refusal(client.conversations_create(name=name)) == word


async def test_an_archived_channel_keeps_its_name_and_takes_no_words(slack: FakeSlack, client: Client) -> None:
    room = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    posted = await client.chat_postMessage(channel=room, text="hello")
    await client.conversations_archive(channel=room)
    assert await refusal(client.conversations_create(name="inc-1")) == "name_taken"
    assert await refusal(client.chat_postMessage(channel=room, text="more")) == "is_archived"
    assert await refusal(client.chat_update(channel=room, ts=posted["ts"], text="more")) == "is_inactive"
    assert await refusal(client.conversations_archive(channel=room)) == "already_archived"
    assert await refusal(client.conversations_setTopic(channel=room, topic="x")) == "is_archived"
    await client.conversations_unarchive(channel=room)
    assert await refusal(client.conversations_unarchive(channel=room)) == "not_archived"


async def test_invitations_fail_together_unless_forced(slack: FakeSlack, client: Client) -> None:
    robin, mika, gone = slack.person("robin"), slack.person("mika"), slack.person("gone", deleted=True)
    room = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    members = slack.world.channels[room].members
    assert await refusal(client.conversations_invite(channel=room, users=[robin.id, "U0NOBODY"])) == "user_not_found"
    assert robin.id not in members
    assert await refusal(client.conversations_invite(channel=room, users=[gone.id, robin.id])) == "cant_invite"
    assert robin.id in members
    forced = await client.conversations_invite(channel=room, users=[robin.id, mika.id], force=True)
    assert forced["errors"][0]["error"] == "already_in_channel"
    assert mika.id in members
    assert await refusal(client.conversations_invite(channel=room, users=slack.app.user_id)) == "cant_invite_self"
    crowd = [slack.person(f"p{n}").id for n in range(101)]
    assert await refusal(client.conversations_invite(channel=room, users=crowd)) == "invalid_arguments"
    await client.conversations_kick(channel=room, user=mika.id)
    assert mika.id not in members


async def test_topics_have_a_length_and_rooms_of_others_are_closed(slack: FakeSlack, client: Client) -> None:
    theirs = slack.channel("theirs", slack.person("robin"), with_app=False)
    secret = slack.channel("secret", slack.person("mika"), private=True, with_app=False)
    mine = (await client.conversations_create(name="mine"))["channel"]["id"]
    await client.conversations_setTopic(channel=mine, topic="t" * 250)
    assert await refusal(client.conversations_setTopic(channel=mine, topic="t" * 251)) == "too_long"
    assert await refusal(client.conversations_setPurpose(channel=theirs.id, purpose="p")) == "not_in_channel"
    assert await refusal(client.conversations_info(channel=secret.id)) == "channel_not_found"
    assert await refusal(client.chat_postMessage(channel=secret.id, text="hi")) == "channel_not_found"
    assert await refusal(client.conversations_history(channel=theirs.id)) == "not_in_channel"
    await client.chat_postMessage(channel=theirs.id, text="chat:write.public lets me")
    slack.app.scopes -= {"chat:write.public"}
    assert await refusal(client.chat_postMessage(channel=theirs.id, text="hi")) == "not_in_channel"
    await client.conversations_join(channel=theirs.id)
    listed = await client.conversations_list(types="public_channel,private_channel", limit=1)
    assert listed["response_metadata"]["next_cursor"]
    assert len([c async for page in listed for c in page["channels"]]) == 2


async def test_people_are_found_by_address_and_written_to(slack: FakeSlack, client: Client) -> None:
    robin, gone = slack.person("robin"), slack.person("gone", deleted=True)
    oncall = slack.group("oncall", robin)
    assert (await client.users_lookupByEmail(email="robin@example.org"))["user"]["id"] == robin.id
    assert await refusal(client.users_lookupByEmail(email="gone@example.org")) == "users_not_found"
    assert len((await client.users_list())["members"]) == 3
    assert (await client.usergroups_users_list(usergroup=oncall.id))["users"] == [robin.id]
    slack.world.paid = False
    assert await refusal(client.usergroups_list()) == "plan_upgrade_required"
    opened = (await client.conversations_open(users=robin.id))["channel"]["id"]
    assert (await client.conversations_open(users=[robin.id]))["already_open"]
    assert await refusal(client.conversations_open(users=gone.id)) == "user_disabled"
    assert await refusal(client.conversations_open(users="")) == "users_list_not_supplied"
    assert (await client.chat_postMessage(channel=robin.id, text="page"))["channel"] == opened == robin.dm.id


# ── messages


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section()] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([actions(button("x" * 76, action_id="a"))], "must be less than 76 characters"),
        ([actions(button(value="x" * 2001))], "must be less than 2001 characters"),
        ([actions(*[button() for _ in range(26)])], "no more than 25 items allowed"),
        ([actions(button(action_id="a"), button(action_id="a"))], "already exists"),
        ([section(block_id="b"), section(block_id="b")], "already exists"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}], "must be less than 151"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "h"}}], "must be a plain_text object"),
        ([{"type": "context", "elements": []}], "no fewer than 1 items"),
        ([{"type": "section"}], "missing required field: text"),
        ([section(fields=[{"type": "mrkdwn", "text": "f"}] * 11)], "no more than 10 items"),
        (
            [section(accessory={"type": "overflow", "options": [{"text": {"type": "plain_text", "text": "x"}}] * 6})],
            "no more than 5 items",
        ),
        ([{"type": "markdown", "text": "x" * 12_001}], "must be less than 12001"),
    ],
)
async def test_blocks_have_lengths(slack: FakeSlack, client: Client, blocks: list[Any], said: str) -> None:
    room = slack.channel("general")
    post = client.chat_postMessage(channel=room.id, text="t", blocks=blocks)
    assert any(said in message for message in await messages(post))
    assert slack.errors["chat.postMessage", "invalid_blocks"] == 1
    assert room.posts == []


async def test_blocks_follow_the_schema(slack: FakeSlack, client: Client) -> None:
    if Specs.load() is None:
        pytest.skip(MISSING)
    room = slack.channel("general").id
    for wrong in (
        {"type": "sektion"},
        section(colour="red"),
        actions({"type": "static_select", "options": "none"}),
        {"type": "image", "alt_text": "no address"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        {"type": "context", "elements": [button()]},
    ):
        assert await refusal(client.chat_postMessage(channel=room, text="t", blocks=[wrong])) == "invalid_blocks"
    assert await refusal(client.chat_postMessage(channel=room, text="t", blocks="{")) == "invalid_blocks_format"
    assert await refusal(client.api_call("chat.postMessage", params={"channel": room})) == "no_text"
    assert await refusal(client.conversations_members(channel="")) == "invalid_arguments"
    assert await refusal(client.conversations_members(channel=room, limit="many")) == "invalid_arguments"
    await client.chat_postMessage(channel=room, text="t", colour="red")
    assert slack.complaints == ["chat.postMessage: no argument is called colour"]


async def test_a_message_has_a_total_and_an_edit_a_smaller_text(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    assert await refusal(client.chat_postMessage(channel=room.id, text="t", blocks=[section("x" * 2800)] * 5)) == (
        "msg_blocks_too_long"
    )
    posted = await client.chat_postMessage(channel=room.id, text="x" * 40_001)
    assert posted["warning"] == "message_truncated"
    assert len(room.posts[0].text) == 40_000
    assert await refusal(client.chat_update(channel=room.id, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"
    assert await refusal(client.chat_update(channel=room.id, ts="1.000001", text="x")) == "message_not_found"
    said = slack.person("robin").say(room, "mine")
    assert await refusal(client.chat_update(channel=room.id, ts=said.ts, text="x")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel=room.id, ts=said.ts)) == "cant_delete_message"
    assert (
        await refusal(client.chat_postMessage(channel=room.id, text="a", markdown_text="b")) == "markdown_text_conflict"
    )


async def test_metadata_marks_a_message_and_history_shows_it_when_asked(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general", slack.person("robin"))
    marker = {"event_type": "muster_effect", "event_payload": {"id": "e-1"}}
    posted = await client.chat_postMessage(channel=room.id, text="card", blocks=[section("card")], metadata=marker)
    reply = await client.chat_postMessage(channel=room.id, text="reply", thread_ts=posted["ts"])
    await client.chat_postMessage(channel=room.id, text="last")
    assert float(reply["ts"]) > float(posted["ts"])
    plain = (await client.conversations_history(channel=room.id))["messages"]
    assert [m["text"] for m in plain] == ["last", "card"]
    assert "metadata" not in plain[1]
    assert plain[1]["reply_count"] == 1
    full = await client.conversations_history(
        channel=room.id, include_all_metadata=True, oldest=posted["ts"], inclusive=True
    )
    assert full["messages"][1]["metadata"] == marker
    assert [m["text"] for m in (await client.conversations_replies(channel=room.id, ts=posted["ts"]))["messages"]] == [
        "card",
        "reply",
    ]
    await client.chat_update(channel=room.id, ts=posted["ts"], text="just words")
    assert room.posts[0].blocks == []
    assert room.posts[0]["metadata"] == marker
    await client.chat_delete(channel=room.id, ts=posted["ts"])
    assert (await client.conversations_history(channel=room.id))["messages"][1]["subtype"] == "tombstone"
    for wrong in ({"event_type": "x"}, {"event_type": "", "event_payload": {}}):
        word = await refusal(client.chat_postMessage(channel=room.id, text="t", metadata=wrong))
        assert word == "invalid_metadata_format"
    large = {"event_type": "x", "event_payload": {"v": "x" * 20_000}}
    assert await refusal(client.chat_postMessage(channel=room.id, text="t", metadata=large)) == "metadata_too_large"


async def test_only_members_see_ephemeral_words(slack: FakeSlack, client: Client) -> None:
    robin, mika = slack.person("robin"), slack.person("mika")
    room = slack.channel("general", robin)
    await client.chat_postEphemeral(channel=room.id, user=robin.id, text="only you")
    assert [answer.shown for answer in robin.private] == ["only you"]
    assert room.posts == []
    assert await refusal(client.chat_postEphemeral(channel=room.id, user=mika.id, text="x")) == "user_not_in_channel"


async def test_pins_bookmarks_and_reactions(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    ts = (await client.chat_postMessage(channel=room.id, text="card"))["ts"]
    await client.pins_add(channel=room.id, timestamp=ts)
    assert await refusal(client.pins_add(channel=room.id, timestamp=ts)) == "already_pinned"
    assert (await client.pins_list(channel=room.id))["items"][0]["message"]["ts"] == ts
    await client.pins_remove(channel=room.id, timestamp=ts)
    assert await refusal(client.pins_remove(channel=room.id, timestamp=ts)) == "no_pin"
    mark = await client.bookmarks_add(channel_id=room.id, title="Runbook", type="link", link="https://example.org")
    await client.bookmarks_edit(channel_id=room.id, bookmark_id=mark["bookmark"]["id"], title="Ticket")
    assert [m["title"] for m in (await client.bookmarks_list(channel_id=room.id))["bookmarks"]] == ["Ticket"]
    await client.bookmarks_remove(channel_id=room.id, bookmark_id=mark["bookmark"]["id"])
    assert (
        await refusal(client.bookmarks_add(channel_id=room.id, title="x", type="link", link="runbook"))
        == "invalid_link"
    )
    await client.reactions_add(channel=room.id, timestamp=ts, name="eyes")
    assert await refusal(client.reactions_add(channel=room.id, timestamp=ts, name="eyes")) == "already_reacted"
    assert (await client.reactions_get(channel=room.id, timestamp=ts))["message"]["reactions"][0]["count"] == 1
    link = (await client.chat_getPermalink(channel=room.id, message_ts=ts))["permalink"]
    assert link.endswith(f"/{room.id}/p{ts.replace('.', '')}")


async def test_a_file_takes_three_steps(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    done = await client.files_upload_v2(channel=room.id, content=b"png", filename="graph.png", initial_comment="alerts")
    assert room.posts[0]["files"][0]["name"] == "graph.png"
    info = (await client.files_info(file=done["file"]["id"]))["file"]
    assert info["shares"]["public"][room.id][0]["ts"] == room.posts[0].ts
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(info["url_private"]) as response:
        assert await response.read() == b"png"
    asked_for = await client.files_getUploadURLExternal(filename="x.txt", length=3)
    early = client.files_completeUploadExternal(files=[{"id": asked_for["file_id"], "title": "x"}], channel_id=room.id)
    assert await refusal(early) == "file_not_found"
    theirs = slack.channel("theirs", slack.person("robin"), with_app=False)
    assert await refusal(client.files_upload_v2(channel=theirs.id, content=b"x", filename="x.txt")) == "not_in_channel"


# ── how often


async def test_each_method_has_its_minute() -> None:
    clock = ManualClock()
    async with FakeSlack(now=clock.now) as slack:
        client = client_of(slack)
        for number in range(20):
            await client.conversations_create(name=f"inc-{number}")
        with pytest.raises(SlackApiError) as caught:
            await client.conversations_create(name="inc-20")
        assert caught.value.response.status_code == 429
        assert caught.value.response["error"] == "ratelimited"
        assert caught.value.response.headers["Retry-After"] == "60"
        await client.auth_test()
        clock.advance(60)
        await client.conversations_create(name="inc-20")
        assert slack.rates.refused == {"conversations.create": 1}


async def test_a_channel_takes_one_message_a_second_after_a_short_burst() -> None:
    clock = ManualClock()
    async with FakeSlack(now=clock.now) as slack:
        client, one, other = client_of(slack), slack.channel("one"), slack.channel("other")
        for _ in range(4):
            await client.chat_postMessage(channel=one.id, text="t")
        assert await refusal(client.chat_postMessage(channel=one.id, text="t")) == "ratelimited"
        await client.chat_postMessage(channel=other.id, text="t")
        clock.advance(1)
        await client.chat_postMessage(channel=one.id, text="t")
        assert await refusal(client.chat_postMessage(channel=one.id, text="t")) == "ratelimited"
        assert len(one.posts) == 5


async def test_time_may_run_faster() -> None:
    async with FakeSlack(speed=600) as slack:  # a minute is a tenth of a second
        client, room = client_of(slack), slack.channel("one")
        words = []
        for number in range(25):
            try:
                await client.conversations_setTopic(channel=room.id, topic=str(number))
            except SlackApiError as error:
                words.append(error.response["error"])
                await asyncio.sleep(0.1)
        assert set(words) <= {"ratelimited"}
        assert slack.busiest("conversations.setTopic", 60) == 25


# ── what goes wrong


async def test_trouble_comes_on_demand(slack: FakeSlack) -> None:
    client, room = client_of(slack, timeout=0.3), slack.channel("general")

    def post(text: str) -> Awaitable[Any]:
        return client.chat_postMessage(channel=room.id, text=text)

    slack.faults.plan("chat.*", "http", status=503)
    with pytest.raises(SlackApiError):
        await post("unavailable")
    slack.faults.plan("chat.postMessage", "error", error="internal_error")
    assert await refusal(post("error")) == "internal_error"
    slack.faults.plan("chat.postMessage", "reset")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await post("reset")
    assert room.posts == []
    slack.faults.plan("chat.postMessage", "reset_after")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await post("reset after")
    slack.faults.plan("chat.postMessage", "timeout_after", when=lambda args: args["text"] == "silence after")
    await post("fine")
    with pytest.raises(TimeoutError):
        await post("silence after")
    slack.faults.plan("chat.postMessage", "http_after", status=500)
    with pytest.raises(SlackApiError):
        await post("500 after")
    slack.faults.plan("chat.postMessage", "ratelimited", seconds=7)
    assert await refusal(post("429")) == "ratelimited"
    slack.faults.plan("chat.postMessage", "slow", seconds=0.05)
    await post("slow")
    assert [m.text for m in room.posts] == ["reset after", "fine", "silence after", "500 after", "slow"]


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_everything_may_be_away_for_a_while(slack: FakeSlack, client: Client, how: Any) -> None:
    async with slack.away(how):
        with pytest.raises((aiohttp.ClientError, ConnectionError, SlackApiError)):
            await client.auth_test()
    await client.auth_test()


# ── a bot on Socket Mode


@asynccontextmanager
async def connected(slack: FakeSlack, app: AsyncApp, *, ping: float = 0.2) -> AsyncIterator[AsyncSocketModeHandler]:
    before = slack.sockets.opened
    handler = AsyncSocketModeHandler(app, slack.app.app_token, ping_interval=ping)  # type: ignore[arg-type]
    await handler.connect_async()
    try:
        await slack.until(lambda: slack.sockets.opened > before)
        yield handler
    finally:
        await handler.close_async()


@pytest.fixture
def app(slack: FakeSlack) -> AsyncApp:
    return AsyncApp(token=slack.app.bot_token, client=client_of(slack), raise_error_for_unhandled_request=False)


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


# ── against the published specification


def specification() -> Specs:
    specs = Specs.load()
    if specs is None:
        pytest.skip(MISSING)
    return specs


def test_the_table_of_methods_is_the_references() -> None:
    specs = specification()
    assert set(METHODS) == set(RULES)
    for name, rule in RULES.items():
        spec = specs.method(name)
        assert spec is not None, name
        assert spec.get("rate_limits", rule.tier) == rule.tier, name
        assert bool(spec.get("json_input_supported")) is rule.json, name
        scopes = set(spec.get("scope", {}).get("bot", []))
        assert set(rule.any_scope) - {"connections:write"} <= scopes, name
        assert bool(rule.any_scope) is bool(scopes) or name == "apps.connections.open", name


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
