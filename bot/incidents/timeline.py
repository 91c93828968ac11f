"""The timeline: what happened in an incident, append-only but for the note of a pin that was taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import MUSTER, Person
from bot.clock import duration
from bot.incidents.events import (
    Acknowledged,
    Cleared,
    CommanderTaken,
    Declared,
    Event,
    FiresAgain,
    Flapped,
    Joined,
    Merged,
    Noted,
    Renamed,
    Reopened,
    Resolved,
    RoleFreed,
    RoleGiven,
    RuledIn,
    RuledOut,
    SeverityChanged,
    Split,
    TicketLinked,
    Unacknowledged,
    Updated,
)
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Transaction

__all__ = [
    "NOTE",
    "OWNER",
    "SPREAD",
    "TICKET",
    "UPDATE",
    "Entry",
    "InvitedOwner",
    "append",
    "invited_owners",
    "pinned_messages",
    "pinned_note",
    "read",
    "record",
]

NOTE = "note"  # the kind of what people wrote on it
OWNER = "owner"  # the kind of the lines that say who was invited for which change
TICKET = "ticket"  # the kind of the lines that say where it is kept
UPDATE = "update"  # the kind of the lines that were told to stakeholders
SPREAD = "spread"  # the kind of the lines that say which services joined, when and why


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline; `kind` is one word (declared, acknowledged, note, page, runbook, ...), `actor` a person's id."""

    id: int
    at: float
    kind: str
    actor: str
    text: str
    data: dict[str, Any]


async def append(work: Transaction, incident: int, at: float, kind: str, actor: Person, text: str, **data: Any) -> None:
    """Write one line. `text` is a whole sentence that stands by itself in a retrospective."""
    await work.connection.execute(
        insert(tables.timeline).values(
            incident=incident, at=at, kind=kind, actor=actor.id, text=text, data_json=msgspec.json.encode(data).decode()
        )
    )
    work.announce("incident", number=incident)


async def read(
    connection: AsyncConnection, incident: int, *kinds: str, after: int = 0, limit: int = 10_000
) -> list[Entry]:
    """The incident's lines, or those of some kinds, in the order in which they were written."""
    query = (
        select(tables.timeline)
        .where(tables.timeline.c.incident == incident, tables.timeline.c.id > after)
        .order_by(tables.timeline.c.id)
        .limit(limit)
    )
    if kinds:
        query = query.where(tables.timeline.c.kind.in_(kinds))
    return [
        Entry(id=r.id, at=r.at, kind=r.kind, actor=r.actor, text=r.text, data=msgspec.json.decode(r.data_json))
        for r in await connection.execute(query)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitedOwner:
    """Who was invited for having made a change (both ids), and when."""

    person: str
    change: str
    at: float


async def invited_owners(connection: AsyncConnection, incident: int) -> list[InvitedOwner]:
    """The owners of changes who were brought in, in order."""
    return [
        InvitedOwner(person=str(entry.data["person"]), change=str(entry.data["change"]), at=entry.at)
        for entry in await read(connection, incident, OWNER)
        if "person" in entry.data
    ]


async def pinned_note(connection: AsyncConnection, incident: int, message: str) -> Entry | None:
    """The note that a pinned message is."""
    notes = await read(connection, incident, NOTE)
    return next((entry for entry in notes if entry.data.get("message") == message), None)


async def pinned_messages(connection: AsyncConnection, incident: int) -> set[str]:
    """The messages that are notes."""
    return {str(one.data["message"]) for one in await read(connection, incident, NOTE) if "message" in one.data}


async def _withdraw(work: Transaction, incident: int, message: str) -> None:
    found = await pinned_note(work.connection, incident, message)
    if found is not None:
        await work.connection.execute(delete(tables.timeline).where(tables.timeline.c.id == found.id))
        work.announce("incident", number=incident)


async def record(work: Transaction, incident: Incident, event: Event, at: float) -> None:
    """The reaction that writes events down."""
    if isinstance(event, Noted) and event.withdrawn:
        await _withdraw(work, incident.number, event.message)
    line = _line(incident, event, at)
    if line is not None:
        kind, actor, words = line
        data: dict[str, Any] = {"message": event.message} if isinstance(event, Noted) and event.message else {}
        if isinstance(event, TicketLinked):
            data = {"url": event.url, "before": event.before}
        if isinstance(event, Joined):
            data = {
                "services": event.new_services,
                "words": event.words,
                "before": max(0, incident.alert_count - event.alerts),
            }
        await append(work, incident.number, at, kind, actor, words, **data)


def _line(incident: Incident, event: Event, at: float) -> tuple[str, Person, str] | None:
    match event:
        case Declared(by=by):
            return "declared", by, f"Declared {incident.severity}: {incident.title}"
        case Joined(alerts=alerts, new_services=services, words=words) if services:
            return SPREAD, MUSTER, f"Spread to {', '.join(services)} ({_more(alerts)}). {words}"
        case Acknowledged(by=by, note=note):
            return "acknowledged", by, f"Acknowledged by {by.name}{f': {note}' if note else ''}"
        case Unacknowledged(by=by):
            return "unacknowledged", by, f"{by.name} gave it back"
        case Cleared(alerts=alerts):
            return "cleared", MUSTER, f"All {alerts} alerts cleared" if alerts > 1 else "The alert cleared"
        case FiresAgain(words=words):
            return "fires_again", MUSTER, f"{words[:1].upper()}{words[1:]} after all had cleared"
        case Flapped(alerts=alerts, over=over, first=first) if first or over:
            return "flapping", MUSTER, f"{'; '.join(alerts)}{' until it settled' if over else ''}"
        case Resolved(by=by, summary=summary):
            took = duration(at - incident.first_alert_at)
            return "resolved", by, f"Resolved by {by.name} after {took}{f': {summary}' if summary else ''}"
        case Reopened(by=by, why=why):
            return "reopened", by, f"Reopened by {by.name}{f': {why}' if why else ''}"
        case SeverityChanged(by=by, before=before, why=why):
            return "severity", by, f"Severity {before} -> {incident.severity}{f': {why}' if why else ''}"
        case Renamed(by=by, before=before):
            return "renamed", by, f"Renamed from: {before}"
        case Noted(by=by, note=note, withdrawn=False):
            return NOTE, by, note
        case TicketLinked(by=by, url=url, before=before):
            return TICKET, by, f"Ticket: {url}" if url else f"Ticket taken off: {before}"
        case CommanderTaken(by=by, commander=commander):
            return "commander", by, f"{commander.name} leads"
        case Updated(by=by, text=text):
            return UPDATE, by, text
        case RoleGiven(by=by, role=role, person=person):
            return "role", by, f"{person.name} has the role {role}"
        case RoleFreed(by=by, role=role):
            return "role", by, f"Nobody has the role {role} any more"
        case RuledOut(by=by, service=service, reason=reason):
            return "ruled_out", by, f"Ruled out {service}{f': {reason}' if reason else ''}"
        case RuledIn(by=by, service=service):
            return "ruled_in", by, f"{service} may be the cause after all"
        case Merged(by=by, other=other, into=into, why=why):
            what = f"Merged into {ref(other)}" if into else f"Took in {ref(other)}"
            return "merged", by, f"{what}: {why}" if why else what
        case Split(by=by, other=other, alerts=alerts):
            count = "1 alert" if alerts == 1 else f"{alerts} alerts"
            return "split", by, f"{count} split off into {ref(other)}"
        case _:
            return None


def _more(alerts: int) -> str:
    return "1 more alert" if alerts == 1 else f"{alerts} more alerts"
