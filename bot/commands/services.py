"""What the verbs work with, gathered in one value. Built by the application, passed down, never looked up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.chat.views import Person
from bot.clock import Clock
from bot.incidents.announcements import Announcements
from bot.incidents.history import History
from bot.incidents.mirroring import Mirroring
from bot.incidents.pictures import Pictures
from bot.incidents.service import Incidents
from bot.incidents.silences import Silences
from bot.responders.owners import Owners
from bot.responders.paging import Paging
from bot.retros.service import Retros
from bot.runbooks.service import Runbooks
from bot.storage.database import Database
from bot.telemetry import Metrics

__all__ = ["Services"]

OPEN_TO_ALL = ("", "console")  # our own rooms: everybody may enter them, private ones too


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a handler may call. `person` gives the name that people read for an id, guests included."""

    database: Database
    clock: Clock
    catalog: Callable[[], Catalog]
    person: Callable[[str], Person]
    incidents: Incidents
    announcements: Announcements
    owners: Owners
    paging: Paging
    silences: Silences
    runbooks: Runbooks
    history: History
    mirroring: Mirroring
    pictures: Pictures
    retros: Retros
    metrics: Metrics

    async def hidden_from(self, platform: str, person: str) -> set[int]:
        """Incidents that somebody is not told of there: where rooms are by invitation, private ones that are not theirs."""
        return set() if platform in OPEN_TO_ALL else await self.history.hidden_from(person)
