"""Whom a policy means, here and now: on-call, a team, a schedule, the commander or a person become people, with the reason why.

Pure: the catalogue, the incident and the moment are given. Paging, invitations and permissions all ask here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.catalog.model import Who
from bot.chat.views import Person
from bot.incidents.model import Incident
from bot.responders import schedules

__all__ = ["UNRANKED", "Recipient", "Recipients", "is_one_of", "main_service", "recipients", "whom"]

NO_SERVICE = "The incident names no service, so nobody is on call for it."
UNRANKED = 99  # a service without a tier matters less than any with one


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who is meant, and why, as the end of a sentence: `on call for payments`."""

    person: Person
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """The people meant, each once; `gaps` says in whole sentences who is missing, and what to do about it."""

    people: tuple[Recipient, ...] = ()
    gaps: tuple[str, ...] = ()


def main_service(catalog: Catalog, incident: Incident) -> str:
    """The most important service of the incident: the lowest tier, then the most alerts; "" when it has none."""

    def tier(name: str) -> int:
        known = catalog.services.get(name)
        return known.tier if known and known.tier is not None else UNRANKED

    return min((name for name, _ in incident.services), key=tier, default="")


def recipients(catalog: Catalog, whos: Iterable[Who], incident: Incident, at: float) -> Recipients:
    """The people that `whos` means for this incident at this moment."""
    service = main_service(catalog, incident)
    people: dict[str, Recipient] = {}
    gaps: list[str] = []
    for who in whos:
        found = _people(catalog, who, service, incident, at)
        if isinstance(found, str):
            gaps.append(found)
            continue
        for recipient in found:
            people.setdefault(recipient.person.id, recipient)
    return Recipients(people=tuple(people.values()), gaps=tuple(dict.fromkeys(gaps)))


def is_one_of(
    catalog: Catalog, whos: Iterable[Who], person: str, incident: Incident, at: float, teams: Collection[str] = ()
) -> bool:
    """Whether a person is among those meant; `anyone` is everybody. `teams` are those that they count as of, members or not."""
    whos = tuple(whos)
    if any(who.kind == "anyone" for who in whos):
        return True
    own = catalog.team_of(main_service(catalog, incident))
    if any(who.kind == "team" and (who.name or (own.id if own else "")) in teams for who in whos):
        return True
    return any(found.person.id == person for found in recipients(catalog, whos, incident, at).people)


def whom(catalog: Catalog, whos: Iterable[Who], incident: Incident) -> str:
    """Who is meant, as one says it: `payments`, `whoever is on call for checkout`, `Robin Vos or Mika Laine`."""
    service = main_service(catalog, incident)
    return " or ".join(dict.fromkeys(_said(catalog, who, service) for who in whos))


def _people(catalog: Catalog, who: Who, service: str, incident: Incident, at: float) -> tuple[Recipient, ...] | str:
    """The people, or a sentence that says why there are none."""
    match who.kind:
        case "on-call":
            return _on_call(catalog, service, at)
        case "schedule":
            return _of_schedule(catalog, who.name, f"on call in {who.name}", at)
        case "team":
            return _team(catalog, who.name, service)
        case "person":
            known = catalog.people.get(who.name)
            if known is None:
                return f"Nobody in the catalogue is called {who.name}."
            return (Recipient(person=Person(known.id, known.name), why="named in the escalation policy"),)
        case "commander":
            if incident.commander is None:
                return f"Nobody leads {incident.ref} yet."
            leader = catalog.people.get(incident.commander)
            name = leader.name if leader else incident.commander.removeprefix("guest:")
            return (Recipient(person=Person(incident.commander, name), why=f"leads {incident.ref}"),)
        case "anyone":
            return "Anyone may, but nobody is named."


def _on_call(catalog: Catalog, service: str, at: float) -> tuple[Recipient, ...] | str:
    team, schedule = catalog.team_of(service), catalog.schedule_of(service)
    if not service and schedule is None and catalog.schedules:
        return NO_SERVICE
    what = service or "incidents without a service"
    if schedule is not None:
        return _of_schedule(catalog, schedule.id, f"on call for {team.name or team.id}" if team else "on call", at)
    if team is not None:
        return f"Nobody is on call for {what}: give team {team.id} a schedule in the catalogue."
    if service in catalog.services:
        return f"Nobody is on call for {what}: give it a team with a schedule in the catalogue."
    return f"Nobody is on call for {what}: add a schedule to the catalogue."


def _of_schedule(catalog: Catalog, name: str, why: str, at: float) -> tuple[Recipient, ...] | str:
    schedule = catalog.schedules.get(name)
    if schedule is None:
        return f"There is no schedule {name} in the catalogue."
    shift = schedules.on_call(schedule, at)
    if isinstance(shift, schedules.Nobody):
        return f"Nobody is on call in {name}: {shift.reason}."
    known = catalog.people.get(shift.person)
    return (Recipient(person=Person(shift.person, known.name if known else shift.person), why=why),)


def _team(catalog: Catalog, name: str, service: str) -> tuple[Recipient, ...] | str:
    team = catalog.teams.get(name) if name else catalog.team_of(service)
    if team is None:
        if name:
            return f"There is no team {name} in the catalogue."
        return f"{service} has no team in the catalogue." if service else NO_SERVICE
    members = catalog.members_of(team.id)
    if not members:
        return f"Team {team.id} has no members in the catalogue."
    return tuple(Recipient(person=Person(m.id, m.name), why=f"team {team.name or team.id}") for m in members)


def _said(catalog: Catalog, who: Who, service: str) -> str:
    match who.kind:
        case "on-call":
            team = catalog.team_of(service)
            return f"whoever is on call for {(team.name or team.id) if team else service or 'it'}"
        case "schedule":
            return f"whoever is on call in {who.name}"
        case "team":
            team = catalog.teams.get(who.name) if who.name else catalog.team_of(service)
            return (team.name or team.id) if team else "the team"
        case "person":
            known = catalog.people.get(who.name)
            return known.name if known else who.name
        case "commander":
            return "whoever leads the incident"
        case "anyone":
            return "anyone"
