"""chat.*: posting, editing, deleting, and what only one person sees."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack import lengths
from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.methods.conversations import direct
from tests.fakes.slack.shapes import message_json
from tests.fakes.slack.world import Channel, Message

Body = dict[str, Any]
TEXT = 40_000  # characters: more is cut off [ref]
UPDATE = 4_000  # characters: more is refused [ref]
MARKDOWN = 12_000  # characters [ref]
ATTACHMENTS = 100  # [ref]


def _content(call: Call) -> dict[str, Any]:
    """Text, blocks, attachments as sent; absent ones are absent."""
    content: dict[str, Any] = {}
    blocks, attachments = call.blocks(), call.json("attachments", list, "invalid_arguments")
    if blocks is not None:
        content["blocks"] = blocks
        if lengths.block_characters(blocks) > call.slack.block_characters:
            raise Refusal("msg_blocks_too_long")
        call.slack.longest_blocks = max(call.slack.longest_blocks, lengths.block_characters(blocks))
    if attachments is not None:
        if len(attachments) > ATTACHMENTS:
            raise Refusal("too_many_attachments")
        content["attachments"] = attachments
    markdown = call.text("markdown_text")
    if markdown:
        if "blocks" in content or call.text("text"):
            raise Refusal("markdown_text_conflict")
        if len(markdown) > MARKDOWN:
            raise Refusal("msg_too_long")
        content["text"] = markdown
    elif call.args.get("text") is not None:
        content["text"] = call.text("text")
    if not content.get("text") and not blocks and not attachments:
        raise Refusal("no_text")
    if blocks and not content.get("text"):
        call.slack.complain(f"{call.name}: blocks without a text: notifications and screen readers have nothing to say")
    return content


def _destination(call: Call) -> Channel:
    """A channel by id or name, or a person: then the app's conversation with them."""
    target = call.text("channel")
    user = call.world.users.get(target)
    if user is not None:
        if user.deleted or user.is_bot:
            raise Refusal("channel_not_found")
        return call.world.direct(call.me, target) or direct(call, [target])
    named = call.world.named(target.removeprefix("#"))
    if named is not None:
        call.args["channel"] = named.id
    channel = call.channel()
    if channel.kind == "im" and any(call.world.users[m].deleted for m in channel.members if m in call.world.users):
        raise Refusal("channel_not_found")
    if channel.archived:
        raise Refusal("is_archived")
    if call.me not in channel.members and "chat:write.public" not in call.slack.app.scopes:
        raise Refusal("not_in_channel")
    return channel


@method("chat.postMessage")
def post_message(call: Call) -> Body:
    channel, content, metadata = _destination(call), _content(call), call.metadata()
    text = content.pop("text", "")
    if len(text) > TEXT:
        call.warnings.append("message_truncated")
        call.slack.complain(f"chat.postMessage: a text of {len(text)} characters was cut")
        text = text[:TEXT]
    thread = call.text("thread_ts")
    root = channel.find(thread) if thread else None
    if thread and (root is None or root.get("thread_ts", thread) != thread):
        raise Refusal("cannot_reply_to_message")
    message, _ = call.world.post(
        channel,
        call.me,
        text,
        bot_id=call.slack.app.bot_id,
        app_id=call.slack.app.id,
        thread_ts=thread or None,
        subtype="thread_broadcast" if thread and call.flag("reply_broadcast") else None,
        metadata=metadata or None,
        **content,
    )
    return {"channel": channel.id, "ts": message.ts, "message": message_json(message)}


def _own(call: Call, error: str) -> Message:
    channel = call.channel()
    message = call.message(channel, "ts")
    if message.get("app_id") != call.slack.app.id:
        raise Refusal(error)
    return message


@method("chat.update")
def update(call: Call) -> Body:
    message = _own(call, "cant_update_message")
    if message.channel.archived:
        raise Refusal("is_inactive")
    content, metadata = _content(call), call.metadata()
    if len(content.get("text", "")) > UPDATE:
        raise Refusal("msg_too_long")
    if "blocks" in content and not content["blocks"]:
        content["blocks"] = None
    if "text" in content and "blocks" not in content:
        content["blocks"] = None  # docs: blocks are kept only by sending them again
    if metadata is not None:
        content["metadata"] = metadata or None
    call.world.change(message, call.me, **content)
    return {
        "channel": message.channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": message_json(message),
    }


@method("chat.delete")
def delete(call: Call) -> Body:
    message = _own(call, "cant_delete_message")
    channel, ts = message.channel.id, message.ts
    call.world.delete(message)
    return {"channel": channel, "ts": ts}


@method("chat.postEphemeral")
def post_ephemeral(call: Call) -> Body:
    channel = call.channel()
    if channel.archived:
        raise Refusal("is_archived")
    if call.me not in channel.members:
        raise Refusal("not_in_channel")
    if call.text("user") not in channel.members:
        raise Refusal("user_not_in_channel")
    content = _content(call)
    if call.text("metadata"):
        call.slack.complain("chat.postEphemeral: metadata of what only one person sees goes nowhere")
    answer = call.slack.interactions.private(call.text("user"), channel, content, how="ephemeral")
    return {"message_ts": answer.ts}
