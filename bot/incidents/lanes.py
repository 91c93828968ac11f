"""Swim lanes: for each service how many alerts were firing over time, in equal buckets. Counted by the database.

How they are drawn, and what else stands on their axis, is not known here.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incidents.axis import SEVERITIES, Axis, Lane, Worst
from bot.incidents.model import Incident
from bot.storage.tables import alerts, groups

__all__ = ["axis_of", "read_lanes"]

LANES = 40
BEFORE_ONSET = 2 * 3600.0  # seconds: how far before the first alert a suspect change is still drawn
CALM = 600.0  # seconds before the first alert that are shown, so that one sees the beginning
MARGIN = 0.04  # of the span, before and after


def axis_of(incident: Incident, suspects: Collection[float], now: float) -> Axis:
    """The time to show of an incident; `suspects` are the moments of changes that it should show."""
    first = incident.first_alert_at
    start = min([first - CALM, incident.opened_at, *(at for at in suspects if first - BEFORE_ONSET <= at < first)])
    end = max(incident.last_alert_at, incident.resolved_at or now)
    margin = max(MARGIN * (end - start), 30.0)
    return Axis.over(start - margin, min(end + margin, max(now, end)))


async def read_lanes(
    connection: AsyncConnection, axis: Axis, now: float, of: ColumnElement[bool] | None = None
) -> list[Lane]:
    """How many alerts were firing in each bucket, by service; those with most alerts first."""
    a = alerts.c
    ended = case((a.status == "firing", now), else_=func.coalesce(a.resolved_at, a.last_seen))
    # SQLite has no GREATEST; a bucket outside the axis is clamped below, in Python.
    first, last = _bucket(connection, a.began_at, axis), _bucket(connection, ended, axis)
    placed = select(a.service, a.severity, a.status, first.label("first"), last.label("last")).where(
        a.began_at < axis.end, ended >= axis.start
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
