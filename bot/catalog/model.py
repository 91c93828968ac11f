"""The organisation as plain frozen values: people, teams, services, schedules, escalations, recipes, runbooks, silences.

Nothing here reads YAML, asks the clock or knows a platform; names are references that the loader has already checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from correlation.matchers import Matchers

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Approval",
    "Defaults",
    "DiscordRooms",
    "Escalation",
    "EscalationStep",
    "IncidentSeverity",
    "Layer",
    "Opens",
    "Override",
    "Parameter",
    "Person",
    "QuietHours",
    "RecipeSpec",
    "Retention",
    "Rooms",
    "Runbook",
    "Schedule",
    "Service",
    "Silence",
    "Step",
    "Team",
    "Verify",
    "Who",
    "WhoKind",
]

IncidentSeverity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
WhoKind = Literal["on-call", "team", "commander", "anyone", "person", "schedule"]

MINUTE = 60.0  # seconds
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whom a policy means: `on-call` and `team` are the incident's service's; `team:x`, `schedule:x` and people are named.

    `name` is empty where the incident decides.
    """

    kind: WhoKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Who:
        """Read `on-call`, `team`, `commander`, `anyone`, `team:x`, `schedule:x`, `person:robin`, `@robin` or `robin`."""
        kind, colon, name = text.strip().partition(":")
        if colon and name:
            if kind == "team":
                return cls(kind="team", name=name)
            if kind == "schedule":
                return cls(kind="schedule", name=name)
            if kind == "person":
                return cls(kind="person", name=name.removeprefix("@"))
        match kind:
            case "on-call" | "team" | "commander" | "anyone":
                return cls(kind=kind)
            case _:
                return cls(kind="person", name=text.strip().removeprefix("@"))

    def __str__(self) -> str:
        if self.kind == "person":
            return self.name
        return f"{self.kind}:{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may be called: `chat` is platform -> user id, `logins` is forge -> login."""

    id: str
    name: str
    email: str = ""
    aliases: tuple[str, ...] = ()  # further e-mail addresses, as commits carry them
    chat: Mapping[str, str] = field(default_factory=dict, hash=False)
    logins: Mapping[str, str] = field(default_factory=dict, hash=False)
    timezone: str = "UTC"

    @property
    def handle(self) -> str:
        """How people write this person in chat: `@robin`."""
        return f"@{self.id}"

    @property
    def emails(self) -> tuple[str, ...]:
        """Every address known, the main one first."""
        return (self.email, *self.aliases) if self.email else self.aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who own services together: `schedule` and `escalation` are names or ""; `channels` is platform -> channel.

    `roles` is platform -> ids of roles there whose bearers may what the team may. `slack_group` is a user group of Slack whose
    people are the members where Slack tells.
    """

    id: str
    name: str = ""
    members: tuple[str, ...] = ()
    schedule: str = ""
    escalation: str = ""
    channels: Mapping[str, str] = field(default_factory=dict, hash=False)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    slack_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that can break: any of `match` makes an alert this service's; tier 1 matters most, None is unsaid.

    An incident that begins on a `private` one has a room by invitation only.
    """

    id: str
    name: str = ""
    description: str = ""
    team: str = ""
    tier: int | None = None
    system: str = ""
    depends_on: tuple[str, ...] = ()
    environment: str = ""
    location: str = ""
    match: tuple[Matchers, ...] = ()
    repositories: tuple[str, ...] = ()
    escalation: str = ""
    links: Mapping[str, str] = field(default_factory=dict, hash=False)
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A rotation in local wall time: every `period` seconds from `handover` the next of `people` takes over.

    `weekday` (0 = Monday) is set for rotations of whole weeks. `handover` and `hours` are minutes after midnight;
    hours (1080, 480) cross midnight. `start` None means it has always run.
    """

    people: tuple[str, ...]
    period: float = 7 * DAY
    weekday: int | None = None
    handover: int = 9 * 60
    start: date | None = None
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`person` is on call from `since` until `until` whatever the layers say."""

    person: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call when: a later layer wins over an earlier one, an override over both. `ical` is the address of a calendar."""

    id: str
    timezone: str = "UTC"
    layers: tuple[Layer, ...] = ()
    overrides: tuple[Override, ...] = ()
    ical: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Page these, then wait `wait` seconds for an acknowledgement; do so `repeat` times before the next step."""

    page: tuple[Who, ...]
    wait: float = 5 * MINUTE
    repeat: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Incidents of these severities wait from `since` until `until` (minutes after midnight, the reader's zone)."""

    severities: tuple[IncidentSeverity, ...]
    until: int
    since: int = 22 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is paged when nobody answers."""

    id: str
    steps: tuple[EscalationStep, ...]
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """What an incident opened by a recipe is like; `severity` None is chosen from the alerts, `auto_resolve` None offers only."""

    severity: IncidentSeverity | None = None
    private: bool = False
    invite: tuple[Who, ...] = (Who(kind="on-call"),)
    auto_resolve: float | None = None  # seconds after the last alert cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSpec:
    """A recipe as operators wrote it; None leaves the engine's default. `cookbook()` compiles it."""

    name: str
    trigger: tuple[Matchers, ...] = ()
    exclude: tuple[Matchers, ...] = ()
    similar: Mapping[str, float] = field(default_factory=dict, hash=False)
    hops: int | None = None
    group_by: tuple[str, ...] = ()
    cook_for: float | None = None
    quiet_for: float | None = None
    min_alerts: int | None = None
    rate: int | None = None
    match: Literal["closest", "first"] | None = None
    opens: Opens = Opens()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """How many of `by` must agree before a runbook runs, and after how many seconds the question expires."""

    people: int = 1
    by: tuple[Who, ...] = (Who(kind="team"),)
    expires: float = 15 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a runbook asks for; `pattern` matches the whole of it; a `default` may be a template."""

    name: str
    type: Literal["string", "integer", "number", "boolean"] = "string"
    pattern: str = ""
    default: str | None = None
    choices: tuple[str, ...] = ()
    description: str = ""

    @property
    def required(self) -> bool:
        """Nobody else says what it is."""
        return self.default is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a runbook. `arguments` is what the action's key holds: a list for `command`, a mapping for `http`.

    Texts may carry `{{ parameter }}` and, in http urls and headers, `${env:NAME}`: see bot.catalog.secrets.
    """

    action: str
    arguments: Any = field(hash=False)
    timeout: float = MINUTE
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """It helped when the incident's alerts clear within this many seconds of the last step."""

    clears_within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """Steps that may be run from a room. It fits an incident when one of its alerts meets `match`; `approve` None asks nobody.

    `link` is where it is written down for people.
    """

    id: str
    title: str
    description: str = ""
    link: str = ""
    match: Matchers = field(default_factory=Matchers)
    risk: Literal["low", "high"] = "high"
    run_by: tuple[Who, ...] = (Who(kind="team"),)
    approve: Approval | None = None
    parameters: tuple[Parameter, ...] = ()
    steps: tuple[Step, ...] = ()
    verify: Verify | None = None
    cooldown: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts that meet `match` are muted between `since` (None: always so far) and `until`."""

    id: str
    match: Matchers
    until: float
    since: float | None = None
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordRooms:
    """What a room is on Discord: a channel in a category, a post of the forum `channel` (its id), or a thread of that channel."""

    kind: Literal["channel", "forum", "thread"] = "channel"
    channel: str = ""
    category: str = "Incidents"
    archive: str = "Incidents archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """How rooms are called, where incidents are announced (platform -> channel), when a room is archived (seconds).

    Incidents that begin as one of the severities `private` have rooms by invitation only.
    """

    name: str = "inc-{number}-{slug}"
    announce: Mapping[str, str] = field(default_factory=dict, hash=False)
    archive_after: float = 7 * DAY
    private: tuple[IncidentSeverity, ...] = ()
    discord: DiscordRooms = field(default_factory=DiscordRooms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what arrived is kept, in seconds. Incidents and their retrospectives stay."""

    deliveries: float = 30 * DAY
    alerts: float = 365 * DAY
    messages: float = 365 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where nothing nearer says otherwise."""

    timezone: str = "UTC"
    environment: str = ""
    location: str = ""
    team: str = ""
    escalation: str = ""
