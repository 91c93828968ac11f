"""What happens in Slack's rooms, told as it happens: messages, edits, deletions, pushpins, people coming and going, rooms closed.

Slack says things twice and out of order: everything here may be repeated. What nobody heard is history's to read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.chat import heard
from bot.chat.slack.accounts import Accounts
from bot.chat.slack.keeping import PIN, PLATFORM, Keeping
from bot.clock import Clock
from bot.incidents.service import Incidents
from bot.storage.database import Database

__all__ = ["Hearing"]


class Hearing:
    """Listens in the rooms of incidents; other channels are none of our business."""

    def __init__(
        self, accounts: Accounts, database: Database, clock: Clock, keeping: Keeping, incidents: Incidents
    ) -> None:
        self._accounts, self._database, self._clock = accounts, database, clock
        self._keeping, self._incidents = keeping, incidents
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
        await self._attended(event, came=True)

    async def left(self, event: Mapping[str, Any]) -> None:
        """Somebody left the room."""
        await self._attended(event, came=False)

    async def closed(self, event: Mapping[str, Any]) -> None:
        """Somebody closed the room: its card is asked for, which opens the room of an open incident again, or another."""
        number = await self._incident(str(event["channel"]))
        if number is not None and (incident := await self._incidents.get(number)).open:
            async with self._database.transaction() as work:
                await self._incidents.refresh(work, incident, self._clock.now())

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

    async def _attended(self, event: Mapping[str, Any], *, came: bool) -> None:
        number = await self._incident(str(event["channel"]))
        if number is not None:
            await self._keeping.attended(number, str(event["user"]), self._when(event), came=came)

    def _when(self, event: Mapping[str, Any]) -> float:
        return float(event.get("event_ts") or self._clock.now())
