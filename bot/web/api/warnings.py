"""Early warnings: what began like a bad incident of the past, whether people were told, and what came of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from bot.incidents import early
from bot.incidents.early_words import Warned
from bot.incidents.reference import ref
from bot.web.api.shapes import Time, incident_number, maybe, reference, utc
from bot.web.operations import Call, Operation, operation
from bot.web.paging import Listing, Paged, after, cursor

__all__ = ["OPERATIONS"]


class Step(msgspec.Struct, kw_only=True):
    """A kind of alert, and how many seconds after the first one it came then."""

    what: str
    service: str
    after: float


class Warning(msgspec.Struct, kw_only=True):  # noqa: A001 - the noun of the API
    """An early warning. `like` is what it begins like: `matched` of the first `expected` kinds of alerts are here (`taken`).

    `lead`: seconds from there until that one had its room, null when it had one; `times` such a beginning was seen before,
    that one included, `without` an incident so many of them. `told_at` is null for what was kept back, and `kept` says why.
    `came`: null until it is known; `incident` is what was open already, or what it became.
    """

    id: str
    at: Time
    told_at: Time | None
    kept: str
    environment: str
    location: str
    like: str
    matched: int
    expected: int
    taken: list[Step]
    ahead: list[Step]
    lead: float | None
    until: Time
    reasons: list[str]
    times: int
    without: int
    came: bool | None
    incident: str | None


class ListWarnings(Paged, kw_only=True, forbid_unknown_fields=True):
    incident: Annotated[str, Meta(max_length=40, description="only of what became this incident: INC-42")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


@operation(
    "GET",
    "/api/v1/warnings",
    summary="Early warnings, newest first",
    query=ListWarnings,
    returns=Listing[Warning],
    errors=(404,),
)
async def list_warnings(call: Call[ListWarnings, None]) -> Listing[Warning]:
    key = after(call.query.cursor, tuple[int])
    incident = None if call.query.incident is msgspec.UNSET else incident_number(call.query.incident)
    async with call.web.parts.database.reading() as connection:
        found = await early.listing(
            connection, incident=incident, before=key[0] if key else None, limit=call.query.limit + 1
        )
    shown = found[: call.query.limit]
    items = [_warning_json(one) for one in shown]
    return Listing(items=items, next=cursor(shown[-1].id) if len(found) > len(shown) else None)


def _warning_json(one: Warned) -> Warning:
    return Warning(
        id=one.ref,
        at=utc(one.at),
        told_at=maybe(one.told_at),
        kept=one.kept,
        environment=one.environment,
        location=one.location,
        like=ref(one.past),
        matched=one.matched,
        expected=one.expected,
        taken=[Step(what=step.what, service=step.service, after=step.after) for step in one.taken],
        ahead=[Step(what=step.what, service=step.service, after=step.after) for step in one.ahead],
        lead=one.lead,
        until=utc(one.until),
        reasons=list(one.reasons),
        times=one.times,
        without=one.without,
        came=one.came,
        incident=reference(one.incident),
    )


OPERATIONS: tuple[Operation, ...] = (list_warnings,)
