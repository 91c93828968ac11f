"""What happens in Slack's rooms, told as it happens: messages, edits, deletions, pushpins, people coming and going.

Slack says things twice and out of order: everything here may be repeated. What nobody heard is history's to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.chat import heard
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import SlackClient
from bot.chat.slack.history import ROOM
from bot.chat.slack.keeping import PIN, PLATFORM, Keeping
from bot.chat.views import Person
from bot.clock import Clock
from bot.incidents import attendance
from bot.storage.database import Database

__all__ = ["Hearing"]


class Hearing:
    """Listens in the rooms of incidents; other channels are none of our business."""

    def __init__(
        self, client: SlackClient, accounts: Accounts, database: Database, clock: Clock, keeping: Keeping
    ) -> None:
        self._client, self._accounts, self._database = client, accounts, database
        self._clock, self._keeping = clock, keeping
        self._turn = asyncio.Lock()  # what is said is kept in the order in which we are told

    async def message(self, event: Mapping[str, Any]) -> None:
        """A message, an edit or a deletion."""
        async with self._turn:
            await self._message(event)

    async def _message(self, event: Mapping[str, Any]) -> None:
        channel = str(event["channel"])
        number = await self._incident(channel)
        if number is None:
            return
        match event.get("subtype"):
            case "message_changed":
                await self._keeping.messages(channel, [event["message"]])
            case "message_deleted":
                await self._keeping.deletion(number, channel, str(event["deleted_ts"]), self._when(event))
            case _:
                await self._keeping.messages(channel, [event])

    async def joined(self, event: Mapping[str, Any]) -> None:
        """Somebody came into the room."""
        number, person = await self._who(event)
        if number is not None and person is not None:
            async with self._database.transaction() as work:
                await attendance.came(work, number, person, ROOM, self._when(event))

    async def left(self, event: Mapping[str, Any]) -> None:
        """Somebody left the room."""
        number, person = await self._who(event)
        if number is not None and person is not None:
            async with self._database.transaction() as work:
                await attendance.left(work, number, person, ROOM, self._when(event))

    async def reacted(self, event: Mapping[str, Any]) -> None:
        """A pushpin puts the message on the timeline; taking the last one away takes it off."""
        item = event.get("item") or {}
        if event.get("reaction") not in PIN or item.get("type") != "message":
            return
        channel = str(item["channel"])
        number = await self._incident(channel)
        if number is not None:
            by = await self._accounts.person(str(event["user"]))
            await self._keeping.pin(number, channel, str(item["ts"]), by)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _incident(self, channel: str) -> int | None:
        async with self._database.reading() as connection:
            return await heard.incident_of(connection, PLATFORM, channel)

    async def _who(self, event: Mapping[str, Any]) -> tuple[int | None, Person | None]:
        """Of which incident, and who; nobody when it is ourselves."""
        number, account = await self._incident(str(event["channel"])), str(event["user"])
        if number is None or account == await self._client.myself():
            return number, None
        return number, await self._accounts.person(account)

    def _when(self, event: Mapping[str, Any]) -> float:
        return float(event.get("event_ts") or self._clock.now())
