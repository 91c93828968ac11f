"""Incidents in the database: load, insert, save by compare-and-set. No rule of theirs is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import Row, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import Person
from bot.errors import Conflict, NotFound
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Exclusion, StatusName, Suspect, Update
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Transaction, upsert
from correlation.alert import Alert, Severity, Status
from correlation.inhibition import SAID
from correlation.placing import WAITING

__all__ = [
    "WHAT",
    "add_participant",
    "adopt_group",
    "alert_of",
    "find",
    "held_words",
    "insert_incident",
    "listing",
    "load",
    "numbered",
    "of_groups",
    "participants",
    "recount",
    "room_of",
    "save",
    "taken_part",
    "told_reason",
]

# What kind an alert is of, as correlation.beginnings.kind_of has it: its class, or its name where it has none.
WHAT = case((tables.alerts.c["class"] == "", tables.alerts.c.name), else_=tables.alerts.c["class"]).label("what")

WAITED = "waited for others that belong to it"
_HELD, _WAITING, _AT_FIRST = "Held: ", f"; {WAITING}", "Held at first: "
_INHIBITED = f"Joined: {SAID} "
_IDS_AT_ONCE = 500  # below SQLite's limit on bound parameters, https://sqlite.org/limits.html#max_variable_number
_JSON_FIELDS: dict[str, tuple[str, Any]] = {  # their columns and types; what is not there is {}
    "services": ("services_json", list[tuple[str, int]]),
    "cause": ("cause_json", Cause),
    "suspects": ("suspects_json", list[Suspect]),
    "exclusions": ("exclusions_json", list[Exclusion]),
    "roles": ("roles_json", list[tuple[str, str]]),
    "update": ("update_json", Update),
}


def _to_row(incident: Incident) -> dict[str, Any]:
    values = {f.name: getattr(incident, f.name) for f in fields(Incident)}
    for name, (column, _) in _JSON_FIELDS.items():
        value = values.pop(name)
        values[column] = msgspec.json.encode({} if value is None else value).decode()
    return values


def _from_row(row: Row[Any]) -> Incident:
    return _from_values(dict(row._mapping))


def _from_values(values: dict[str, Any]) -> Incident:
    for name, (column, type_) in _JSON_FIELDS.items():
        data = values.pop(column)
        values[name] = None if data == "{}" else msgspec.json.decode(data, type=type_)
    return Incident(**values)


def held_words(held: str, reason: str, *, over: bool = False) -> str:
    """Why no incident has an alert: what held it, or what its group waits for.

    >>> held_words("", "Joined: same service.")
    'Held: waits for others that belong to it. Joined: same service.'
    >>> held_words("Held: frequent lately; waits for others that belong to it, or till it has fired for 5 min.", "", over=True)
    'Held: frequent lately; waited for others that belong to it.'
    """
    said = held or (reason if reason.startswith(_HELD) else f"{_HELD}{WAITING}. {reason}")
    if not over or WAITING not in said:
        return said
    why, _, until = said.partition(WAITING)
    return f"{why}{WAITED}.{until.partition('.')[2]}"


def told_reason(reason: str, muted: bool) -> str:
    """Why an alert is in its incident; one that joined as the effect of a known cause may have become more than that since.

    >>> told_reason("Held: such alerts mostly clear; waits for others that belong to it.", False)
    'Held at first: such alerts mostly clear.'
    >>> told_reason("Joined: inhibited by A12 payments-api pool exhausted; same service.", False)
    'Joined: inhibited by A12 payments-api pool exhausted; same service. No longer inhibited: it speaks for itself.'
    """
    if reason.startswith(_HELD):
        return f"{_AT_FIRST}{reason.removeprefix(_HELD).partition(_WAITING)[0].removesuffix('.')}."
    if muted or not reason.startswith(_INHIBITED):
        return reason
    return f"{reason} No longer inhibited: it speaks for itself."


async def find(connection: AsyncConnection, number: int) -> Incident | None:
    """The incident of that number, or None."""
    row = (await connection.execute(select(tables.incidents).where(tables.incidents.c.number == number))).first()
    return _from_row(row) if row else None


async def load(connection: AsyncConnection, number: int) -> Incident:
    """The incident of that number; NotFound when there is none."""
    incident = await find(connection, number)
    if incident is None:
        raise NotFound(f"There is no {ref(number)}. Open ones: /incident list")
    return incident


async def listing(
    connection: AsyncConnection, *, statuses: Sequence[StatusName] = (), before: int | None = None, limit: int = 50
) -> list[Incident]:
    """Incidents, newest first; `before` a number for the next page."""
    query = select(tables.incidents).order_by(tables.incidents.c.number.desc()).limit(limit)
    if statuses:
        query = query.where(tables.incidents.c.status.in_(statuses))
    if before is not None:
        query = query.where(tables.incidents.c.number < before)
    return [_from_row(row) for row in await connection.execute(query)]


async def numbered(connection: AsyncConnection, numbers: Sequence[int]) -> list[Incident]:
    """Those of these incidents that exist."""
    if not numbers:
        return []
    query = select(tables.incidents).where(tables.incidents.c.number.in_(numbers))
    return [_from_row(row) for row in await connection.execute(query)]


async def of_groups(connection: AsyncConnection, groups: Sequence[str]) -> dict[str, Incident]:
    """The incidents that these groups belong to, by group; groups without one are left out."""
    query = select(tables.groups.c.id.label("group_id"), tables.incidents).join(
        tables.incidents, tables.groups.c.incident == tables.incidents.c.number
    )
    found: dict[str, Incident] = {}
    by_number: dict[int, Incident] = {}
    for start in range(0, len(groups), _IDS_AT_ONCE):
        some = tables.groups.c.id.in_(groups[start : start + _IDS_AT_ONCE])
        for row in await connection.execute(query.where(some)):
            values = dict(row._mapping)
            group = values.pop("group_id")
            found[group] = by_number.setdefault(values["number"], _from_values(values))
    return found


async def insert_incident(work: Transaction, incident: Incident) -> Incident:
    """Keep a new incident and give it its number and first version."""
    values = _to_row(incident)
    del values["number"]
    incident.version = values["version"] = 1
    result = await work.connection.execute(insert(tables.incidents).values(values))
    incident.number = int(result.inserted_primary_key[0])  # type: ignore[index]  # an autoincrement key is always there
    work.announce("incident", number=incident.number)
    return incident


async def save(work: Transaction, incident: Incident) -> None:
    """Keep a changed incident, if nobody else changed it since it was loaded; else Conflict."""
    values = _to_row(incident) | {"version": incident.version + 1}
    result = await work.connection.execute(
        update(tables.incidents)
        .where(tables.incidents.c.number == incident.number, tables.incidents.c.version == incident.version)
        .values(values)
    )
    if result.rowcount != 1:
        raise Conflict
    incident.version += 1
    work.announce("incident", number=incident.number)


async def add_participant(work: Transaction, number: int, person: Person, why: str, at: float) -> bool:
    """Note that somebody takes part; False when that was known."""
    statement = upsert(work.connection, tables.participants).values(
        incident=number, person=person.id, name=person.name, why=why, joined_at=at
    )
    result = await work.connection.execute(statement.on_conflict_do_nothing())
    return bool(result.rowcount)


async def participants(connection: AsyncConnection, number: int) -> list[Row[Any]]:
    """Who takes part, in order of joining: person, name, why, joined_at."""
    query = (
        select(tables.participants)
        .where(tables.participants.c.incident == number)
        .order_by(tables.participants.c.joined_at, tables.participants.c.person)
    )
    return list(await connection.execute(query))


async def taken_part(connection: AsyncConnection, person: str, numbers: Sequence[int]) -> set[int]:
    """Those of these incidents in which this person takes part."""
    p = tables.participants.c
    query = select(p.incident).where(p.person == person, p.incident.in_(numbers))
    return set((await connection.execute(query)).scalars())


async def room_of(connection: AsyncConnection, number: int, platform: str) -> Row[Any] | None:
    """The incident's room on a platform: name, external, card_message, state."""
    query = select(tables.rooms).where(tables.rooms.c.incident == number, tables.rooms.c.platform == platform)
    return (await connection.execute(query)).first()


async def adopt_group(work: Transaction, group: str, number: int) -> None:
    """From now on the group is this incident's."""
    await work.connection.execute(update(tables.groups).where(tables.groups.c.id == group).values(incident=number))


async def recount(connection: AsyncConnection, incident: Incident, since: float) -> None:
    """Take the figures of an incident from its alerts: services, counts, first, last, where.

    What fired before `since` and joined later says nothing of when this began.
    """
    a, g = tables.alerts.c, tables.groups.c
    rows = (
        await connection.execute(
            select(
                a.service,
                func.count().label("alerts"),
                func.sum(case((a.status == "firing", 1), else_=0)).label("firing"),
                func.min(case((a.settled_at >= since, a.settled_at))).label("first"),
                func.max(a.last_seen).label("last"),
                func.min(a.location).label("location"),
                func.count(a.location.distinct()).label("locations"),
            )
            .join(tables.groups, a.group_id == g.id)
            .where(g.incident == incident.number)
            .group_by(a.service)
        )
    ).all()
    incident.services = sorted(((r.service, r.alerts) for r in rows if r.service), key=lambda s: (-s[1], s[0]))
    incident.alert_count = sum(r.alerts for r in rows)
    incident.firing_count = sum(r.firing for r in rows)
    if rows:
        incident.first_alert_at = min((r.first for r in rows if r.first is not None), default=since)
        incident.last_alert_at = max(r.last for r in rows)
        places = {r.location for r in rows}
        incident.location = places.pop() if len(places) == 1 and all(r.locations == 1 for r in rows) else ""


def alert_of(row: Row[Any]) -> Alert:
    """A row of `alerts` as the engine saw it last."""
    values = row._mapping  # "class" and "count" are no attributes of a row
    return Alert(
        at=values["last_seen"],
        name=values["name"],
        status=Status(values["status"]),
        class_=values["class"],
        severity=Severity(values["severity"]),
        service=values["service"],
        host=values["host"],
        location=values["location"],
        environment=values["environment"],
        summary=values["summary"],
        labels=tuple(dict(msgspec.json.decode(values["labels_json"])).items()),
        dedup_key=values["dedup_key"],
        source=values["source"],
    )
