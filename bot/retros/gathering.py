"""Gathers a retrospective from the tables: what is still there, in values that stand by themselves. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.changes import ledger
from bot.incidents import store, timeline
from bot.incidents.model import Incident, Names
from bot.retros.figures import Moments, figures
from bot.retros.model import Excluded, Line, Paged, Participant, Retro, Run, Said, ServiceAlerts, SuspectChange
from bot.runbooks import store as runs
from bot.storage import tables
from correlation.alert import Change, Severity

__all__ = ["Authors", "gather"]

TRANSCRIPT = 20_000  # messages, the newest; a long incident has some hundreds

Authors = Callable[[Change], str]
"""The name of whoever made a change."""


async def gather(connection: AsyncConnection, number: int, at: float, *, name: Names, author: Authors) -> Retro:
    """What there is to tell of an incident now; `name` is of a person's id. NotFound when there is no such incident."""
    incident = await store.load(connection, number)
    merged = await _merged_into(connection, number)
    lines = sorted(await timeline.read(connection, number), key=lambda line: line.at)  # some were heard of late
    names = {row.person: row.name for row in await store.participants(connection, number)}

    def called(person: str) -> str:
        return names.get(person) or name(person)

    acknowledged = min((line.at for line in lines if line.kind == "acknowledged"), default=incident.acknowledged_at)
    moments = Moments(
        declared_at=incident.opened_at,
        first_alert_at=incident.first_alert_at if incident.alert_count else None,
        acknowledged_at=acknowledged,
        mitigated_at=incident.mitigated_at,
        cleared_at=incident.cleared_at,
        resolved_at=incident.resolved_at,
        reopened=sum(line.kind == "reopened" for line in lines),
    )
    return Retro(
        number=number,
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        environment=incident.environment,
        location=incident.location,
        summary=incident.summary,
        ticket=incident.ticket,
        opened_at=incident.opened_at,
        first_alert_at=incident.first_alert_at,
        acknowledged_at=acknowledged,
        resolved_at=incident.resolved_at,
        commander=called(incident.commander) if incident.commander else "",
        alert_count=incident.alert_count,
        cause=incident.cause.service if incident.cause else "",
        cause_words=incident.cause.words if incident.cause else "",
        ruled_out=tuple(
            Excluded(service=one.service, by=called(one.by), reason=one.reason) for one in incident.exclusions
        ),
        merged=merged,
        figures=figures(moments),
        services=await _services(connection, incident),
        suspects=await _suspects(connection, incident, author),
        timeline=tuple(Line(at=line.at, kind=line.kind, actor=called(line.actor), text=line.text) for line in lines),
        people=await _people(connection, incident),
        pages=await _pages(connection, number, called),
        runs=await _runs(connection, number, called),
        transcript=await _transcript(connection, (number, *merged)),
        updated_at=at,
    )


async def _merged_into(connection: AsyncConnection, number: int) -> tuple[int, ...]:
    i = tables.incidents.c
    query = select(i.number).where(i.merged_into == number).order_by(i.number)
    return tuple((await connection.execute(query)).scalars())


async def _services(connection: AsyncConnection, incident: Incident) -> tuple[ServiceAlerts, ...]:
    a, g = tables.alerts.c, tables.groups.c
    rank = case({severity.value: severity.rank for severity in Severity}, value=a.severity, else_=len(Severity))
    query = (
        select(
            a.service,
            func.count().label("alerts"),
            func.sum(a.count).label("firings"),
            func.min(rank).label("worst"),
            func.min(a.settled_at).label("first"),
            func.max(a.last_seen).label("last"),
        )
        .join(tables.groups, a.group_id == g.id)
        .where(g.incident == incident.number)
        .group_by(a.service)
    )
    severities = tuple(Severity)
    found = [
        ServiceAlerts(
            service=row.service,
            alerts=row.alerts,
            firings=int(row.firings),
            worst=severities[row.worst].value if row.worst < len(severities) else "",
            first_at=row.first,
            last_at=row.last,
        )
        for row in await connection.execute(query)
    ]
    if sum(one.alerts for one in found) < incident.alert_count:  # some are forgotten; the incident remembers how many
        found = [ServiceAlerts(service=service, alerts=count) for service, count in incident.services]
    return tuple(sorted(found, key=lambda one: (-one.alerts, one.service)))


async def _suspects(connection: AsyncConnection, incident: Incident, author: Authors) -> tuple[SuspectChange, ...]:
    known = {change.id: change for change in await ledger.many(connection, [s.change for s in incident.suspects])}
    found = []
    for suspect in incident.suspects:
        change = known.get(suspect.change)
        if change is None:
            found.append(SuspectChange(id=suspect.change, reasons=suspect.reasons))
            continue
        found.append(
            SuspectChange(
                id=change.id,
                at=change.at,
                kind=change.kind,
                service=change.service,
                title=change.title,
                revision=change.revision,
                url=change.url,
                author=author(change),
                reasons=suspect.reasons,
            )
        )
    return tuple(found)


async def _people(connection: AsyncConnection, incident: Incident) -> tuple[Participant, ...]:
    return tuple(
        Participant(
            id=row.person,
            name=row.name,
            role=_role(incident, row.person),
            joined_at=row.joined_at,
            why=row.why,
        )
        for row in await store.participants(connection, incident.number)
    )


def _role(incident: Incident, person: str) -> str:
    """`incident commander, scribe`"""
    leads = ["incident commander"] if person == incident.commander else []
    return ", ".join([*leads, *(role for role, who in incident.roles if who == person)]) or "responder"


async def _pages(connection: AsyncConnection, number: int, name: Names) -> tuple[Paged, ...]:
    query = select(tables.pages).where(tables.pages.c.incident == number).order_by(tables.pages.c.id)
    return tuple(
        Paged(
            number=row.id,
            name=name(row.person),
            why=row.why,
            state=row.state,
            created_at=row.created_at,
            sent_at=row.sent_at,
            answered_at=row.answered_at,
        )
        for row in await connection.execute(query)
    )


async def _runs(connection: AsyncConnection, number: int, name: Names) -> tuple[Run, ...]:
    return tuple(
        Run(
            number=run.id,
            runbook=run.runbook,
            parameters=dict(run.parameters),
            requested_by=name(run.requested_by),
            requested_at=run.requested_at,
            approved_by=tuple(name(one.person) for one in run.decisions if one.approved),
            state=run.state,
            started_at=run.started_at,
            finished_at=run.finished_at,
            outcome=run.outcome,
            output=run.output,
            helped=run.helped,
        )
        for run in await runs.of_incident(connection, number)
    )


async def _transcript(connection: AsyncConnection, incidents: Sequence[int]) -> tuple[Said, ...]:
    """What was said in the rooms of these incidents, in order. Cards are left out: they show a state, nobody says them."""
    m, r, o = tables.messages.c, tables.console_rooms.c, tables.rooms.c
    elsewhere = select(o.platform + ":" + o.external).where(o.incident.in_(incidents), o.external.is_not(None))
    rooms = select(r.id).where(r.incident.in_(incidents), r.kind == "incident").union(elsewhere)
    spoken = or_(m.view_json.is_(None), m.view_json.not_like('{"view":"card"%'))
    query = (
        select(tables.messages)
        .where(m.room.in_(rooms), spoken, m.taken_back_at.is_(None))
        .order_by(m.id.desc())
        .limit(TRANSCRIPT)
    )
    found = [
        Said(
            id=row.id,
            at=row.at,
            name=row.author_name,
            by_person=row.author_kind == "person",
            text=row.text,
            edited_at=row.edited_at,
        )
        for row in await connection.execute(query)
    ]
    return tuple(sorted(found, key=lambda said: (said.at, said.id)))
