"""Pins: PIN_MESSAGES and nothing else lets an app pin (docs: change log, 23 February 2026), 250 a channel."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, route
from tests.fakes.discord.methods.messages import told
from tests.fakes.discord.world import iso

PINS = 250


@route("PUT", "/channels/{channel_id}/messages/pins/{message_id}", status=204)
def pin(call: Call) -> None:
    channel = call.channel()
    call.require(channel, "PIN_MESSAGES")
    message = call.message(channel)
    if channel.is_thread and channel.archived:
        raise Refusal(50083)
    if message["type"] not in (0, 19, 20, 21, 23):
        raise Refusal(50021)
    if message["pinned"]:
        return
    if len(channel.pins) >= PINS:
        raise Refusal(30003)
    call.server.effects.pin(message, call.me)


@route("DELETE", "/channels/{channel_id}/messages/pins/{message_id}", status=204)
def unpin(call: Call) -> None:
    channel = call.channel()
    call.require(channel, "PIN_MESSAGES")
    message = call.message(channel)
    if message["pinned"]:
        call.server.effects.pin(message, call.me, remove=True)


@route("GET", "/channels/{channel_id}/messages/pins")
def pins(call: Call) -> Any:
    channel = call.channel()
    limit = call.number("limit", 50, 50)
    if not call.may(channel, "READ_MESSAGE_HISTORY"):
        return {"items": [], "has_more": False}
    found = [(m, at) for pinned, at in channel.pins if (m := channel.find(pinned))]
    found = [(m, at) for m, at in found if call.before(at)]
    items = [{"pinned_at": iso(at), "message": told(call, m)} for m, at in found[:limit]]
    return {"items": items, "has_more": len(found) > limit}
