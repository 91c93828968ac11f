"""Incidents of the past and present with the alerts they were made of, as the pipeline would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select

from bot.storage import tables
from bot.storage.database import Database
from tests.rows import alert_row, keep_incident

MINUTE, DAY = 60.0, 86_400.0

# (seconds after the first, class, service, name)
OUTAGE = (
    (0.0, "disk", "payments-db", "DiskFull"),
    (180.0, "latency", "payments-api", "HighLatency"),
    (300.0, "errors", "payments-api", "HighErrors"),
    (1_500.0, "errors", "checkout", "HighErrors"),
)
MAIL = ((0.0, "queue", "mail", "QueueGrows"), (240.0, "errors", "mail", "Bounces"))


async def happened(database: Database, at: float, lines: Sequence[tuple[float, str, str, str]], **fields: Any) -> int:
    """An incident that began at a moment, of these alerts."""
    services = dict.fromkeys(service for _, _, service, _ in lines)
    defaults = {"alert_count": len(lines), "firing_count": 0, "services": [(name, 1) for name in services]}
    async with database.transaction() as work:
        incident = await keep_incident(work, at, **(defaults | fields))
        most = (await work.connection.execute(select(func.max(tables.alerts.c.id)))).scalar() or 0
        rows = [
            alert_row(
                most + place,
                at + after,
                **{"class": what},
                service=service,
                name=name,
                summary=f"{name} on {service}",
                group_id=f"G{incident.number}",
            )
            for place, (after, what, service, name) in enumerate(lines, start=1)
        ]
        if rows:
            await work.connection.execute(insert(tables.alerts), rows)
    return incident.number


async def over(
    database: Database,
    at: float,
    lines: Sequence[tuple[float, str, str, str]],
    lasted: float = 41 * MINUTE,
    **fields: Any,
) -> int:
    """An incident that Robin took and resolved."""
    ended = {"status": "resolved", "status_since": at + lasted, "resolved_at": at + lasted, "resolved_by": "robin"}
    taken = {"acknowledged_at": at + 60.0, "acknowledged_by": "robin", "commander": "robin"}
    return await happened(database, at, lines, **(ended | taken | fields))


async def run(
    database: Database, incident: int, runbook: str, *, helped: bool | None, state: str = "succeeded"
) -> None:
    """A runbook that ran in an incident."""
    row = {
        "incident": incident,
        "runbook": runbook,
        "parameters_json": "{}",
        "requested_by": "robin",
        "requested_at": 0.0,
    }
    async with database.transaction() as work:
        await work.connection.execute(insert(tables.runs).values(row | {"state": state, "helped": helped}))
