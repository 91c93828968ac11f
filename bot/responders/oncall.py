"""Who is on call, until when and who is next, by schedule: the answer to `oncall`. Pure; pages nobody."""

from __future__ import annotations

from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.catalog.model import Schedule
from bot.catalog.suggestions import did_you_mean
from bot.chat.views import Person
from bot.errors import NotFound
from bot.responders import schedules

__all__ = ["OnCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """One schedule at one moment. `person` is None when nobody is on call, and then `reason` says why.

    `teams` and `services` are those that the schedule is for. Moments are None where no change is in sight.
    """

    schedule: str
    teams: tuple[str, ...]
    services: tuple[str, ...]
    person: Person | None
    since: float | None = None
    until: float | None = None
    why: str = ""
    reason: str = ""
    next_person: Person | None = None
    next_at: float | None = None

    @classmethod
    def describe(cls, catalog: Catalog, service: str | None, at: float) -> tuple[OnCall, ...]:
        """All schedules, or the one for a service (a team's or a schedule's own name will do).

        NotFound for a name that nothing has, and for a service that has no schedule.
        """
        if not service:
            return tuple(_describe(catalog, schedule, at) for schedule in catalog.schedules.values())
        return (_describe(catalog, _schedule(catalog, service), at),)


def _schedule(catalog: Catalog, name: str) -> Schedule:
    if name in catalog.services:
        schedule, team = catalog.schedule_of(name), catalog.team_of(name)
        if schedule is not None:
            return schedule
        if team is not None:
            raise NotFound(f"Nobody is on call for {name}: give team {team.id} a schedule in the catalogue.")
        raise NotFound(f"Nobody is on call for {name}: give it a team with a schedule in the catalogue.")
    if name in catalog.teams:
        schedule = catalog.schedules.get(catalog.teams[name].schedule)
        if schedule is None:
            raise NotFound(f"Team {name} has no schedule in the catalogue.")
        return schedule
    if name in catalog.schedules:
        return catalog.schedules[name]
    if not catalog.schedules:
        raise NotFound("Nobody is on call: the catalogue has no schedules.")
    known = sorted({*catalog.services, *catalog.teams, *catalog.schedules})
    raise NotFound(f'No service, team or schedule "{name}"{did_you_mean(name, known)}. All schedules: /incident oncall')


def _describe(catalog: Catalog, schedule: Schedule, at: float) -> OnCall:
    teams = tuple(team.id for team in catalog.teams.values() if team.schedule == schedule.id)
    services = tuple(name for name in catalog.services if catalog.schedule_of(name) is schedule)
    now, following = schedules.on_call(schedule, at), schedules.next_shift(schedule, at)
    next_person = _person(catalog, following.person) if isinstance(following, schedules.Shift) else None
    next_at = following.since if isinstance(following, schedules.Shift) else None
    if isinstance(now, schedules.Nobody):
        return OnCall(
            schedule=schedule.id,
            teams=teams,
            services=services,
            person=None,
            until=now.until,
            reason=now.reason,
            next_person=next_person,
            next_at=next_at,
        )
    return OnCall(
        schedule=schedule.id,
        teams=teams,
        services=services,
        person=_person(catalog, now.person),
        since=now.since,
        until=now.until,
        why=now.why,
        next_person=next_person,
        next_at=next_at,
    )


def _person(catalog: Catalog, name: str) -> Person:
    known = catalog.people.get(name)
    return Person(name, known.name if known else name)
