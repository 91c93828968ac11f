"""`show`: one incident as it stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from bot.changes import ledger
from bot.chat.views import Button, Link, Moment, Reply, Room, Text, text
from bot.clock import ago, duration
from bot.commands.definition import Context, Family, Scope, Verb
from bot.commands.words import author_name, change_line, counted, cut_text, firing, headline, listed
from bot.incidents import store
from bot.incidents.links import card_links
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.incidents.tickets import ticket_link
from correlation.alert import Change

__all__ = ["VERB"]

MORE = ("alerts", "why", "changes", "graph", "similar")  # what looks closer
LABELS = {"ack": "Acknowledge"}


async def show(context: Context) -> Reply:
    """What the card says, and the way to its rooms."""
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        suspects = await ledger.many(connection, [one.change for one in incident.suspects[:2]])
        people = await store.participants(connection, context.incident)
        room = await store.room_of(connection, context.incident, context.platform)
        links = await card_links(connection, context.services.catalog(), incident)
    details = [*_room(room), *_lines(context, incident, suspects)]
    if to_open := [link for link in links if link.url != incident.ticket]:
        details.append(("Links ", to_open[0], *(span for link in to_open[1:] for span in (", ", link))))
    if people:
        names = ", ".join(row.name for row in people[:6])
        more = f" and {len(people) - 6} more" if len(people) > 6 else ""
        details.append((f"With {names}{more}",))
    return Reply(text=headline(incident), details=tuple(details), buttons=_buttons(incident))


def _room(row: Row[Any] | None) -> list[Text]:
    """The way to its room here, first: whoever pressed "Open room" wants nothing else."""
    if row is None:
        return []
    return [("Room ", Room(row.external or "", row.name) if row.state == "open" else row.name)]


def _lines(context: Context, incident: Incident, suspects: list[Change]) -> list[Text]:
    who = context.name(incident.commander)
    lead = f", {who} leads" if who else ", nobody leads"
    lines: list[Text] = []
    if incident.merged_into is not None:
        lines.append((f"Merged into {ref(incident.merged_into)}: it goes on there.",))
    elif incident.status == "resolved" and incident.resolved_at is not None:
        ended, took = incident.resolved_at, duration(incident.resolved_at - incident.first_alert_at)
        lines.append(text("Resolved at ", Moment(ended), f" ({ago(ended, context.at)}), {took} after it began{lead}"))
    else:
        lines.append((f"{incident.status.capitalize()} for {duration(context.at - incident.status_since)}{lead}",))
    if incident.summary:
        lines.append((incident.summary,))
    if incident.alert_count:
        services = ", ".join(f"{name} {count:,}" for name, count in incident.services[:6])
        more = f" and {len(incident.services) - 6} more" if len(incident.services) > 6 else ""
        since = "since" if incident.firing_count else "the first at"
        lines.append(
            text(
                f"{counted(incident.alert_count, 'alert')}, {firing(incident)} firing, {since} ",
                Moment(incident.first_alert_at),
                f" ({ago(incident.first_alert_at, context.at)})",
            )
        )
        if services:
            lines.append((f"Services {services}{more}",))
    else:
        lines.append(text("Declared by ", context.name(incident.declared_by), " at ", Moment(incident.opened_at)))
        if incident.services:
            lines.append((f"Services {listed([name for name, _ in incident.services], 6)}",))
    if incident.update:
        told = incident.update
        due = text("; next due ", Moment(told.due)) if told.due is not None else ()
        lines.append(text("Last update ", Moment(told.at), f" by {context.name(told.by)}: {cut_text(told.text)}", *due))
    if incident.ticket:
        lines.append((ticket_link(incident.ticket),))
    if incident.roles:
        named = [f"{role} {context.name(who)}" for role, who in incident.roles]
        lines.append((f"Roles: {listed(named, 6)}",))
    if incident.cause:
        lines.append((f"Probably {incident.cause.service}: {incident.cause.words}",))
    if incident.exclusions:
        lines.append((f"Ruled out: {listed(incident.ruled_out, 6)}",))
    for change in suspects:
        gap = incident.first_alert_at - change.at
        when = f"{duration(abs(gap))} {'before' if gap >= 0 else 'after'}"
        author = author_name(context.services.catalog(), change)
        line = text(f"Suspect: {change_line(change)} by {author}, ", Moment(change.at), f" ({when})")
        lines.append((*line, " ", Link("the change", change.url)) if change.url else line)
    return lines


def _buttons(incident: Incident) -> tuple[Button, ...]:
    """What to press next: the card's button More leads here."""
    if incident.merged_into is not None:
        return ()
    first = {"open": "ack", "resolved": "reopen"}.get(incident.status, "")
    verbs = [*([first] if first else []), *MORE, *(("update", "severity") if incident.open else ())]
    return tuple(
        Button(
            label=LABELS.get(verb, verb.capitalize()),
            command=f"{verb} {incident.ref}",
            style="primary" if verb == "ack" else "default",
        )
        for verb in verbs
    )


VERB = Verb(
    name="show",
    aliases=("status", "info"),
    summary="One incident as it stands",
    family=Family.LOOK,
    scope=Scope.INCIDENT,
    examples=("show INC-42", "show"),
    reads=True,
    handler=show,
)
