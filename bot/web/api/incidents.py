"""Incidents: the list, one of them, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.harmless import harmless, one_line
from bot.incidents import store, timeline
from bot.incidents.events import SeverityLevel
from bot.incidents.model import Incident as Aggregate
from bot.incidents.parts import StatusName
from bot.storage import tables
from bot.web.api.shapes import INCIDENT_WORDS, Time, incident_number, maybe, reference, utc
from bot.web.operations import Call, Operation, operation
from bot.web.paging import Listing, Paged, after, cursor

__all__ = ["OPERATIONS", "Incident", "incidents_json", "incidents_numbered"]


class ServiceCount(msgspec.Struct, kw_only=True):
    """How many alerts are on a service."""

    name: str
    count: int


class Cause(msgspec.Struct, kw_only=True):
    """What is probably at the root, and why."""

    service: str
    words: str


class RuledOut(msgspec.Struct, kw_only=True):
    """What somebody (an id) says is not the cause: a service, or a `change` (its id) in words."""

    what: str
    change: str | None
    by: str
    at: Time
    reason: str


class Incident(msgspec.Struct, kw_only=True):
    """An incident. `services` stand with most alerts first; `rooms` is platform -> room; people are ids."""

    id: str
    number: int
    title: str
    status: StatusName
    severity: SeverityLevel
    status_since: Time
    services: list[str]
    service_counts: list[ServiceCount]
    location: str
    environment: str
    commander: str | None
    alert_count: int
    firing_count: int
    rooms: dict[str, str]
    cause: Cause | None
    ruled_out: list[RuledOut]
    summary: str
    ticket: str | None
    opened_at: Time
    first_alert_at: Time
    acknowledged_at: Time | None
    acknowledged_by: str | None
    mitigated_at: Time | None
    cleared_at: Time | None
    resolved_at: Time | None
    resolved_by: str | None
    merged_into: str | None


class TimelineEntry(msgspec.Struct, kw_only=True):
    """One line of an incident's timeline; `actor` is a person's id, "muster" when nobody acted."""

    id: int
    at: Time
    kind: str
    actor: str
    text: str
    data: dict[str, Any]


class ListIncidents(Paged, kw_only=True, forbid_unknown_fields=True):
    status: (
        Annotated[
            Literal["open", "acknowledged", "mitigated", "resolved", "active"],
            Meta(description="`active` is every status but resolved"),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


_ACTIVE: tuple[StatusName, ...] = ("open", "acknowledged", "mitigated")


@operation(
    "GET", "/api/v1/incidents", summary="Incidents, newest first", query=ListIncidents, returns=Listing[Incident]
)
async def list_incidents(call: Call[ListIncidents, None]) -> Listing[Incident]:
    wanted: tuple[StatusName, ...] = ()
    if call.query.status is not msgspec.UNSET:
        wanted = _ACTIVE if call.query.status == "active" else (call.query.status,)
    key = after(call.query.cursor, tuple[int])
    async with call.web.parts.database.reading() as connection:
        found = await store.listing(
            connection, statuses=wanted, before=key[0] if key else None, limit=call.query.limit + 1
        )
        items = await incidents_json(connection, found[: call.query.limit])
    more = len(found) > call.query.limit
    return Listing(items=items, next=cursor(items[-1].number) if more else None)


@operation(
    "GET",
    "/api/v1/incidents/{incident}",
    summary="One incident",
    returns=Incident,
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_incident(call: Call[None, None]) -> Incident:
    async with call.web.parts.database.reading() as connection:
        found = await store.load(connection, incident_number(call.path["incident"]))
        return (await incidents_json(connection, [found]))[0]


@operation(
    "GET",
    "/api/v1/incidents/{incident}/timeline",
    summary="What happened, in order",
    query=Paged,
    returns=Listing[TimelineEntry],
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_timeline(call: Call[Paged, None]) -> Listing[TimelineEntry]:
    key = after(call.query.cursor, tuple[int])
    async with call.web.parts.database.reading() as connection:
        incident = await store.load(connection, incident_number(call.path["incident"]))
        entries = await timeline.read(
            connection, incident.number, after=key[0] if key else 0, limit=call.query.limit + 1
        )
    items = [
        TimelineEntry(
            id=entry.id,
            at=utc(entry.at),
            kind=entry.kind,
            actor=entry.actor,
            text=harmless(entry.text, 8000),
            data=entry.data,
        )
        for entry in entries[: call.query.limit]
    ]
    return Listing(items=items, next=cursor(items[-1].id) if len(entries) > len(items) else None)


async def incidents_numbered(connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, Incident]:
    """The incidents of these numbers, as the API shows them."""
    found = await store.numbered(connection, numbers)
    return {incident.number: incident for incident in await incidents_json(connection, found)}


async def incidents_json(connection: AsyncConnection, incidents: Sequence[Aggregate]) -> list[Incident]:
    """Incidents as the API shows them, with their rooms."""
    rooms: dict[int, dict[str, str]] = {incident.number: {} for incident in incidents}
    if rooms:
        r = tables.rooms.c
        query = select(r.incident, r.platform, r.external).where(r.incident.in_(rooms), r.external.is_not(None))
        for row in await connection.execute(query):
            rooms[row.incident][row.platform] = row.external
    return [_incident_json(incident, rooms[incident.number]) for incident in incidents]


def _incident_json(incident: Aggregate, rooms: dict[str, str]) -> Incident:
    cause = incident.cause
    return Incident(
        id=incident.ref,
        number=incident.number,
        title=one_line(incident.title, 300),
        status=incident.status,
        severity=incident.severity,
        status_since=utc(incident.status_since),
        services=[name for name, _ in incident.services],
        service_counts=[ServiceCount(name=name, count=count) for name, count in incident.services],
        location=incident.location,
        environment=incident.environment,
        commander=incident.commander,
        alert_count=incident.alert_count,
        firing_count=incident.firing_count,
        rooms=rooms,
        cause=Cause(service=cause.service, words=cause.words) if cause else None,
        ruled_out=[
            RuledOut(what=one.service, change=one.change or None, by=one.by, at=utc(one.at), reason=one.reason)
            for one in incident.exclusions
        ],
        summary=harmless(incident.summary, 8000),
        ticket=incident.ticket or None,
        opened_at=utc(incident.opened_at),
        first_alert_at=utc(incident.first_alert_at),
        acknowledged_at=maybe(incident.acknowledged_at),
        acknowledged_by=incident.acknowledged_by,
        mitigated_at=maybe(incident.mitigated_at),
        cleared_at=maybe(incident.cleared_at),
        resolved_at=maybe(incident.resolved_at),
        resolved_by=incident.resolved_by,
        merged_into=reference(incident.merged_into),
    )


OPERATIONS: tuple[Operation, ...] = (list_incidents, show_incident, show_timeline)
