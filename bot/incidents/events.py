"""What happens to an incident, as values: a transition returns one, and everything that follows is a reaction to it.

No rule is here, and nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.chat.views import Person

__all__ = [
    "Acknowledged",
    "Cleared",
    "CommanderTaken",
    "Declared",
    "Event",
    "FiresAgain",
    "Flapped",
    "Joined",
    "Merged",
    "Noted",
    "Renamed",
    "Reopened",
    "Resolved",
    "RoleFreed",
    "RoleGiven",
    "RuledIn",
    "RuledOut",
    "SeverityChanged",
    "SeverityLevel",
    "Split",
    "TicketLinked",
    "Unacknowledged",
    "Updated",
]

SeverityLevel = Literal["SEV1", "SEV2", "SEV3", "SEV4"]


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
    """All alerts had cleared, and some fire again, or came with another incident: `words` says which."""

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
    """A note; `message` is what somebody pinned, where that made it one, and `withdrawn` that they took the pin away."""

    by: Person
    note: str
    message: str = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLinked:
    """It is kept as the ticket at `url`, "" for none any more; `before` is where it was kept until now."""

    by: Person
    url: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommanderTaken:
    by: Person
    commander: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """Stakeholders were told how it stands; `due`: when they are to hear again, None when nothing was promised."""

    by: Person
    text: str
    due: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGiven:
    """Somebody has a role, which `before` (a person's id, or nobody) had."""

    by: Person
    role: str
    person: Person
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFreed:
    """Nobody has a role any more; `before` had it."""

    by: Person
    role: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """Somebody says that a service is not the cause."""

    by: Person
    service: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledIn:
    """It may be the cause after all."""

    by: Person
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """This incident took in another one (`other`), or was taken in by it (`into` is True). `why`: in words, where known."""

    by: Person
    other: int
    into: bool
    why: str = ""


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
    | TicketLinked
    | CommanderTaken
    | Updated
    | RoleGiven
    | RoleFreed
    | RuledOut
    | RuledIn
    | Merged
    | Split
)
