"""What a runbook's templates may speak of: the incident, the alert that it fits, the service, whoever asks. Reads, never writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.model import Runbook
from bot.chat.views import Person
from bot.incidents import store
from bot.incidents.model import Incident
from bot.storage import tables
from correlation.alert import Alert

__all__ = ["alerts_of", "fits", "template_values"]

MOST_ALERTS = 1_000  # of one incident that are looked at; runbooks fit the worst of them or none


async def alerts_of(connection: AsyncConnection, incident: int) -> list[Alert]:
    """The incident's alerts: firing before resolved, then the worst, then the first."""
    a, g = tables.alerts.c, tables.groups.c
    worst = case({"critical": 0, "error": 1, "warning": 2}, value=a.severity, else_=3)
    rows = await connection.execute(
        select(tables.alerts)
        .join(tables.groups, a.group_id == g.id)
        .where(g.incident == incident)
        .order_by(case((a.status == "firing", 0), else_=1), worst, a.first_seen, a.id)
        .limit(MOST_ALERTS)
    )
    return [store.alert_of(row) for row in rows]


def fits(runbook: Runbook, alerts: Sequence[Alert]) -> bool:
    """Whether one of the alerts meets what the runbook is for; one that is for nothing in particular fits always."""
    return not runbook.match or any(runbook.match.matches(alert) for alert in alerts)


def template_values(
    runbook: Runbook, incident: Incident, alerts: Sequence[Alert], service: str, actor: Person
) -> dict[str, Any]:
    """The names that templates may use. `alert` is missing when no alert fits: an incident may have none."""
    alert = next((one for one in alerts if runbook.match.matches(one)), None)
    values: dict[str, Any] = {
        "incident": {
            "id": incident.ref,
            "number": incident.number,
            "title": incident.title,
            "severity": incident.severity,
            "status": incident.status,
            "services": [name for name, _ in incident.services],
            "service": service,
            "environment": incident.environment,
            "location": incident.location,
        },
        "service": service,
        "actor": {"id": actor.id, "name": actor.name},
    }
    if alert is not None:
        values["alert"] = {
            "name": alert.name,
            "class": alert.class_,
            "severity": str(alert.severity),
            "status": str(alert.status),
            "service": alert.service,
            "host": alert.host,
            "location": alert.location,
            "environment": alert.environment,
            "summary": alert.summary,
            "source": alert.source,
            "labels": dict(alert.labels),
        }
    return values
