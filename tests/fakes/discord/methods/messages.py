"""Messages of channels, threads and direct conversations: said, edited, deleted, read."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.lengths import check_message, is_v2
from tests.fakes.discord.mentions import wrong_allowed
from tests.fakes.discord.shapes import message_json
from tests.fakes.discord.world import Channel, Message

__all__ = ["check_body", "check_edit", "told"]

NONCE_SPAN = 120.0  # seconds; "the past few minutes" (docs: create message, enforce_nonce): a guess on the severe side
FILE_BYTES = 10 * 1024 * 1024  # each, in a guild without boosts (docs: reference, uploading files)


def told(call: Call, message: Message) -> dict[str, Any]:
    """A message as the answer to the app."""
    return message_json(call.world, message, call.me, content="MESSAGE_CONTENT" in call.app.privileged)


def check_body(call: Call, body: dict[str, Any], *, v2: bool | None = None, old: Message | None = None) -> None:
    """50006 for nothing at all, 40005 for a file too large, 50035 for what is too long, too many or does not fit."""
    if any(len(file.content) > FILE_BYTES for file in call.files.values()):
        raise Refusal(40005)
    v2 = is_v2(body.get("flags")) if v2 is None else v2
    names = {str(file.name) for file in call.files.values()}
    for told in body.get("attachments") or []:
        names |= {str(told["filename"])} if told.get("filename") else set()
    if old is not None:
        listed = body.get("attachments")
        ids = None if listed is None else {str(a.get("id")) for a in listed}
        names |= {a["filename"] for a in old["attachments"] if ids is None or a["id"] in ids}
    wrong = check_message(body, v2=v2, files=names) + wrong_allowed(body.get("allowed_mentions"))
    for told in body.get("attachments") or []:
        mine = old is not None and any(a["id"] == str(told.get("id")) for a in old["attachments"])
        if not mine and str(told.get("id")) not in {str(index) for index in call.files}:
            wrong.append(f"attachments: no file came for the attachment {told.get('id')}")
    if wrong:
        raise invalid(*wrong)
    shown = ("content", "embeds", "components", "attachments", "sticker_ids", "poll")
    if old is None and not call.files and not any(body.get(key) for key in shown):
        raise Refusal(50006)


def check_edit(call: Call, message: Message, body: dict[str, Any]) -> None:
    """What an edit may not: turn Components V2 off, keep a text beside it, leave nothing."""
    was = is_v2(message["flags"])
    becomes = was or is_v2(body.get("flags"))
    if was and body.get("flags") is not None and not is_v2(body["flags"]):
        raise invalid("flags: the Components V2 flag cannot be removed")
    if becomes and not was:
        for key in ("content", "embeds"):
            if message[key] and key not in body:
                raise invalid(f"{key}: must be cleared when the message becomes Components V2")
    check_body(call, body, v2=becomes, old=message)
    left = {**message, **body}
    if not call.files and not any(left.get(key) for key in ("content", "embeds", "components", "attachments")):
        raise Refusal(50006)


def _speak(call: Call, channel: Channel, body: dict[str, Any]) -> None:
    if channel.type in (tables.CATEGORY, tables.FORUM):
        raise Refusal(50008)
    if channel.is_dm:
        if channel.recipient not in call.world.guild.members:
            raise Refusal(50278)
        if not call.world.users[channel.recipient].dms_open:
            raise Refusal(50007)
        return
    call.require(channel, "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES")
    if body.get("embeds"):
        call.require(channel, "EMBED_LINKS")
    if call.files:
        call.require(channel, "ATTACH_FILES")
    if channel.is_thread and channel.locked and not call.may(channel, "MANAGE_THREADS"):
        raise Refusal(160005)
    if channel.is_thread and channel.archived:
        call.server.room_for_thread()


@route("POST", "/channels/{channel_id}/messages")
def create_message(call: Call) -> Any:
    channel, body = call.channel(), call.body
    _speak(call, channel, body)
    known = call.world.nonces.get((call.me, str(body.get("nonce"))))
    if body.get("enforce_nonce") and known is not None and call.world.now() - known.nonce_at <= NONCE_SPAN:
        return told(call, known)
    check_body(call, body)
    reference = body.get("message_reference")
    if reference:
        call.require(channel, "READ_MESSAGE_HISTORY")
        if channel.find(str(reference.get("message_id"))) is None and reference.get("fail_if_not_exists", True):
            raise invalid("message_reference: Unknown message")
    body = body | {"flags": int(body.get("flags") or 0) & ~(tables.EPHEMERAL | tables.LOADING)}
    message, _ = call.server.effects.say(channel, call.me, body, call.files)
    return told(call, message)


@route("PATCH", "/channels/{channel_id}/messages/{message_id}")
def edit_message(call: Call) -> Any:
    channel = call.channel()
    message, body = call.message(channel), call.body
    if message["author"]["id"] != call.me:
        if set(body) - {"flags"}:
            raise Refusal(50005)
        call.require(channel, "MANAGE_MESSAGES")
    if channel.is_thread and channel.archived:
        raise Refusal(50083)
    if call.files:
        call.require(channel, "ATTACH_FILES")
    check_edit(call, message, body)
    call.server.effects.change(message, body, call.files)
    return told(call, message)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}", status=204)
def delete_message(call: Call) -> None:
    channel = call.channel()
    message = call.message(channel)
    if message["author"]["id"] != call.me:
        call.require(channel, "MANAGE_MESSAGES")
    if channel.is_thread and channel.archived:
        raise Refusal(50083)
    call.server.effects.delete(message)


@route("GET", "/channels/{channel_id}/messages/{message_id}")
def get_message(call: Call) -> Any:
    channel = call.channel()
    call.require(channel, "READ_MESSAGE_HISTORY")
    return told(call, call.message(channel))


@route("GET", "/channels/{channel_id}/messages")
def get_messages(call: Call) -> Any:
    channel = call.channel()
    if channel.type in (tables.CATEGORY, tables.FORUM):
        raise Refusal(50008)
    limit = call.number("limit", 50, 100)
    if not call.may(channel, "READ_MESSAGE_HISTORY"):
        return []  # docs: get channel messages
    keys = [key for key in ("before", "after", "around") if key in call.query]
    if len(keys) > 1:
        raise invalid("before: before, after and around are mutually exclusive")
    at = int(call.query[keys[0]]) if keys else 0
    found = list(channel.messages)
    if keys == ["before"]:
        found = [m for m in found if int(m.id) < at][-limit:]
    elif keys == ["after"]:
        found = [m for m in found if int(m.id) > at][:limit]
    elif keys == ["around"]:
        older, newer = [m for m in found if int(m.id) <= at], [m for m in found if int(m.id) > at]
        found = older[-(limit // 2 + 1) :] + newer[: limit // 2]
    else:
        found = found[-limit:]
    return [told(call, message) for message in reversed(found)]


@route("POST", "/channels/{channel_id}/typing", status=204)
def typing(call: Call) -> None:
    call.require(call.channel(), "SEND_MESSAGES")
