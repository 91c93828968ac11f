"""The incident: one mutable aggregate with a version. Its transitions happen and tell what happened, or refuse and say why.

Nothing here knows of databases or chat.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bot.chat.views import Person
from bot.clock import ago, duration
from bot.errors import BadArguments, InvalidTransition

__all__ = [
    "MUSTER",
    "Acknowledged",
    "AutoResolve",
    "Cause",
    "Cleared",
    "CommanderTaken",
    "Declared",
    "Event",
    "FiresAgain",
    "Flapped",
    "Incident",
    "Joined",
    "Merged",
    "Names",
    "Noted",
    "Renamed",
    "Reopened",
    "Resolved",
    "SeverityChanged",
    "SeverityLevel",
    "Split",
    "StatusName",
    "Suspect",
    "Unacknowledged",
    "number_of",
    "ref",
]

StatusName = Literal["open", "acknowledged", "mitigated", "resolved"]
SeverityLevel = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
AutoResolve = float | None
Names = Callable[[str], str]  # a person's id -> the name that people read

MUSTER = Person("muster", "Muster")  # who acts when nobody did
TITLE_LENGTH = 160  # characters; a phone shows two lines of it
NOTE_LENGTH = 4000


def ref(number: int) -> str:
    """How people write an incident's number.

    >>> ref(42)
    'INC-42'
    """
    return f"INC-{number}"


def number_of(text: str) -> int | None:
    """The number in INC-42, inc42, #42 or 42; None when it is none of those.

    >>> number_of("inc-42"), number_of("#7"), number_of("checkout")
    (42, 7, None)
    """
    found = re.fullmatch(r"(?:inc[-\s]?|#)?(\d{1,9})", text.strip(), re.IGNORECASE)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What is probably at the root, in words that give the reason."""

    service: str
    words: str
    score: float
    effects: int = 0  # alerts that it, or what else is known to have failed, mutes
    first_at: float = 0.0  # when it failed, if it was the first to; 0 otherwise
    reasons: tuple[str, ...] = ()  # all of them; `words` are the weightiest
    others: tuple[str, ...] = ()  # what is less likely, each with its reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A change that may be to blame, with the reasons; the first of a list is the most suspect."""

    change: str
    score: float
    reasons: tuple[str, ...]


# --- what happened ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    by: Person
    invite: tuple[str, ...] = ()  # whom the recipe wants in the room, as the catalogue writes it
    page: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """More alerts belong to the incident; `new_services` were not affected before."""

    alerts: int
    new_services: tuple[str, ...]
    words: str  # why the telling one belongs here


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    by: Person
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledged:
    by: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    alerts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiresAgain:
    """All alerts had cleared, and some fire again: `words` names them."""

    alerts: int
    cleared_at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapped:
    """Alerts (`count`, of which some are named with how often) fire and clear and fire; `over`: they no longer do."""

    alerts: tuple[str, ...]
    count: int
    until: float
    first: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    by: Person
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    by: Person
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged:
    by: Person
    before: SeverityLevel
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    by: Person
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    by: Person
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderTaken:
    by: Person
    commander: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """This incident took in another one (`other`), or was taken in by it (`into` is True)."""

    by: Person
    other: int
    into: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Alerts left this incident for another one."""

    by: Person
    other: int
    alerts: int


Event = (
    Declared
    | Joined
    | Acknowledged
    | Unacknowledged
    | Cleared
    | FiresAgain
    | Flapped
    | Resolved
    | Reopened
    | SeverityChanged
    | Renamed
    | Noted
    | CommanderTaken
    | Merged
    | Split
)


# --- the aggregate ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Incident:
    """A declared incident. `version` grows with every save; a save of an old version is a Conflict."""

    number: int
    version: int = 0
    title: str
    status: StatusName = "open"
    severity: SeverityLevel
    status_since: float
    environment: str = ""
    location: str = ""
    services: list[tuple[str, int]] = field(default_factory=list)  # (service, alerts), most alerts first
    alert_count: int = 0
    firing_count: int = 0
    opened_at: float
    first_alert_at: float
    last_alert_at: float
    cleared_at: float | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str | None = None
    mitigated_at: float | None = None
    resolved_at: float | None = None
    resolved_by: str | None = None
    commander: str | None = None
    declared_by: str = MUSTER.id
    summary: str = ""
    cause: Cause | None = None
    suspects: list[Suspect] = field(default_factory=list)
    recipe: str = ""
    private: bool = False
    auto_resolve: AutoResolve = None
    titled_by_person: bool = False
    graded_by_person: bool = False
    merged_into: int | None = None

    @property
    def ref(self) -> str:
        """INC-42."""
        return ref(self.number)

    @property
    def open(self) -> bool:
        """People still have work with it."""
        return self.status != "resolved"

    def _become(self, status: StatusName, at: float) -> None:
        self.status, self.status_since = status, at

    def acknowledge(self, by: Person, at: float, note: str = "", names: Names = str) -> Acknowledged:
        """Somebody has it. InvalidTransition when it is resolved; a second acknowledgement is the caller's to word."""
        self._refuse_merged()
        if not self.open:
            raise InvalidTransition(
                f"Resolved {ago(self.resolved_at or at, at)}{_by(self.resolved_by, names)}. Nothing to acknowledge. "
                "If it is back: /incident reopen"
            )
        if self.status == "acknowledged":
            raise InvalidTransition(
                f"Acknowledged {ago(self.acknowledged_at or at, at)}{_by(self.acknowledged_by, names)} already."
            )
        self._become("acknowledged", at)
        self.acknowledged_at, self.acknowledged_by = at, by.id
        if self.commander is None:
            self.commander = by.id
        return Acknowledged(by=by, note=note.strip()[:NOTE_LENGTH])

    def unacknowledge(self, by: Person, at: float) -> Unacknowledged:
        """Nobody has it any more."""
        if self.status != "acknowledged":
            raise InvalidTransition(f"{self.ref} is {self.status}, not acknowledged. Nothing to take back.")
        self._become("open", at)
        if self.commander == self.acknowledged_by:
            self.commander = None
        self.acknowledged_at = self.acknowledged_by = None
        return Unacknowledged(by=by)

    def resolve(self, by: Person, at: float, summary: str = "", names: Names = str) -> Resolved:
        """It is over."""
        self._refuse_merged()
        if not self.open:
            raise InvalidTransition(
                f"Resolved {ago(self.resolved_at or at, at)}{_by(self.resolved_by, names)}. Nothing to resolve."
            )
        self._become("resolved", at)
        self.resolved_at, self.resolved_by = at, by.id
        self.summary = summary.strip()[:NOTE_LENGTH] or self.summary
        return Resolved(by=by, summary=summary.strip()[:NOTE_LENGTH])

    def reopen(self, by: Person, at: float, why: str = "") -> Reopened:
        """It was not over."""
        if self.open:
            raise InvalidTransition(
                f"{self.ref} is {self.status} for {duration(at - self.status_since)}. Nothing to reopen."
            )
        self._refuse_merged()
        self._become("open", at)
        self.resolved_at = self.resolved_by = None
        self.acknowledged_at = self.acknowledged_by = None
        self.cleared_at = None if self.firing_count else self.cleared_at
        return Reopened(by=by, why=why.strip()[:NOTE_LENGTH])

    def _refuse_merged(self) -> None:
        if self.merged_into is not None:
            raise InvalidTransition(f"{self.ref} was merged into {ref(self.merged_into)}; that is where it goes on.")

    def change_severity(self, severity: SeverityLevel, by: Person, why: str = "") -> SeverityChanged:
        """More or less severe than thought."""
        if severity == self.severity:
            raise InvalidTransition(f"{self.ref} is {severity} already.")
        before, self.severity = self.severity, severity
        self.graded_by_person = self.graded_by_person or by != MUSTER
        return SeverityChanged(by=by, before=before, why=why)

    def rename(self, title: str, by: Person) -> Renamed:
        """Another title; from now on the engine does not change it."""
        words = " ".join(title.split())[:TITLE_LENGTH]
        if not words:
            raise BadArguments("A title needs words: /incident rename checkout latency, eu-west-1")
        if words == self.title and self.titled_by_person:
            raise InvalidTransition(f"{self.ref} is called that already.")
        before, self.title, self.titled_by_person = self.title, words, True
        return Renamed(by=by, before=before)

    def note(self, text: str, by: Person) -> Noted:
        """Something for the timeline."""
        if not text.strip():
            raise BadArguments("A note needs words: /incident note rolled back payments-api")
        return Noted(by=by, note=text.strip()[:NOTE_LENGTH])

    def take_command(self, commander: Person, by: Person) -> CommanderTaken:
        """Somebody leads from now on."""
        if self.commander == commander.id:
            raise InvalidTransition(f"{commander.name} leads {self.ref} already.")
        self.commander = commander.id
        return CommanderTaken(by=by, commander=commander)

    def take_in(self, other: Incident) -> None:
        """Add the figures of a merged incident; an acknowledgement of either counts for both."""
        counts = dict(self.services)
        for service, count in other.services:
            counts[service] = counts.get(service, 0) + count
        self.services = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.alert_count += other.alert_count
        self.firing_count += other.firing_count
        self.first_alert_at = min(self.first_alert_at, other.first_alert_at)
        self.last_alert_at = max(self.last_alert_at, other.last_alert_at)
        if self.firing_count:
            self.cleared_at = None
        if self.status == "open" and other.status == "acknowledged":
            self._become("acknowledged", other.status_since)
            self.acknowledged_at, self.acknowledged_by = other.acknowledged_at, other.acknowledged_by
            self.commander = self.commander or other.commander

    def clear(self, at: float) -> Cleared | None:
        """No alert of it fires any more; None when that was known, or nobody needs to know."""
        if self.cleared_at is not None or not self.alert_count or not self.open:
            return None
        self.cleared_at = at
        return Cleared(alerts=self.alert_count)


def _by(person: str | None, names: Names) -> str:
    return f" by {names(person)}" if person and person != MUSTER.id else ""
