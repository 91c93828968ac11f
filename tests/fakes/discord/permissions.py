"""Who may do what where: roles, overwrites, and what is implied (docs: topics/permissions). Computes; refuses nothing."""

from __future__ import annotations

from tests.fakes.discord.tables import ALL_PERMISSIONS, PERMISSIONS
from tests.fakes.discord.world import Channel, World

__all__ = ["permissions", "sees"]

_P = PERMISSIONS
_OF_WORDS = sum(_P[n] for n in ("MENTION_EVERYONE", "SEND_TTS_MESSAGES", "ATTACH_FILES", "EMBED_LINKS"))
_IN_DMS = sum(
    _P[n]
    for n in [
        "VIEW_CHANNEL",
        "SEND_MESSAGES",
        "READ_MESSAGE_HISTORY",
        "ADD_REACTIONS",
        "ATTACH_FILES",
        "EMBED_LINKS",
        "PIN_MESSAGES",
    ]
)


def _base(world: World, user_id: str) -> int:
    guild = world.guild
    member = guild.members.get(user_id)
    if member is None:
        return 0
    if guild.owner_id == user_id:
        return ALL_PERMISSIONS
    value = guild.roles[guild.id].permissions
    for role in member.roles:
        value |= guild.roles[role].permissions if role in guild.roles else 0
    return ALL_PERMISSIONS if value & _P["ADMINISTRATOR"] else value


def permissions(world: World, user_id: str, channel: Channel | None = None) -> int:
    """What somebody may in the guild, or in a channel (a thread has its parent's overwrites)."""
    if channel is not None and channel.is_dm:
        return _IN_DMS
    value = _base(world, user_id)
    if channel is None or value == ALL_PERMISSIONS:
        return value
    place = world.parent(channel) if channel.is_thread else channel
    if place is None:
        return 0
    guild, over = world.guild, place.overwrites
    roles = guild.members[user_id].roles if user_id in guild.members else []
    _, allow, deny = over.get(guild.id, (0, 0, 0))
    value = value & ~deny | allow
    allow = deny = 0
    for role in roles:
        _, more, less = over.get(role, (0, 0, 0))
        allow, deny = allow | more, deny | less
    value = value & ~deny | allow
    _, allow, deny = over.get(user_id, (1, 0, 0))
    value = value & ~deny | allow
    if not value & _P["VIEW_CHANNEL"]:
        return 0
    speak = "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES"
    return value if value & _P[speak] else value & ~_OF_WORDS


def sees(world: World, user_id: str, channel: Channel) -> bool:
    """Whether somebody has a channel in front of them; a private thread only its members and who manages threads."""
    if channel.is_dm:
        return user_id == channel.recipient or world.users[user_id].bot
    value = permissions(world, user_id, channel)
    if not value & _P["VIEW_CHANNEL"]:
        return False
    return channel.type != 12 or user_id in channel.members or bool(value & _P["MANAGE_THREADS"])
