"""What a page needs to begin: who there is, what there is, which version answers."""

from __future__ import annotations

import msgspec

from bot.web.api.shapes import Time, utc
from bot.web.operations import Call, Operation, operation

__all__ = ["OPERATIONS"]


class Somebody(msgspec.Struct, kw_only=True):
    """A person of the catalogue."""

    id: str
    name: str
    timezone: str
    email: str


class Session(msgspec.Struct, kw_only=True):
    """Where one is; `loopback` says that only this machine can be."""

    people: list[Somebody]
    teams: list[str]
    services: list[str]
    version: str
    demo: bool
    server_time: Time
    loopback: bool


@operation("GET", "/api/v1/session", summary="People, teams, services and the version", returns=Session)
async def show_session(call: Call[None, None]) -> Session:
    parts = call.web.parts
    catalog = parts.catalog()
    people = sorted(catalog.people.values(), key=lambda person: (person.name.casefold(), person.id))
    return Session(
        people=[Somebody(id=p.id, name=p.name, timezone=p.timezone, email=p.email) for p in people],
        teams=sorted(catalog.teams),
        services=sorted(catalog.services),
        version=parts.version,
        demo=parts.demo,
        server_time=utc(parts.clock.now()),
        loopback=not call.web.guard.asks(call.request),
    )


OPERATIONS: tuple[Operation, ...] = (show_session,)
