"""The executors that every incident has: what the state, read again, still wants, and what can never arrive."""

import pytest

from bot.chat.console import ConsoleGateway
from bot.chat.gateway import RoomRequest
from bot.errors import Permanent
from bot.storage import tables
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, ROBIN, world


async def test_a_reopened_incident_has_its_room_back(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        await w.incidents.resolve(1, MIKA)
        async with w.database.transaction() as work:
            await w.announcements.archive(work, 1, w.clock.now())
        await w.settle()
        assert [room.archived for room in await w.rows(tables.console_rooms)] == [True]
        await w.incidents.reopen(1, ROBIN)
        await w.settle()
        assert [room.archived for room in await w.rows(tables.console_rooms)] == [False]
        assert [room.state for room in await w.rows(tables.rooms)] == ["open"]


async def test_an_incident_that_was_reopened_meanwhile_keeps_its_room_open(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        await w.incidents.resolve(1, MIKA)
        async with w.database.transaction() as work:
            await w.announcements.archive(work, 1, w.clock.now())
        await w.incidents.reopen(1, ROBIN)
        await w.settle()
        assert [room.archived for room in await w.rows(tables.console_rooms)] == [False]


async def test_where_no_room_can_be_opened_nothing_waits_for_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url) as w:

        async def refused(_gateway: ConsoleGateway, _request: RoomRequest) -> str:
            raise Permanent("rooms may not be made here")

        monkeypatch.setattr(ConsoleGateway, "open_room", refused)
        await w.post(alert())
        await w.settle()
        assert {row.state for row in await w.rows(tables.effects)} == {"dead"}
