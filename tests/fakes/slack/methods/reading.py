"""conversations.* that only read, and chat.getPermalink."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import channel_json, message_json, permalink
from tests.fakes.slack.tables import RULES
from tests.fakes.slack.world import Channel, Message

Body = dict[str, Any]
MOST = 999  # objects a page [ref]
TYPES = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


@method("conversations.info")
def info(call: Call) -> Body:
    channel = call.channel()
    return {"channel": channel_json(call.world, channel, call.me, count=call.flag("include_num_members"))}


def _listed(call: Call, user: str) -> Body:
    types = [part.strip() for part in call.text("types", "public_channel").split(",")]
    if set(types) - set(TYPES):
        raise Refusal("invalid_types")
    kinds = [TYPES[part] for part in types]
    for kind in kinds:
        call.need(RULES[call.name].kinds[kind])
    found = [
        channel
        for channel in call.world.channels.values()
        if channel.kind in kinds
        and (user in channel.members if user else (channel.kind == "public" or call.me in channel.members))
        and not (channel.archived and call.flag("exclude_archived"))
    ]
    page, cursor = call.page(found, 100, MOST)
    shapes = [channel_json(call.world, channel, call.me, count=True) for channel in page]
    return {"channels": shapes, "response_metadata": {"next_cursor": cursor}}


@method("conversations.list")
def listed(call: Call) -> Body:
    return _listed(call, "")


@method("users.conversations")
def of_user(call: Call) -> Body:
    return _listed(call, call.text("user", call.me))


@method("conversations.members")
def members(call: Call) -> Body:
    page, cursor = call.page(call.channel().members, 100, MOST)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def _stamp(call: Call, key: str, default: float) -> float:
    value = call.text(key)
    if not value:
        return default
    try:
        return float(value)
    except ValueError:
        raise Refusal(f"invalid_ts_{key}") from None


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = _stamp(call, "oldest", 0.0), _stamp(call, "latest", float("inf"))
    inclusive = call.flag("inclusive")
    return [
        m for m in messages if oldest < float(m["ts"]) < latest or (inclusive and float(m["ts"]) in (oldest, latest))
    ]


def _page(call: Call, messages: list[Message]) -> Body:
    most = 15 if call.slack.new_commercial_app else MOST  # docs: rate limits, apps from 29 May 2025
    page, cursor = call.page(messages, min(100, most), MOST)
    page = page[:most]
    shapes = [message_json(m, metadata=call.flag("include_all_metadata")) for m in page]
    return {"messages": shapes, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def _readable(call: Call) -> Channel:
    return call.channel(member=True)


@method("conversations.history")
def history(call: Call) -> Body:
    channel = _readable(call)
    top = [
        m
        for m in reversed(channel.messages)
        if not m.get("thread_ts") or m["thread_ts"] == m["ts"] or m.get("subtype") == "thread_broadcast"
    ]
    return {**_page(call, _between(call, top)), "pin_count": len(channel.pins)}


@method("conversations.replies")
def replies(call: Call) -> Body:
    channel = _readable(call)
    found = channel.find(call.text("ts"))
    if found is None:
        raise Refusal("thread_not_found")
    if found.get("thread_ts", found["ts"]) != found["ts"]:
        return _page(call, [found])
    rest = _between(call, channel.thread(found["ts"]))
    return _page(call, [found, *rest])


@method("chat.getPermalink")
def get_permalink(call: Call) -> Body:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": permalink(call.world, channel, message.ts)}
