"""Reads what happened in open rooms while nobody listened: said, edited, taken back, pinned, come and gone.

All of a room is read each time: old messages may have been edited, and old threads have gone on. What we know is not doubled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.chat import heard
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.keeping import PLATFORM, Keeping
from bot.clock import Clock
from bot.errors import Retryable
from bot.storage.database import Database
from bot.telemetry import get_logger

__all__ = ["History"]

log = get_logger(__name__)

PAGE = 200  # messages of one look; Slack gives at most 999, and 15 to apps that it calls commercial
JOINED, LEFT = frozenset({"channel_join", "group_join"}), frozenset({"channel_leave", "group_leave"})
GONE = "tombstone"  # what stays of a message that was taken back when it has a thread


class History:
    """What Slack still knows of a room."""

    def __init__(self, client: SlackClient, database: Database, clock: Clock, keeping: Keeping) -> None:
        self._client, self._database, self._clock, self._keeping = client, database, clock, keeping

    async def catch_up(self) -> None:
        """Read every open room. DeliveryErrors never: what cannot be read now waits, what cannot be read at all is told."""
        async with self._database.reading() as connection:
            rooms = await heard.open_rooms(connection, PLATFORM)
        for room in rooms:
            while True:
                try:
                    await self._read(room)
                except Refused as error:
                    log.warning("history_not_read", room=room, reason=error.error)
                except Retryable as error:
                    await asyncio.sleep(error.retry_after or 1.0)
                    continue
                break

    async def _read(self, room: str) -> None:
        async with self._database.reading() as connection:
            number = await heard.incident_of(connection, PLATFORM, room)
            known = await heard.standing(connection, PLATFORM, room)
        if number is None:
            return
        page = await self._messages("conversations.history", channel=room)
        said = {str(message["ts"]): message for message in page}
        for message in page:
            if message.get("reply_count"):
                replies = await self._messages("conversations.replies", channel=room, ts=str(message["ts"]))
                said |= {str(reply["ts"]): reply for reply in replies}
        found = sorted(said.values(), key=lambda one: float(one["ts"]))  # as it was said: it is mirrored in this order
        for start in range(0, len(found), PAGE):
            await self._keeping.messages(room, found[start : start + PAGE])
        await self._keeping.pins(number, room, found)
        there = {str(message["ts"]) for message in found if message.get("subtype") != GONE}
        moves = [message for message in page if message.get("subtype") in JOINED | LEFT]
        for message in sorted(moves, key=lambda one: float(one["ts"])):
            came = message["subtype"] in JOINED
            await self._keeping.attended(number, str(message["user"]), float(message["ts"]), came=came)
        await self._forget(number, room, known, there)

    async def _forget(self, number: int, room: str, known: set[str], there: set[str]) -> None:
        """What we knew and Slack does not show any more was taken back, unless Slack shows only what is recent."""
        if not there:
            return
        begins = min(map(float, there))
        if any(float(ts) < begins for ts in known):
            log.info("history_is_limited", room=room)
            return
        for ts in known - there:
            await self._keeping.deletion(number, room, ts, self._clock.now())

    async def _messages(self, method: str, **arguments: Any) -> list[Mapping[str, Any]]:
        """All of them. A room with a hundred threads takes minutes at Slack's pace."""
        pages = self._client.pages(method, patient=True, limit=PAGE, **arguments)
        return [message async for page in pages for message in page["messages"]]
