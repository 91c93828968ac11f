"""The fake Slack's Web API, tried with the real slack_sdk: what it lets pass, what it refuses, how often, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.clock import ManualClock
from tests.fakes.driving import (
    Client,
    actions,
    asked,
    button,
    client_of,
    messages,
    modal,
    refusal,
    section,
    specification,
)
from tests.fakes.slack import MISSING, FakeSlack, Specs, wrong_message, wrong_view
from tests.fakes.slack.calls import METHODS
from tests.fakes.slack.tables import RULES

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
    assert (
        await refusal(client.api_call("conversations.members", params={"channel": room, "limit": "many"}))
        == "invalid_arguments"
    )
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
    client, room = client_of(slack, timeout=1), slack.channel("general")

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


async def test_a_clients_mistakes_are_kept(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    await client.chat_postMessage(channel=room.id, text="fine", blocks=[section()])
    assert await refusal(client.conversations_info(channel="C0NONE")) == "channel_not_found"
    assert slack.violations == []
    await refusal(client.chat_postMessage(channel=room.id, text="t", blocks=[section("")]))
    assert slack.violations == ["chat.postMessage: invalid_blocks"]
    assert wrong_message("t", [section("x" * 2900)] * 5) == ["msg_blocks_too_long: 14500 characters in blocks"]
    assert wrong_message("x" * 4001, update=True) == ["text of 4001 characters, 4000 are the most"]
    assert wrong_view(modal(asked("Title"))) == []


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_everything_may_be_away_for_a_while(slack: FakeSlack, client: Client, how: Any) -> None:
    async with slack.away(how):
        with pytest.raises((aiohttp.ClientError, ConnectionError, SlackApiError)):
            await client.auth_test()
    await client.auth_test()


# ── against the published specification


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
