"""What Slack's reference says of each method: rate tier, scopes, whether JSON bodies are read. Tests compare it
with the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ALL_SCOPES", "COMMON_ERRORS", "EVENT_SCOPES", "MESSAGE_EVENTS", "RULES", "Rule"]

Kinds = Mapping[str, tuple[str, ...]]

READ: Kinds = {
    "public": ("channels:read",),
    "private": ("groups:read",),
    "im": ("im:read",),
    "mpim": ("mpim:read",),
}
HISTORY: Kinds = {
    "public": ("channels:history",),
    "private": ("groups:history",),
    "im": ("im:history",),
    "mpim": ("mpim:history",),
}
MANAGE: Kinds = {
    "public": ("channels:manage", "channels:write"),
    "private": ("groups:write",),
    "im": ("im:write",),
    "mpim": ("mpim:write",),
}
KICK: Kinds = {"public": ("channels:manage",), "private": ("groups:write",)}
TOPIC: Kinds = {
    "public": ("channels:write.topic", "channels:manage"),
    "private": ("groups:write.topic", "groups:write"),
    "im": ("im:write.topic", "im:write"),
    "mpim": ("mpim:write.topic", "mpim:write"),
}
INVITE: Kinds = {
    "public": ("channels:write.invites", "channels:manage"),
    "private": ("groups:write.invites", "groups:write"),
    "im": ("im:write",),
    "mpim": ("mpim:write",),
}
OPEN: Kinds = {
    "public": ("channels:manage",),
    "private": ("groups:write",),
    "im": ("im:write",),
    "mpim": ("mpim:write",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One method: `scopes` where any of them will do, or `kinds` where it depends on the kind of conversation."""

    tier: str
    scopes: tuple[str, ...] = ()
    kinds: Kinds = field(default_factory=dict)
    json: bool = True
    token: str = "bot"

    @property
    def any_scope(self) -> tuple[str, ...]:
        """Every scope that opens the method for some kind of conversation."""
        return self.scopes or tuple(scope for scopes in self.kinds.values() for scope in scopes)


RULES: dict[str, Rule] = {
    "api.test": Rule(tier="t4"),
    "apps.connections.open": Rule(tier="t3", scopes=("connections:write",), token="app"),
    "auth.revoke": Rule(tier="t3", json=False),
    "auth.test": Rule(tier="t5"),
    "bookmarks.add": Rule(tier="t2", scopes=("bookmarks:write",)),
    "bookmarks.edit": Rule(tier="t2", scopes=("bookmarks:write",)),
    "bookmarks.list": Rule(tier="t3", scopes=("bookmarks:read",)),
    "bookmarks.remove": Rule(tier="t2", scopes=("bookmarks:write",)),
    "bots.info": Rule(tier="t3", scopes=("users:read",), json=False),
    "chat.delete": Rule(tier="t3", scopes=("chat:write",)),
    "chat.getPermalink": Rule(tier="t5", json=False),
    "chat.postEphemeral": Rule(tier="t4", scopes=("chat:write",)),
    "chat.postMessage": Rule(tier="t5", scopes=("chat:write",)),
    "chat.update": Rule(tier="t3", scopes=("chat:write",)),
    "conversations.archive": Rule(tier="t2", kinds=MANAGE),
    "conversations.create": Rule(tier="t2", kinds=MANAGE),
    "conversations.history": Rule(tier="t3", kinds=HISTORY),
    "conversations.info": Rule(tier="t3", kinds=READ, json=False),
    "conversations.invite": Rule(tier="t3", kinds=INVITE),
    "conversations.join": Rule(tier="t3", scopes=("channels:join",)),
    "conversations.kick": Rule(tier="t3", kinds=KICK),
    "conversations.leave": Rule(tier="t3", kinds=MANAGE),
    "conversations.list": Rule(tier="t2", kinds=READ, json=False),
    "conversations.members": Rule(tier="t4", kinds=READ, json=False),
    "conversations.open": Rule(tier="t3", kinds=OPEN),
    "conversations.rename": Rule(tier="t2", kinds=MANAGE),
    "conversations.replies": Rule(tier="t3", kinds=HISTORY, json=False),
    "conversations.setPurpose": Rule(tier="t2", kinds=TOPIC),
    "conversations.setTopic": Rule(tier="t2", kinds=TOPIC),
    "conversations.unarchive": Rule(tier="t2", kinds=MANAGE),
    "files.completeUploadExternal": Rule(tier="t4", scopes=("files:write",)),
    "files.delete": Rule(tier="t3", scopes=("files:write",)),
    "files.getUploadURLExternal": Rule(tier="t4", scopes=("files:write",), json=False),
    "files.info": Rule(tier="t4", scopes=("files:read",), json=False),
    "pins.add": Rule(tier="t2", scopes=("pins:write",)),
    "pins.list": Rule(tier="t2", scopes=("pins:read",), json=False),
    "pins.remove": Rule(tier="t2", scopes=("pins:write",)),
    "reactions.add": Rule(tier="t3", scopes=("reactions:write",)),
    "reactions.get": Rule(tier="t3", scopes=("reactions:read",), json=False),
    "reactions.remove": Rule(tier="t2", scopes=("reactions:write",)),
    "team.info": Rule(tier="t3", scopes=("team:read",)),
    "usergroups.list": Rule(tier="t2", scopes=("usergroups:read",), json=False),
    "usergroups.users.list": Rule(tier="t2", scopes=("usergroups:read",), json=False),
    "users.conversations": Rule(tier="t3", kinds=READ, json=False),
    "users.info": Rule(tier="t4", scopes=("users:read",), json=False),
    "users.list": Rule(tier="t2", scopes=("users:read",), json=False),
    "users.lookupByEmail": Rule(tier="t3", scopes=("users:read.email",), json=False),
    "views.open": Rule(tier="t4"),
    "views.publish": Rule(tier="t4"),
    "views.push": Rule(tier="t4"),
    "views.update": Rule(tier="t4"),
}

COMMON_ERRORS = frozenset(
    {
        "account_inactive",
        "fatal_error",
        "internal_error",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_auth",
        "invalid_form_data",
        "invalid_json",
        "json_not_object",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "ratelimited",
        "service_unavailable",
        "token_revoked",
        "unknown_method",
    }
)
"""What any method may answer; the specification lists only what is a method's own."""

MESSAGE_EVENTS = {
    "public": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}

EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "app_mention": ("app_mentions:read",),
    "app_home_opened": (),
    "app_uninstalled": (),
    "tokens_revoked": (),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_created": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "group_rename": ("groups:read",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "file_shared": ("files:read",),
    "user_change": ("users:read",),
    "team_join": ("users:read",),
    "subteam_members_changed": ("usergroups:read",),
}
"""An event reaches an app that subscribed to it and has one of these scopes."""

ALL_SCOPES = frozenset(
    {scope for rule in RULES.values() if rule.token == "bot" for scope in rule.any_scope}
    | {scope for scopes in EVENT_SCOPES.values() for scope in scopes}
    | {"commands", "chat:write.public"}
) - {"channels:write"}
"""The bot scopes that matter to this server: what an app has unless it says less."""
