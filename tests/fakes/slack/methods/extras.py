"""pins.*, bookmarks.*, reactions.*."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import message_json, permalink
from tests.fakes.slack.world import Channel

Body = dict[str, Any]
PINS = BOOKMARKS = 100  # in one channel; too_many_* exist [ref], help centre for the figures
EMOJI = 23  # different reactions of one message by one person; too_many_emoji exists [ref]


@method("pins.add")
def pin(call: Call) -> Body:
    channel = call.channel(member=True)
    message = call.message(channel, "timestamp")
    if any(p["ts"] == message.ts for p in channel.pins):
        raise Refusal("already_pinned")
    if message.get("subtype") not in (None, "file_share", "thread_broadcast"):
        raise Refusal("not_pinnable")
    if len(channel.pins) >= PINS:
        raise Refusal("too_many_pins")
    call.world.pin(message, call.me)
    return {}


@method("pins.remove")
def unpin(call: Call) -> Body:
    channel = call.channel()
    message = call.message(channel, "timestamp")
    if all(p["ts"] != message.ts for p in channel.pins):
        raise Refusal("no_pin")
    call.world.pin(message, call.me, remove=True)
    return {}


@method("pins.list")
def pins(call: Call) -> Body:
    channel = call.channel()
    items = []
    for entry in channel.pins:
        message = channel.find(entry["ts"])
        if message is not None:
            shape = {**message_json(message), "permalink": permalink(call.world, channel, message.ts)}
            items.append(
                {
                    "type": "message",
                    "channel": channel.id,
                    "created": entry["created"],
                    "created_by": entry["by"],
                    "message": shape,
                }
            )
    return {"items": items}


def _link(call: Call) -> str:
    link = call.text("link")
    if urlsplit(link).scheme not in ("http", "https", "slack", "mailto") or len(link) > 2048:
        raise Refusal("invalid_link")
    return link


def _bookmark(call: Call, channel: Channel) -> Body:
    found = [mark for mark in channel.bookmarks if mark["id"] == call.text("bookmark_id")]
    if not found:
        raise Refusal("not_found")
    return found[0]


def _title(call: Call) -> str:
    if len(call.text("title")) > 256:
        raise Refusal("invalid_arguments", messages=["[ERROR] must be less than 257 characters [json-pointer:/title]"])
    return call.text("title")


def _emoji(call: Call) -> str:
    emoji = call.text("emoji")
    if emoji and not (emoji.startswith(":") and emoji.endswith(":") and len(emoji) > 2):
        raise Refusal("invalid_emoji")
    return emoji


@method("bookmarks.add")
def add_bookmark(call: Call) -> Body:
    channel = call.channel("channel_id")
    if call.me not in channel.members:
        raise Refusal("permission_denied")
    if call.text("type") != "link":
        raise Refusal("invalid_bookmark_type")
    link, title, emoji = _link(call), _title(call), _emoji(call)
    if len(channel.bookmarks) >= BOOKMARKS:
        raise Refusal("too_many_bookmarks")
    mark = {
        "id": call.world.number("Bk"),
        "channel_id": channel.id,
        "title": title,
        "link": link,
        "emoji": emoji,
        "type": "link",
        "entity_id": None,
        "date_created": int(call.world.now()),
        "date_updated": 0,
        "app_id": call.slack.app.id,
    }
    channel.bookmarks.append(mark)
    return {"bookmark": mark}


@method("bookmarks.edit")
def edit_bookmark(call: Call) -> Body:
    mark = _bookmark(call, call.channel("channel_id"))
    if "title" in call.args:
        mark["title"] = _title(call)
    if "link" in call.args:
        mark["link"] = _link(call)
    if "emoji" in call.args:
        mark["emoji"] = _emoji(call)
    mark["date_updated"] = int(call.world.now())
    return {"bookmark": mark}


@method("bookmarks.list")
def bookmarks(call: Call) -> Body:
    return {"bookmarks": call.channel("channel_id").bookmarks}


@method("bookmarks.remove")
def remove_bookmark(call: Call) -> Body:
    channel = call.channel("channel_id")
    channel.bookmarks.remove(_bookmark(call, channel))
    return {}


def _reaction(call: Call, *, remove: bool) -> Body:
    channel = call.channel()
    if channel.archived and not remove:
        raise Refusal("is_archived")
    message = call.message(channel, "timestamp")
    name = call.text("name").strip(":")
    if not name or any(c in name for c in " :") or name != name.lower():
        raise Refusal("invalid_name")
    if not remove and sum(call.me in r["users"] for r in message.get("reactions", [])) >= EMOJI:
        raise Refusal("too_many_emoji")
    try:
        call.world.react(message, call.me, name, remove=remove)
    except KeyError:
        raise Refusal("no_reaction" if remove else "already_reacted") from None
    return {}


@method("reactions.add")
def add_reaction(call: Call) -> Body:
    return _reaction(call, remove=False)


@method("reactions.remove")
def remove_reaction(call: Call) -> Body:
    return _reaction(call, remove=True)


@method("reactions.get")
def get_reactions(call: Call) -> Body:
    channel = call.channel()
    message = call.message(channel, "timestamp")
    return {"type": "message", "channel": channel.id, "message": message_json(message)}
