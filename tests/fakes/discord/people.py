"""A person in the guild: says, edits, reacts, pins, comes and goes. Each deed returns a Happening; raises where Discord's
client would not let it.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.acting import Acting
from tests.fakes.discord.calls import Upload
from tests.fakes.discord.happening import Answer, Happening
from tests.fakes.discord.lengths import CONTENT, length
from tests.fakes.discord.permissions import sees
from tests.fakes.discord.world import Channel, Message, Role

__all__ = ["Person"]


class Person(Acting):
    """Acts as one member. Channels may be given as Channel, id or name; messages as Message."""

    @property
    def mention(self) -> str:
        """How a message names this person."""
        return f"<@{self.user.id}>"

    @property
    def dm(self) -> Channel:
        """The direct conversation with the app, opened if need be."""
        return self._world.direct(self.id)

    @property
    def private(self) -> list[Answer]:
        """Everything that only this person was shown."""
        return [a for h in self._server.happenings if h.user == self.id for a in h.answers if a.private]

    @property
    def pings(self) -> list[Message]:
        """The messages that pinged this person: by name, by role, by everyone, or directly."""
        every = [m for c in self._world.channels.values() for m in c.messages]
        direct = [m for m in self.dm.messages if m["author"]["id"] != self.id]
        return [m for m in every if self.id in m.pinged or m in direct]

    def sees(self, where: Channel | str) -> bool:
        """Whether this person has a channel in front of them."""
        channel = where if isinstance(where, Channel) else self._world.channels.get(where) or self._world.named(where)
        return channel is not None and sees(self._world, self.id, channel)

    def _did(self, channel: Channel, sent: Any, message: Message | None = None) -> Happening:
        return Happening(
            kind="event", user=self.id, channel=channel.id, message=message, sent=bool(sent), at=self._world.now()
        )

    # ── conversation

    def say(
        self,
        where: Channel | str,
        text: str = "",
        *,
        reply: Message | None = None,
        file: tuple[str, bytes] | None = None,
        **body: Any,
    ) -> Happening:
        """Say something, perhaps as a reply, perhaps with a file (name, bytes)."""
        channel = self.place(where)
        if not channel.is_dm:
            self.may(channel, "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES")
        if channel.locked:
            raise PermissionError(f"{channel.name} is locked")
        if length(text) > CONTENT or not (text or file or body):
            raise ValueError("a message has 1 to 2,000 characters")
        files = {0: Upload(name=file[0], content=file[1])} if file else {}
        more = {"message_reference": {"message_id": reply.id}} if reply is not None else {}
        message, sent = self._server.effects.say(channel, self.id, {"content": text, **more, **body}, files)
        return self._did(channel, sent, message)

    def edit(self, message: Message, text: str) -> Happening:
        """Change one's own words."""
        if message["author"]["id"] != self.id:
            raise PermissionError("only one's own messages can be edited")
        return self._did(message.channel, self._server.effects.change(message, {"content": text}), message)

    def delete(self, message: Message) -> Happening:
        """Take words back: one's own, or with MANAGE_MESSAGES anybody's."""
        if message["author"]["id"] != self.id:
            self.may(message.channel, "MANAGE_MESSAGES")
        return self._did(message.channel, self._server.effects.delete(message), message)

    def react(self, message: Message, emoji: str) -> Happening:
        """Put an emoji (the character itself) under a message."""
        self.place(message.channel)
        return self._did(message.channel, self._server.effects.react(message, self.id, emoji), message)

    def unreact(self, message: Message, emoji: str) -> Happening:
        """Take an emoji away."""
        return self._did(message.channel, self._server.effects.react(message, self.id, emoji, remove=True), message)

    def pin(self, message: Message, *, remove: bool = False) -> Happening:
        """Pin a message, or take the pin away."""
        if not message.channel.is_dm:
            self.may(message.channel, "PIN_MESSAGES")
        self._server.effects.pin(message, self.id, remove=remove)
        return self._did(message.channel, True, message)

    def start_thread(self, where: Channel | Message | str, name: str, *, private: bool = False) -> Channel:
        """Begin a thread in a channel, or on a message."""
        message = where if isinstance(where, Message) else None
        parent = self.place(where.channel if isinstance(where, Message) else where)
        self.may(parent, "CREATE_PRIVATE_THREADS" if private else "CREATE_PUBLIC_THREADS")
        kind = tables.PRIVATE_THREAD if private else tables.PUBLIC_THREAD
        more = {"id": message.id} if message is not None else {}
        return self._server.effects.start_thread(parent, self.id, name, kind, **more)

    # ── channels and the guild

    def bring(self, thread: Channel | str, other: Person) -> Happening:
        """Bring somebody into a thread."""
        channel = self.place(thread)
        return self._did(channel, self._server.effects.add_to_thread(channel, other.id, by=self.id))

    def archive(self, thread: Channel | str, *, undo: bool = False, lock: bool = False) -> Happening:
        """Close a thread, or open it again; with `lock` for good."""
        channel = self.place(thread)
        if not channel.is_thread:
            raise PermissionError("only threads can be archived")
        values = {"archived": not undo} | ({"locked": True} if lock else {"locked": False} if undo else {})
        return self._did(channel, self._server.effects.update_thread(channel, **values))

    def rename(self, where: Channel | str, name: str) -> Happening:
        """Give a channel another name."""
        channel = self.place(where)
        self.may(channel, "MANAGE_THREADS" if channel.is_thread else "MANAGE_CHANNELS")
        if channel.is_thread:
            return self._did(channel, self._server.effects.update_thread(channel, self.id, name=name))
        channel.name = name
        return self._did(channel, self._server.effects.channel_event("CHANNEL_UPDATE", channel))

    def remove(self, where: Channel | str) -> Happening:
        """Delete a channel with all that is in it."""
        channel = self.place(where)
        self.may(channel, "MANAGE_THREADS" if channel.is_thread else "MANAGE_CHANNELS")
        self._server.effects.remove_channel(channel)
        return self._did(channel, True)

    def leave(self) -> None:
        """Leave the guild."""
        member = self._world.guild.members.pop(self.id)
        for thread in self._world.threads:
            thread.members.pop(member.user.id, None)
        self._server.effects.member_event("GUILD_MEMBER_REMOVE", self.id)

    def give(self, *roles: Role) -> None:
        """Be given roles."""
        member = self._world.guild.members[self.id]
        member.roles += [role.id for role in roles if role.id not in member.roles]
        self._server.effects.member_event("GUILD_MEMBER_UPDATE", self.id)

    def take(self, *roles: Role) -> None:
        """Lose roles."""
        member = self._world.guild.members[self.id]
        member.roles = [role for role in member.roles if role not in {r.id for r in roles}]
        self._server.effects.member_event("GUILD_MEMBER_UPDATE", self.id)
