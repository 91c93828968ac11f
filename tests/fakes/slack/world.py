"""The workspace: people, channels, messages and what else is kept. Every change tells `emit` the event Slack would send.

No HTTP here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from tests.fakes.slack.lengths import texts
from tests.fakes.slack.tables import MESSAGE_EVENTS

__all__ = ["Channel", "File", "Group", "Message", "User", "View", "World", "copied"]

ChannelKind = Literal["public", "private", "im", "mpim"]
LETTER = {"public": "C", "private": "G", "im": "D", "mpim": "G"}
PAYLOAD_KIND = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


def copied(value: dict[str, Any]) -> dict[str, Any]:
    """A deep copy of JSON, made the quick way."""
    copy: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(value)))
    return copy


@dataclass(kw_only=True)
class User:
    """A member of the workspace."""

    id: str
    name: str
    real_name: str
    email: str
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    tz: str = "Europe/Amsterdam"


@dataclass(kw_only=True)
class Group:
    """A user group."""

    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False


@dataclass(kw_only=True)
class File:
    """A file: `content` is None until its bytes came."""

    id: str
    name: str
    title: str
    length: int
    user: str
    created: float
    content: bytes | None = None
    alt_txt: str = ""
    complete: bool = False
    ready_at: float = 0.0  # when Slack has looked at it: a message may show it from then on
    shares: dict[str, list[str]] = field(default_factory=dict)  # channel: ts


class Message(dict[str, Any]):
    """A message as Slack's JSON, that knows its channel. `frozen()` is what somebody saw before it was edited."""

    def __init__(self, channel: Channel, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.channel = channel

    @property
    def ts(self) -> str:
        """Its timestamp, which is its identity."""
        return str(self["ts"])

    @property
    def text(self) -> str:
        """Its text, which is what notifications show when there are blocks."""
        return str(self.get("text", ""))

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Its blocks."""
        return list(self.get("blocks") or [])

    @property
    def shown(self) -> str:
        """What a reader sees: the text of the blocks, or the text without them."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text

    def frozen(self) -> Message:
        """A copy that later edits do not change."""
        return Message(self.channel, copied(self))


class View(dict[str, Any]):
    """A modal or a home tab as Slack's JSON, that knows whose it is."""

    def __init__(self, user: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.user = user

    @property
    def shown(self) -> str:
        """What a reader sees, title first."""
        return "\n".join(texts([self.get("title") or {}, self.get("blocks") or []]))


@dataclass(kw_only=True, eq=False)
class Channel:
    """A conversation of any kind."""

    id: str
    name: str
    kind: ChannelKind
    creator: str
    created: float
    members: list[str] = field(default_factory=list)
    archived: bool = False
    topic: str = ""
    purpose: str = ""
    previous_names: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    pins: list[dict[str, Any]] = field(default_factory=list)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def posts(self) -> list[Message]:
        """What was said: no joins, no topics, no tombstones; threads included."""
        return [m for m in self.messages if m.get("subtype") in (None, "file_share", "bot_message", "thread_broadcast")]

    def find(self, ts: str) -> Message | None:
        """The message with this timestamp."""
        return next((m for m in self.messages if m["ts"] == ts), None)

    def thread(self, ts: str) -> list[Message]:
        """The replies to a message."""
        return [m for m in self.messages if m.get("thread_ts") == ts and m["ts"] != ts]


Emit = Callable[[str, dict[str, Any], "Channel | None"], Any]


class World:
    """State and its changes. `emit(name, event, channel)` is called after each change; its answer is handed back."""

    def __init__(self, now: Callable[[], float], team_id: str = "T0FAKE001") -> None:
        self.now = now
        self.team_id, self.team_name, self.team_domain = team_id, "Example", "example"
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.groups: dict[str, Group] = {}
        self.files: dict[str, File] = {}
        self.deleted_files: set[str] = set()
        self.views: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}  # by user, the visible one last
        self.homes: dict[str, View] = {}
        self.paid = True
        self.emit: Emit = lambda _name, _event, _channel: None
        self._numbers = itertools.count(1)
        self._last_ts = 0

    def number(self, letter: str) -> str:
        """A new id."""
        return f"{letter}0{next(self._numbers):08X}"

    def ts(self) -> str:
        """A new timestamp: unique and growing."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def user(self, name: str, **traits: Any) -> User:
        """A new member of the workspace."""
        traits = {"real_name": name.title(), "email": f"{name}@example.org", **traits}
        user = User(id=self.number("U"), name=name, **traits)
        self.users[user.id] = user
        return user

    def channel(self, name: str, kind: ChannelKind, creator: str, members: Iterable[str] = ()) -> Channel:
        """A new conversation; the name is taken as it is."""
        channel = Channel(id=self.number(LETTER[kind]), name=name, kind=kind, creator=creator, created=self.now())
        channel.members = list(dict.fromkeys([creator, *members]))
        self.channels[channel.id] = channel
        if kind == "public":
            self.emit("channel_created", {"channel": {"id": channel.id, "name": name, "creator": creator}}, None)
        return channel

    def named(self, name: str) -> Channel | None:
        """The channel of this name, archived ones too: they keep it."""
        return next((c for c in self.channels.values() if c.name == name and c.kind in ("public", "private")), None)

    def direct(self, *users: str) -> Channel | None:
        """The direct conversation of just these people."""
        return next(
            (c for c in self.channels.values() if c.kind in ("im", "mpim") and set(c.members) == set(users)), None
        )

    # ── messages

    def _message_event(self, channel: Channel, event: dict[str, Any], *, same_ts: bool) -> Any:
        ts = event["ts"] if same_ts else self.ts()
        event = {**event, "channel": channel.id, "ts": ts, "event_ts": ts, "channel_type": PAYLOAD_KIND[channel.kind]}
        return self.emit(MESSAGE_EVENTS[channel.kind], {"type": "message", **event}, channel)

    def post(self, channel: Channel, user: str, text: str, **more: Any) -> tuple[Message, Any]:
        """A new message; `more` is what else its JSON holds. Returns it and what `emit` said."""
        values = {"type": "message", "user": user, "text": text, "ts": self.ts(), "team": self.team_id}
        message = Message(channel, values | {k: v for k, v in more.items() if v is not None})
        root = channel.find(more.get("thread_ts") or "")
        if root is not None:
            root["thread_ts"] = root["ts"]
            root["reply_count"] = root.get("reply_count", 0) + 1
            root["reply_users"] = list(dict.fromkeys([*root.get("reply_users", []), user]))
            root["latest_reply"] = message["ts"]
            message["parent_user_id"] = root.get("user")
        channel.messages.append(message)
        event = {key: value for key, value in copied(message).items() if key != "metadata"}
        return message, self._message_event(channel, event, same_ts=True)

    def change(self, message: Message, editor: str, **new: Any) -> Any:
        """Edit a message in place; None removes a part."""
        before = copied(message)
        for key, value in new.items():
            if value is None:
                message.pop(key, None)
            else:
                message[key] = value
        message["edited"] = {"user": editor, "ts": self.ts()}
        after = copied(message)
        for state in (before, after):
            state.pop("metadata", None)
        event = {"subtype": "message_changed", "hidden": True, "message": after, "previous_message": before}
        return self._message_event(message.channel, event, same_ts=False)

    def delete(self, message: Message) -> Any:
        """Take a message away; one with replies leaves a tombstone."""
        channel, before = message.channel, copied(message)
        channel.pins = [pin for pin in channel.pins if pin["ts"] != message["ts"]]
        if message.get("reply_count"):
            kept = {key: message[key] for key in ("ts", "thread_ts", "reply_count", "reply_users", "latest_reply")}
            message.clear()
            message.update(
                type="message", subtype="tombstone", user="USLACKBOT", text="This message was deleted.", **kept
            )
        else:
            channel.messages.remove(message)
            root = channel.find(message.get("thread_ts") or "")
            if root is not None and root is not message:
                root["reply_count"] -= 1
        event = {"subtype": "message_deleted", "hidden": True, "deleted_ts": before["ts"], "previous_message": before}
        return self._message_event(channel, event, same_ts=False)

    def react(self, message: Message, user: str, name: str, *, remove: bool = False) -> Any:
        """Add or remove a reaction; KeyError when it is there already, or is not there."""
        reactions = message.setdefault("reactions", [])
        found = next((r for r in reactions if r["name"] == name), None)
        if (found is not None and user in found["users"]) is not remove:
            raise KeyError(name)
        if found is None:
            reactions.append({"name": name, "users": [user], "count": 1})
        elif remove:
            found["users"].remove(user)
            found["count"] -= 1
            if not found["users"]:
                reactions.remove(found)
        else:
            found["users"].append(user)
            found["count"] += 1
        item = {"type": "message", "channel": message.channel.id, "ts": message["ts"]}
        kind = "reaction_removed" if remove else "reaction_added"
        event = {"user": user, "reaction": name, "item": item, "item_user": message.get("user"), "event_ts": self.ts()}
        return self.emit(kind, event, message.channel)

    def pin(self, message: Message, user: str, *, remove: bool = False) -> Any:
        """Pin a message, or take the pin away; the caller knows that this makes sense."""
        channel = message.channel
        if remove:
            channel.pins = [pin for pin in channel.pins if pin["ts"] != message["ts"]]
        else:
            channel.pins.insert(0, {"ts": message["ts"], "created": int(self.now()), "by": user})
        item = {"type": "message", "channel": channel.id, "message": dict(message), "created": int(self.now())}
        event = {"user": user, "channel_id": channel.id, "item": item, "pin_count": len(channel.pins)}
        return self.emit("pin_removed" if remove else "pin_added", event | {"event_ts": self.ts()}, channel)

    # ── channels

    def join(self, channel: Channel, user: str, inviter: str | None = None) -> Any:
        """Somebody comes in."""
        channel.members.append(user)
        self.post(channel, user, f"<@{user}> has joined the channel", subtype=f"{_word(channel)}_join", inviter=inviter)
        event = {"user": user, "channel": channel.id, "channel_type": LETTER[channel.kind], "team": self.team_id}
        event["event_ts"] = self.ts()
        return self.emit("member_joined_channel", event | ({"inviter": inviter} if inviter else {}), channel)

    def leave(self, channel: Channel, user: str) -> Any:
        """Somebody goes, or is made to."""
        channel.members.remove(user)
        self.post(channel, user, f"<@{user}> has left the channel", subtype=f"{_word(channel)}_leave")
        event = {"user": user, "channel": channel.id, "channel_type": LETTER[channel.kind], "team": self.team_id}
        event["event_ts"] = self.ts()
        return self.emit("member_left_channel", event, channel)

    def archive(self, channel: Channel, user: str, *, undo: bool = False) -> Any:
        """Close a channel, or open it again."""
        kind = f"{_word(channel)}_{'unarchive' if undo else 'archive'}"
        self.post(channel, user, f"{'un-archived' if undo else 'archived'} the channel", subtype=kind)
        channel.archived = not undo
        return self.emit(kind, {"channel": channel.id, "user": user, "event_ts": self.ts()}, channel)

    def rename(self, channel: Channel, user: str, name: str) -> Any:
        """Give a channel another name."""
        old, channel.name = channel.name, name
        channel.previous_names.insert(0, old)
        self.post(channel, user, f"has renamed the channel from {old} to {name}", subtype=f"{_word(channel)}_name")
        inner = {"id": channel.id, "name": name, "created": int(channel.created)}
        return self.emit(f"{_word(channel)}_rename", {"channel": inner, "event_ts": self.ts()}, channel)

    def describe(self, channel: Channel, user: str, part: Literal["topic", "purpose"], value: str) -> Any:
        """Set topic or purpose."""
        setattr(channel, part, value)
        subtype = f"{_word(channel)}_{part}"
        return self.post(channel, user, f"set the channel {part}: {value}", subtype=subtype, **{part: value})[1]


def _word(channel: Channel) -> str:
    return "group" if channel.kind == "private" else "channel"
