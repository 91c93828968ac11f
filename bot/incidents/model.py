"""The incident: one mutable aggregate with a version. Its transitions happen and tell what happened, or refuse and say why.

Nothing here knows of databases or chat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.chat.views import MUSTER, Person
from bot.clock import ago, duration
from bot.errors import BadArguments, InvalidTransition
from bot.incidents.events import (
    Acknowledged,
    Cleared,
    CommanderTaken,
    FiresAgain,
    Noted,
    Renamed,
    Reopened,
    Resolved,
    RoleFreed,
    RoleGiven,
    RuledIn,
    RuledOut,
    SeverityChanged,
    SeverityLevel,
    TicketLinked,
    Unacknowledged,
    Updated,
)
from bot.incidents.parts import Cause, Exclusion, StatusName, Suspect, Update
from bot.incidents.reference import ref

__all__ = ["TITLE_LENGTH", "Incident", "Names"]

Names = Callable[[str], str]  # a person's id -> the name that people read

TITLE_LENGTH = 160  # characters; a phone shows two lines of it
NOTE_LENGTH = 4000
UPDATE_LENGTH = 2000
SOONEST, LATEST = 60.0, 7 * 86_400.0  # seconds from one update to the next
ROLES = 12  # of one incident
EXCLUSIONS = 20  # services that one incident rules out; whoever rules out more names what it is instead


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
    ticket: str = ""  # its address in the team's tracker
    cause: Cause | None = None
    suspects: list[Suspect] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    roles: list[tuple[str, str]] = field(
        default_factory=list
    )  # (role, a person's id) beside the commander, oldest first
    update: Update | None = None
    recipe: str = ""
    private: bool = False
    auto_resolve: float | None = None
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

    @property
    def ruled_out(self) -> tuple[str, ...]:
        """The services (and changes, in words) that it is not."""
        return tuple(one.service for one in self.exclusions)

    def exclusion_of(self, change: str, service: str) -> Exclusion | None:
        """Who ruled out a change: itself, or all that its service does."""
        for one in self.exclusions:
            if (one.change and one.change == change) or (not one.change and service and one.service == service):
                return one
        return None

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
        if self.update is not None:
            self.update = replace(self.update, due=None)
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
        """Another title; what a person wrote, the engine does not change."""
        words = " ".join(title.split())[:TITLE_LENGTH]
        if not words:
            raise BadArguments("A title needs words: /incident rename checkout latency, eu-west-1")
        if words == self.title and self.titled_by_person:
            raise InvalidTransition(f"{self.ref} is called that already.")
        before, self.title = self.title, words
        self.titled_by_person = self.titled_by_person or by != MUSTER
        return Renamed(by=by, before=before)

    def note(self, text: str, by: Person) -> Noted:
        """Something for the timeline."""
        if not text.strip():
            raise BadArguments("A note needs words: /incident note rolled back payments-api")
        return Noted(by=by, note=text.strip()[:NOTE_LENGTH])

    def link_ticket(self, url: str, by: Person) -> TicketLinked:
        """It is kept there from now on; "" for nowhere any more."""
        self._refuse_merged()
        if url == self.ticket:
            raise InvalidTransition(f"{self.ref} has {'that ticket already' if url else 'no ticket'}.")
        before, self.ticket = self.ticket, url
        return TicketLinked(by=by, url=url, before=before)

    def take_command(self, commander: Person, by: Person) -> CommanderTaken:
        """Somebody leads from now on."""
        if self.commander == commander.id:
            raise InvalidTransition(f"{commander.name} leads {self.ref} already.")
        self.commander = commander.id
        return CommanderTaken(by=by, commander=commander)

    def tell(self, text: str, by: Person, at: float, *, every: float | None = None, last: bool = False) -> Updated:
        """An update for stakeholders. The next is due after `every` seconds, or as before; `last` promises none."""
        self._refuse_merged()
        words = text.strip()[:UPDATE_LENGTH]
        if not words:
            raise BadArguments(
                "An update needs words: /incident update errors are falling since the rollback --next 30m"
            )
        if every is not None and not SOONEST <= every <= LATEST:
            raise BadArguments(
                f"The next update is due in {duration(SOONEST)} to {duration(LATEST)}: /incident update --next 30m TEXT"
            )
        usual = every if every is not None else self.update.every if self.update else None
        usual = None if last else usual
        due = at + usual if usual is not None and self.open else None
        self.update = Update(text=words, by=by.id, at=at, every=usual, due=due)
        return Updated(by=by, text=words, due=due)

    def give_role(self, role: str, person: Person, by: Person) -> RoleGiven:
        """Somebody has a role from now on, and nobody else."""
        self._refuse_merged()
        held = dict(self.roles)
        if held.get(role) == person.id:
            raise InvalidTransition(f"{person.name} has the role {role} in {self.ref} already.")
        if role not in held and len(held) >= ROLES:
            raise InvalidTransition(
                f"{self.ref} has {ROLES} roles already: {', '.join(held)}. Free one: /incident role NAME --nobody"
            )
        self.roles = list((held | {role: person.id}).items())
        return RoleGiven(by=by, role=role, person=person, before=held.get(role))

    def free_role(self, role: str, by: Person) -> RoleFreed:
        """Nobody has a role any more."""
        held = dict(self.roles)
        if role not in held:
            has = f" There are: {', '.join(held)}." if held else ""
            raise InvalidTransition(f"Nobody has the role {role} in {self.ref}.{has}")
        before = held.pop(role)
        self.roles = list(held.items())
        return RoleFreed(by=by, role=role, before=before)

    def rule_out(
        self, service: str, by: Person, at: float, reason: str = "", names: Names = str, change: str = ""
    ) -> RuledOut:
        """Not this service, or not this `change`, which `service` then names. What is the cause instead is the engine's to say."""
        self._refuse_merged()
        known = next((one for one in self.exclusions if one.service == service), None)
        words = reason.strip()[:NOTE_LENGTH]
        if known is not None and words in {"", known.reason}:
            raise InvalidTransition(f"{service} was ruled out {ago(known.at, at)}{_by(known.by, names)} already.")
        if known is None and len(self.exclusions) >= EXCLUSIONS:
            raise InvalidTransition(
                f"{self.ref} rules out {EXCLUSIONS} services already. Say what it is: /incident note"
            )
        others = [one for one in self.exclusions if one.service != service]
        self.exclusions = [*others, Exclusion(service=service, by=by.id, at=at, reason=words, change=change)]
        return RuledOut(by=by, service=service, reason=words)

    def rule_in(self, service: str, by: Person) -> RuledIn:
        """It may be this one after all."""
        if all(one.service != service for one in self.exclusions):
            out = ", ".join(one.service for one in self.exclusions)
            raise InvalidTransition(f"{service} is not ruled out in {self.ref}.{f' Ruled out: {out}.' if out else ''}")
        self.exclusions = [one for one in self.exclusions if one.service != service]
        return RuledIn(by=by, service=service)

    def take_in(self, other: Incident) -> FiresAgain | None:
        """Add the figures of a merged incident; an acknowledgement of either counts for both."""
        before, cleared_at = self.alert_count, self.cleared_at
        if not self.alert_count:
            self.location, self.environment = other.location, other.environment
        elif other.alert_count:  # two places are none in particular
            self.location = self.location if self.location == other.location else ""
            self.environment = self.environment if self.environment == other.environment else ""
        counts = dict(self.services)
        for service, count in other.services:
            counts[service] = counts.get(service, 0) + count
        self.services = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.alert_count += other.alert_count
        self.firing_count += other.firing_count
        self.first_alert_at = min(self.first_alert_at, other.first_alert_at)
        self.last_alert_at = max(self.last_alert_at, other.last_alert_at)
        self.ticket = self.ticket or other.ticket
        if self.firing_count:
            self.cleared_at = None
        if self.status == "open" and other.status == "acknowledged":
            self._become("acknowledged", other.status_since)
            self.acknowledged_at, self.acknowledged_by = other.acknowledged_at, other.acknowledged_by
            self.commander = self.commander or other.commander
        self.roles = list((dict(other.roles) | dict(self.roles)).items())[-ROLES:]
        out = {one.service: one for one in (*other.exclusions, *self.exclusions)}
        self.exclusions = list(out.values())[-EXCLUSIONS:]
        if other.update is not None and (self.update is None or self.update.at < other.update.at):
            self.update = other.update
        if cleared_at is None or self.cleared_at is not None:
            return None
        return FiresAgain(alerts=before, cleared_at=cleared_at, words=f"alerts of {other.ref} fire here")

    def inherit(self, other: Incident) -> list[Renamed | SeverityChanged]:
        """What a person said of an incident that went into this one, unasked, holds on: its title, and that it is worse."""
        said = list[Renamed | SeverityChanged]()
        if other.titled_by_person and not self.titled_by_person:
            said.append(self.rename(other.title, MUSTER))
            self.titled_by_person = True
        if other.graded_by_person and other.severity < self.severity:
            said.append(self.change_severity(other.severity, MUSTER, f"{other.ref} was {other.severity}"))
            self.graded_by_person = True
        return said

    def clear(self, at: float) -> Cleared | None:
        """No alert of it fires any more; None when that was known, or nobody needs to know."""
        if self.cleared_at is not None or not self.alert_count or not self.open:
            return None
        self.cleared_at = at
        return Cleared(alerts=self.alert_count)


def _by(person: str | None, names: Names) -> str:
    return f" by {names(person)}" if person and person != MUSTER.id else ""
