"""Swim lanes: alerts over time by service, with the changes and what happened on the same axis. Counted by the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, Integer, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.changes import ledger
from bot.chat.harmless import one_line
from bot.incidents import store
from bot.incidents.model import Incident, ref
from bot.responders.naming import authors
from bot.storage.tables import alerts, changes, groups, incidents, timeline
from bot.web.api.shapes import INCIDENT_WORDS, Time, incident_number, utc
from bot.web.operations import Call, Operation, operation
from correlation.alert import Change

__all__ = ["OPERATIONS"]

BUCKETS = 90  # at most; a bucket is then a few pixels wide
BUCKET_SIZES = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)  # seconds
LANES = 40
CHANGES = 200
MARKS = 200
BEFORE_ONSET = 2 * 3600.0  # seconds: how far before the first alert a suspect change is still drawn
CALM = 600.0  # seconds before the first alert that are shown, so that one sees the beginning
MARGIN = 0.04  # of the span, before and after

Worst = Literal["critical", "error", "warning", "info"]
SEVERITIES: tuple[Worst, ...] = ("critical", "error", "warning", "info")  # the worst first


class Lane(msgspec.Struct, kw_only=True):
    """One service: for each bucket how many alerts were firing and the worst of them; `firing` is how many are now."""

    service: str
    counts: list[int]
    worst: list[Worst | None]
    firing: int


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


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time in equal buckets."""

    start: float
    bucket: int
    buckets: int

    @property
    def end(self) -> float:
        return self.start + self.bucket * self.buckets

    @classmethod
    def over(cls, start: float, end: float) -> Axis:
        """Buckets of a round size that cover the stretch."""
        span = max(end - start, 1.0)
        bucket = next((size for size in BUCKET_SIZES if span / size <= BUCKETS - 1), None)
        if bucket is None:
            bucket = BUCKET_SIZES[-1] * (int(span / BUCKET_SIZES[-1] / (BUCKETS - 1)) + 1)
        first = start // bucket * bucket
        return cls(first, bucket, int((end - first) // bucket) + 1)


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
        axis = _axis_of(incident, suspects, now)
        lanes = await _lanes(connection, axis, now, groups.c.incident == incident.number)
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
            lanes=await _lanes(connection, axis, now),
            changes=await _changes(connection, axis, {}, author),
            marks=await _openings(connection, axis),
        )


def _axis_of(incident: Incident, suspects: Any, now: float) -> Axis:
    first = incident.first_alert_at
    start = min([first - CALM, incident.opened_at, *(at for at in suspects if first - BEFORE_ONSET <= at < first)])
    end = max(incident.last_alert_at, incident.resolved_at or now)
    margin = max(MARGIN * (end - start), 30.0)
    return Axis.over(start - margin, min(end + margin, max(now, end)))


async def _lanes(
    connection: AsyncConnection, axis: Axis, now: float, of: ColumnElement[bool] | None = None
) -> list[Lane]:
    """How many alerts were firing in each bucket, by service; those with most alerts first."""
    a = alerts.c
    ended = case((a.status == "firing", now), else_=func.coalesce(a.resolved_at, a.last_seen))
    # SQLite has no GREATEST; a bucket outside the axis is clamped below, in Python.
    first, last = _bucket(connection, a.first_seen, axis), _bucket(connection, ended, axis)
    placed = select(a.service, a.severity, a.status, first.label("first"), last.label("last")).where(
        a.first_seen < axis.end, ended >= axis.start
    )
    if of is not None:
        placed = placed.join(groups, a.group_id == groups.c.id).where(of)
    p = placed.subquery().c
    kinds = (p.service, p.severity, p.status, p.first, p.last)
    rows = (await connection.execute(select(*kinds, func.count().label("alerts")).group_by(*kinds))).all()
    return _drawn(rows, axis)


def _drawn(rows: Any, axis: Axis) -> list[Lane]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.service] = totals.get(row.service, 0) + row.alerts
    shown = sorted(totals, key=lambda service: (-totals[service], service))[:LANES]
    steps = {service: {severity: [0] * (axis.buckets + 1) for severity in SEVERITIES} for service in shown}
    firing = dict.fromkeys(shown, 0)
    for row in rows:
        if row.service not in steps:
            continue
        line = steps[row.service].get(row.severity, steps[row.service]["info"])
        line[min(max(row.first, 0), axis.buckets - 1)] += row.alerts
        line[min(max(row.last, row.first, 0), axis.buckets - 1) + 1] -= row.alerts
        if row.status == "firing":
            firing[row.service] += row.alerts
    return [_lane(service, steps[service], firing[service]) for service in shown]


def _lane(service: str, steps: dict[Worst, list[int]], firing: int) -> Lane:
    levels = [list(accumulate(steps[severity]))[:-1] for severity in SEVERITIES]
    moments = list(zip(*levels, strict=True))
    worst: list[Worst | None] = [
        next((severity for severity, count in zip(SEVERITIES, moment, strict=True) if count), None)
        for moment in moments
    ]
    return Lane(service=service, counts=[sum(moment) for moment in moments], worst=worst, firing=firing)


def _bucket(connection: AsyncConnection, moment: Any, axis: Axis) -> ColumnElement[int]:
    """The number of a moment's bucket. PostgreSQL's cast rounds, SQLite's cuts; both have no moments before 1970."""
    place = (moment - axis.start) / float(axis.bucket)
    return cast(func.floor(place) if connection.dialect.name == "postgresql" else place, Integer)


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
