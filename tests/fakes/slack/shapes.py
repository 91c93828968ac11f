"""How Slack's JSON shows what the workspace holds. Reads only."""

from __future__ import annotations

import mimetypes
import secrets
from typing import Any

from tests.fakes.slack.world import Channel, File, Group, Message, User, World

__all__ = ["channel_json", "file_json", "group_json", "message_json", "named_blocks", "permalink", "user_json"]


def user_json(world: World, user: User, *, email: bool = True) -> dict[str, Any]:
    """A user; the address only for apps that may see it."""
    profile = {
        "real_name": user.real_name,
        "display_name": user.name,
        "real_name_normalized": user.real_name,
        "display_name_normalized": user.name,
        "team": world.team_id,
    }
    if email and not user.is_bot:
        profile["email"] = user.email
    return {
        "id": user.id,
        "team_id": world.team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "profile": profile,
        "is_admin": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": int(world.now()),
    }


def group_json(world: World, group: Group, *, users: bool, count: bool) -> dict[str, Any]:
    """A user group."""
    shape: dict[str, Any] = {
        "id": group.id,
        "team_id": world.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_delete": 1 if group.disabled else 0,
        "prefs": {"channels": [], "groups": []},
    }
    if users:
        shape["users"] = group.users
    if count:
        shape["user_count"] = str(len(group.users))
    return shape


def channel_json(world: World, channel: Channel, viewer: str, *, count: bool = False) -> dict[str, Any]:
    """A conversation as `viewer` sees it."""
    if channel.kind == "im":
        other = next((member for member in channel.members if member != viewer), viewer)
        return {"id": channel.id, "created": int(channel.created), "is_im": True, "user": other, "is_open": True}
    shape = {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_im": False,
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "public",
        "created": int(channel.created),
        "creator": channel.creator,
        "is_archived": channel.archived,
        "is_general": False,
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": viewer in channel.members,
        "topic": {"value": channel.topic, "creator": channel.creator, "last_set": int(channel.created)},
        "purpose": {"value": channel.purpose, "creator": channel.creator, "last_set": int(channel.created)},
        "previous_names": channel.previous_names,
        "updated": int(world.now() * 1000),
    }
    if count:
        shape["num_members"] = len(channel.members)
    return shape


def message_json(message: Message, *, metadata: bool = True) -> dict[str, Any]:
    """A message; without `include_all_metadata` Slack keeps the metadata to itself."""
    shape = {key: value for key, value in message.items() if metadata or key != "metadata"}
    pinned = [pin for pin in message.channel.pins if pin["ts"] == message["ts"]]
    return shape | ({"pinned_to": [message.channel.id]} if pinned else {})


def permalink(world: World, channel: Channel, ts: str) -> str:
    """Where a browser finds a message."""
    return f"https://{world.team_domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"


def file_json(world: World, file: File, files_url: str) -> dict[str, Any]:
    """A file, and where it was shared."""
    mime = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    shares: dict[str, dict[str, list[dict[str, str]]]] = {}
    for channel_id, stamps in file.shares.items():
        side = "public" if world.channels[channel_id].kind == "public" else "private"
        shares.setdefault(side, {})[channel_id] = [{"ts": ts, "team_id": world.team_id} for ts in stamps]
    return {
        "id": file.id,
        "created": int(file.created),
        "timestamp": int(file.created),
        "name": file.name,
        "title": file.title,
        "mimetype": mime,
        "filetype": file.name.rpartition(".")[2] or "text",
        "pretty_type": file.name.rpartition(".")[2].upper() or "Plain Text",
        "user": file.user,
        "size": len(file.content or b""),
        "mode": "hosted",
        "is_external": False,
        "is_public": any(world.channels[c].kind == "public" for c in file.shares),
        "url_private": f"{files_url}/{file.id}/{file.name}",
        "url_private_download": f"{files_url}/{file.id}/download/{file.name}",
        "permalink": f"https://{world.team_domain}.slack.com/files/{file.user}/{file.id}/{file.name}",
        "channels": [c for c in file.shares if world.channels[c].kind == "public"],
        "groups": [c for c in file.shares if world.channels[c].kind == "private"],
        "ims": [c for c in file.shares if world.channels[c].kind == "im"],
        "shares": shares,
    }


def named_blocks(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks as Slack keeps them: every block and every interactive element has an id."""
    named = []
    for given in blocks:
        block = {"block_id": secrets.token_hex(3), **given}
        if block["type"] in ("actions", "context_actions"):
            block["elements"] = [_named(element) for element in block["elements"]]
        for part in ("accessory", "element"):
            if isinstance(block.get(part), dict) and block[part].get("type") != "image":
                block[part] = _named(block[part])
        named.append(block)
    return named


def _named(element: dict[str, Any]) -> dict[str, Any]:
    return {"action_id": secrets.token_hex(3), **element}
