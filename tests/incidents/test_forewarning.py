"""A room is told, once, that its incident begins like a bad one of the past."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update

from bot.catalog.catalog import Catalog
from bot.chat.views import Notice, Person, decode_view, plain
from bot.clock import ManualClock
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.forewarning import Forewarning
from bot.incidents.history import History
from bot.storage import tables
from bot.storage.database import Database
from tests import sqlite
from tests.incidents.past import DAY, MAIL, OUTAGE, happened, over, run
from tests.rows import alert_row


@dataclass(kw_only=True)
class Room:
    clock: ManualClock
    database: Database
    forewarning: Forewarning

    async def told(self) -> list[str]:
        """All that rooms were told."""
        query = (
            select(tables.effects.c.payload_json).where(tables.effects.c.kind == "post").order_by(tables.effects.c.id)
        )
        async with self.database.reading() as connection:
            payloads = (await connection.execute(query)).scalars().all()
        views = [decode_view(msgspec.json.decode(payload)["view"]) for payload in payloads]
        return ["\n".join(plain(line) for line in (v.text, *v.details)) for v in views if isinstance(v, Notice)]

    async def usual(self, count: int = 6) -> None:
        """Other incidents, which are nothing like it."""
        for day in range(count):
            await over(self.database, self.clock.now() - (40 + day) * DAY, MAIL, severity="SEV3")

    async def now(self, count: int = 3) -> int:
        return await happened(self.database, self.clock.now() - 400.0, OUTAGE[:count], firing_count=count)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with opened(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Room]:
    database = await Database.open(sqlite.url(folder))
    clock = ManualClock()
    announcements = Announcements(["console"], Catalog.empty, lambda key: Person(key, key))
    try:
        history = History(database)
        yield Room(clock=clock, database=database, forewarning=Forewarning(database, clock, history, announcements))
    finally:
        await database.close()


async def test_the_room_is_told_what_that_one_went_on_to_and_what_helped(room: Room) -> None:
    await room.usual()
    bad = await over(room.database, room.clock.now() - 9 * DAY, OUTAGE, lasted=10_800.0, title="payments outage")
    await run(room.database, bad, "restart-checkout", helped=True)
    number = await room.now()
    await room.forewarning.look()
    (told,) = await room.told()
    assert told.splitlines() == [
        "This begins like INC-7 (payments outage, 3 h): that one went on to checkout 20 min later.",
        "All of its first 3 kinds of alerts are here, in the same order. Whether it goes on so, nobody knows.",
        "restart-checkout helped then: /incident runbook run restart-checkout",
        "How it ended: /incident show INC-7",
    ]
    async with room.database.reading() as connection:
        lines = await timeline.read(connection, number)
    assert [(line.kind, line.text) for line in lines] == [("precedent", "Begins like INC-7 (payments outage)")]


async def test_without_a_runbook_the_incident_itself_is_where_to_look(room: Room) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE, lasted=10_800.0)
    await room.now()
    await room.forewarning.look()
    assert (await room.told())[0].endswith("What helped then: /incident show INC-7")


async def test_it_is_told_once_also_after_a_restart(room: Room, tmp_path: Path) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE)
    number = await room.now()
    await room.forewarning.look()
    async with room.database.transaction() as work:
        await work.connection.execute(
            update(tables.incidents).where(tables.incidents.c.number == number).values(alert_count=9)
        )
    await room.forewarning.look()
    async with opened(tmp_path) as again:
        await again.forewarning.look()
        assert len(await again.told()) == 1


async def test_it_is_told_when_the_incident_has_grown_so_far(room: Room) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE)
    number = await room.now(2)
    await room.forewarning.look()
    assert await room.told() == []
    async with room.database.transaction() as work:
        at = room.clock.now() - 100.0
        row = alert_row(
            900, at, **{"class": "errors"}, service="payments-api", name="HighErrors", group_id=f"G{number}"
        )
        await work.connection.execute(insert(tables.alerts).values(row))
        await work.connection.execute(
            update(tables.incidents).where(tables.incidents.c.number == number).values(alert_count=3)
        )
    await room.forewarning.look()
    assert len(await room.told()) == 1


@pytest.mark.parametrize(
    "past",
    [{"severity": "SEV3"}, {"acknowledged_by": None}, {"private": True}],
    ids=["mild", "nobody took it", "private"],
)
async def test_only_what_was_bad_and_everybody_may_know_is_warned_of(room: Room, past: dict[str, Any]) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE, **past)
    await room.now()
    await room.forewarning.look()
    assert await room.told() == []


async def test_what_begins_so_every_week_and_ends_well_is_no_warning(room: Room) -> None:
    for week in range(10):
        await over(room.database, room.clock.now() - (7 * week + 20) * DAY, OUTAGE[:3], severity="SEV4")
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE)
    await room.now()
    await room.forewarning.look()
    assert await room.told() == []


async def test_what_has_all_of_it_already_needs_no_warning(room: Room) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE)
    await room.now(4)
    await room.forewarning.look()
    assert await room.told() == []


async def test_what_is_over_or_old_is_left_alone(room: Room) -> None:
    await room.usual()
    await over(room.database, room.clock.now() - 9 * DAY, OUTAGE)
    await over(room.database, room.clock.now() - 3_000.0, OUTAGE[:3])
    await happened(room.database, room.clock.now() - 8 * 3_600.0, OUTAGE[:3])
    await room.forewarning.look()
    assert await room.told() == []
