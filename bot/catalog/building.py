"""From the models of a checked catalogue to the values that everything else works with. No errors are possible here any more."""

from __future__ import annotations

import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.catalog.catalog import Catalog
from bot.catalog.fields import duration_seconds
from bot.catalog.model import (
    DAY,
    Approval,
    Defaults,
    DiscordRooms,
    Escalation,
    EscalationStep,
    Layer,
    Opens,
    Override,
    Parameter,
    Person,
    QuietHours,
    RecipeSpec,
    Retention,
    Rooms,
    Runbook,
    Schedule,
    Service,
    Silence,
    Step,
    Team,
    Verify,
)
from bot.catalog.runbook_schema import Actions, RunbookModel, StepModel
from bot.catalog.schema import (
    CatalogModel,
    EscalationModel,
    LayerModel,
    PersonModel,
    RecipeModel,
    ScheduleModel,
    ServiceModel,
    SilenceModel,
)
from correlation.matchers import Matcher, Matchers

__all__ = ["build"]


def build(model: CatalogModel, digest: str, actions: Actions) -> Catalog:
    """The catalogue that the model says; `actions` read what their steps hold."""
    defaults = Defaults(**model.defaults.model_dump())
    return Catalog(
        people={id_: _person(id_, person, defaults) for id_, person in model.people.items()},
        teams={
            id_: Team(
                id=id_,
                name=team.name or id_,
                members=_unique(team.members),
                schedule=team.schedule,
                escalation=team.escalation,
                channels=team.channels,
                roles={platform: tuple(roles) for platform, roles in team.roles.items()},
                slack_group=team.slack_group.strip(),
            )
            for id_, team in model.teams.items()
        },
        services={id_: _service(id_, service) for id_, service in model.services.items()},
        schedules={id_: _schedule(id_, schedule, defaults) for id_, schedule in model.schedules.items()},
        escalations={id_: _escalation(id_, policy) for id_, policy in model.escalations.items()},
        recipes=tuple(_recipe(recipe) for recipe in model.recipes),
        runbooks={id_: _runbook(id_, runbook, actions) for id_, runbook in model.runbooks.items()},
        silences=tuple(_silence(silence, defaults) for silence in model.silences),
        permissions={verb: tuple(whos) for verb, whos in model.permissions.items()},
        rooms=Rooms(
            name=model.rooms.name,
            announce=model.rooms.announce,
            archive_after=model.rooms.archive_after,
            private=tuple(model.rooms.private.severities) if model.rooms.private else (),
            discord=DiscordRooms(**model.rooms.discord.model_dump()),
        ),
        retention=Retention(**model.retention.model_dump()),
        defaults=defaults,
        digest=digest,
    )


def _person(id_: str, person: PersonModel, defaults: Defaults) -> Person:
    chat = {"slack": person.slack, "discord": person.discord} | person.chat
    logins = {"github": person.github, "gitlab": person.gitlab} | person.logins
    return Person(
        id=id_,
        name=person.name or id_,
        email=person.email,
        aliases=_unique(person.emails),
        chat={platform: user for platform, user in chat.items() if user},
        logins={forge: login for forge, login in logins.items() if login},
        timezone=person.timezone or defaults.timezone,
    )


def _service(id_: str, service: ServiceModel) -> Service:
    return Service(
        id=id_,
        name=service.name or id_,
        description=service.description,
        team=service.team,
        tier=service.tier,
        system=service.system,
        depends_on=tuple(other for other in _unique(service.depends_on) if other != id_),
        environment=service.environment,
        location=service.location,
        match=(*service.match, *service.hosts),
        repositories=_unique(service.repositories),
        escalation=service.escalation,
        links=service.links,
        private=service.private,
    )


def _schedule(id_: str, schedule: ScheduleModel, defaults: Defaults) -> Schedule:
    timezone = schedule.timezone or defaults.timezone
    return Schedule(
        id=id_,
        timezone=timezone,
        layers=tuple(_layer(layer) for layer in schedule.layers),
        overrides=tuple(
            Override(person=o.person, since=_moment(o.from_, timezone), until=_moment(o.to, timezone))
            for o in schedule.overrides
        ),
        ical=schedule.ical,
    )


def _layer(layer: LayerModel) -> Layer:
    period = {"daily": DAY, "weekly": 7 * DAY}.get(layer.rotation) or duration_seconds(layer.rotation)
    day, time = layer.handover or (None, 9 * 60)
    in_weeks = layer.rotation == "weekly" or layer.rotation.endswith("w")
    if in_weeks and day is None:
        day = layer.start.weekday() if layer.start else 0
    return Layer(
        people=tuple(layer.people), period=period, weekday=day, handover=time, start=layer.start, hours=layer.hours
    )


def _escalation(id_: str, policy: EscalationModel) -> Escalation:
    quiet = policy.quiet_hours
    return Escalation(
        id=id_,
        steps=tuple(EscalationStep(page=tuple(step.page), wait=step.wait, repeat=step.repeat) for step in policy.steps),
        quiet_hours=QuietHours(severities=tuple(quiet.severities), since=quiet.from_, until=quiet.until)
        if quiet
        else None,
    )


def _recipe(recipe: RecipeModel) -> RecipeSpec:
    opens = recipe.opens
    return RecipeSpec(
        name=recipe.name,
        trigger=tuple(recipe.trigger),
        exclude=tuple(recipe.exclude),
        similar={str(name): least for name, least in recipe.similar.items()},
        hops=recipe.topology.hops if recipe.topology else None,
        group_by=tuple(recipe.group_by),
        cook_for=recipe.cook_for,
        quiet_for=recipe.quiet_for,
        min_alerts=recipe.min_alerts,
        rate=recipe.rate,
        match=recipe.match,
        opens=Opens(
            severity=opens.severity,
            private=opens.private,
            invite=tuple(opens.invite),
            auto_resolve=opens.auto_resolve,
        ),
    )


def _runbook(id_: str, runbook: RunbookModel, actions: Actions) -> Runbook:
    approve, verify = runbook.approve, runbook.verify
    return Runbook(
        id=id_,
        title=runbook.title,
        description=runbook.description,
        link=runbook.link,
        match=_all_of(runbook.match),
        risk=runbook.risk,
        run_by=tuple(runbook.run_by),
        approve=Approval(people=approve.people, by=tuple(approve.by), expires=approve.expires) if approve else None,
        parameters=tuple(
            Parameter(
                name=name,
                type=parameter.type,
                pattern=parameter.pattern,
                default=parameter.default,
                choices=tuple(parameter.choices),
                description=parameter.description,
            )
            for name, parameter in runbook.parameters.items()
        ),
        steps=tuple(_step(step, actions) for step in runbook.steps),
        verify=Verify(clears_within=verify.clears_within) if verify else None,
        cooldown=runbook.cooldown,
    )


def _step(step: StepModel, actions: Actions) -> Step:
    ((action, written),) = (step.model_extra or {}).items()
    adapter = actions[action]
    # What the operator wrote, as the action reads it (5 among a command's arguments is "5"); its defaults stay its own.
    arguments = adapter.dump_python(adapter.validate_python(written), by_alias=True, exclude_unset=True)
    return Step(action=action, arguments=arguments, timeout=step.timeout, title=step.title)


def _silence(silence: SilenceModel, defaults: Defaults) -> Silence:
    match, until = _all_of(silence.match), _moment(silence.until, defaults.timezone)
    since = _moment(silence.from_, defaults.timezone) if silence.from_ else None
    name = hashlib.sha256(f"{match}|{since}|{until}".encode()).hexdigest()[:6]
    return Silence(id=f"catalogue-{name}", match=match, until=until, since=since, reason=silence.reason, by=silence.by)


def _all_of(texts: list[Matchers]) -> Matchers:
    matchers: tuple[Matcher, ...] = tuple(matcher for text in texts for matcher in text)
    return Matchers(matchers)


def _moment(moment: datetime, timezone: str) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))).timestamp()


def _unique(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
