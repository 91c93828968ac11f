"""Who comes and goes: each move is a line once, in whatever order and however often it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.views import Person
from bot.incidents import attendance, store, timeline
from bot.incidents.model import Incident
from bot.storage.database import Database
from tests import sqlite

ROOM = "Slack room"
SAM = Person("sam", "Sam Okafor")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(sqlite.url(tmp_path))
    yield database
    await database.close()


async def declared(database: Database) -> int:
    incident = Incident(
        number=0,
        title="checkout latency",
        severity="SEV2",
        status_since=0.0,
        opened_at=0.0,
        first_alert_at=0.0,
        last_alert_at=0.0,
        declared_by="muster",
    )
    async with database.transaction() as work:
        await store.insert_incident(work, incident)
    return incident.number


async def told(database: Database, number: int, moves: list[tuple[str, float]]) -> list[str]:
    for what, at in moves:
        async with database.transaction() as work:
            await (attendance.came if what == "came" else attendance.left)(work, number, SAM, ROOM, at)
    async with database.reading() as connection:
        return [line.text for line in await timeline.read(connection, number, attendance.ROOM)]


async def test_coming_leaving_and_coming_again_are_three_lines(database: Database) -> None:
    lines = await told(database, await declared(database), [("came", 1.0), ("left", 2.0), ("came", 3.0)])
    assert lines == [
        "Sam Okafor joined the Slack room",
        "Sam Okafor left the Slack room",
        "Sam Okafor joined the Slack room",
    ]


async def test_who_takes_part_already_gets_no_line_for_coming_but_one_for_leaving(database: Database) -> None:
    number = await declared(database)
    async with database.transaction() as work:
        await store.add_participant(work, number, SAM, "acknowledged", 0.5)
    assert await told(database, number, [("came", 1.0)]) == []
    assert await told(database, number, [("left", 2.0), ("came", 1.0)]) == ["Sam Okafor left the Slack room"]


async def test_another_room_is_another_matter(database: Database) -> None:
    number = await declared(database)
    await told(database, number, [("came", 1.0)])
    async with database.transaction() as work:
        assert await attendance.left(work, number, SAM, "Discord room", 0.5)


@given(repeats=st.lists(st.integers(0, 5), max_size=12))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_told_again_is_no_news(database: Database, repeats: list[int]) -> None:
    moves = [("came" if n % 2 == 0 else "left", float(n + 1)) for n in range(6)]
    number = await declared(database)
    once = await told(database, number, moves)
    assert await told(database, number, [moves[n] for n in repeats]) == once
