"""JSON of users, roles, channels and guilds as Discord writes them. Reads the world; changes nothing."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.permissions import permissions, sees
from tests.fakes.discord.world import Channel, Member, Message, Role, User, World, iso

__all__ = ["channel_json", "guild_json", "hidden_json", "member_json", "message_json", "role_json", "user_json"]


def user_json(user: User) -> dict[str, Any]:
    """An account."""
    return {
        "id": user.id,
        "username": user.name,
        "discriminator": "0" if not user.bot else "4242",
        "global_name": None if user.bot else user.global_name,
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
        "flags": 0,
        "banner": None,
        "accent_color": None,
    }


def member_json(member: Member, *, with_user: bool = True) -> dict[str, Any]:
    """A member."""
    shape: dict[str, Any] = {
        "nick": member.nick,
        "avatar": None,
        "banner": None,
        "roles": list(member.roles),
        "joined_at": iso(member.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return shape | {"user": user_json(member.user)} if with_user else shape


def role_json(role: Role) -> dict[str, Any]:
    """A role."""
    shape: dict[str, Any] = {
        "id": role.id,
        "name": role.name,
        "description": None,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.managed,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    return shape | {"tags": {"bot_id": role.bot_id}} if role.bot_id else shape


def channel_json(world: World, channel: Channel, *, viewer: str | None = None) -> dict[str, Any]:
    """A channel, thread or direct conversation; with `viewer`, what that user may there (as interactions carry it)."""
    shape: dict[str, Any] = {"id": channel.id, "type": channel.type, "flags": channel.flags}
    shape["last_message_id"] = channel.last_message_id
    if channel.is_dm:
        return shape | {"recipients": [user_json(world.users[channel.recipient])]}
    shape |= {
        "guild_id": world.guild.id,
        "name": channel.name,
        "parent_id": channel.parent_id,
        "rate_limit_per_user": 0,
    }
    if viewer is not None:
        shape["permissions"] = str(permissions(world, viewer, channel))
    if channel.is_thread:
        return shape | _thread(channel)
    shape |= {
        "position": channel.position,
        "nsfw": False,
        "topic": channel.topic,
        "permission_overwrites": [
            {"id": target, "type": kind, "allow": str(allow), "deny": str(deny)}
            for target, (kind, allow, deny) in channel.overwrites.items()
        ],
    }
    if channel.type == tables.FORUM:
        shape |= {
            "available_tags": channel.tags,
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
            "default_thread_rate_limit_per_user": 0,
            "default_auto_archive_duration": 4320,
        }
    elif channel.type == tables.VOICE:
        shape |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    return shape


def hidden_json(world: World, channel: Channel) -> dict[str, Any]:
    """A channel that the app may not view, as the gateway still tells of it (docs: obfuscated channels, 2026)."""
    everyone = {"id": world.guild.id, "type": 0, "allow": "0", "deny": str(tables.PERMISSIONS["VIEW_CHANNEL"])}
    shape = channel_json(world, channel) | {"name": "___hidden___", "topic": None, "last_message_id": None}
    shape |= {"flags": tables.OBFUSCATED, "permission_overwrites": [everyone]}
    return shape | ({"available_tags": []} if channel.type == tables.FORUM else {})


def _thread(thread: Channel) -> dict[str, Any]:
    return {
        "owner_id": thread.owner_id,
        "message_count": len(thread.posts),
        "total_message_sent": thread.total_sent,
        "member_count": min(50, len(thread.members)),
        "applied_tags": list(thread.applied_tags),
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": thread.auto_archive,
            "archive_timestamp": iso(thread.archived_at or thread.created),
            "locked": thread.locked,
            "invitable": thread.invitable,
            "create_timestamp": iso(thread.created),
        },
    }


def thread_member_json(thread: Channel, user_id: str) -> dict[str, Any]:
    """Somebody in a thread."""
    return {"id": thread.id, "user_id": user_id, "join_timestamp": iso(thread.members[user_id]), "flags": 0}


def guild_json(world: World, app_user: str, *, with_members: bool = False, brief: bool = False) -> dict[str, Any]:
    """The guild, as GET tells it (`brief`) or as GUILD_CREATE: what the app may not view is obfuscated, and without
    `with_members` it is the only member.
    """
    guild = world.guild
    shape: dict[str, Any] = {
        "id": guild.id,
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": guild.owner_id,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 1,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": [role_json(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
        "incidents_data": None,
    }
    if brief:
        return shape
    members = guild.members.values() if with_members else [guild.members[app_user]]
    mine = [t for t in world.threads if not t.archived and sees(world, app_user, t)]
    threads = [
        channel_json(world, t) | ({"member": thread_member_json(t, app_user)} if app_user in t.members else {})
        for t in mine
    ]
    return shape | {
        "joined_at": iso(guild.members[app_user].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member_json(member) for member in members],
        "channels": [
            (channel_json if sees(world, app_user, c) else hidden_json)(world, c) for c in world.guild_channels
        ],
        "threads": threads,
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def message_json(
    world: World, message: Message, app_user: str, *, content: bool = True, event: bool = False
) -> dict[str, Any]:
    """A message as the app gets it: emptied without MESSAGE_CONTENT (`content`), unless it is the app's own, a direct
    one, or names the app (docs: message content intent). `event` adds the guild and the member.
    """
    shape: dict[str, Any] = {**message}
    named = any(user["id"] == app_user for user in message["mentions"])
    if not (content or message.channel.is_dm or message["author"]["id"] == app_user or named):
        shape |= {"content": "", "embeds": [], "attachments": [], "components": []}
    shape["reactions"] = [
        {
            "emoji": {"id": None, "name": emoji},
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "me": app_user in users,
            "me_burst": False,
            "burst_colors": [],
        }
        for emoji, users in message["reactions"].items()
    ]
    if not shape["reactions"]:
        del shape["reactions"]
    if event and not message.channel.is_dm:
        shape["guild_id"] = world.guild.id
        author = world.guild.members.get(message["author"]["id"])
        if author is not None and not message.get("webhook_id"):
            shape["member"] = member_json(author, with_user=False)
        shape["mentions"] = [
            user
            | (
                {"member": member_json(found, with_user=False)}
                if (found := world.guild.members.get(user["id"]))
                else {}
            )
            for user in message["mentions"]
        ]
    return shape
