"""Swim lanes: alerts over time by service, with the changes and what happened on the same axis. Counted by the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.changes import ledger
from bot.chat.harmless import one_line
from bot.incidents import store
from bot.incidents.axis import Axis, Lane
from bot.incidents.lanes import axis_of, read_lanes
from bot.incidents.reference import ref
from bot.responders.naming import authors
from bot.storage.tables import changes, groups, incidents, timeline
from bot.web.api.shapes import INCIDENT_WORDS, Time, incident_number, utc
from bot.web.operations import Call, Operation, operation
from correlation.alert import Change

__all__ = ["OPERATIONS"]

CHANGES = 200
MARKS = 200


class LaneChange(msgspec.Struct, kw_only=True):
    """A change on the axis; `rank` is its place among the incident's suspects."""

    id: str
    at: Time
    service: str
    title: str
    kind: str
    status: str
    rank: int | None
    url: str
    author: str


class Mark(msgspec.Struct, kw_only=True):
    """Something that happened, on the axis."""

    at: Time
    kind: str
    text: str


class Lanes(msgspec.Struct, kw_only=True, rename={"start": "from", "end": "to"}):
    """Alerts over time by service. Bucket i begins `i * bucket_s` seconds after `from`."""

    start: Time
    end: Time
    bucket_s: int
    lanes: list[Lane]
    changes: list[LaneChange]
    marks: list[Mark]


class Window(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    minutes: Annotated[int, Meta(ge=5, le=10080, description="how far back")] = 60


@operation(
    "GET",
    "/api/v1/incidents/{incident}/lanes",
    summary="The incident's alerts over time by service",
    returns=Lanes,
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_incident_lanes(call: Call[None, None]) -> Lanes:
    now, author = call.web.parts.clock.now(), authors(call.web.parts.catalog)
    async with call.web.parts.database.reading() as connection:
        incident = await store.load(connection, incident_number(call.path["incident"]))
        ranks = {suspect.change: rank for rank, suspect in enumerate(incident.suspects, start=1)}
        likeliest = [suspect.change for suspect in incident.suspects[:1]]
        suspects = (await connection.execute(select(changes.c.at).where(changes.c.id.in_(likeliest)))).scalars().all()
        axis = axis_of(incident, suspects, now)
        lanes = await read_lanes(connection, axis, now, groups.c.incident == incident.number)
        services = {lane.service for lane in lanes} | {name for name, _ in incident.services}
        near = or_(changes.c.id.in_(ranks), changes.c.service.in_(services))
        return Lanes(
            start=utc(axis.start),
            end=utc(axis.end),
            bucket_s=axis.bucket,
            lanes=lanes,
            changes=await _changes(connection, axis, ranks, author, near),
            marks=await _marks(connection, incident.number),
        )


@operation("GET", "/api/v1/lanes", summary="All alerts over time by service", query=Window, returns=Lanes)
async def show_lanes(call: Call[Window, None]) -> Lanes:
    now, author = call.web.parts.clock.now(), authors(call.web.parts.catalog)
    axis = Axis.over(now - 60.0 * call.query.minutes, now)
    async with call.web.parts.database.reading() as connection:
        return Lanes(
            start=utc(axis.start),
            end=utc(axis.end),
            bucket_s=axis.bucket,
            lanes=await read_lanes(connection, axis, now),
            changes=await _changes(connection, axis, {}, author),
            marks=await _openings(connection, axis),
        )


async def _changes(
    connection: AsyncConnection,
    axis: Axis,
    ranks: dict[str, int],
    author: Callable[[Change], str],
    of: ColumnElement[bool] | None = None,
) -> list[LaneChange]:
    c = changes.c
    query = select(c.id).where(c.at >= axis.start, c.at <= axis.end).order_by(c.at.desc()).limit(CHANGES)
    if of is not None:
        query = query.where(of)
    found = await ledger.many(connection, (await connection.execute(query)).scalars().all())
    return [
        LaneChange(
            id=change.id,
            at=utc(change.at),
            service=change.service,
            title=change.title,
            kind=change.kind,
            status=change.status,
            rank=ranks.get(change.id),
            url=change.url,
            author=author(change),
        )
        for change in sorted(found, key=lambda change: (change.at, change.id))
    ]


async def _marks(connection: AsyncConnection, number: int) -> list[Mark]:
    """What the incident's timeline tells, the newest if there is too much."""
    t = timeline.c
    query = select(t.at, t.kind, t.text).where(t.incident == number).order_by(t.id.desc()).limit(MARKS)
    rows = (await connection.execute(query)).all()
    return [Mark(at=utc(row.at), kind=row.kind, text=one_line(row.text, 300)) for row in reversed(rows)]


async def _openings(connection: AsyncConnection, axis: Axis) -> list[Mark]:
    """The incidents that were opened or resolved in the stretch."""
    i = incidents.c
    query = (
        select(i.number, i.title, i.opened_at, i.resolved_at)
        .where(or_(i.opened_at >= axis.start, i.resolved_at >= axis.start))
        .order_by(i.number.desc())
        .limit(MARKS)
    )
    marks = []
    for row in await connection.execute(query):
        title = f"{ref(row.number)} {one_line(row.title, 200)}"
        if row.opened_at >= axis.start:
            marks.append((row.opened_at, "opened", f"{title} opened"))
        if row.resolved_at is not None and row.resolved_at >= axis.start:
            marks.append((row.resolved_at, "resolved", f"{title} resolved"))
    return [Mark(at=utc(at), kind=kind, text=text) for at, kind, text in sorted(marks)]


OPERATIONS: tuple[Operation, ...] = (show_incident_lanes, show_lanes)
