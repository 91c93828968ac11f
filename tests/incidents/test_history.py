"""The past as sketches: read once, kept true by what is announced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import ManualClock
from bot.incidents import history as module
from bot.incidents import store
from bot.incidents.history import History, Ran, ran
from bot.storage.database import Database
from tests import sqlite
from tests.incidents.past import DAY, MAIL, OUTAGE, happened, over, run

AT = ManualClock().now()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(sqlite.url(tmp_path))
    yield database
    await database.close()


async def test_a_sketch_has_the_kinds_in_the_order_of_their_first_firing(database: Database) -> None:
    number = await over(database, AT - DAY, OUTAGE)
    history = History(database)
    await history.refresh()
    sketch = history.precedents.get(f"INC-{number}")
    assert sketch is not None
    assert [(step.what, step.service, step.after) for step in sketch.steps] == [
        (what, service, after) for after, what, service, _ in OUTAGE
    ]
    assert sketch.lasted == 41 * 60.0


async def test_only_what_changed_is_read_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(3):
        await over(database, AT - day * DAY, OUTAGE)
    history = History(database)
    await history.refresh()
    asked: list[list[int]] = []
    numbered = store.numbered

    async def counted(connection: object, numbers: list[int]) -> object:
        asked.append(list(numbers))
        return await numbered(connection, numbers)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(store, "numbered", counted)
    await history.refresh()
    assert asked == []
    async with database.transaction() as work:
        incident = await store.load(work.connection, 2)
        incident.title = "renamed"
        await store.save(work, incident)
    await over(database, AT, MAIL)
    await history.refresh()
    assert asked == [[2, 4]]
    past = history.past("INC-2")
    assert past is not None
    assert past.title == "renamed"
    assert history.count() == 4
    assert history.count(hidden=[1, 99]) == 3


async def test_a_failed_reading_is_made_up_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await over(database, AT, OUTAGE)
    history = History(database)

    async def fails(*_: object) -> object:
        raise OSError("the disk says no")

    with monkeypatch.context() as broken:
        broken.setattr(store, "numbered", fails)
        with pytest.raises(Exception, match="disk"):
            await history.refresh()
    await history.refresh()
    assert history.count() == 1


async def test_the_newest_of_many_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for day in range(5):
        await over(database, AT + day * DAY, OUTAGE)
    history = History(database)
    await history.refresh()
    assert [history.past(f"INC-{number}") is not None for number in range(1, 6)] == [False, False, True, True, True]
    await over(database, AT + 9 * DAY, MAIL)
    await history.refresh()
    assert history.past("INC-3") is None
    assert len(history.precedents) == history.count() == 3


async def test_a_storm_of_kinds_is_read_in_part(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINES", 5)
    number = await happened(database, AT, [(float(n), f"class {n}", "web", "Name") for n in range(30)])
    async with database.reading() as connection:
        incident = await store.load(connection, number)
    (sketch,) = await History(database).sketches([incident])
    assert [step.what for step in sketch.steps] == [f"class {n}" for n in range(5)]


async def test_runbooks_that_helped_come_first(database: Database) -> None:
    number = await over(database, AT, OUTAGE)
    for name, helped in (("look", None), ("restart", False), ("roll-back", True), ("restart", None)):
        await run(database, number, name, helped=helped)
    await run(database, number, "broken", helped=None, state="failed")
    async with database.reading() as connection:
        assert await ran(connection, [number, 99]) == {
            number: [
                Ran(runbook="roll-back", helped=True),
                Ran(runbook="look", helped=None),
                Ran(runbook="restart", helped=False),
            ]
        }
