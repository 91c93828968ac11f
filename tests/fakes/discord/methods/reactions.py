"""Reactions: twenty different ones a message; unicode emoji only, as the guild has none of its own."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, route
from tests.fakes.discord.shapes import user_json

REACTIONS = 20


@route("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me", status=204)
def react(call: Call) -> None:
    channel = call.channel()
    message, emoji = call.message(channel), call.params["emoji"]
    call.require(channel, "READ_MESSAGE_HISTORY")
    if emoji.isascii() and emoji not in "0123456789#*":
        raise Refusal(10014)
    if channel.is_thread and channel.archived:
        raise Refusal(50083)
    if emoji not in message["reactions"]:
        call.require(channel, "ADD_REACTIONS")
        if len(message["reactions"]) >= REACTIONS:
            raise Refusal(30010)
    call.server.effects.react(message, call.me, emoji)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me", status=204)
def unreact(call: Call) -> None:
    message = call.message(call.channel())
    call.server.effects.react(message, call.me, call.params["emoji"], remove=True)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/{user_id}", status=204)
def take_away(call: Call) -> None:
    channel = call.channel()
    call.require(channel, "MANAGE_MESSAGES")
    call.server.effects.react(call.message(channel), call.params["user_id"], call.params["emoji"], remove=True)


@route("GET", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}")
def who_reacted(call: Call) -> Any:
    message = call.message(call.channel())
    users = message["reactions"].get(call.params["emoji"], [])
    after, limit = int(call.query.get("after", 0)), call.number("limit", 25, 100)
    return [user_json(call.world.users[user]) for user in sorted(users, key=int) if int(user) > after][:limit]
