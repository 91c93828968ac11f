"""`alerts`: what fires, worst first."""

from __future__ import annotations

from bot.chat.views import Moment, Reply, Strong, Text, text
from bot.clock import duration
from bot.commands import alert_rows
from bot.commands.alert_rows import AlertRow
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, shortened
from bot.incidents import store

__all__ = ["VERB"]

SHOWN, MOST = 15, 200  # alerts; the whole list has a place in the situation room and the API


async def alerts(context: Context) -> Reply:
    """Those that fire, worst first; `all` brings those that are over too."""
    everything = context.values.text("which") == "all"
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        total, firing = await alert_rows.counts(connection, context.incident)
        rows = await alert_rows.read(
            connection, context.incident, limit=MOST if everything else SHOWN, everything=everything or not firing
        )
    if not total:
        return answer(f"{incident.ref} has no alerts: it was declared by hand.")
    lines = [_line(row, context.at) for row in rows]
    head = f"{incident.ref}: {counted(total, 'alert')}, {f'{firing:,}' if firing else 'none'} firing."
    if everything:
        return answer(head, details=shortened(lines, total, f"GET /api/v1/alerts?incident={incident.ref}"))
    return answer(head, details=shortened(lines, total, f"/incident alerts {incident.ref} all"))


def _line(row: AlertRow, now: float) -> Text:
    since, end = row.first_seen, row.last_seen if row.resolved_at is None else row.resolved_at
    state = f"firing for {duration(now - since)}" if row.firing else f"over after {duration(end - since)}"
    times = f", {row.count:,} times" if row.count > 1 else ""
    return text(Strong(row.ref), " ", Moment(since), f" {row.severity} {alert_rows.what(row)}, {state}{times}")


VERB = Verb(
    name="alerts",
    summary="The alerts that fire, or all of them",
    family=Family.LOOK,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="which", kind=Kind.CHOICE, choices=("all",), help="also those that are over"),),
    examples=("alerts", "alerts all", "alerts INC-42 all"),
    reads=True,
    handler=alerts,
)
