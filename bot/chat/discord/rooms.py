"""Rooms on Discord: made once, found again by their marker, counted before Discord says that there are too many, archived.

What a room is - a channel of its own, a post of a forum, a thread - the catalogue says. Nothing is said in rooms here.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord

from bot.catalog.model import DiscordRooms
from bot.chat.discord.client import DiscordClient, Refused
from bot.chat.discord.lacking import MISSING_PERMISSIONS, Lacking
from bot.chat.discord.posts import MISSING_ACCESS, NOT_THERE, Posts
from bot.chat.discord.threads import THREADS, Threads
from bot.chat.gateway import RoomRequest
from bot.chat.harmless import one_line
from bot.errors import Permanent, Retryable
from bot.telemetry import get_logger

__all__ = ["Channel", "Rooms"]

log = get_logger(__name__)

TEXT: Final = 0
CATEGORY: Final = 4  # types of channels: docs.discord.com/developers/resources/channel
NAME_LENGTH, TOPIC_LENGTH = 100, 1_024  # characters; OpenAPI document
PER_CATEGORY = 50  # docs.discord.com/developers/resources/channel: a category has up to 50 channels
PER_SERVER = 500  # JSON error code 30013
NEARLY, FULL = 450, 490  # of them: from here on it is told; from here on new rooms are threads
CLOCKS = 300.0  # seconds that Discord's clock and ours may differ
TOO_MANY_CHANNELS = 30013
HUB, HUB_TOPIC = (
    "incident-rooms",
    "Rooms of incidents, as threads: this server has no room for more channels (muster-hub)",
)

_SEES = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, send_messages_in_threads=True
)
_MUTED = discord.Permissions(
    send_messages=True, send_messages_in_threads=True, create_public_threads=True, create_private_threads=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as Discord lists it; `made_at` is told by its id."""

    id: int
    type: int
    name: str
    topic: str
    parent: int | None
    overwrites: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, data: dict[str, Any]) -> Channel:
        """From Discord's JSON."""
        return cls(
            id=int(data["id"]),
            type=int(data["type"]),
            name=str(data.get("name") or ""),
            topic=str(data.get("topic") or ""),
            parent=int(data["parent_id"]) if data.get("parent_id") else None,
            overwrites=tuple(data.get("permission_overwrites") or ()),
        )

    @property
    def made_at(self) -> float:
        return discord.utils.snowflake_time(self.id).timestamp()


class Rooms:
    """Opens and archives. `link` is a room's address in the situation room, "" for none; `warning` is told to the operator."""

    def __init__(
        self,
        client: DiscordClient,
        posts: Posts,
        lacking: Lacking,
        wish: Callable[[], DiscordRooms],
        link: Callable[[str], str],
    ) -> None:
        self._client, self._posts, self._lacking, self._wish, self._link = client, posts, lacking, wish, link
        self._threads = Threads(client, posts)
        self._counting = asyncio.Lock()  # channels are counted, then made
        self.warning = ""

    async def open(self, request: RoomRequest) -> int:
        """Make the room, or find it; one that was archived is opened again, one that is gone is replaced."""
        async with self._counting:
            with self._lacking.trying("make a room", request.incident):
                return await self._open(request)

    async def archive(self, room: int) -> None:
        """Close it; what was said stays readable."""
        with self._lacking.trying("archive a room", room):
            await self._archive(room)

    async def _open(self, request: RoomRequest) -> int:
        if request.known.isdecimal() and await self._open_again(int(request.known)):
            return int(request.known)
        wish = self._wish()
        if wish.kind == "channel" or (wish.kind == "forum" and request.private):  # no post of a forum is private
            return await self._channel(request, wish)
        return await self._threads.open(int(wish.channel), request, forum=wish.kind == "forum")

    async def _archive(self, room: int) -> None:
        channel = await self._look(room)
        if channel is None:
            return
        if channel.type in THREADS:
            await self._threads.archive(room)
            return
        async with self._counting:
            channels = await self._list()
            wish = self._wish()
            if _category_of(channel, channels, wish.archive):
                return
            closed = _overwritten(channel.overwrites, await self._everyone(), deny=_MUTED.value)
            closed = _overwritten(closed, await self._client.myself(), allow=_SEES.value, member=True)
            await self._move(channel, await self._category(wish.archive, channels), closed)

    # --- channels -----------------------------------------------------------------------------------------------------

    async def _channel(self, request: RoomRequest, wish: DiscordRooms) -> int:
        channels = await self._list()
        for channel in channels:
            ours = f"({request.marker})" in channel.topic and channel.made_at >= request.opened_at - CLOCKS
            if ours and str(channel.id) != request.known:
                await self._unarchive(channel, channels)
                return channel.id  # a crash came between Discord and our table
        self._count(len(channels))
        if len(channels) >= FULL:
            return await self._threads.open(await self._hub(channels, wish), request, forum=False)
        try:
            return await self._make(request, await self._category(wish.category, channels))
        except Refused as error:
            if error.number == TOO_MANY_CHANNELS:
                return await self._threads.open(await self._hub(channels, wish), request, forum=False)
            if "parent_id" in str(error):  # somebody filled the category at this moment
                raise Retryable(str(error), retry_after=1.0) from error
            raise

    async def _make(self, request: RoomRequest, category: int | None) -> int:
        overwrites: list[dict[str, Any]] = []
        if request.private:
            overwrites = _overwritten((), await self._everyone(), deny=discord.Permissions(view_channel=True).value)
            overwrites = _overwritten(overwrites, await self._client.myself(), allow=_SEES.value, member=True)
        guild = (await self._client.guild()).id
        made = await self._client.call(
            "make a channel",
            lambda c: c.http.create_channel(
                guild,
                TEXT,
                name=_name(request.name),
                topic=self._topic(request),
                parent_id=category,
                permission_overwrites=overwrites or None,
            ),
        )
        channel = int(made["id"])
        self._posts.made(channel)
        return channel

    def _topic(self, request: RoomRequest) -> str:
        """What does not change: Discord takes two topics in ten minutes. The marker is at its end."""
        link = self._link(request.name)
        end = f"{f' {link}' if link else ''} ({request.marker})"
        return f"{request.incident} {one_line(request.title, TOPIC_LENGTH - len(end) - 20)}{end}"

    async def _category(self, name: str, channels: Sequence[Channel]) -> int | None:
        """The first category of that name, or of it with a number, which has a place left; another one when all are full."""
        inside = Counter(channel.parent for channel in channels)
        numbers = {_number(c.name, name): c for c in channels if c.type == CATEGORY and _number(c.name, name)}
        for _, category in sorted(numbers.items()):
            if inside[category.id] < PER_CATEGORY:
                return category.id
        if len(channels) >= PER_SERVER - 1:
            return None
        number = next(n for n in range(1, PER_SERVER + 1) if n not in numbers)
        guild = (await self._client.guild()).id
        made = await self._client.call(
            "make a category",
            lambda c: c.http.create_channel(guild, CATEGORY, name=name if number == 1 else f"{name} {number}"),
        )
        return int(made["id"])

    async def _hub(self, channels: Sequence[Channel], wish: DiscordRooms) -> int:
        """The channel whose threads are rooms when there is no room for channels."""
        for channel in channels:
            if channel.type == TEXT and "(muster-hub)" in channel.topic:
                return channel.id
        if len(channels) >= PER_SERVER:
            raise Permanent(f"this Discord server has {PER_SERVER} channels, the most there can be: delete old ones")
        category = await self._category(wish.category, channels) if len(channels) < PER_SERVER - 1 else None
        guild = (await self._client.guild()).id
        made = await self._client.call(
            "make a channel for threads",
            lambda c: c.http.create_channel(guild, TEXT, name=HUB, topic=HUB_TOPIC, parent_id=category),
        )
        return int(made["id"])

    def _count(self, channels: int) -> None:
        """Tell it before there is a wall."""
        if channels < NEARLY:
            self.warning = ""
            return
        what = "New rooms are threads now" if channels >= FULL else f"From {FULL} on new rooms are threads"
        if not self.warning:
            log.warning("discord_nearly_full", channels=channels, most=PER_SERVER)
        self.warning = (
            f"{channels} of the {PER_SERVER} channels that a Discord server may have are used. {what}. "
            f"Delete channels of {self._wish().archive} that nobody needs."
        )

    async def _open_again(self, room: int) -> bool:
        """Whether it is there and can be used again."""
        channel = await self._look(room)
        if channel is None:
            return False
        if channel.type in THREADS:
            return await self._threads.open_again(room)
        await self._unarchive(channel, await self._list())
        return True

    async def _unarchive(self, channel: Channel, channels: Sequence[Channel]) -> None:
        """Back among the open rooms, if it stands among the closed ones."""
        wish = self._wish()
        if _category_of(channel, channels, wish.archive):
            opened = _overwritten(channel.overwrites, await self._everyone(), clear=_MUTED.value)
            await self._move(channel, await self._category(wish.category, channels), opened)

    async def _move(self, channel: Channel, category: int | None, overwrites: Sequence[dict[str, Any]]) -> None:
        """To another category, with who may do what; only that where Muster may not say the latter."""
        changed: dict[str, Any] = {"parent_id": category} if category is not None else {}
        try:
            await self._change(channel.id, permission_overwrites=list(overwrites), **changed)
        except Refused as error:
            if error.number not in {MISSING_PERMISSIONS, MISSING_ACCESS}:
                raise
            log.warning("overwrites_not_changed", room=channel.id, reason=str(error))
            if changed:
                await self._change(channel.id, **changed)

    async def _change(self, room: int, **changes: Any) -> None:
        await self._client.call("change a channel", lambda c: c.http.edit_channel(room, **changes), again=True)

    async def _look(self, room: int) -> Channel | None:
        """The channel, or None where it is gone or hidden from us."""
        try:
            found = await self._client.raw("look at a room", "GET", "/channels/{channel_id}", channel_id=room)
        except Refused as error:
            if error.number in NOT_THERE:
                return None
            raise
        return Channel.of(found)

    async def _list(self) -> list[Channel]:
        guild = (await self._client.guild()).id
        found = await self._client.raw("list the channels", "GET", "/guilds/{guild_id}/channels", guild_id=guild)
        return [Channel.of(one) for one in found]

    async def _everyone(self) -> int:
        """The role that all have; its id is the server's."""
        return (await self._client.guild()).id


def _name(wish: str) -> str:
    """A channel's name: Discord would lower and dash it in ways of its own."""
    return re.sub(r"[^\w-]+", "-", wish.lower()).strip("-")[:NAME_LENGTH].strip("-") or "incident"


def _number(name: str, base: str) -> int:
    """1 for `Incidents`, 3 for `Incidents 3`, 0 for others; as Discord shows categories, in capitals or not."""
    found = re.fullmatch(rf"{re.escape(base)}(?: ([2-9]|[1-9][0-9]{{1,2}}))?", name, re.IGNORECASE)
    return int(found[1] or 1) if found else 0


def _category_of(channel: Channel, channels: Sequence[Channel], name: str) -> bool:
    """Whether it stands in a category of that name, or of it with a number."""
    return any(one.id == channel.parent and _number(one.name, name) for one in channels)


def _overwritten(
    overwrites: Sequence[dict[str, Any]],
    target: int,
    *,
    allow: int = 0,
    deny: int = 0,
    clear: int = 0,
    member: bool = False,
) -> list[dict[str, Any]]:
    """The overwrites with these bits allowed, denied or neither for a role or a member."""
    rest, old = [], {"allow": 0, "deny": 0}
    for one in overwrites:
        if int(one["id"]) == target:
            old = one
        else:
            rest.append(one | {"allow": int(one["allow"]), "deny": int(one["deny"])})
    allowed = (int(old["allow"]) | allow) & ~(deny | clear)
    denied = (int(old["deny"]) | deny) & ~(allow | clear)
    ours = {"id": str(target), "type": 1 if member else 0, "allow": allowed, "deny": denied}
    return [*rest, ours] if allowed or denied else rest
