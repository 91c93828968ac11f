"""The executors that every incident has: what the state, read again, still wants, and what can never arrive."""

import pytest

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat.console import ConsoleGateway
from bot.chat.gateway import RoomRequest
from bot.errors import Permanent
from bot.incidents import store, timeline
from bot.incidents.effects import RoomEffects
from bot.incidents.parts import Suspect
from bot.incidents.pictures import CARD_PICTURE, WORTH, Pictures
from bot.storage import tables
from correlation.alert import Change
from tests.drawn import drawn_here
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, ROBIN, person, world


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


async def test_the_card_knows_who_was_invited_for_a_change(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        at = w.clock.now()
        async with w.database.transaction() as work:
            await ledger.record(work, [Change(id="d1", at=at - 60, title="", service="web", author_name="Robin Vos")])
            incident = await store.load(work.connection, 1)
            incident.suspects = [Suspect(change="d1", score=0.9, reasons=())]
            await store.save(work, incident)
        await w.incidents.acknowledge(1, MIKA)
        w.clock.advance(5)  # edits keep a pace
        await w.settle()
        [card] = [words for words in await w.said() if "Next: " in words]
        assert "Next: Ask who changed it" in card
        async with w.database.transaction() as work:
            words = "Mika Laine invited Robin Vos"
            await timeline.append(work, 1, at, timeline.OWNER, MIKA, words, person="robin", change="d1")
            await w.announcements.refresh_card(work, 1, at)
        w.clock.advance(5)
        await w.settle()
        [card] = [words for words in await w.said() if "Next: " in words]
        assert "Next: Robin Vos was invited. What could help: /incident runbook" in card


async def test_no_picture_is_drawn_for_our_own_rooms_which_have_a_live_one_beside_them(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        rooms = RoomEffects(
            w.database,
            w.clock,
            catalog=Catalog.empty,
            person=person,
            author=lambda change: change.author_name,
            pictures=Pictures(w.database, w.clock, Catalog.empty, drawn_here),
        )
        w.relay._executors = rooms.executors()
        await w.post(*[alert(host=f"checkout-{n}") for n in range(2 * WORTH)])
        await w.settle()
        assert [incident.alert_count for incident in await w.all_incidents()] == [2 * WORTH]
        assert CARD_PICTURE not in [timer.kind for timer in await w.rows(tables.timers)]
