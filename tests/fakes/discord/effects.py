"""What happens in the guild, whoever does it: a message is said, changed, taken back, pinned; a thread begins. Changes the
world and tells of it; asks nobody for permission.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.calls import Upload
from tests.fakes.discord.lengths import is_v2, walk
from tests.fakes.discord.mentions import Mentions, mentions_of
from tests.fakes.discord.shapes import channel_json, member_json, role_json, thread_member_json, user_json
from tests.fakes.discord.world import Channel, Message, World, copied, iso

__all__ = ["Effects"]

CDN = "/cdn/attachments"
CAME_IN, RENAMED, PINNED, THREAD_BEGAN, THREAD_STARTER = 1, 4, 6, 18, 21  # types of messages nobody typed


class Effects:
    """Deeds on a world. `base` gives the server's address for what is attached."""

    def __init__(self, world: World, app_user: str) -> None:
        self.world, self.app_user = world, app_user
        self.base = ""

    # ── messages

    def attach(
        self, channel: Channel, files: dict[int, Upload], said: Sequence[dict[str, Any]], *, hidden: bool
    ) -> list[dict[str, Any]]:
        """Keep uploaded files; their JSON, with the description given for them."""
        attached = []
        for index, file in sorted(files.items()):
            told = next((a for a in said if str(a.get("id")) == str(index)), {})
            number = self.world.snowflake()
            name = re.sub(r"[^A-Za-z0-9_.-]", "_", str(told.get("filename") or file.name))
            self.world.files[number] = (name, file.content)
            where = CDN.replace("attachments", "ephemeral-attachments") if hidden else CDN
            url = f"{self.base}{where}/{channel.id}/{number}/{name}"
            shape = {"id": number, "filename": name, "size": len(file.content), "url": url, "proxy_url": url}
            if told.get("description"):
                shape["description"] = told["description"]
            if name.lower().endswith((".png", ".jpg", ".gif", ".webp")):
                shape |= {"content_type": "image/" + name.rpartition(".")[2].lower(), "width": 640, "height": 360}
            attached.append(shape)
        return attached

    def _media(self, value: Any, attached: list[dict[str, Any]]) -> Any:
        """`attachment://` made the address of the file, as Discord does."""
        if isinstance(value, list):
            return [self._media(item, attached) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: self._media(item, attached) for key, item in value.items()}
        url = str(made.get("url") or "")
        if url.startswith("attachment://"):
            name = url.removeprefix("attachment://")
            found = next(a for a in attached if a["filename"] == name)
            made |= {"url": found["url"], "proxy_url": found["url"], "width": 640, "height": 360}
        return made

    def _drawn(self, body: dict[str, Any], attached: list[dict[str, Any]]) -> dict[str, Any]:
        """Embeds and components as they are stored: media resolved, ids given, types of embeds said."""
        components = self._media(copied({"_": body.get("components") or []})["_"], attached)
        taken = {c["id"] for _, c in walk(components) if c.get("id")}
        number = 0
        for _, component in walk(components):
            if not component.get("id"):
                number += 1
                while number in taken:
                    number += 1
                component["id"] = number
        embeds = self._media(copied({"_": body.get("embeds") or []})["_"], attached)
        return {"components": components, "embeds": [{"type": "rich", **embed} for embed in embeds]}

    def _named(self, mentions: Mentions) -> dict[str, Any]:
        return {
            "mention_everyone": mentions.everyone,
            "mentions": [user_json(self.world.users[user]) for user in mentions.users],
            "mention_roles": list(mentions.roles),
        }

    def compose(
        self, channel: Channel, author: str, body: dict[str, Any], files: dict[int, Upload] | None = None, **more: Any
    ) -> Message:
        """A message that is nowhere yet: its JSON, and whom it would ping."""
        world, now = self.world, self.world.now()
        flags = int(body.get("flags") or 0) | int(more.pop("flags", 0))
        hidden = bool(flags & tables.EPHEMERAL)
        reference = body.get("message_reference") or {}
        replied = channel.find(str(reference.get("message_id"))) if reference.get("message_id") else None
        attached = self.attach(channel, files or {}, body.get("attachments") or [], hidden=hidden)
        usual = ("users",) if "webhook_id" in more else ("users", "roles", "everyone")
        mentions = mentions_of(world, channel, author, body, replied["author"]["id"] if replied else "", usual)
        user = world.users[author]
        message = Message(
            channel,
            {
                "id": world.snowflake(),
                "channel_id": channel.id,
                "type": 19 if replied else 0,
                "author": user_json(user),
                "content": body.get("content") or "",
                "timestamp": iso(now),
                "edited_timestamp": None,
                "tts": bool(body.get("tts")),
                "pinned": False,
                "flags": flags,
                "attachments": attached,
                "reactions": {},
                **self._named(mentions),
                **self._drawn(body, attached),
            },
        )
        if body.get("nonce") is not None:
            message["nonce"], message.nonce_at = body["nonce"], now
            world.nonces[author, str(body["nonce"])] = message
        if replied is not None:
            message["message_reference"] = {"type": 0, "message_id": replied.id, "channel_id": channel.id}
            if not channel.is_dm:
                message["message_reference"]["guild_id"] = world.guild.id
            message["referenced_message"] = {**replied, "reactions": []}
        if user.bot:
            message["application_id"] = user.id
        message.update(more)
        message.pinged = [] if hidden else mentions.pinged
        return message

    def notice(self, channel: Channel, author: str, kind: int, content: str = "", **more: Any) -> None:
        """What Discord itself says in somebody's name: a thread was begun, somebody came in, a name changed."""
        message = self.compose(channel, author, {})
        message.update({"type": kind, "content": content, **more})
        channel.messages.append(message)
        channel.last_message_id = message.id
        self.world.emit("MESSAGE_CREATE", message, channel)

    def place(self, message: Message) -> Any:
        """A message appears in its channel: an archived thread opens, those named in a thread come in."""
        channel = message.channel
        if channel.is_thread:
            if channel.archived:
                self.update_thread(channel, archived=False)
            for user in [message["author"]["id"], *message.pinged]:
                if user in self.world.guild.members and user not in channel.members:
                    self.add_to_thread(channel, user)
            channel.total_sent, channel.active_at = channel.total_sent + 1, self.world.now()
        channel.messages.append(message)
        channel.last_message_id = message.id
        return self.world.emit("MESSAGE_CREATE", message, channel)

    def say(
        self, channel: Channel, author: str, body: dict[str, Any], files: dict[int, Upload] | None = None, **more: Any
    ) -> tuple[Message, Any]:
        """Say something; the message, and what came of telling it."""
        message = self.compose(channel, author, body, files, **more)
        return message, self.place(message)

    def change(
        self, message: Message, body: dict[str, Any], files: dict[int, Upload] | None = None, *, tell: bool = True
    ) -> Any:
        """Edit: only what `body` has; attachments not listed go.

        An edit pings nobody, and neither does what replaces "thinking" (api-docs #5497).
        """
        world, channel = self.world, message.channel
        kept = message["attachments"]
        if body.get("attachments") is not None:
            ids = {str(a.get("id")) for a in body["attachments"]}
            kept = [a for a in kept if a["id"] in ids]
        hidden = message.private
        attached = [*kept, *self.attach(channel, files or {}, body.get("attachments") or [], hidden=hidden)]
        drawn = self._drawn(body, attached)
        new: dict[str, Any] = {"attachments": attached, "edited_timestamp": iso(world.now())}
        new |= {key: drawn[key] for key in ("components", "embeds") if key in body}
        if "content" in body:
            new["content"] = body["content"] or ""
        may = tables.SUPPRESS_EMBEDS | tables.COMPONENTS_V2
        asked = message["flags"] & may if body.get("flags") is None else int(body["flags"]) & may
        new["flags"] = message["flags"] & ~(tables.SUPPRESS_EMBEDS | tables.LOADING) | asked
        if is_v2(new["flags"]):
            new |= {"content": "", "embeds": []}
        if "content" in body or "components" in body:
            text = {"content": new.get("content", ""), "components": new.get("components", message["components"])}
            who = mentions_of(
                world, channel, message["author"]["id"], text | {"allowed_mentions": body.get("allowed_mentions")}
            )
            new |= self._named(who)
        message.update(new)
        return world.emit("MESSAGE_UPDATE", message, channel) if tell else None

    def delete(self, message: Message) -> Any:
        """A message goes, and its pin."""
        channel = message.channel
        message.gone = True
        channel.messages.remove(message)
        channel.pins = [(pinned, at) for pinned, at in channel.pins if pinned != message.id]
        return self.world.emit("MESSAGE_DELETE", self._at(channel, id=message.id), channel)

    def _at(self, channel: Channel, **more: Any) -> dict[str, Any]:
        return {"channel_id": channel.id, **more, **({} if channel.is_dm else {"guild_id": self.world.guild.id})}

    def react(self, message: Message, user: str, emoji: str, *, remove: bool = False) -> Any:
        """An emoji is put under a message, or taken away."""
        channel, reactions = message.channel, message["reactions"]
        users = reactions.setdefault(emoji, [])
        if remove == (user not in users):
            return None
        users.remove(user) if remove else users.append(user)
        if not users:
            del reactions[emoji]
        event: dict[str, Any] = {"user_id": user, "message_id": message.id, "emoji": {"id": None, "name": emoji}}
        event |= {"burst": False, "type": 0, "message_author_id": message["author"]["id"]}
        member = self.world.guild.members.get(user)
        if not remove and member is not None and not channel.is_dm:
            event["member"] = member_json(member)
        name = "MESSAGE_REACTION_REMOVE" if remove else "MESSAGE_REACTION_ADD"
        return self.world.emit(name, self._at(channel, **event), channel)

    def pin(self, message: Message, user: str, *, remove: bool = False) -> None:
        """A message is pinned, which the channel says, or no longer."""
        channel = message.channel
        message["pinned"] = not remove
        channel.pins = [(pinned, at) for pinned, at in channel.pins if pinned != message.id]
        if not remove:
            channel.pins.insert(0, (message.id, self.world.now()))
            reference = {"type": 0, **self._at(channel, message_id=message.id)}
            self.notice(channel, user, PINNED, message_reference=reference)
        last = iso(channel.pins[0][1]) if channel.pins else None
        self.world.emit("CHANNEL_PINS_UPDATE", self._at(channel, last_pin_timestamp=last), channel)
        self.world.emit("MESSAGE_UPDATE", message, channel)

    # ── channels and threads

    def channel_event(self, event: str, channel: Channel) -> Any:
        """CHANNEL_CREATE, CHANNEL_UPDATE or CHANNEL_DELETE, and the same of threads."""
        shape = channel_json(self.world, channel)
        if event == "THREAD_CREATE":
            shape["newly_created"] = True
        elif event == "THREAD_DELETE":
            shape = {key: shape[key] for key in ("id", "guild_id", "parent_id", "type")}
        return self.world.emit(event, shape, channel)

    def remove_channel(self, channel: Channel) -> None:
        """A channel goes, with its threads; what was in a category stands alone."""
        for child in list(self.world.channels.values()):
            if child.parent_id == channel.id and child.is_thread:
                del self.world.channels[child.id]
            elif child.parent_id == channel.id:
                child.parent_id = None
                self.channel_event("CHANNEL_UPDATE", child)
        self.channel_event("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)
        del self.world.channels[channel.id]

    def start_thread(self, parent: Channel, owner: str, name: str, kind: int, **more: Any) -> Channel:
        """A thread begins, with its owner in it; a public one says so in its channel, one on a message begins with that."""
        source = parent.find(more["id"]) if "id" in more else None
        now = self.world.now()
        thread = self.world.channel(name, kind, parent_id=parent.id, owner_id=owner, active_at=now, **more)
        thread.members[owner] = now
        self.channel_event("THREAD_CREATE", thread)
        if source is not None:
            reference = {"type": 0, **self._at(parent, message_id=source.id)}
            quoted = {**source, "reactions": []}
            self.notice(thread, owner, THREAD_STARTER, message_reference=reference, referenced_message=quoted)
        elif parent.type == tables.TEXT and kind == tables.PUBLIC_THREAD:
            self.notice(parent, owner, THREAD_BEGAN, name, message_reference={"type": 0, **self._at(thread)})
        return thread

    def update_thread(self, thread: Channel, by: str = "", **values: Any) -> Any:
        """A thread is archived, opened, locked, named anew."""
        if "archived" in values and values["archived"] != thread.archived:
            thread.archived_at = thread.active_at = self.world.now()
        if values.get("name", thread.name) != thread.name:
            self.notice(thread, by or thread.owner_id, RENAMED, values["name"])
        for key, value in values.items():
            setattr(thread, key, value)
        return self.channel_event("THREAD_UPDATE", thread)

    def let_rest(self, thread: Channel) -> None:
        """A thread in which nothing happened for as long as it says archives itself (noticed when it is next asked for)."""
        if not thread.archived and self.world.now() - thread.active_at > thread.auto_archive * 60:
            self.update_thread(thread, archived=True)

    def add_to_thread(self, thread: Channel, user: str, by: str = "") -> Any:
        """Somebody comes into a thread; brought `by` another, the thread says so. The app is told of a thread it comes into."""
        thread.members[user] = self.world.now()
        if user == self.app_user:
            self.world.emit("THREAD_CREATE", channel_json(self.world, thread), thread)
        if by and by != user:
            self.notice(thread, by, CAME_IN, mentions=[user_json(self.world.users[user])])
        return self._thread_members(thread, added_members=[thread_member_json(thread, user)])

    def leave_thread(self, thread: Channel, user: str) -> Any:
        """Somebody goes."""
        del thread.members[user]
        return self._thread_members(thread, removed_member_ids=[user])

    def _thread_members(self, thread: Channel, **change: Any) -> Any:
        event = {"id": thread.id, "guild_id": self.world.guild.id, "member_count": len(thread.members), **change}
        return self.world.emit("THREAD_MEMBERS_UPDATE", event, thread)

    # ── people and roles

    def member_event(self, event: str, user: str) -> Any:
        """GUILD_MEMBER_ADD, _UPDATE or _REMOVE."""
        member = self.world.guild.members.get(user)
        shape: dict[str, Any] = {"guild_id": self.world.guild.id, "user": user_json(self.world.users[user])}
        return self.world.emit(event, member_json(member) | shape if member else shape, None)

    def role_event(self, event: str, role_id: str) -> Any:
        """GUILD_ROLE_CREATE or GUILD_ROLE_UPDATE."""
        role = role_json(self.world.guild.roles[role_id])
        return self.world.emit(event, {"guild_id": self.world.guild.id, "role": role}, None)
