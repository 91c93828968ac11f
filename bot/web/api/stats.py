"""Figures: how many, how fast acknowledged and resolved, how much noise was folded. Each with its definition beside it."""

from __future__ import annotations

from statistics import fmean, median

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incidents.parts import StatusName
from bot.storage.tables import alerts, effects, groups, incidents
from bot.web.api.shapes import Time, utc
from bot.web.operations import Call, Operation, operation

__all__ = ["OPERATIONS"]

DAY = 86_400.0  # seconds
PERIODS = (7, 30)  # days
TOP_SERVICES = 10

DEFINITIONS = {
    "mtta": "Mean time to acknowledge: from an incident's first alert to its first acknowledgement that still holds, over "
    "the incidents opened in the period that were acknowledged. In seconds.",
    "mttr": "Mean time to resolve: from an incident's first alert to its resolution, over the incidents opened in the "
    "period that are resolved. In seconds.",
    "compression": "Notifications received for each incident opened: every repeat of every alert first seen in the "
    "period, divided by the incidents opened in it. null when there was none.",
    "top_services": "Alerts of incidents by service; an alert that repeats counts once.",
    "deliveries": "`waiting` are accepted and not yet processed, the oldest of them `waiting_seconds` ago.",
}


class Duration(msgspec.Struct, kw_only=True):
    """How long something took, in seconds, over `count` incidents; null when there was none."""

    mean: float | None
    median: float | None
    count: int


class ServiceAlerts(msgspec.Struct, kw_only=True):
    """How many alerts a service had."""

    name: str
    count: int


class Period(msgspec.Struct, kw_only=True):
    """The last so many days."""

    days: int
    incidents: int
    alerts: int
    notifications: int
    held: int
    compression: float | None
    mtta: Duration
    mttr: Duration
    top_services: list[ServiceAlerts]


class Waiting(msgspec.Struct, kw_only=True):
    """What the pipeline has yet to process."""

    waiting: int
    waiting_seconds: float


class Effects(msgspec.Struct, kw_only=True):
    """Chat effects: not yet sent, and given up."""

    pending: int
    dead: int


class Stats(msgspec.Struct, kw_only=True):
    """The figures, and what they mean."""

    at: Time
    incidents: dict[StatusName, int]
    periods: list[Period]
    deliveries: Waiting
    effects: Effects
    definitions: dict[str, str]


@operation("GET", "/api/v1/stats", summary="Figures, each with its definition", returns=Stats)
async def show_stats(call: Call[None, None]) -> Stats:
    now = call.web.parts.clock.now()
    lag = call.web.parts.lag()
    async with call.web.parts.database.reading() as connection:
        by_status = select(incidents.c.status, func.count()).group_by(incidents.c.status)
        counts: dict[StatusName, int] = dict.fromkeys(("open", "acknowledged", "mitigated", "resolved"), 0)
        counts |= {row[0]: row[1] for row in await connection.execute(by_status)}
        states = await effect_states(connection)
        return Stats(
            at=utc(now),
            incidents=counts,
            periods=[await _period(connection, now, days) for days in PERIODS],
            deliveries=Waiting(waiting=lag.deliveries, waiting_seconds=lag.seconds),
            effects=Effects(pending=states["pending"][0], dead=states["dead"][0]),
            definitions=DEFINITIONS,
        )


async def effect_states(connection: AsyncConnection) -> dict[str, tuple[int, float | None]]:
    """How many effects are pending and dead, and since when the oldest of them."""
    e = effects.c
    query = (
        select(e.state, func.count(), func.min(e.created_at)).where(e.state.in_(("pending", "dead"))).group_by(e.state)
    )
    found = {state: (count, oldest) for state, count, oldest in await connection.execute(query)}
    return {"pending": (0, None), "dead": (0, None)} | found


async def _period(connection: AsyncConnection, now: float, days: int) -> Period:
    since = now - days * DAY
    i, a = incidents.c, alerts.c
    times = select(i.first_alert_at, i.acknowledged_at, i.resolved_at).where(i.opened_at >= since)
    opened = (await connection.execute(times)).all()
    totals = select(func.count(), func.coalesce(func.sum(a.count), 0), func.count().filter(a.held != "")).where(
        a.last_seen >= since, a.first_seen >= since
    )
    distinct, notifications, held = (await connection.execute(totals)).one()
    top = (
        select(a.service, func.count().label("alerts"))
        .join(groups, a.group_id == groups.c.id)
        .where(a.last_seen >= since, a.first_seen >= since, groups.c.incident.is_not(None), a.service != "")
        .group_by(a.service)
        .order_by(func.count().desc(), a.service)
        .limit(TOP_SERVICES)
    )
    return Period(
        days=days,
        incidents=len(opened),
        alerts=distinct,
        notifications=int(notifications),
        held=held,
        compression=round(int(notifications) / len(opened), 2) if opened else None,
        mtta=_duration([r.acknowledged_at - r.first_alert_at for r in opened if r.acknowledged_at is not None]),
        mttr=_duration([r.resolved_at - r.first_alert_at for r in opened if r.resolved_at is not None]),
        top_services=[ServiceAlerts(name=r.service, count=r.alerts) for r in await connection.execute(top)],
    )


def _duration(seconds: list[float]) -> Duration:
    if not seconds:
        return Duration(mean=None, median=None, count=0)
    return Duration(mean=round(fmean(seconds), 3), median=round(median(seconds), 3), count=len(seconds))


OPERATIONS: tuple[Operation, ...] = (show_stats,)
