"""`alerts` and `why`: what fires, and the evidence that grouped it."""

from __future__ import annotations

from bot.chat.views import Code, Moment, Reply, Strong, Text, text
from bot.clock import duration
from bot.commands import alert_rows
from bot.commands.alert_rows import AlertRow
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, cut_text, shortened
from bot.incidents import store

__all__ = ["VERBS"]

SHOWN, MOST = 15, 200  # alerts; the whole list has a place in the situation room and the API
JOINS = 6


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
    head = f"{incident.ref}: {counted(total, 'alert')}, {firing:,} firing."
    if everything:
        return answer(head, details=shortened(lines, total, f"GET /api/v1/alerts?incident={incident.ref}"))
    return answer(head, details=shortened(lines, total, f"/incident alerts {incident.ref} all"))


async def why(context: Context) -> Reply:
    """How it began, what joined and why, and which kinds of evidence carried it."""
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        total, _ = await alert_rows.counts(connection, context.incident)
        rows = await alert_rows.reasons(connection, context.incident, JOINS)
        strong, joined = await alert_rows.terms(connection, context.incident)
    if not rows:
        by = context.services.person(incident.declared_by).name
        return answer(f"{incident.ref} was declared by {by}; no alerts were grouped.")
    recipe = f" by recipe {incident.recipe}" if incident.recipe else ""
    lines: list[Text] = []
    for row in rows:
        told = row.reason or alert_rows.strongest(row.evidence) or "it came first"
        lines.append(text(Strong(row.ref), f" {_what(row)}, ", Moment(row.first_seen), f": {told}"))
    details = list(shortened(lines, total, f"/incident alerts {incident.ref} all"))
    if joined:
        shares = ", ".join(f"{term} {count}" for term, count in strong.most_common(6))
        details.append((f"What spoke for it, of {counted(joined, 'alert')}: {shares}",))
    if incident.cause:
        details.append((f"Probable cause: {incident.cause.service} ({incident.cause.words}).",))
    details.append(("Grouped wrongly? ", Code("/incident split A12"), " or ", Code("/incident merge INC-n")))
    return answer(f"{incident.ref}: {counted(total, 'alert')} grouped{recipe}.", details=details)


def _line(row: AlertRow, now: float) -> Text:
    since, end = row.first_seen, row.last_seen
    state = f"firing for {duration(now - since)}" if row.firing else f"over after {duration(end - since)}"
    times = f", {row.count:,} times" if row.count > 1 else ""
    return text(Strong(row.ref), f" {row.severity} {_what(row)}, {state}{times}, from ", Moment(since))


def _what(row: AlertRow) -> str:
    where = f" on {cut_text(row.host, 40)}" if row.host else ""
    return cut_text(f"{row.service} {row.name}".strip(), 80) + where


VERBS = (
    Verb(
        name="alerts",
        summary="The alerts that fire, or all of them",
        family=Family.LOOK,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="which", kind=Kind.CHOICE, choices=("all",), help="also those that are over"),),
        examples=("alerts", "alerts all", "alerts INC-42 all"),
        reads=True,
        handler=alerts,
    ),
    Verb(
        name="why",
        aliases=("evidence",),
        summary="Why these alerts are one incident",
        family=Family.LOOK,
        scope=Scope.INCIDENT,
        examples=("why", "why INC-42"),
        reads=True,
        handler=why,
    ),
)
