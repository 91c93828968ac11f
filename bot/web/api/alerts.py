"""Alerts, why they were grouped as they were, and what was refused at the door."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from bot.incidents import store
from bot.storage.tables import alerts, groups
from bot.web.api.shapes import INCIDENT_WORDS, Time, incident_number, maybe, reference, utc
from bot.web.operations import Call, Operation, operation
from bot.web.paging import Limit, Listing, Paged, after, cursor

__all__ = ["OPERATIONS"]

BODY_SHOWN = 2_000  # characters of a refused body


class Alert(msgspec.Struct, kw_only=True, rename={"class_": "class"}):
    """An alert: the generic source's fields, and what became of it. `held` is why no incident has it, else ""."""

    id: str
    at: Time
    status: Literal["firing", "resolved"]
    name: str
    class_: str
    severity: Literal["critical", "error", "warning", "info"]
    service: str
    host: str
    location: str
    environment: str
    summary: str
    labels: dict[str, str]
    links: list[str]
    dedup_key: str
    source: str
    fingerprint: str
    count: int
    first_seen: Time
    last_seen: Time
    began_at: Time
    resolved_at: Time | None
    incident: str | None
    held: str
    reason: str


class Term(msgspec.Struct, kw_only=True):
    """One reason to group, from 0 (speaks against) to 1."""

    term: str
    score: float
    words: str


class Evidence(msgspec.Struct, kw_only=True):
    """Why an alert is in its incident."""

    alert: str
    at: Time
    name: str
    service: str
    decision: Literal["opened", "joined"]
    words: str
    terms: list[Term]


class Delivery(msgspec.Struct, kw_only=True):
    """A delivery that was refused: why, and where in it."""

    id: int
    source: str
    received_at: Time
    state: Literal["rejected"]
    reason: str
    path: str
    headers: dict[str, str]
    body: str


class ListAlerts(Paged, kw_only=True, forbid_unknown_fields=True):
    incident: Annotated[str, Meta(max_length=40, description="of this incident: INC-42")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    held: (
        Annotated[bool, Meta(description="only those that no incident has, or only the others")] | msgspec.UnsetType
    ) = msgspec.UNSET
    status: Literal["firing", "resolved"] | msgspec.UnsetType = msgspec.UNSET


class ListDeliveries(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    state: Annotated[Literal["rejected"], Meta(description="accepted ones have become alerts and changes")] = "rejected"
    cursor: Annotated[str, Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 50


@operation(
    "GET", "/api/v1/alerts", summary="Alerts, newest first", query=ListAlerts, returns=Listing[Alert], errors=(404,)
)
async def list_alerts(call: Call[ListAlerts, None]) -> Listing[Alert]:
    wanted: list[ColumnElement[bool]] = []
    if call.query.incident is not msgspec.UNSET:
        wanted.append(groups.c.incident == incident_number(call.query.incident))
    if call.query.held is not msgspec.UNSET:
        wanted.append(groups.c.incident.is_(None) if call.query.held else groups.c.incident.is_not(None))
    if call.query.status is not msgspec.UNSET:
        wanted.append(alerts.c.status == call.query.status)
    return await _page(call, call.query, wanted)


@operation(
    "GET",
    "/api/v1/incidents/{incident}/alerts",
    summary="The incident's alerts, newest first",
    query=Paged,
    returns=Listing[Alert],
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def list_incident_alerts(call: Call[Paged, None]) -> Listing[Alert]:
    return await _page(call, call.query, [groups.c.incident == await _existing(call)])


@operation(
    "GET",
    "/api/v1/incidents/{incident}/evidence",
    summary="Why its alerts were grouped, in order",
    query=Paged,
    returns=Listing[Evidence],
    errors=(404,),
    path_words=INCIDENT_WORDS,
)
async def show_evidence(call: Call[Paged, None]) -> Listing[Evidence]:
    number = await _existing(call)
    key = after(call.query.cursor, tuple[float, int])
    order = (alerts.c.settled_at, alerts.c.id)
    query = _alerts().where(groups.c.incident == number).order_by(*order).limit(call.query.limit + 1)
    if key:
        query = query.where(tuple_(*order) > tuple_(*key))
    async with call.web.parts.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    shown = rows[: call.query.limit]
    items = [
        Evidence(
            alert=f"A{row.id}",
            at=utc(row.settled_at),
            name=row.name,
            service=row.service,
            decision="joined" if (terms := msgspec.json.decode(row.evidence_json, type=list[Term])) else "opened",
            words=store.told_reason(row.reason, row.muted),
            terms=terms,
        )
        for row in shown
    ]
    last = cursor(shown[-1].settled_at, shown[-1].id) if len(rows) > len(shown) else None
    return Listing(items=items, next=last)


@operation(
    "GET",
    "/api/v1/deliveries",
    summary="Deliveries that were refused, newest first",
    query=ListDeliveries,
    returns=Listing[Delivery],
)
async def list_deliveries(call: Call[ListDeliveries, None]) -> Listing[Delivery]:
    key = after(call.query.cursor, tuple[int])
    found = await call.web.parts.journal.rejected(before=key[0] if key else None, limit=call.query.limit + 1)
    items = [
        Delivery(
            id=refused.id,
            source=refused.source,
            received_at=utc(refused.received_at),
            state="rejected",
            reason=refused.reason,
            path=refused.path,
            headers=refused.headers,
            body=refused.body[: 4 * BODY_SHOWN].decode(errors="replace")[:BODY_SHOWN],
        )
        for refused in found[: call.query.limit]
    ]
    return Listing(items=items, next=cursor(items[-1].id) if len(found) > len(items) else None)


async def _existing(call: Call[Any, Any]) -> int:
    async with call.web.parts.database.reading() as connection:
        return (await store.load(connection, incident_number(call.path["incident"]))).number


def _alerts() -> Select[Any]:
    return select(alerts, groups.c.incident).outerjoin(groups, alerts.c.group_id == groups.c.id)


async def _page(call: Call[Any, Any], paged: Paged, wanted: list[ColumnElement[bool]]) -> Listing[Alert]:
    key = after(paged.cursor, tuple[int])
    if key:
        wanted = [*wanted, alerts.c.id < key[0]]
    query = _alerts().where(*wanted).order_by(alerts.c.id.desc()).limit(paged.limit + 1)
    async with call.web.parts.database.reading() as connection:
        rows = (await connection.execute(query)).all()
    shown = rows[: paged.limit]
    return Listing(
        items=[_alert_json(row) for row in shown], next=cursor(shown[-1].id) if len(rows) > len(shown) else None
    )


def _alert_json(row: Row[Any]) -> Alert:
    return Alert(
        id=f"A{row.id}",
        at=utc(row.first_seen),
        status=row.status,
        name=row.name,
        class_=row._mapping["class"],
        severity=row.severity,
        service=row.service,
        host=row.host,
        location=row.location,
        environment=row.environment,
        summary=row.summary,
        labels=dict(msgspec.json.decode(row.labels_json)),
        links=msgspec.json.decode(row.links_json, type=list[str]),
        dedup_key=row.dedup_key,
        source=row.source,
        fingerprint=row.fingerprint,
        count=row._mapping["count"],  # a row is a tuple, which has a method of that name
        first_seen=utc(row.first_seen),
        last_seen=utc(row.last_seen),
        began_at=utc(row.began_at),
        resolved_at=maybe(row.resolved_at),
        incident=reference(row.incident),
        held="" if row.incident is not None else store.held_words(row.held, row.reason, over=row.status != "firing"),
        reason=row.reason if row.incident is None else store.told_reason(row.reason, row.muted),
    )


OPERATIONS: tuple[Operation, ...] = (list_alerts, list_incident_alerts, show_evidence, list_deliveries)
