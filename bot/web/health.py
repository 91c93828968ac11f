"""Whether Muster lives, whether it is ready and how far behind, and its metrics. Loud: every trouble is named."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select

from bot.errors import MusterError, StorageUnavailable
from bot.storage.tables import incidents
from bot.web.api.stats import effect_states
from bot.web.operations import NO_STORE, Call, Operation, Web, operation
from bot.web.parts import HealthCheck

__all__ = ["OPERATIONS"]

PATIENCE = 3.0  # seconds for one check; a probe waits a few more
PROOF = 3.0  # seconds that a written row is proof enough: /readyz stands open, and must not keep the disk busy
BEHIND = 60.0  # seconds of lag from which on we call ourselves degraded


class Alive(msgspec.Struct, kw_only=True):
    """The process answers."""

    status: Literal["alive"]


class Checked(msgspec.Struct, kw_only=True):
    """How one part is."""

    ok: bool
    detail: str
    essential: bool


class Behind(msgspec.Struct, kw_only=True):
    """Deliveries not yet processed, and the age of the oldest in seconds."""

    deliveries: int
    seconds: float


class Outbox(msgspec.Struct, kw_only=True):
    """Chat effects not yet sent, how long the oldest waits, and those given up."""

    pending: int
    oldest_seconds: float
    dead: int


class Ready(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`ready`, `degraded` (it works, something is wrong), or `unready` (503). Strangers are not told the details."""

    status: Literal["ready", "degraded", "unready"]
    checks: dict[str, Checked] = msgspec.field(default_factory=dict)
    lag: Behind | None = None
    outbox: Outbox | None = None


@operation("GET", "/healthz", summary="Whether the process lives", returns=Alive, access="probe")
async def show_alive(_: Call[None, None]) -> Alive:
    return Alive(status="alive")


@operation(
    "GET",
    "/readyz",
    summary="Whether it is ready, and how far behind; 503 when an essential part does not work",
    returns=Ready,
    errors=(503,),
    access="probe",
)
async def show_ready(call: Call[None, None]) -> web.Response:
    ready = await readiness(call.web)
    shown = ready if call.web.guard.knows(call.request) else Ready(status=ready.status)
    return web.Response(
        body=msgspec.json.encode(shown),
        status=503 if ready.status == "unready" else 200,
        content_type="application/json",
        headers=NO_STORE | ({"Retry-After": "5"} if ready.status == "unready" else {}),
    )


@operation("GET", "/metrics", summary="Prometheus metrics", media="text/plain")
async def show_metrics(call: Call[None, None]) -> web.Response:
    parts = call.web.parts
    metrics = parts.metrics
    lag = parts.lag()
    metrics.lag_deliveries.set(lag.deliveries)
    metrics.lag_seconds.set(lag.seconds)
    try:
        async with parts.database.reading() as connection:
            active = select(func.count()).select_from(incidents).where(incidents.c.status != "resolved")
            metrics.open_incidents.set((await connection.execute(active)).scalar_one())
            metrics.effects_pending.set((await effect_states(connection))["pending"][0])
        metrics.database_bytes.labels(part="database").set(await parts.database.size())
    except StorageUnavailable:
        metrics.failures.labels(where="metrics").inc()  # the rest of the figures is wanted now more than ever
    return web.Response(
        body=generate_latest(metrics.registry), headers=NO_STORE | {"Content-Type": CONTENT_TYPE_LATEST}
    )


async def readiness(context: Web) -> Ready:
    """Ask every part, all at once."""
    parts = context.parts

    async def database() -> str:
        await parts.database.check(believed_for=PROOF)
        return f"{parts.database.dialect} takes writes"

    checks = (HealthCheck(name="database", check=database), *parts.checks)
    results = await asyncio.gather(*map(_ask, checks))
    checked = {check.name: result for check, result in zip(checks, results, strict=True)}
    lag = parts.lag()
    outbox = await _outbox(context)
    if any(not result.ok and result.essential for result in results):
        status: Literal["ready", "degraded", "unready"] = "unready"
    elif (
        not all(result.ok for result in results) or lag.seconds > BEHIND or (outbox and outbox.oldest_seconds > BEHIND)
    ):
        status = "degraded"
    else:
        status = "ready"
    return Ready(
        status=status, checks=checked, lag=Behind(deliveries=lag.deliveries, seconds=lag.seconds), outbox=outbox
    )


async def _ask(check: HealthCheck) -> Checked:
    try:
        async with asyncio.timeout(PATIENCE):
            detail = await check.check()
    except TimeoutError:
        return Checked(ok=False, detail=f"no answer within {PATIENCE:g} s", essential=check.essential)
    except MusterError as error:
        return Checked(ok=False, detail=error.public, essential=check.essential)
    return Checked(ok=True, detail=detail, essential=check.essential)


async def _outbox(context: Web) -> Outbox | None:
    try:
        async with context.parts.database.reading() as connection:
            states = await effect_states(connection)
    except StorageUnavailable:
        return None
    pending, oldest = states["pending"]
    age = max(0.0, context.parts.clock.now() - oldest) if oldest is not None else 0.0
    return Outbox(pending=pending, oldest_seconds=round(age, 3), dead=states["dead"][0])


OPERATIONS: tuple[Operation, ...] = (show_alive, show_ready, show_metrics)
