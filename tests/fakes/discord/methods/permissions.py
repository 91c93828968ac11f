"""Overwrites: who may what in one channel. An app gives only what it has itself."""

from __future__ import annotations

from tests.fakes.discord import tables
from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.permissions import permissions
from tests.fakes.discord.world import Channel

MOST = 1000  # a channel (30060)


def check_overwrite(call: Call, channel: Channel | None, target: str, kind: int, allow: int, deny: int) -> None:
    """50013 for what the app may not give (docs: only permissions it has; MANAGE_ROLES itself only as administrator).

    The docs let a channel be created with overwrites on MANAGE_CHANNELS alone; that MANAGE_ROLES is wanted there too is
    a guess on the severe side.
    """
    call.require(channel, "MANAGE_ROLES")
    have = permissions(call.world, call.me, None) | (permissions(call.world, call.me, channel) if channel else 0)
    administrator = have & tables.PERMISSIONS["ADMINISTRATOR"]
    changed = allow | deny
    if channel is not None:
        _, had_allow, had_deny = channel.overwrites.get(target, (kind, 0, 0))
        changed = allow ^ had_allow | deny ^ had_deny
    beyond = changed & ~have
    if not administrator:
        beyond |= changed & tables.PERMISSIONS["MANAGE_ROLES"]
    if beyond:
        call.server.lacked.update(tables.names(beyond))
        raise Refusal(50013)
    if kind == 0 and target not in call.world.guild.roles:
        raise invalid("permission_overwrites: Unknown role")
    if kind == 1 and target not in call.world.guild.members:
        raise invalid("permission_overwrites: Unknown member")


@route("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", status=204)
def put_overwrite(call: Call) -> None:
    channel, target, body = call.channel(), call.params["overwrite_id"], call.body
    if channel.is_thread or channel.is_dm:
        raise Refusal(50024)
    kind = int(body.get("type") or 0)
    allow, deny = int(body.get("allow") or 0), int(body.get("deny") or 0)
    check_overwrite(call, channel, target, kind, allow, deny)
    if target not in channel.overwrites and len(channel.overwrites) >= MOST:
        raise Refusal(30060)
    channel.overwrites[target] = (kind, allow, deny)
    call.server.effects.channel_event("CHANNEL_UPDATE", channel)


@route("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", status=204)
def delete_overwrite(call: Call) -> None:
    channel = call.channel()
    call.require(channel, "MANAGE_ROLES")
    if call.params["overwrite_id"] not in channel.overwrites:
        raise Refusal(10009)
    del channel.overwrites[call.params["overwrite_id"]]
    call.server.effects.channel_event("CHANNEL_UPDATE", channel)
