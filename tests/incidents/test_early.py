"""What begins like a bad incident of the past is told in time, with its reasons, seldom in vain, and the same after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, update

from bot.catalog.catalog import Catalog
from bot.catalog.model import Rooms, Service
from bot.incidents import early
from bot.incidents.early import BUDGET, OVER
from bot.incidents.silences import Silences
from bot.storage import tables
from tests.world import MIKA, World, world

DAY = 86_400.0
# (seconds after the first, name, class, service, severity): four that wake nobody at once, then what does
OUTAGE = (
    (0.0, "DiskFillsUp", "saturation", "payments-db", "warning"),
    (300.0, "ReplicationLag", "latency", "payments-db", "warning"),
    (660.0, "QueueGrows", "queue", "payments-api", "warning"),
    (960.0, "SlowAnswers", "latency", "payments-api", "warning"),
    (2_400.0, "CheckoutFails", "errors", "checkout", "critical"),
    (2_500.0, "WebFails", "errors", "web", "critical"),
)
MILD = OUTAGE[:4]
Line = tuple[float, str, str, str, str]


def fired(line: Line, **fields: Any) -> dict[str, Any]:
    _, name, class_, service, severity = line
    where = {"environment": "prod", "location": "eu"}
    return {"name": name, "class": class_, "service": service, "severity": severity} | where | fields


async def days(w: World, count: int) -> None:
    """Nothing but the daily backup."""
    for _ in range(count):
        w.clock.advance(DAY)
        await w.post({"name": "BackupRan", "service": "payments-db", "severity": "info", "location": "eu"})
        await w.settle()


async def happens(w: World, lines: Sequence[Line], **fields: Any) -> None:
    last = lines[0][0]
    for line in lines:
        w.clock.advance(line[0] - last)
        last = line[0]
        await w.post(fired(line, **fields))
        await w.settle()


async def ends(w: World, lines: Sequence[Line] = OUTAGE, **fields: Any) -> None:
    """All of it clears, and Mika has taken and resolved whatever is open."""
    w.clock.advance(600.0)
    await w.post(*(fired(line, status="resolved", **fields) for line in lines))
    await w.settle()
    for incident in await w.all_incidents():
        if incident.open:
            await w.incidents.acknowledge(incident.number, MIKA)
            await w.incidents.resolve(incident.number, MIKA)
    await looks(w)


async def looks(w: World) -> None:
    await w.lessons.study()
    await w.early.look()
    await w.settle()


async def experienced(w: World) -> None:
    """Three weeks, and one outage that was bad: INC-2, which INC-1 came before."""
    await w.conversation.prepare()
    await days(w, 16)
    await happens(w, OUTAGE)
    await ends(w)
    await days(w, 5)
    assert len(w.host.worker.lookout.watch.learned) == 1
    assert await w.rows(tables.warnings) == []


async def test_it_is_told_in_the_lobby_and_in_the_room_before_the_bad_part_comes(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD)
        (told,) = await w.said("lobby")
        headline, came, then, record, end = told.splitlines()
        assert headline.startswith(
            "Early warning: INC-3 (payments-db disk fills up, eu) begins like INC-2 (SEV2 checkout"
        )
        assert headline.endswith("which had its room 24 min after this point.")
        assert "The first 4 kinds of alerts that came before INC-2 are here, in the same order: saturation on" in came
        assert "Then came errors on checkout." in then
        assert "Seen once before. Saturation on payments-db is rare: hardly ever in 14 d." in record
        assert "How it ended then: /incident show INC-2" in end
        (room,) = [row.external for row in await w.rows(tables.rooms) if row.incident == 3]
        assert told in await w.said(room)
        assert "precedent" in await w.story(3)


async def test_what_came_of_it_is_told_in_the_same_message_and_on_the_timeline(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD)
        w.clock.advance(1_440.0)
        await happens(w, OUTAGE[4:])
        await looks(w)
        (told,) = await w.said("lobby")
        assert told.startswith("INC-4 was declared 24 min later. Warned at ")
        assert "it began like INC-2 (SEV2 checkout fails, eu)." in told
        assert await w.story(4) == ["declared", "spread", "warned"]
        (row,) = await w.rows(tables.warnings)
        assert (row.came, row.incident) == (True, 4)


async def test_a_false_alarm_says_so_and_counts_the_next_time(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD)
        await ends(w, MILD)
        w.clock.advance(2 * 3_600.0)
        await looks(w)
        (told,) = await w.said("lobby")
        assert told.startswith("Nothing came of this by ")
        assert "prod, eu began like INC-2" in told
        await days(w, 20)
        await happens(w, MILD)
        *_, again = await w.said("lobby")
        assert "Seen twice before, once without an incident." in again


async def test_what_is_false_more_often_than_not_is_kept_back_but_judged(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        for _ in range(3):
            await happens(w, MILD)
            await ends(w, MILD)
            w.clock.advance(2 * 3_600.0)
            await looks(w)
            await days(w, 20)
        rows = await w.rows(tables.warnings)
        assert [(row.told_at is not None, row.came) for row in rows] == [(True, False), (True, False), (False, False)]
        assert rows[-1].kept == "nothing came of it 2 times of 3"
        assert len(await w.said("lobby")) == 2


async def test_a_place_has_a_budget_of_false_alarms(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        used = {"told_at": 1.0, "environment": "prod", "location": "eu", "past": 1, "score": 20.0, "matched": 4}
        used |= {"expected": 4, "taken_json": "[]", "ahead_json": "[]", "remains": 1.0, "until": 1.0, "times": 1}
        used |= {"reasons_json": '["x"]', "without": 0, "came": False, "at": w.clock.now()}
        async with w.database.transaction() as work:
            for _ in range(round(BUDGET * OVER)):
                await work.connection.execute(tables.warnings.insert().values(used))
        await happens(w, MILD)
        *_, row = await w.rows(tables.warnings)
        assert row.told_at is None
        assert row.kept == "the false alarms that prod, eu may have in 10 days (2) are used up"
        assert await w.said("lobby") == []


async def test_elsewhere_it_is_another_thing(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD[:2])
        await happens(w, MILD[2:], location="us")
        assert await w.rows(tables.warnings) == []


async def test_what_is_silenced_warns_of_nothing(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        await experienced(w)
        heard = w.host.worker.lookout.watch.snapshot()
        silences = Silences(w.database, w.clock, lambda: w.grouping.position)
        await silences.create(["location=eu"], DAY, "a test of the storage", MIKA)
        await happens(w, MILD)
        assert [row.held for row in await w.rows(tables.alerts)][-1] != ""
        assert w.host.worker.lookout.watch.snapshot() == heard


@pytest.mark.parametrize("lost", ["nothing", "the last snapshots", "the watch's state"])
async def test_after_a_crash_it_warns_as_if_nothing_had_happened(database_url: str, lost: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD[:3])
        expected = w.host.worker.lookout.watch.snapshot()
        states = tables.engine_states
        async with w.database.transaction() as work:
            if lost == "the last snapshots":
                await work.connection.execute(delete(states).where(states.c.position > 3))
            elif lost == "the watch's state":
                await work.connection.execute(delete(states).where(states.c.position > 0))
                await work.connection.execute(update(states).values(watch=b"no snapshot"))
        clock = w.clock
    async with world(database_url, clock=clock) as w:
        await w.pipeline.drain()
        assert w.host.worker.lookout.watch.snapshot() == expected
        clock.advance(300.0)
        await w.post(fired(MILD[3]))
        await w.settle()
        assert len(await w.said("lobby")) == 1
        assert len(await w.rows(tables.warnings)) == 1


async def test_a_warning_is_told_once_though_its_batch_is_replayed(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, MILD)
        clock = w.clock
    async with world(database_url, clock=clock) as w:
        await w.settle()
        await looks(w)
        assert len(await w.said("lobby")) == 1
        assert len(await w.rows(tables.warnings)) == 1


async def test_the_end_of_an_incident_is_not_its_coming_again(database_url: str) -> None:
    async with world(database_url) as w:
        await experienced(w)
        await happens(w, OUTAGE)
        await ends(w)  # learned: INC-4 as well
        before = len(await w.rows(tables.warnings))
        w.clock.advance(900.0)
        await happens(w, MILD)
        assert len(await w.rows(tables.warnings)) == before


async def test_who_must_not_be_known_of_is_not_learned_from_nor_told_of(sqlite_url: str) -> None:
    secret = Catalog(services={"payments-api": Service(id="payments-api", private=True)})
    async with world(sqlite_url, catalog=secret) as w:
        await experienced(w)
        (lesson,) = await w.rows(tables.lessons)
        assert "payments-api" not in lesson.seen_json
        assert "payments-db" in lesson.seen_json


@pytest.mark.parametrize(
    "change",
    [{"severity": "SEV3"}, {"acknowledged_by": None}, {"private": True}, {"merged_into": 1}, {"status": "open"}],
    ids=lambda change: next(iter(change)),
)
async def test_what_turns_out_to_be_no_example_is_forgotten(sqlite_url: str, change: dict[str, Any]) -> None:
    async with world(sqlite_url) as w:
        await experienced(w)
        async with w.database.transaction() as work:
            await work.connection.execute(update(tables.incidents).where(tables.incidents.c.number == 2).values(change))
            work.announce("incident", number=2)
        await w.lessons.study()
        assert w.host.worker.lookout.watch.learned == ()
        await w.lessons.study()
        assert len(await w.rows(tables.lessons)) == 2
        clock = w.clock
    async with world(sqlite_url, clock=clock) as w:
        await w.pipeline.drain()
        assert w.host.worker.lookout.watch.learned == ()


async def test_the_teams_and_the_announcements_are_told_where_the_catalogue_says(sqlite_url: str) -> None:
    catalog = Catalog(rooms=Rooms(announce={"slack": "#incidents"}))
    async with world(sqlite_url, catalog=catalog, platforms=("console", "slack")) as w:
        await experienced(w)
        await happens(w, MILD)
        lanes = {row.lane for row in await w.rows(tables.effects) if row.kind == "warning"}
        assert lanes == {"console:#lobby", "slack:#incidents"}


async def test_the_list_is_paged_and_by_incident(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        await experienced(w)
        await happens(w, MILD)
        async with w.database.reading() as connection:
            (one,) = await early.listing(connection)
            assert await early.listing(connection, incident=3) == [one]
            assert await early.listing(connection, incident=1) == []
            assert await early.listing(connection, before=one.id) == []
        assert (one.lead, one.times, one.without, one.came) == (1_440.0, 1, 0, None)
