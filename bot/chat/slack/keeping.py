"""What a message of Slack's, a pushpin on it, or its end is to us: words kept, a note on the timeline, words forgotten.

Whether we were told at once or read it in the history makes no difference here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.chat import heard
from bot.chat.mirror import Mirror
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.mrkdwn import unescape
from bot.chat.views import MUSTER, Person
from bot.incidents import attendance, timeline
from bot.incidents.service import Incidents
from bot.storage.database import Database

__all__ = ["PIN", "PLATFORM", "Keeping", "is_pinned"]

PLATFORM = "slack"
ROOM = "Slack room"
PIN = frozenset({"pushpin", "round_pushpin"})  # reactions that put a message on the timeline
SAID = frozenset(
    {"", "file_share", "me_message", "thread_broadcast"}
)  # subtypes that people say; the others are Slack's
WORDS = 3_000  # characters of a message that a note quotes

_MENTION = re.compile(r"<@([A-Z0-9]+)")


class Keeping:
    """Keeps what people say; what Muster said is kept where it was said first, what other bots said nowhere."""

    def __init__(
        self, client: SlackClient, accounts: Accounts, database: Database, incidents: Incidents, mirror: Mirror
    ) -> None:
        self._client, self._accounts, self._database = client, accounts, database
        self._incidents, self._mirror = incidents, mirror
        self._pinning = asyncio.Lock()  # from reading what is so to writing it down

    async def messages(self, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Keep what was said, or what it says now."""
        said: list[tuple[Mapping[str, Any], Person, str, tuple[str, ...]]] = []
        for message in messages:
            account = str(message.get("user") or "")
            if not account or (message.get("subtype") or "") not in SAID or message.get("bot_id"):
                continue
            text, files = await self._text(message), tuple(_files(message))
            if text.strip() or files:
                said.append((message, await self._accounts.person(account), text, files))
        if not said:
            return
        async with self._database.transaction() as work:
            for message, author, text, files in said:
                edited, thread = message.get("edited") or {}, str(message.get("thread_ts") or "")
                await heard.hear(
                    work,
                    self._mirror,
                    PLATFORM,
                    channel,
                    str(message["ts"]),
                    at=float(message["ts"]),
                    author=author,
                    text=text,
                    files=files,
                    edited_at=float(edited["ts"]) if edited.get("ts") else None,
                    answers=thread if thread != message["ts"] else "",
                )

    async def attended(self, number: int, account: str, at: float, *, came: bool) -> None:
        """Somebody came into the room, or left it; of ourselves nothing is kept."""
        if account == await self._client.myself():
            return
        person = await self._accounts.person(account)
        move = attendance.came if came else attendance.left
        async with self._database.transaction() as work:
            await move(work, number, person, ROOM, at)

    async def deletion(self, number: int, channel: str, ts: str, at: float) -> None:
        """A message was taken back, and with it the note that it may have been."""
        async with self._database.transaction() as work:
            await heard.forget(work, self._mirror, PLATFORM, channel, ts, at=at)
        await self._incidents.unpin(number, _key(channel, ts), MUSTER)

    async def pin(self, number: int, channel: str, ts: str, by: Person = MUSTER) -> None:
        """Somebody pinned a message with a pushpin, or took theirs away (`by`): what is so now counts, whatever we were told."""
        async with self._pinning:
            try:
                found = await self._client.call("reactions.get", channel=channel, timestamp=ts, full=True)
            except Refused as error:
                if error.error != "message_not_found":
                    raise
                found = {}
            message = found.get("message") or {}
            if is_pinned(message):
                who = next(user for one in message["reactions"] if one["name"] in PIN for user in one["users"])
                words, person = await self.quoted(message), await self._accounts.person(who)
                await self._incidents.pin(number, _key(channel, ts), words, person)
            else:
                await self._incidents.unpin(number, _key(channel, ts), by)

    async def pins(self, number: int, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Look after the pins of these messages that are not as we know them."""
        async with self._database.reading() as connection:
            noted = await timeline.pinned_messages(connection, number)
        for message in messages:
            ts = str(message["ts"])
            if is_pinned(message) is not (_key(channel, ts) in noted):
                await self.pin(number, channel, ts)

    async def quoted(self, message: Mapping[str, Any]) -> str:
        """Who said what, for a note: its words, else its files."""
        said = " ".join((await self._text(message), *_files(message))).strip()[:WORDS] or "(a message without words)"
        author = await self._accounts.person(str(message["user"])) if message.get("user") else None
        return f"{author.name}: {said}" if author else said

    async def _text(self, message: Mapping[str, Any]) -> str:
        """What it says, with names where Slack has accounts."""
        text = str(message.get("text") or "")
        names = {account: (await self._accounts.person(account)).name for account in set(_MENTION.findall(text))}
        return unescape(text, lambda account: names.get(account, account))


def is_pinned(message: Mapping[str, Any]) -> bool:
    """Whether anybody's pushpin is on it."""
    return any(one.get("name") in PIN and one.get("users") for one in message.get("reactions") or ())


def _key(channel: str, ts: str) -> str:
    return f"{heard.room_key(PLATFORM, channel)}:{ts}"


def _files(message: Mapping[str, Any]) -> Iterator[str]:
    """A line for each file: what it is called, what it is, and where."""
    for file in message.get("files") or ():
        name, link = file.get("name") or "a file", file.get("permalink") or ""
        kind = file.get("pretty_type") or file.get("mimetype") or ""
        yield f"[{name}{f', {kind}' if kind else ''}]{f' {link}' if link else ''}"
