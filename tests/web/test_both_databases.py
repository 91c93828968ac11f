"""What the web asks is answered alike by SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.console import ConsoleConversation
from bot.clock import ManualClock
from bot.storage.database import Database
from bot.web import WebParts
from tests.chat.gateway_contract import card, request
from tests.web.conftest import serve
from tests.web.test_api import outage

PATHS = (
    "/api/v1/rooms?as=robin&limit=1",
    "/api/v1/incidents?status=active",
    "/api/v1/incidents/INC-1/timeline?limit=2",
    "/api/v1/incidents/INC-1/alerts?limit=2",
    "/api/v1/incidents/INC-1/evidence",
    "/api/v1/incidents/INC-1/lanes",
    "/api/v1/incidents/INC-1/graph",
    "/api/v1/alerts?held=true",
    "/api/v1/changes?incident=INC-1",
    "/api/v1/warnings?incident=INC-1&limit=1",
    "/api/v1/changes?limit=1&cursor=WzE3Njc2MDI4MjEuMCwieiJd",
    "/api/v1/lanes?minutes=60",
    "/api/v1/graph",
    "/api/v1/stats",
    "/api/v1/rooms/inc-1/messages?limit=1",
)


async def answers(parts: WebParts, clock: ManualClock, database: Database) -> dict[str, object]:
    mine = replace(parts, database=database, conversation=ConsoleConversation(database, clock))
    async with serve(mine, clock) as site:
        await outage(site)
        room = await site.gateway.open_room(request(1, name="inc-1"))
        await site.gateway.post(room, card(), nonce="card")
        await site.post(f"/api/v1/rooms/{room}/messages", {"as": "robin", "text": "looking"})
        first = await site.get("/api/v1/rooms?limit=1")
        return {
            **{path: await site.get(path) for path in PATHS},
            "second page of rooms": await site.get("/api/v1/rooms", cursor=first["next"] or "WzAuMCwiIl0"),
            "ready": await site.get("/readyz?"),
        }


async def test_every_answer_is_the_same(
    parts: WebParts, clock: ManualClock, sqlite: Database, postgres_url: str
) -> None:
    postgres = await Database.open(postgres_url)
    try:
        there = await answers(parts, clock, postgres)
    finally:
        await postgres.close()
    here = await answers(parts, clock, sqlite)
    assert there.pop("ready") != here.pop("ready")  # it says which database it is
    assert there == here
