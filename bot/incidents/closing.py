"""After an incident is over, or seems so: it resolves by itself where its recipe says so; its room is archived later.

A reaction that sets timers, and the handlers of those timers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.catalog.catalog import Catalog
from bot.chat.views import MUSTER
from bot.incidents import store
from bot.incidents.announcements import Announcements
from bot.incidents.events import Cleared, Event, Reopened, Resolved
from bot.incidents.model import Incident
from bot.incidents.service import Incidents
from bot.scheduler import Handler
from bot.storage import timers
from bot.storage.database import Transaction
from bot.storage.timers import Timer

__all__ = ["AUTO_RESOLVE", "ArchiveLater", "auto_resolve", "follow_clearing"]

AUTO_RESOLVE = "auto_resolve"
ARCHIVE = "archive_room"


async def follow_clearing(work: Transaction, incident: Incident, event: Event, at: float) -> None:
    """The reaction behind auto_resolve: its time runs while all alerts are clear and the incident is open."""
    match event:
        case Cleared() if incident.auto_resolve is not None:
            payload = {"incident": incident.number}
            await timers.schedule(work, AUTO_RESOLVE, incident.ref, at + incident.auto_resolve, payload)
        case Resolved() | Reopened():
            await timers.cancel(work, AUTO_RESOLVE, incident.ref)


def auto_resolve(incidents: Incidents) -> Mapping[str, Handler]:
    """The handler that ends an incident whose alerts stayed clear."""

    async def handle(work: Transaction, timer: Timer, at: float) -> None:
        incident = await store.find(work.connection, timer.payload["incident"])
        if incident is None or not incident.open or incident.cleared_at is None:
            return
        event = incident.resolve(MUSTER, at)
        await store.save(work, incident)
        await incidents.react(work, incident, event, at)

    return {AUTO_RESOLVE: handle}


class ArchiveLater:
    """The room of a resolved incident is closed some days later; it can be read for ever."""

    def __init__(self, catalog: Callable[[], Catalog], announcements: Announcements) -> None:
        self._catalog, self._announcements = catalog, announcements

    async def __call__(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        match event:
            case Resolved():
                due = at + self._catalog().rooms.archive_after
                await timers.schedule(work, ARCHIVE, incident.ref, due, {"incident": incident.number})
            case Reopened():
                await timers.cancel(work, ARCHIVE, incident.ref)

    def handlers(self) -> Mapping[str, Handler]:
        """What the scheduler should know."""
        return {ARCHIVE: self._archive}

    async def _archive(self, work: Transaction, timer: Timer, at: float) -> None:
        incident = await store.find(work.connection, timer.payload["incident"])
        if incident is not None and not incident.open:
            await self._announcements.archive(work, incident.number, at)
