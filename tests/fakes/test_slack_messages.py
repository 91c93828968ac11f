"""The fake Slack tried with the real slack_sdk: messages, blocks, pins, reactions, files; what it lets pass and what it refuses."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.fakes.driving import (
    Client,
    actions,
    button,
    messages,
    refusal,
    section,
)
from tests.fakes.slack import MISSING, FakeSlack, Specs


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


async def test_a_picture_is_shown_once_slack_has_looked_at_it(slack: FakeSlack, client: Client) -> None:
    room = slack.channel("general")
    slack.file_seconds = 0.05

    def image(file: str) -> list[dict[str, Any]]:
        return [{"type": "image", "slack_file": {"id": file}, "alt_text": "3 alerts"}]

    done = await client.files_upload_v2(content=b"png", filename="graph.png")
    shown = image(done["file"]["id"])
    early = client.chat_postMessage(channel=room.id, text="t", blocks=shown)
    assert await messages(early) == ["[ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]"]
    await slack.until(lambda: slack.now() >= slack.world.files[done["file"]["id"]].ready_at)
    await client.chat_postMessage(channel=room.id, text="t", blocks=shown)
    slack.file_seconds = 0.0
    text = await client.files_upload_v2(content=b"words", filename="log.txt")
    for file in (text["file"]["id"], "F0NOBODYS1"):
        assert await refusal(client.chat_postMessage(channel=room.id, text="t", blocks=image(file))) == "invalid_blocks"


async def test_an_app_deletes_what_it_uploaded_once_and_what_others_did_not_at_all(
    slack: FakeSlack, client: Client
) -> None:
    room = slack.channel("general")
    done = await client.files_upload_v2(channel=room.id, content=b"png", filename="graph.png")
    file = done["file"]["id"]
    await client.files_delete(file=file)
    assert room.posts[0]["files"] == [{"id": file, "mode": "tombstone"}]
    assert await refusal(client.files_delete(file=file)) == "file_deleted"
    assert await refusal(client.files_info(file=file)) == "file_deleted"
    image = {"type": "image", "slack_file": {"id": file}, "alt_text": "3 alerts"}
    assert await refusal(client.chat_postMessage(channel=room.id, text="t", blocks=[image])) == "invalid_blocks"
    theirs = slack.person("robin").upload(room, "log.txt", b"words")
    assert theirs.message
    assert await refusal(client.files_delete(file=theirs.message["files"][0]["id"])) == "cant_delete_file"
    begun = await client.files_getUploadURLExternal(filename="x.txt", length=3)
    for unknown in (begun["file_id"], "F0NOBODYS1"):
        assert await refusal(client.files_delete(file=unknown)) == "file_not_found"
