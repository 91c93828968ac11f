"""Channels: made, changed, taken away. 500 a guild, 50 a category, names and topics, twice in ten minutes."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.lengths import length
from tests.fakes.discord.methods.permissions import check_overwrite
from tests.fakes.discord.methods.threads import edit_thread
from tests.fakes.discord.permissions import sees
from tests.fakes.discord.shapes import channel_json
from tests.fakes.discord.world import Channel

GUILD, CATEGORY = 500, 50  # channels (docs: limits; 30013, CHANNEL_PARENT_MAX_CHANNELS)
TOPIC, FORUM_TOPIC = 1024, 4096
OVERWRITES = 100  # in one request (OpenAPI maxItems)


def channel_name(name: str, kind: int) -> str:
    """The name as a text channel gets it: lower case, spaces to hyphens; Discord says nothing about it."""
    if kind not in (tables.TEXT, tables.FORUM, tables.ANNOUNCEMENT):
        return name.strip()
    return (
        re.sub(r"-{2,}", "-", re.sub(r"[\s!\"#$%&'()*+,./:;<=>?@\[\\\]^`{|}~]+", "-", name.strip().lower())).strip("-")
        or "-"
    )


def _check(call: Call, body: dict[str, Any], kind: int, mine: Channel | None) -> None:
    wrong = []
    if "name" in body and not 1 <= length(body["name"]) <= 100:
        wrong.append("name: Must be between 1 and 100 in length.")
    most = FORUM_TOPIC if kind == tables.FORUM else TOPIC
    if length(body.get("topic")) > most:
        wrong.append(f"topic: Must be {most} or fewer in length.")
    if len(body.get("permission_overwrites") or []) > OVERWRITES:
        wrong.append(f"permission_overwrites: Must be {OVERWRITES} or fewer in length.")
    parent = str(body["parent_id"]) if body.get("parent_id") else None
    if parent is not None:
        category = call.world.channels.get(parent)
        if category is None or category.type != tables.CATEGORY or kind == tables.CATEGORY:
            wrong.append("parent_id: Category does not exist")
        elif (mine is None or mine.parent_id != parent) and len(call.world.children(parent)) >= CATEGORY:
            wrong.append("parent_id: Maximum number of channels in category reached (50)")
    if wrong:
        raise invalid(*wrong)


def _overwrites(call: Call, body: dict[str, Any], channel: Channel | None) -> dict[str, tuple[int, int, int]]:
    given: dict[str, tuple[int, int, int]] = {}
    if body.get("permission_overwrites"):
        for one in body["permission_overwrites"]:
            allow, deny = int(one.get("allow") or 0), int(one.get("deny") or 0)
            given[str(one["id"])] = (int(one.get("type") or 0), allow, deny)
            check_overwrite(call, channel, str(one["id"]), *given[str(one["id"])])
    return given


def _tags(call: Call, tags: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": str(tag.get("id") or call.world.snowflake()),
            "name": tag["name"],
            "moderated": bool(tag.get("moderated")),
            "emoji_id": tag.get("emoji_id"),
            "emoji_name": tag.get("emoji_name"),
        }
        for tag in tags
    ]


@route("POST", "/guilds/{guild_id}/channels", status=201)
def create_channel(call: Call) -> Any:
    call.guild()
    body, world = call.body, call.world
    kind = int(body.get("type") or 0)
    parent = world.channels.get(str(body.get("parent_id")))
    call.require(None, "MANAGE_CHANNELS")
    if parent is not None:
        call.require(parent, "VIEW_CHANNEL", "MANAGE_CHANNELS")
    if len(world.guild_channels) >= call.server.channel_cap:
        raise Refusal(30013)
    _check(call, body, kind, None)
    overwrites = _overwrites(call, body, None)
    if body.get("permission_overwrites") is None and parent is not None:
        overwrites = dict(parent.overwrites)  # a new channel starts in step with its category
    channel = world.channel(
        channel_name(body["name"], kind),
        kind,
        parent_id=parent.id if parent else None,
        topic=body.get("topic"),
        overwrites=overwrites,
        tags=_tags(call, body.get("available_tags") or []),
    )
    if body.get("position") is not None:
        channel.position = int(body["position"])
    call.server.effects.channel_event("CHANNEL_CREATE", channel)
    return channel_json(world, channel)


@route("GET", "/channels/{channel_id}")
def get_channel(call: Call) -> Any:
    return channel_json(call.world, call.channel())


@route("PATCH", "/channels/{channel_id}")
def edit_channel(call: Call) -> Any:
    channel, body = call.channel(), call.body
    if channel.is_dm:
        raise Refusal(50003)
    named = {key: body[key] for key in ("name", "topic") if key in body and body[key] != getattr(channel, key)}
    if channel.is_thread:
        edit_thread(call, channel, body, renamed="name" in named)
        return channel_json(call.world, channel)
    call.require(channel, "MANAGE_CHANNELS")
    _check(call, body, channel.type, channel)
    if body.get("permission_overwrites") is not None:
        call.require(channel, "MANAGE_ROLES")
        overwrites = _overwrites(call, body, channel)
    else:
        overwrites = channel.overwrites
    if named:
        call.server.renamed(channel)
    channel.overwrites = overwrites
    if "name" in body:
        channel.name = channel_name(body["name"], channel.type)
    if "topic" in body:
        channel.topic = body["topic"]
    if "parent_id" in body:
        channel.parent_id = str(body["parent_id"]) if body["parent_id"] else None
    if body.get("position") is not None:
        channel.position = int(body["position"])
    if body.get("flags") is not None and channel.type == tables.FORUM:
        channel.flags = int(body["flags"]) & tables.REQUIRE_TAG
    if body.get("available_tags") is not None:
        channel.tags = _tags(call, body["available_tags"])
    call.server.effects.channel_event("CHANNEL_UPDATE", channel)
    return channel_json(call.world, channel)


@route("DELETE", "/channels/{channel_id}")
def delete_channel(call: Call) -> Any:
    channel = call.channel()
    shape = channel_json(call.world, channel)
    if channel.is_dm:
        return shape
    call.require(channel, "MANAGE_THREADS" if channel.is_thread else "MANAGE_CHANNELS")
    call.server.effects.remove_channel(channel)
    return shape


@route("GET", "/guilds/{guild_id}/channels")
def guild_channels(call: Call) -> Any:
    call.guild()
    seen = [channel for channel in call.world.guild_channels if sees(call.world, call.me, channel)]
    return [channel_json(call.world, channel) for channel in seen]


@route("PATCH", "/guilds/{guild_id}/channels", status=204)
def move_channels(call: Call) -> None:
    call.guild()
    call.require(None, "MANAGE_CHANNELS")
    for one in call.body:
        channel = call.world.channels.get(str(one["id"]))
        if channel is None:
            raise Refusal(10003)
        call.require(channel, "VIEW_CHANNEL", "MANAGE_CHANNELS")
        if "parent_id" in one:
            _check(call, {"parent_id": one["parent_id"]}, channel.type, channel)
            channel.parent_id = str(one["parent_id"]) if one["parent_id"] else None
            parent = call.world.parent(channel)
            if one.get("lock_permissions") and parent is not None:
                channel.overwrites = dict(parent.overwrites)
        if one.get("position") is not None:
            channel.position = int(one["position"])
        call.server.effects.channel_event("CHANNEL_UPDATE", channel)
