"""The catalogue as everything else sees it: the organisation's values and the look-ups over them.

Reading files is the loader's; nothing here changes after it is built, but for a bounded cache of answers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from bot.catalog.model import (
    Defaults,
    Escalation,
    Person,
    RecipeSpec,
    Retention,
    Rooms,
    Runbook,
    Schedule,
    Service,
    Silence,
    Team,
    Who,
)
from bot.catalog.ownership import Ownership
from correlation.alert import Alert

__all__ = ["Catalog", "repository_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The whole organisation. Without any file it is `Catalog.empty()`, and everything still works.

    Mappings are by name, permissions by verb ("runbook run"); `digest` changes when the content of the files does ("" for none).
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    escalations: Mapping[str, Escalation] = field(default_factory=dict)
    recipes: tuple[RecipeSpec, ...] = ()
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    permissions: Mapping[str, tuple[Who, ...]] = field(default_factory=dict)
    rooms: Rooms = field(default_factory=Rooms)
    retention: Retention = field(default_factory=Retention)
    defaults: Defaults = field(default_factory=Defaults)
    digest: str = ""
    _ownership: Ownership = field(init=False, repr=False, compare=False)
    _by_repository: Mapping[str, tuple[Service, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        repositories: dict[str, tuple[Service, ...]] = {}
        for service in self.services.values():
            for repository in dict.fromkeys(map(repository_name, service.repositories)):
                repositories[repository] = (*repositories.get(repository, ()), service)
        object.__setattr__(self, "_ownership", Ownership(self.services))
        object.__setattr__(self, "_by_repository", repositories)

    @classmethod
    def empty(cls) -> Catalog:
        """What there is without any file."""
        return cls()

    def service_of(self, alert: Alert) -> Service | None:
        """Whose alert this is: the service it names, else the first service one of whose matchers it meets, else None."""
        return self._ownership.service_of(alert)

    def complete(self, alert: Alert) -> Alert:
        """The alert with its service, environment and location filled in where it does not say them itself.

        The service's own name replaces an alias (`app="checkout"`, `service="checkout-svc"`) when a matcher says so.
        """
        service = self._ownership.service_of(alert)
        name = service.id if service else alert.service
        environment = alert.environment or (service.environment if service else "") or self.defaults.environment
        location = alert.location or (service.location if service else "") or self.defaults.location
        if name == alert.service and environment == alert.environment and location == alert.location:
            return alert
        return msgspec.structs.replace(alert, service=name, environment=environment, location=location)

    def services_of_repository(self, repository: str) -> tuple[Service, ...]:
        """The services whose changes this repository's are; takes `owner/name` or any clone or web address of it."""
        return self._by_repository.get(repository_name(repository), ())

    def team_of(self, service: str) -> Team | None:
        """The team that owns the service of this name, else the default team."""
        known = self.services.get(service)
        return self.teams.get((known.team if known else "") or self.defaults.team)

    def is_private(self, services: Iterable[str], severity: str) -> bool:
        """Whether an incident on these services, of this severity, is for those only who are invited."""
        if severity in self.rooms.private:
            return True
        return any(known.private for name in services if (known := self.services.get(name)))

    def schedule_of(self, service: str) -> Schedule | None:
        """The schedule of the team that owns the service."""
        team = self.team_of(service)
        return self.schedules.get(team.schedule) if team else None

    def escalation_of(self, service: str) -> Escalation | None:
        """The service's own escalation policy, else its team's, else the default one."""
        known, team = self.services.get(service), self.team_of(service)
        for name in (known.escalation if known else "", team.escalation if team else "", self.defaults.escalation):
            if name in self.escalations:
                return self.escalations[name]
        return None

    def members_of(self, team: str) -> tuple[Person, ...]:
        """The people of the team of this name, in the order of the catalogue; empty when there is none."""
        known = self.teams.get(team)
        return tuple(self.people[member] for member in known.members) if known else ()

    def teams_of(self, person: str) -> tuple[Team, ...]:
        """The teams this person is a member of."""
        return tuple(team for team in self.teams.values() if person in team.members)

    def teams_by_roles(self, platform: str, roles: Collection[str]) -> frozenset[str]:
        """The names of the teams that somebody with these roles on this platform counts as of."""
        held = set(roles)
        return frozenset(team.id for team in self.teams.values() if held.intersection(team.roles.get(platform, ())))


def repository_name(text: str) -> str:
    """`owner/name`, lower case, out of a slug, a clone address or a web address.

    >>> repository_name("git@github.com:Example/Checkout.git"), repository_name("https://github.com/example/checkout")
    ('example/checkout', 'example/checkout')
    """
    text = text.strip().lower()
    text = re.sub(r"^(?:[a-z+]+://[^/]+/|[^/@]+@[^:/]+:)", "", text)
    return text.strip("/").removesuffix(".git")
