"""The catalogue as operators write it: the models that its files are validated with, and the one JSON Schema for editors.

They describe single entries; what needs two of them (references, clashes) is checked in bot.catalog.references.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from bot.catalog.fields import (
    AccountId,
    DayOrMoment,
    Duration,
    Email,
    Entry,
    Handover,
    HostText,
    Hours,
    LocalDate,
    MatcherText,
    Repository,
    Rotation,
    SomeTime,
    TimeOfDay,
    TimeZone,
    WebAddress,
    WhoList,
    duration_text,
)
from bot.catalog.model import IncidentSeverity
from bot.catalog.room_schema import RoomsModel
from bot.catalog.runbook_schema import Actions, RunbookModel, complete_step_schema
from correlation.topology import MAX_HOPS

__all__ = [
    "CatalogModel",
    "EscalationModel",
    "LayerModel",
    "PersonModel",
    "RecipeModel",
    "ScheduleModel",
    "ServiceModel",
    "SilenceModel",
    "TeamModel",
    "schema",
]

Likeness = Literal[
    "text", "name", "class", "service", "host", "location", "environment"
]  # correlation.cookbook's SIMILAR_FIELDS


RoleIds = Annotated[
    list[AccountId],
    BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
    WithJsonSchema(
        {"anyOf": [{"type": ["string", "integer"]}, {"type": "array", "items": {"type": ["string", "integer"]}}]}
    ),
]

_Timed = TypeVar("_Timed")


def _in_order(entry: _Timed, begin: datetime, end: datetime) -> _Timed:
    # Where only one has an offset, whatever the zone is, it is less than a day.
    slack = timedelta(0) if (begin.tzinfo is None) == (end.tzinfo is None) else timedelta(days=1)
    if end.replace(tzinfo=end.tzinfo or UTC) + slack <= begin.replace(tzinfo=begin.tzinfo or UTC):
        raise ValueError("ends before it begins")
    return entry


class DefaultsModel(Entry):
    """What holds where nothing nearer says otherwise."""

    timezone: TimeZone = Field("UTC", description="For people and schedules that name none.")
    environment: str = Field("", description="Of alerts that name none.", examples=["production"])
    location: str = Field("", description="Of alerts that name none.", examples=["eu-west-1"])
    team: str = Field("", description="Owns what nobody owns.")
    escalation: str = Field("", description="The policy of teams and services that name none.", examples=["standard"])


class PersonModel(Entry):
    """Somebody who may be called. The more identities, the more changes and messages find their person."""

    name: str = Field("", description="As people say it.", examples=["Robin Vos"])
    email: Email = Field("", description="The main address; commits and chat accounts are matched by it.")
    emails: list[Email] = Field([], description="Further addresses, as commits carry them.")
    slack: AccountId = Field("", description="Slack member id.", examples=["U01ROBIN"])
    discord: AccountId = Field("", description="Discord user id.", examples=["80351110224678912"])
    chat: dict[str, AccountId] = Field({}, description="Ids on further chat platforms: platform to id.")
    github: str = Field("", description="GitHub login.", examples=["rvos"])
    gitlab: str = Field("", description="GitLab login.", examples=["rvos"])
    logins: dict[str, str] = Field({}, description="Logins on further forges: forge to login.")
    timezone: TimeZone | None = Field(
        None, description="Times are shown to this person in it; default: defaults.timezone."
    )


class TeamModel(Entry):
    """People who own services together."""

    name: str = Field("", description="As people say it; default: the key.")
    members: list[str] = Field([], description="Names of people.", examples=[["robin", "mika"]])
    schedule: str = Field("", description="Who of them is on call: the name of a schedule.")
    escalation: str = Field("", description="Who is paged when nobody answers: the name of an escalation policy.")
    channels: dict[str, AccountId] = Field(
        {},
        description="Where the team talks: platform to channel. Incidents of its services are announced there.",
        examples=[{"slack": "#payments"}],
    )
    roles: dict[str, RoleIds] = Field(
        {},
        description="Roles on chat platforms: whoever has one counts as of this team under permissions.",
        examples=[{"discord": ["41771983423143936"]}],
    )
    slack_group: str = Field(
        "",
        description="A user group of Slack, by handle or id: its people are the team, within ten minutes of a change. `members` "
        "are the team where Slack's plan has no user groups, or while Slack cannot be asked.",
        examples=["@payments-oncall"],
    )


class ServiceModel(Entry):
    """Something that can break. Everything is optional: a name alone already helps."""

    name: str = Field("", description="As people say it; default: the key.")
    description: str = Field("", description="One line for somebody who has never heard of it.")
    team: str = Field("", description="Who owns it: the name of a team.")
    tier: int | None = Field(None, ge=1, le=5, description="How much it matters: 1 is most important, 5 least.")
    system: str = Field("", description="The larger thing it is a part of.")
    depends_on: list[str] = Field(
        [], description="Services that it calls: when they break, it breaks.", examples=[["cart"]]
    )
    environment: str = Field("", description="Of its alerts that name none.", examples=["production"])
    location: str = Field("", description="Of its alerts that name none.", examples=["eu-west-1"])
    match: list[MatcherText] = Field([], description="ANY of these makes an alert this service's; so does its name.")
    hosts: list[HostText] = Field([], description="Hosts of its own; * stands for any text.", examples=[["checkout-*"]])
    repositories: list[Repository] = Field([], description="Changes of these are this service's changes.")
    escalation: str = Field("", description="Its own escalation policy; default: its team's.")
    links: dict[str, WebAddress] = Field(
        {},
        description="What responders want to open when it is hit: on the card, and as bookmarks of the room. Label to address.",
        examples=[{"dashboard": "https://grafana.example.org/d/checkout"}],
    )
    private: bool = Field(
        False,
        description="Incidents that begin on it have a room by invitation only, on chat platforms, and are announced nowhere.",
    )


class LayerModel(Entry):
    """A rotation. A later layer wins over an earlier one in the hours that it covers."""

    rotation: Rotation = "weekly"
    handover: Handover | None = Field(
        None, description='When, in local time: "Mon 09:00" for weeks, "18:00" for the others.'
    )
    start: LocalDate | None = Field(
        None, description="The first person's first day; nobody is on call in this layer before."
    )
    people: list[str] = Field(min_length=1, description="In the order of their turns.", examples=[["robin", "mika"]])
    hours: Hours | None = Field(None, description="Only in these hours of each day; may cross midnight.")

    @model_validator(mode="after")
    def _handover_has_a_day_only_in_weeks(self) -> LayerModel:
        in_weeks = self.rotation == "weekly" or self.rotation.endswith("w")
        if self.handover and self.handover[0] is not None and not in_weeks:
            raise ValueError(
                f'a {self.rotation} rotation is handed over at a time, such as "18:00", not on a day of the week'
            )
        return self


class OverrideModel(Entry):
    """Somebody stands in for whoever the layers say."""

    person: str = Field(description="The name of a person.")
    from_: DayOrMoment = Field(alias="from", description="Begin; without an offset it is the schedule's local time.")
    to: DayOrMoment = Field(description="End; without an offset it is the schedule's local time.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> OverrideModel:
        return _in_order(self, self.from_, self.to)


class ScheduleModel(Entry):
    """Who is on call when: rotations in layers, and overrides; or the address of a calendar."""

    timezone: TimeZone | None = Field(None, description="Of handovers and hours; default: defaults.timezone.")
    layers: list[LayerModel] = Field([], description="A later layer wins over an earlier one.")
    overrides: list[OverrideModel] = Field([], description="Win over all layers.")
    ical: str = Field("", description="A calendar (iCal). Kept, but not read yet: nobody is on call by it.")

    @model_validator(mode="after")
    def _says_who(self) -> ScheduleModel:
        if not self.layers and not self.ical and not self.overrides:
            raise ValueError("says nobody: give it layers")
        return self


class EscalationStepModel(Entry):
    """Page these, and wait."""

    page: WhoList = Field(description="on-call, team, or people.", examples=["on-call", ["robin"]])
    wait: Duration = Field(300.0, description="For an acknowledgement, before the next page.")
    repeat: int = Field(1, ge=1, le=20, description="How many times before the next step.")


class QuietHoursModel(Entry):
    """Incidents that may wait for the morning. Kept, but not followed yet: every page goes out at once."""

    severities: list[IncidentSeverity] = Field(min_length=1, examples=[["SEV3", "SEV4"]])
    from_: TimeOfDay = Field(22 * 60, alias="from", description="Begin, in the time zone of whoever would be paged.")
    until: TimeOfDay = Field(description="End; then they are paged.")


class EscalationModel(Entry):
    """Who is paged when nobody answers."""

    steps: list[EscalationStepModel] = Field(min_length=1)
    quiet_hours: QuietHoursModel | None = None


class TopologyModel(Entry):
    """How far along the service graph alerts belong together."""

    hops: int = Field(ge=0, le=MAX_HOPS, description="0: the same service only.")


class OpensModel(Entry):
    """What an incident that this recipe opens is like."""

    severity: IncidentSeverity | None = Field(
        None, description="Default: from the worst alert and the services' tiers."
    )
    private: bool = Field(
        False, description="A room by invitation only, on chat platforms; the situation room shows it."
    )
    invite: WhoList = Field(["on-call"], validate_default=True, description="Who is called into the room.")
    auto_resolve: Duration | None = Field(
        None, description="Resolve this long after the last alert cleared; default: offer only."
    )


class RecipeModel(Entry):
    """Which alerts belong together. The first recipe whose trigger fits is used; the default cookbook where none does."""

    name: str = Field(min_length=1, description="Shown as the reason why an incident was opened.")
    trigger: list[MatcherText] = Field(
        [], description="Alerts that meet ALL of these may open an incident; none: any but severity info."
    )
    exclude: list[MatcherText] = Field([], description="Alerts that meet ANY of these are left alone.")
    similar: dict[Likeness, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="How alike a field must be, 0 to 1, to join.", examples=[{"text": 0.6, "location": 1.0}]
    )
    topology: TopologyModel | None = Field(None, description="How far along the service graph alerts belong together.")
    group_by: list[str] = Field([], description="Labels that must be equal, as Alertmanager has them.")
    cook_for: SomeTime | None = Field(None, description="A group takes members for this long after its first alert.")
    quiet_for: SomeTime | None = Field(None, description="... and closes after this long without one.")
    min_alerts: int | None = Field(None, ge=1, description="How many alerts make an incident.")
    rate: int | None = Field(None, ge=1, le=100, description="How many alerts within a minute make an incident.")
    match: Literal["closest", "first"] | None = Field(
        None, description="Join the group most alike, or the first alike enough."
    )
    opens: OpensModel = Field({}, validate_default=True)


class SilenceModel(Entry):
    """Alerts that are muted before grouping, visibly. With `from`, a maintenance window."""

    match: list[MatcherText] = Field(min_length=1, description="Alerts that meet ALL of these are muted.")
    from_: DayOrMoment | None = Field(
        None, alias="from", description="Begin of a maintenance window; default: already begun."
    )
    until: DayOrMoment = Field(description="End; without an offset it is in defaults.timezone.")
    reason: str = Field("", description="Shown wherever the silence is.")
    by: str = Field("", description="The name of a person.")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> SilenceModel:
        return _in_order(self, self.from_, self.until) if self.from_ else self


class RetentionModel(Entry):
    """How long what arrived is kept; incidents and their retrospectives stay."""

    deliveries: SomeTime = Field(30 * 86_400.0, description="Webhook bodies as they came.")
    alerts: SomeTime = Field(365 * 86_400.0, description="Alerts that no longer fire.")
    messages: SomeTime = Field(365 * 86_400.0, description="The rooms' conversations.")


class CatalogModel(Entry):
    """The organisation, for Muster. One file, or a folder of files merged by key."""

    defaults: DefaultsModel = Field({}, validate_default=True)
    people: dict[str, PersonModel] = Field({}, description="By the name people are mentioned with: @robin.")
    teams: dict[str, TeamModel] = Field({})
    services: dict[str, ServiceModel] = Field({})
    schedules: dict[str, ScheduleModel] = Field({})
    escalations: dict[str, EscalationModel] = Field({})
    recipes: list[RecipeModel] = Field([], description="Which alerts belong together; the order matters.")
    runbooks: dict[str, RunbookModel] = Field({})
    silences: list[SilenceModel] = Field([])
    permissions: dict[str, WhoList] = Field(
        {},
        description="Who may use a verb: team:NAME, on-call, schedule:NAME, people, anyone. Unnamed verbs are everybody's.",
        examples=[{"silence": ["team:platform", "on-call"], "runbook run": ["team:payments"]}],
    )
    rooms: RoomsModel = Field({}, validate_default=True)
    retention: RetentionModel = Field({}, validate_default=True)
    backstage: list[str] = Field(
        [],
        description="Backstage entity files to read too, relative to this file; * stands for any name.",
        examples=[["catalog-info.yaml"]],
    )


def schema(actions: Actions | None = None) -> dict[str, Any]:
    """The JSON Schema of a catalogue file (draft 2020-12), for editors and for `muster check --schema`."""
    document = CatalogModel.model_json_schema(by_alias=True, mode="validation")
    complete_step_schema(document, actions)
    for section in ("people", "teams", "services"):  # an entry may say nothing but its name
        entries = document["properties"][section]
        entries["additionalProperties"] = {"anyOf": [entries["additionalProperties"], {"type": "null"}]}
    for definition in (document, *document["$defs"].values()):
        _tidy(definition)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Muster catalogue"} | document


def _tidy(node: Any) -> None:
    """Leave out what pydantic adds for programs, and write defaults as people do."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str):
        del node["title"]
    default = node.get("default")
    if default in ("", None, [], {}):
        node.pop("default", None)
    elif node.get("type") == "string" and isinstance(default, int | float):
        is_time = "08:00" in node.get("examples", ())
        node["default"] = f"{default // 60:02}:{default % 60:02}" if is_time else duration_text(default)
    for key, value in node.items():
        if key in ("properties", "$defs"):
            for item in value.values():
                _tidy(item)
        elif key not in ("default", "examples", "enum"):
            _tidy(value)
