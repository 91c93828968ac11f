"""Changes: what people and machines changed on purpose, and how suspect an incident finds it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Row, select, tuple_

from bot.incidents import store
from bot.storage.tables import changes
from bot.web.api.shapes import Author, Time, incident_number, utc
from bot.web.operations import Call, Operation, operation
from bot.web.paging import Listing, Paged, after, cursor

__all__ = ["OPERATIONS"]


class Change(msgspec.Struct, kw_only=True):
    """A change. `rank` and `reasons` say how suspect it is for the incident that was asked for; null and [] otherwise."""

    id: str
    at: Time
    service: str
    kind: Literal["deploy", "flag", "config", "migration"]
    title: str
    revision: str
    url: str
    environment: str
    status: Literal["started", "succeeded", "failed", "rolled_back"]
    repository: str
    author: Author
    source: str
    rank: int | None
    reasons: list[str]


class ListChanges(Paged, kw_only=True, forbid_unknown_fields=True):
    service: Annotated[str, Meta(max_length=300)] | msgspec.UnsetType = msgspec.UNSET
    incident: (
        Annotated[str, Meta(max_length=40, description="only what this incident suspects: INC-42")] | msgspec.UnsetType
    ) = msgspec.UNSET


@operation(
    "GET", "/api/v1/changes", summary="Changes, newest first", query=ListChanges, returns=Listing[Change], errors=(404,)
)
async def list_changes(call: Call[ListChanges, None]) -> Listing[Change]:
    c = changes.c
    key = after(call.query.cursor, tuple[float, str])
    query = select(changes).order_by(c.at.desc(), c.id.desc()).limit(call.query.limit + 1)
    if key:
        query = query.where(tuple_(c.at, c.id) < tuple_(*key))
    if call.query.service is not msgspec.UNSET:
        query = query.where(c.service == call.query.service)
    reasons: dict[str, tuple[int, list[str]]] = {}
    async with call.web.parts.database.reading() as connection:
        if call.query.incident is not msgspec.UNSET:
            incident = await store.load(connection, incident_number(call.query.incident))
            reasons = {s.change: (rank, list(s.reasons)) for rank, s in enumerate(incident.suspects, start=1)}
            query = query.where(c.id.in_(reasons))
        rows = (await connection.execute(query)).all()
    shown = rows[: call.query.limit]
    items = [_change_json(row, *reasons.get(row.id, (None, []))) for row in shown]
    return Listing(items=items, next=cursor(shown[-1].at, shown[-1].id) if len(rows) > len(shown) else None)


def _change_json(row: Row[Any], rank: int | None, reasons: list[str]) -> Change:
    return Change(
        id=row.id,
        at=utc(row.at),
        service=row.service,
        kind=row.kind,
        title=row.title,
        revision=row.revision,
        url=row.url,
        environment=row.environment,
        status=row.status,
        repository=row.repository,
        author=Author(name=row.author_name, email=row.author_email, login=row.author_login),
        source=row.source,
        rank=rank,
        reasons=reasons,
    )


OPERATIONS: tuple[Operation, ...] = (list_changes,)
