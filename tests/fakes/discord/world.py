"""The guild and what is in it: people, roles, channels, threads, messages. Every change tells `emit` the event Discord
would send. No HTTP here, and no judgement of who may do what.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from tests.fakes.discord import tables

__all__ = ["Channel", "Guild", "Member", "Message", "Role", "User", "World", "copied", "iso"]

EPOCH = 1_420_070_400.0  # seconds: the first moment a snowflake can say (docs: reference, snowflakes)


def copied(value: dict[str, Any]) -> dict[str, Any]:
    """A deep copy of JSON, made the quick way."""
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    return copy


def iso(at: float) -> str:
    """A moment as Discord writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")


@dataclass(kw_only=True, eq=False)
class User:
    """An account. `dms_open` False: messages from apps are not let through (50007)."""

    id: str
    name: str
    global_name: str
    bot: bool = False
    dms_open: bool = True


@dataclass(kw_only=True, eq=False)
class Role:
    """A role of the guild."""

    id: str
    name: str
    permissions: int
    position: int
    mentionable: bool = False
    managed: bool = False
    color: int = 0
    bot_id: str = ""


@dataclass(kw_only=True, eq=False)
class Member:
    """Somebody in the guild."""

    user: User
    joined_at: float
    roles: list[str] = field(default_factory=list)
    nick: str | None = None


class Message(dict[str, Any]):
    """A message as Discord's JSON (all of it, whatever the app's intents), that knows its channel and whom it pinged.

    `frozen()` is what somebody saw before it was edited.
    """

    def __init__(self, channel: Channel, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.channel = channel
        self.pinged: list[str] = []  # user ids that got a notification because the message named them
        self.nonce_at = 0.0
        self.gone = False

    @property
    def id(self) -> str:
        """Its snowflake."""
        return str(self["id"])

    @property
    def content(self) -> str:
        """Its text; empty for Components V2."""
        return str(self["content"])

    @property
    def components(self) -> list[dict[str, Any]]:
        """Its components."""
        return list(self["components"])

    @property
    def files(self) -> list[str]:
        """The names of what is attached."""
        return [attachment["filename"] for attachment in self["attachments"]]

    @property
    def private(self) -> bool:
        """Whether only one person sees it."""
        return bool(self["flags"] & tables.EPHEMERAL)

    @property
    def shown(self) -> str:
        """What a reader sees: content, embeds, and the texts and labels of components."""
        return "\n".join([self.content, *texts(self["embeds"]), *texts(self["components"])]).strip("\n")

    def __repr__(self) -> str:
        return f"<message {self.id} in {self.channel.name or 'a direct conversation'}: {self.shown[:80]!r}>"

    def frozen(self) -> Message:
        """A copy that later edits do not change."""
        return Message(self.channel, copied(self))


_SHOWN = ("title", "description", "name", "value", "text", "content", "label", "placeholder")


def texts(value: Any) -> list[str]:
    """Every text that a reader sees in embeds or components, in order."""
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if not isinstance(value, dict):
        return []
    is_option = "value" in value and "label" in value
    own = [value[key] for key in _SHOWN if isinstance(value.get(key), str) and not (is_option and key == "value")]
    return own + [text for key, inner in value.items() if key != "media" for text in texts(inner)]


@dataclass(kw_only=True, eq=False)
class Channel:
    """A channel of any type, a thread or a direct conversation. `overwrites` is id: (type, allow, deny)."""

    id: str
    name: str
    type: int
    created: float
    position: int = 0
    parent_id: str | None = None
    topic: str | None = None
    overwrites: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    pins: list[tuple[str, float]] = field(default_factory=list)  # message id, when; newest first
    flags: int = 0
    tags: list[dict[str, Any]] = field(default_factory=list)
    recipient: str = ""  # of a direct conversation
    owner_id: str = ""  # from here on: threads
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    archived_at: float = 0.0
    auto_archive: int = 4320  # minutes
    applied_tags: list[str] = field(default_factory=list)
    members: dict[str, float] = field(default_factory=dict)
    total_sent: int = 0
    active_at: float = 0.0  # when something last happened in a thread
    last_message_id: str | None = None

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread, a forum's post included."""
        return self.type in tables.THREADS

    @property
    def is_dm(self) -> bool:
        """Whether it is a direct conversation."""
        return self.type == tables.DM

    @property
    def posts(self) -> list[Message]:
        """What was said: no "pinned a message", no "started a thread"."""
        return [m for m in self.messages if m["type"] in (0, 19, 20, 23)]

    def find(self, message_id: str) -> Message | None:
        """The message with this id."""
        return next((m for m in self.messages if m["id"] == str(message_id)), None)


@dataclass(kw_only=True, eq=False)
class Guild:
    """The guild: one, as an incident bot lives in one."""

    id: str
    name: str
    owner_id: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)


Emit = Callable[[str, dict[str, Any], "Channel | None"], Any]


class World:
    """Everything there is. `emit(event, data, channel)` is told of every change."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self._last = 0
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, tuple[str, bytes]] = {}  # attachment id: name, bytes
        self.nonces: dict[tuple[str, str], Message] = {}  # by author and nonce
        self.emit: Emit = lambda *_: None
        owner = self.user("owner", global_name="The Owner")
        self.guild = Guild(id=self.snowflake(), name="Acme", owner_id=owner.id)
        everyone = tables.bits(tables.EVERYONE)
        self.guild.roles[self.guild.id] = Role(
            id=self.guild.id, name="@everyone", permissions=everyone, position=0, mentionable=False
        )
        self.join(owner)

    def snowflake(self) -> str:
        """A new id: says when, and is larger than every one before."""
        self._last = max(self._last + 1, int(max(0.0, self.now() - EPOCH) * 1000) << 22)
        return str(self._last)

    def user(self, name: str, *, global_name: str = "", bot: bool = False, dms_open: bool = True) -> User:
        """A new account."""
        user = User(
            id=self.snowflake(), name=name, global_name=global_name or name.capitalize(), bot=bot, dms_open=dms_open
        )
        self.users[user.id] = user
        return user

    def join(self, user: User, roles: Iterable[str] = (), nick: str | None = None) -> Member:
        """Somebody comes into the guild."""
        member = Member(user=user, joined_at=self.now(), roles=list(roles), nick=nick)
        self.guild.members[user.id] = member
        return member

    def role(self, name: str, permissions: int = 0, *, mentionable: bool = False, bot_id: str = "") -> Role:
        """A new role, above the others."""
        position = max((role.position for role in self.guild.roles.values()), default=0) + 1
        role = Role(
            id=self.snowflake(),
            name=name,
            permissions=permissions,
            position=position,
            mentionable=mentionable,
            managed=bool(bot_id),
            bot_id=bot_id,
        )
        self.guild.roles[role.id] = role
        return role

    def channel(self, name: str, kind: int, **more: Any) -> Channel:
        """A new channel, thread or direct conversation; tells nobody."""
        number = sum(not c.is_thread and not c.is_dm for c in self.channels.values())
        channel = Channel(
            id=more.pop("id", None) or self.snowflake(),
            name=name,
            type=kind,
            created=self.now(),
            position=number,
            **more,
        )
        self.channels[channel.id] = channel
        return channel

    @property
    def guild_channels(self) -> list[Channel]:
        """Channels and categories: what counts against 500."""
        return [c for c in self.channels.values() if not c.is_thread and not c.is_dm]

    @property
    def threads(self) -> list[Channel]:
        """Threads, archived ones included."""
        return [c for c in self.channels.values() if c.is_thread]

    def children(self, parent_id: str | None) -> list[Channel]:
        """The channels of a category."""
        return [c for c in self.guild_channels if c.parent_id == parent_id]

    def named(self, name: str) -> Channel | None:
        """The newest channel or thread with this name."""
        return next((c for c in reversed(self.channels.values()) if c.name == name and not c.is_dm), None)

    def parent(self, channel: Channel) -> Channel | None:
        """The category of a channel, the channel of a thread."""
        return self.channels.get(channel.parent_id) if channel.parent_id else None

    def direct(self, user_id: str) -> Channel:
        """The direct conversation between the app and somebody."""
        found = next((c for c in self.channels.values() if c.is_dm and c.recipient == user_id), None)
        return found or self.channel("", tables.DM, recipient=user_id)
