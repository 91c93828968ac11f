"""`alerts`: what fires, worst first; and what was held back, with the reason."""

from __future__ import annotations

from bot.chat.views import Moment, Reply, Span, Strong, Text, text
from bot.clock import duration
from bot.commands import alert_rows
from bot.commands.alert_rows import AlertRow
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, elsewhere, shortened
from bot.incidents import store

__all__ = ["VERB"]

HELD_FOR = 86_400.0  # seconds back
SHOWN, MOST = 15, 200  # alerts; the whole list has a place in the situation room and the API


async def alerts(context: Context) -> Reply:
    """Those that fire, worst first; `all` brings those that are over too, `held` those that no incident has."""
    if context.values.text("which") == "held":
        return await _held(context)
    everything = context.values.text("which") == "all"
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        total, firing = await alert_rows.counts(connection, context.incident)
        rows = await alert_rows.read(
            connection, context.incident, limit=MOST if everything else SHOWN, everything=everything or not firing
        )
    if not total and incident.merged_into is not None:
        return elsewhere(incident, "/incident alerts")
    if not total:
        return answer(f"{incident.ref} has no alerts: it was declared by hand.")
    lines = [_line(row, context.at) for row in rows]
    head = f"{incident.ref}: {counted(total, 'alert')}, {f'{firing:,}' if firing else 'none'} firing."
    if everything:
        return answer(head, details=shortened(lines, total, Strong("situation room, Why grouped")))
    return answer(head, details=shortened(lines, total, f"/incident alerts {incident.ref} all"))


async def _held(context: Context) -> Reply:
    async with context.services.database.reading() as connection:
        total, rows = await alert_rows.held(connection, context.at - HELD_FOR, SHOWN)
    if not total:
        return answer("No alert was held in the last day. One that is says why, here.")
    lines = [text(*_line(row, context.at), f". {row.why_held}") for row in rows]
    head = f"{counted(total, 'alert')} held in the last day: nobody was called for these."
    return answer(head, details=shortened(lines, total, Strong("situation room, Lobby, Held back")))


def _line(row: AlertRow, now: float) -> Text:
    since, end = row.began_at, row.last_seen if row.resolved_at is None else row.resolved_at
    state = f"firing for {duration(now - since)}" if row.firing else f"over after {duration(end - since)}"
    head: list[Span] = [Strong(row.ref), " ", Moment(since), f" {row.severity} {alert_rows.what(row)}, {state}"]
    if row.count > 1:
        head.append(f", {row.count:,} times")
        if row.first_seen < since:
            head += [" since ", Moment(row.first_seen)]
    return text(*head, f"; muted, {row.muted.partition(', ')[0]}" if row.muted else "")


VERB = Verb(
    name="alerts",
    summary="The alerts that fire, all of them, or those that were held",
    family=Family.LOOK,
    scope=Scope.OPTIONAL,
    arguments=(
        Argument(
            name="which", kind=Kind.CHOICE, choices=("all", "held"), help="also those that are over; those without one"
        ),
    ),
    examples=("alerts", "alerts all", "alerts INC-42 all", "alerts held"),
    reads=True,
    handler=alerts,
)
