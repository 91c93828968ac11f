"""What happens in Discord's rooms: messages, edits, deletions, files, pushpins. Kept in order; history is read after a gap.

Everything here may be repeated. Nothing is said in rooms from here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import discord

from bot.chat import heard
from bot.chat.discord.accounts import PLATFORM, Accounts
from bot.chat.discord.client import AWAY, DiscordClient, Refused
from bot.chat.mirror import Mirror
from bot.chat.views import MUSTER, Person
from bot.clock import Clock
from bot.errors import DeliveryError, Retryable, StorageUnavailable
from bot.incidents import timeline
from bot.incidents.reference import ref
from bot.incidents.service import Incidents
from bot.storage.database import Database
from bot.telemetry import Metrics, get_logger

__all__ = ["Hearing"]

log = get_logger(__name__)

PIN = frozenset({"\N{PUSHPIN}", "\N{ROUND PUSHPIN}"})  # reactions that put a message on the timeline
PAGE = 100  # messages, or threads that were folded away, of one look: GET messages and public archived threads, limit
FOLDED = 500  # threads of a room that were folded away and are read again, the last ones; each is a request or more
WORDS = 3_000  # characters of a message that a note quotes
WAITING = 10_000  # happenings that may wait for the database; beyond them history is read
SPOKEN = frozenset({discord.MessageType.default, discord.MessageType.reply})

_LEFT_OUT = (
    f"The room of {{incident}} on Discord has more than {FOLDED} threads that were folded away. What was said in the oldest of "
    "them while Muster was away is not in its transcript."
)
_EMOJI = re.compile(r"<a?:(\w{1,32}):[0-9]{15,20}>")


class Hearing:
    """Keeps what people say in the rooms of incidents; other channels are none of our business.

    `missed` is True while something may have been said that is not kept; `remarks` say what was not read at all.
    """

    def __init__(
        self,
        client: DiscordClient,
        accounts: Accounts,
        database: Database,
        clock: Clock,
        incidents: Incidents,
        mirror: Mirror,
        metrics: Metrics,
    ) -> None:
        self._client, self._accounts, self._database, self._clock = client, accounts, database, clock
        self._incidents, self._mirror, self._metrics = incidents, mirror, metrics
        self._happenings: asyncio.Queue[tuple[str, int, int | None, Any]] = asyncio.Queue(WAITING)
        self.missed = False
        self._left_out: dict[int, str] = {}  # words by room

    @property
    def remarks(self) -> tuple[str, ...]:
        """What whoever looks after Muster should know."""
        return tuple(self._left_out.values())

    def happened(self, what: str, channel: int, parent: int | None, about: Any) -> None:
        """Something happened in a channel, or in a thread of the channel `parent`: it is kept in its turn."""
        try:
            self._happenings.put_nowait((what, channel, parent, about))
        except asyncio.QueueFull:
            self.missed = True

    async def run(self) -> None:
        """Keep what happens, in order, until cancelled."""
        while True:
            what, channel, parent, about = await self._happenings.get()
            try:
                await self._keep(what, channel, parent, about)
            except (DeliveryError, StorageUnavailable) as error:
                self.missed = True  # read again
                log.warning("discord_not_kept", what=what, reason=str(error))
            except Exception:  # named place: one event of Discord's costs only itself
                log.exception("discord_event_failed", what=what)
                self._metrics.failures.labels("discord").inc()

    async def catch_up(self) -> None:
        """Read what was said in open rooms while nobody listened. What cannot be read now waits."""
        self.missed = False
        try:
            await self._read_rooms()
        except (DeliveryError, StorageUnavailable) as error:
            self.missed = True  # begun again
            log.warning("history_not_read", reason=str(error))

    async def _read_rooms(self) -> None:
        async with self._database.reading() as connection:
            rooms = await heard.open_rooms(connection, PLATFORM)
        for room in rooms:
            while True:
                try:
                    await self._read_room(int(room))
                except Refused as error:
                    log.warning("history_not_read", room=room, reason=str(error))
                except Retryable as error:
                    await asyncio.sleep(error.retry_after or AWAY)
                    continue
                break

    # --- as it happens ------------------------------------------------------------------------------------------------

    async def _keep(self, what: str, channel: int, parent: int | None, about: Any) -> None:
        async with self._database.reading() as connection:
            room, number = channel, await heard.incident_of(connection, PLATFORM, str(channel))
            if number is None and parent is not None:
                room, number = parent, await heard.incident_of(connection, PLATFORM, str(parent))
        if number is None:
            return
        match what:
            case "said":
                await self._hear(room, [about])
            case "deleted":
                for message in about:
                    await self._forget(number, room, str(message))
            case "pinned":
                await self._pinned(number, room, about)

    async def _pinned(self, number: int, room: int, payload: discord.RawReactionActionEvent) -> None:
        """Somebody put a pushpin on a message, or took theirs away: what is so now counts, whatever we were told."""
        if payload.emoji.name not in PIN or payload.user_id == await self._client.myself():
            return
        try:
            message = await self._client.call(
                "read a message",
                lambda c: c.get_partial_messageable(payload.channel_id).fetch_message(payload.message_id),
                again=True,
            )
        except Refused:
            return  # it is gone, and that is told by itself
        await self._pin(number, room, message, await self._who(payload))

    async def _pin(self, number: int, room: int, message: discord.Message, by: Person) -> None:
        key = _key(room, str(message.id))
        if not _is_pinned(message):
            await self._incidents.unpin(number, key, by)
            return
        said = " ".join((_text(message), *_files(message))).strip()[:WORDS]
        name = self._accounts.person(message.author).name
        by = await self._pinner(message) if by == MUSTER else by
        await self._incidents.pin(number, key, f"{name}: {said or '(a message without words)'}", by)

    async def _pinner(self, message: discord.Message) -> Person:
        """The first of those whose pushpin is on it."""

        async def users(_: discord.Client) -> list[discord.abc.User]:
            pins = [reaction for reaction in message.reactions if str(reaction.emoji) in PIN]
            return [user for reaction in pins async for user in reaction.users(limit=1)]

        found = await self._client.call("look who pinned a message", users, again=True)
        return self._accounts.person(found[0]) if found else MUSTER

    async def _who(self, payload: discord.RawReactionActionEvent) -> Person:
        """Discord tells who took a reaction away by their id only."""
        if payload.member is not None:
            return self._accounts.person(payload.member)
        user = await self._client.call("look who somebody is", lambda c: c.fetch_user(payload.user_id), again=True)
        return self._accounts.person(user)

    async def _forget(self, number: int, room: int, message: str) -> None:
        """It was taken back, and with it the note that it may have been."""
        async with self._database.transaction() as work:
            await heard.forget(work, self._mirror, PLATFORM, str(room), message, at=self._clock.now())
        await self._incidents.unpin(number, _key(room, message), MUSTER)

    # --- history ------------------------------------------------------------------------------------------------------

    async def _read_room(self, room: int) -> None:
        """All of it: old messages may have been edited, and old threads have gone on."""
        async with self._database.reading() as connection:
            number = await heard.incident_of(connection, PLATFORM, str(room))
            known = await heard.standing(connection, PLATFORM, str(room))
            noted = await timeline.pinned_messages(connection, number) if number is not None else set()
        if number is None:
            return
        found, (threads, whole) = await self._read(room), await self._threads(room)
        self._left_out.pop(room, None)
        if not whole:
            self._left_out[room] = _LEFT_OUT.format(incident=ref(number))
        for thread in threads:
            found += await self._read(thread)
        found.sort(key=lambda message: message.id)  # as it was said: it is mirrored in this order
        for start in range(0, len(found), PAGE):
            await self._hear(room, found[start : start + PAGE])
        for message in found:
            if _is_pinned(message) is not (_key(room, str(message.id)) in noted):
                await self._pin(number, room, message, MUSTER)
        if whole:  # else what we know may stand in one that was not read
            for gone in known - {str(message.id) for message in found}:
                await self._forget(number, room, gone)

    async def _read(self, channel: int) -> list[discord.Message]:
        found: list[discord.Message] = []
        before: discord.Object | None = None
        while True:
            page = await self._page(channel, before)
            found += page
            if len(page) < PAGE:
                return found
            before = discord.Object(min(message.id for message in page))

    async def _page(self, channel: int, before: discord.Object | None) -> list[discord.Message]:
        async def read(client: discord.Client) -> list[discord.Message]:
            history = client.get_partial_messageable(channel).history(limit=PAGE, before=before)
            return [message async for message in history]

        return await self._client.call("read the history", read, again=True)

    async def _threads(self, room: int) -> tuple[list[int], bool]:
        """The threads of a room that is a channel, and whether these are all: of those folded away, FOLDED at most."""
        guild = (await self._client.guild()).id
        active = await self._client.raw("list the threads", "GET", "/guilds/{guild_id}/threads/active", guild_id=guild)
        found = [int(one["id"]) for one in active.get("threads", ()) if str(one.get("parent_id")) == str(room)]
        before: str | None = None
        for _ in range(-(-FOLDED // PAGE)):
            try:
                folded = await self._client.call(
                    "list the threads",
                    lambda c, before=before: c.http.get_public_archived_threads(room, before=before, limit=PAGE),  # type: ignore[misc]
                    again=True,
                )
            except Refused:  # the room is a thread itself
                return found, True
            found += [int(one["id"]) for one in folded["threads"]]
            if not folded["has_more"]:
                return found, True
            before = folded["threads"][-1]["thread_metadata"]["archive_timestamp"]
        return found, False

    async def _hear(self, room: int, messages: Sequence[discord.Message]) -> None:
        """Keep what people said; what Muster said is kept where it was said first, what other bots said nowhere."""
        said = [one for one in messages if not one.author.bot and one.webhook_id is None and one.type in SPOKEN]
        kept = [
            (one, text, files) for one in said for text, files in [(_text(one), tuple(_files(one)))] if text or files
        ]
        if not kept:
            return
        async with self._database.transaction() as work:
            for message, text, files in kept:
                await heard.hear(
                    work,
                    self._mirror,
                    PLATFORM,
                    str(room),
                    str(message.id),
                    at=message.created_at.timestamp(),
                    author=self._accounts.person(message.author),
                    text=text,
                    files=files,
                    edited_at=message.edited_at.timestamp() if message.edited_at else None,
                    answers=_answered(message, room),
                )


def _is_pinned(message: discord.Message) -> bool:
    """Whether anybody's pushpin is on it."""
    return any(str(reaction.emoji) in PIN and reaction.count > 0 for reaction in message.reactions)


def _key(room: int, message: str) -> str:
    return f"{heard.room_key(PLATFORM, str(room))}:{message}"


def _text(message: discord.Message) -> str:
    """What it says, with names where Discord has numbers."""
    people = {person.id: person.display_name for person in message.mentions}
    text = re.sub(r"<@!?([0-9]{15,20})>", lambda m: f"@{people.get(int(m[1]), m[1])}", message.content)
    return _EMOJI.sub(r":\1:", text).strip()


def _answered(message: discord.Message, room: int) -> str:
    """The message that it answers, or that its thread began with; "" for none."""
    if message.reference is not None and message.reference.message_id is not None:
        return str(message.reference.message_id)
    return (
        str(message.channel.id) if message.channel.id != room else ""
    )  # a thread has the number of what it began with


def _files(message: discord.Message) -> Iterator[str]:
    """A line for each file: what it is called, what it is, and where."""
    for file in message.attachments:
        kind = (file.content_type or "").partition(";")[0]
        yield f"[{file.filename}{f', {kind}' if kind else ''}] {file.url}"
    yield from _stickers(message.stickers)


def _stickers(stickers: Iterable[discord.StickerItem]) -> Iterator[str]:
    for sticker in stickers:
        yield f"[sticker {sticker.name}]"
