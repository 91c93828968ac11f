"""Whom a message names, and whom it really pings: what the text says, what allowed_mentions lets through, who sees the
channel, what the author may. Computes; tells nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.lengths import TEXT_DISPLAY, walk
from tests.fakes.discord.permissions import permissions, sees
from tests.fakes.discord.tables import PERMISSIONS, SILENT
from tests.fakes.discord.world import Channel, World

__all__ = ["Mentions", "mentions_of", "wrong_allowed"]

_CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`", re.DOTALL)
_USER, _ROLE, _ALL = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>"), re.compile(r"@(everyone|here)")


@dataclass(kw_only=True)
class Mentions:
    """What the JSON says (`users`, `roles`, `everyone`), and who gets a notification (`pinged`, user ids)."""

    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    everyone: bool = False
    pinged: list[str] = field(default_factory=list)


def words_of(body: dict[str, Any]) -> str:
    """The texts that can ping: content and text displays; embeds, labels and options cannot."""
    shown = [str(c.get("content") or "") for _, c in walk(body.get("components")) if c.get("type") == TEXT_DISPLAY]
    return "\n".join([str(body.get("content") or ""), *shown])


def wrong_allowed(allowed: Any) -> list[str]:
    """What is wrong with allowed_mentions: a kind both parsed and listed."""
    parse = (allowed or {}).get("parse") or []
    return [
        f'allowed_mentions/{kind}: parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
        for kind in ("users", "roles")
        if kind in parse and allowed.get(kind)
    ]


def mentions_of(
    world: World,
    channel: Channel,
    author: str,
    body: dict[str, Any],
    replied: str = "",
    usual: Iterable[str] = ("users", "roles", "everyone"),
) -> Mentions:
    """Whom a message of `author` names and pings. Without allowed_mentions the `usual` kinds count, which are all of them
    for a message and only users for an answer to an interaction (docs: allowed mentions, default).

    Code is no mention. A backslash does not help (a guess on the severe side). With SUPPRESS_NOTIFICATIONS nobody is pinged.
    """
    allowed = body.get("allowed_mentions")
    parse = set(usual) if allowed is None else set(allowed.get("parse") or [])
    listed = {kind: {str(x) for x in (allowed or {}).get(kind) or []} for kind in ("users", "roles")}
    text = _CODE.sub(" ", words_of(body))
    loud = bool(permissions(world, author, channel) & PERMISSIONS["MENTION_EVERYONE"])
    found = Mentions()
    for user in dict.fromkeys(_USER.findall(text)):
        if user in world.users and ("users" in parse or user in listed["users"]):
            found.users.append(user)
    for role in dict.fromkeys(_ROLE.findall(text)):
        known = world.guild.roles.get(role)
        if known and (known.mentionable or loud) and ("roles" in parse or role in listed["roles"]):
            found.roles.append(role)
    found.everyone = bool(_ALL.search(text)) and "everyone" in parse and loud and not channel.is_dm
    if replied and (allowed is None or allowed.get("replied_user")) and replied not in found.users:
        found.users.append(replied)
    pinged = list(found.users)
    for member in world.guild.members.values():
        if found.everyone or set(member.roles) & set(found.roles):
            pinged.append(member.user.id)
    silent = int(body.get("flags") or 0) & SILENT
    found.pinged = [
        user
        for user in dict.fromkeys(pinged)
        if not silent and user != author and not world.users[user].bot and _reached(world, user, channel)
    ]
    return found


def _reached(world: World, user: str, channel: Channel) -> bool:
    if channel.is_thread:  # a mention brings somebody into a thread if they see what it hangs from
        parent = world.parent(channel)
        return parent is not None and sees(world, user, parent)
    return sees(world, user, channel)
