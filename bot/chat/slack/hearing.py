"""What happens in Slack's rooms: messages, edits, deletions, files, pins, joins. Kept as it happens; history is read after a gap.

Slack says things twice and out of order: everything here may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.chat import heard
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.mrkdwn import unescape
from bot.chat.views import Person
from bot.clock import Clock
from bot.errors import Retryable
from bot.incidents import store, timeline
from bot.incidents.service import Incidents
from bot.storage.database import Database
from bot.telemetry import get_logger

__all__ = ["Hearing"]

log = get_logger(__name__)

PLATFORM = "slack"
PIN = frozenset({"pushpin", "round_pushpin"})  # reactions that put a message on the timeline
PAGE = 200  # messages of one look at the history
SILENT = frozenset({"channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "bot_message"})


class Hearing:
    """Keeps what people say in the rooms of incidents; other channels are none of our business."""

    def __init__(
        self, client: SlackClient, accounts: Accounts, database: Database, clock: Clock, incidents: Incidents
    ) -> None:
        self._client, self._accounts, self._database = client, accounts, database
        self._clock, self._incidents = clock, incidents

    async def message(self, event: Mapping[str, Any]) -> None:
        """A message, an edit or a deletion."""
        channel = str(event["channel"])
        if await self._incident(channel) is None:
            return
        match event.get("subtype"):
            case "message_changed":
                await self._keep(channel, [event["message"]])
            case "message_deleted":
                async with self._database.transaction() as work:
                    await heard.forget(work, PLATFORM, channel, str(event["deleted_ts"]))
            case _:
                await self._keep(channel, [event])

    async def joined(self, event: Mapping[str, Any]) -> None:
        """Somebody came into the room."""
        await self._came_or_left(event, "joined the Slack room")

    async def left(self, event: Mapping[str, Any]) -> None:
        """Somebody left the room."""
        await self._came_or_left(event, "left the Slack room")

    async def reacted(self, event: Mapping[str, Any]) -> None:
        """A pushpin puts the message on the timeline; taking it away says so."""
        item = event.get("item") or {}
        if event.get("reaction") not in PIN or item.get("type") != "message":
            return
        channel, ts = str(item["channel"]), str(item["ts"])
        number = await self._incident(channel)
        if number is None:
            return
        by = await self._accounts.person(str(event["user"]))
        words = await self._words(channel, ts)
        if event["type"] == "reaction_added":
            await self._incidents.note(number, words, by)
        else:
            await self._incidents.note(number, f"No longer pinned: {words}", by)

    async def catch_up(self) -> None:
        """Read what was said in open rooms while nobody listened. DeliveryErrors never: what cannot be read now waits."""
        async with self._database.reading() as connection:
            rooms = await heard.open_rooms(connection, PLATFORM)
        for room in rooms:
            while True:
                try:
                    await self._catch_up(room)
                except Refused as error:
                    log.warning("history_not_read", room=room, reason=error.error)
                except Retryable as error:
                    await asyncio.sleep(error.retry_after or 1.0)
                    continue
                break

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _incident(self, channel: str) -> int | None:
        async with self._database.reading() as connection:
            return await heard.incident_of(connection, PLATFORM, channel)

    async def _catch_up(self, room: str) -> None:
        """All of it: old messages may have been edited, and old threads have gone on."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self._client.call("conversations.history", channel=room, limit=PAGE, **more)
            found = list(page.get("messages", ()))
            for message in found:
                if message.get("reply_count"):
                    await self._thread(room, str(message["ts"]))
            await self._keep(room, found)
            cursor = str((page.get("response_metadata") or {}).get("next_cursor", ""))
            if not cursor:
                return

    async def _thread(self, room: str, ts: str) -> None:
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await self._client.call("conversations.replies", channel=room, ts=ts, limit=PAGE, **more)
            await self._keep(room, page.get("messages", ()))
            cursor = str((page.get("response_metadata") or {}).get("next_cursor", ""))
            if not cursor:
                return

    async def _keep(self, channel: str, messages: Iterable[Mapping[str, Any]]) -> None:
        """Keep what people said; what Muster said is kept where it was said first, what other bots said nowhere."""
        said: list[tuple[Mapping[str, Any], Person, str, tuple[str, ...]]] = []
        for message in messages:
            account = str(message.get("user") or "")
            if not account or message.get("subtype") in SILENT or message.get("bot_id"):
                continue
            text, files = unescape(str(message.get("text") or "")), tuple(_files(message))
            if text.strip() or files:
                said.append((message, await self._accounts.person(account), text, files))
        if not said:
            return
        async with self._database.transaction() as work:
            for message, author, text, files in said:
                edited = message.get("edited") or {}
                await heard.hear(
                    work,
                    PLATFORM,
                    channel,
                    str(message["ts"]),
                    at=float(message["ts"]),
                    author=author,
                    text=text,
                    files=files,
                    edited_at=float(edited["ts"]) if edited.get("ts") else None,
                )

    async def _came_or_left(self, event: Mapping[str, Any], words: str) -> None:
        number = await self._incident(str(event["channel"]))
        if number is None:
            return
        person, at = await self._accounts.person(str(event["user"])), self._clock.now()
        async with self._database.transaction() as work:
            if words.startswith("joined") and not await store.add_participant(work, number, person, words, at):
                return  # they were here before
            await timeline.append(work, number, at, "room", person, f"{person.name} {words}")

    async def _words(self, channel: str, ts: str) -> str:
        page = await self._client.call(
            "conversations.history", channel=channel, latest=ts, oldest=ts, inclusive=True, limit=1
        )
        for message in page.get("messages", ()):
            author = await self._accounts.person(str(message["user"])) if message.get("user") else None
            said = " ".join((unescape(str(message.get("text") or "")), *_files(message))).strip()
            return f"{author.name}: {said}" if author else said
        return "(a message that is gone)"


def _files(message: Mapping[str, Any]) -> Iterator[str]:
    """A line for each file: what it is called, what it is, and where."""
    for file in message.get("files") or ():
        name, kind, link = file.get("name") or "a file", file.get("pretty_type") or "", file.get("permalink") or ""
        yield f"[{name}{f', {kind}' if kind else ''}]{f' {link}' if link else ''}"
