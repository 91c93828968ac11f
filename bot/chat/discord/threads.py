"""Rooms that are threads: under a message of ours in a channel, private ones without it, or posts of a forum. No channels here.

What identifies a thread is its first message of ours, which bears the marker as messages bear their nonce.
"""

from __future__ import annotations

from typing import Any, Final

import discord

from bot.chat.discord.client import DiscordClient, Refused
from bot.chat.discord.drawing import draw
from bot.chat.discord.posts import NOT_THERE, Posts, component_number
from bot.chat.gateway import RoomLost, RoomRequest
from bot.chat.harmless import one_line
from bot.chat.views import Notice, Strong, text
from bot.errors import Permanent
from bot.telemetry import get_logger

__all__ = ["THREADS", "Threads"]

log = get_logger(__name__)

PRIVATE: Final = 12  # types of channels: docs.discord.com/developers/resources/channel
THREADS = frozenset({10, 11, PRIVATE})
NAME_LENGTH = 100  # characters; OpenAPI document
QUIET: Final = (
    10_080  # minutes without a message until Discord folds a thread away, the most it offers; a message unfolds it
)
ALREADY = 160004  # JSON error code: a thread has already been created for this message
TOO_MANY = 160006  # ... the maximum number of active threads has been reached

_HIDDEN = "Muster does not see the Discord channel {channel} (catalogue, rooms.discord.channel), or may not use it"


class Threads:
    """Opens and archives threads."""

    def __init__(self, client: DiscordClient, posts: Posts) -> None:
        self._client, self._posts = client, posts

    async def open(self, channel: int, request: RoomRequest, *, forum: bool) -> int:
        """Make the thread in that channel or forum, or find it by its first message."""
        try:
            if forum:
                return await self._post(channel, request)
            if request.private:
                return await self._private(channel, request)
            return await self._under_a_message(channel, request)
        except Refused as error:
            if error.number == TOO_MANY:
                words = "this Discord server has as many active threads as there can be: archive some"
                raise Permanent(words) from error
            if error.number in NOT_THERE:
                raise Permanent(_HIDDEN.format(channel=channel)) from error
            raise
        except RoomLost as error:
            raise Permanent(_HIDDEN.format(channel=channel)) from error

    async def archive(self, thread: int) -> None:
        """Fold it away, so that nobody unfolds it by chance."""
        await self._client.call(
            "archive a thread", lambda c: c.http.edit_channel(thread, archived=True, locked=True), again=True
        )

    async def open_again(self, thread: int) -> bool:
        """Whether it could be unfolded."""
        try:
            await self._client.call(
                "open a thread again", lambda c: c.http.edit_channel(thread, archived=False, locked=False), again=True
            )
        except Refused as error:
            log.warning("thread_not_opened_again", thread=thread, reason=str(error))
            return False
        return True

    # --- three ways ---------------------------------------------------------------------------------------------------

    async def _under_a_message(self, channel: int, request: RoomRequest) -> int:
        """A thread has the id of the message that it stands under."""
        message = await self._posts.say(channel, _opening(request), request.marker)
        try:
            await self._client.call(
                "open a thread",
                lambda c: c.http.start_thread_with_message(
                    channel, message, name=_name(request), auto_archive_duration=QUIET
                ),
                again=True,
            )
        except Refused as error:
            if error.number != ALREADY:
                raise
            await self.open_again(message)
        return message

    async def _private(self, channel: int, request: RoomRequest) -> int:
        """No message stands above it, so ours is its first one; a crash may have come before that."""
        for thread in await self._left_behind(channel, request, "private"):
            if await self._first(thread) in {None, component_number(thread, request.marker)}:
                await self.open_again(thread)
                break
        else:
            made = await self._client.call(
                "open a private thread",
                lambda c: c.http.start_thread_without_message(
                    channel, name=_name(request), auto_archive_duration=QUIET, type=PRIVATE, invitable=False
                ),
            )
            thread = int(made["id"])
        await self._posts.say(thread, _opening(request), request.marker)
        return thread

    async def _post(self, forum: int, request: RoomRequest) -> int:
        """The first message of a forum's post is made with it."""
        number = component_number(forum, request.marker)
        for thread in await self._left_behind(forum, request, "public"):
            if await self._first(thread) == number:
                await self.open_again(thread)
                return thread
        guild = await self._client.guild()
        place = await self._client.call("look at the forum", lambda _: guild.fetch_channel(forum), again=True)
        if not isinstance(place, discord.ForumChannel):
            raise Permanent(f"the Discord channel {forum} (catalogue, rooms.discord.channel) is no forum")
        tags = list(place.available_tags)[:1] if place.flags.require_tag else []
        drawn = draw(_opening(request))
        drawn.view.children[0].id = number
        made = await self._client.call(
            "open a post of the forum",
            lambda _: place.create_thread(
                name=_name(request),
                auto_archive_duration=QUIET,
                view=drawn.view,
                allowed_mentions=drawn.allowed_mentions,
                applied_tags=tags,
            ),
        )
        self._posts.made(made.thread.id)
        return made.thread.id

    async def _left_behind(self, parent: int, request: RoomRequest, kind: str) -> list[int]:
        """Threads of ours in that place which have the room's name, but for one that is of no use any more."""
        me, guild = str(await self._client.myself()), (await self._client.guild()).id
        what = "list the threads"
        active = await self._client.raw(what, "GET", "/guilds/{guild_id}/threads/active", guild_id=guild)
        path = f"/channels/{{channel_id}}/threads/archived/{kind}"  # the newest fifty or so
        try:
            folded = await self._client.raw(what, "GET", path, channel_id=parent)
        except Refused:  # private ones are shown to whoever may Manage Threads
            folded = {}
        return [
            int(thread["id"])
            for thread in [*active.get("threads", ()), *folded.get("threads", ())]
            if str(thread.get("parent_id")) == str(parent)
            and str(thread.get("owner_id")) == me
            and thread.get("name") == _name(request)
            and thread["id"] != request.known
        ]

    async def _first(self, thread: int) -> int | None:
        """The number that our first message there bears; None where nothing of ours stands yet."""
        messages: list[dict[str, Any]] = await self._client.call(
            "look at a thread's first messages", lambda c: _messages(c, thread), again=True
        )
        numbers = [(one.get("components") or [{}])[0].get("id") for one in reversed(messages)]
        return next((int(number) for number in numbers if number), None)


async def _messages(client: discord.Client, thread: int) -> Any:
    return await client.http.logs_from(thread, 5, after=thread - 1)


def _name(request: RoomRequest) -> str:
    return one_line(request.name, NAME_LENGTH) or request.incident


def _opening(request: RoomRequest) -> Notice:
    """The first message: what the thread is about."""
    return Notice(text=text(Strong(request.incident), f" {one_line(request.title, 300)}"))
