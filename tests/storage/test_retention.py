"""Retention: what goes, what stays, that space returns, and that nobody waits for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select, text

from bot.catalog.catalog import Catalog
from bot.catalog.model import Retention as Policy
from bot.clock import ManualClock
from bot.errors import StorageUnavailable
from bot.incidents.parts import Suspect
from bot.intake.journal import Journal
from bot.intake.journal_sqlite import SqliteLog
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.retention import DAY, LESSONS, Retention
from bot.telemetry import Metrics
from tests.rows import alert_row, keep_alert, keep_incident, message_row

YEAR = 365 * DAY


@dataclass
class AskedJournal:
    """Remembers what it was asked to forget."""

    asked: list[tuple[float, int]] = field(default_factory=list)

    async def prune(self, before: float, *, up_to: int) -> int:
        self.asked.append((before, up_to))
        return 0

    async def size(self) -> int:
        return 4096


def made(
    database: Database, clock: ManualClock, journal: AskedJournal | Journal, policy: Policy | None = None
) -> Retention:
    catalog = Catalog(retention=policy or Policy())
    return Retention(database, journal, clock, catalog=lambda: catalog, metrics=Metrics())


@pytest.fixture
def journal() -> AskedJournal:
    return AskedJournal()


@pytest.fixture
def retention(database: Database, clock: ManualClock, journal: AskedJournal) -> Retention:
    return made(database, clock, journal)


async def keep(database: Database, table: Table, *rows: dict[str, Any]) -> None:
    async with database.transaction() as work:
        await work.connection.execute(insert(table), list(rows))


async def ids(database: Database, column: Any) -> list[Any]:
    async with database.reading() as connection:
        return list((await connection.execute(select(column).order_by(column))).scalars())


async def test_old_alerts_go_but_not_those_of_an_open_incident(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    now, old = clock.now(), clock.now() - YEAR - 1
    async with database.transaction() as work:
        running = await keep_incident(work, old, status="acknowledged")
        over = await keep_incident(work, old, status="resolved", resolved_at=old + 60, alert_count=2)
        for number, at, group in [
            (1, old, f"G{running.number}"),
            (2, old, f"G{over.number}"),
            (3, now, f"G{over.number}"),
            (4, old, None),
        ]:
            await keep_alert(work, number, at, group_id=group)
        await work.connection.execute(
            insert(tables.groups), [{"id": "G8", "opened_at": old}, {"id": "G9", "opened_at": now}]
        )
    assert await retention.prune() == {"alerts": 2, "groups": 1}
    assert await ids(database, tables.alerts.c.id) == [1, 3]
    assert await ids(database, tables.incidents.c.number) == [1, 2]
    assert await ids(database, tables.groups.c.id) == ["G1", "G2", "G9"]


async def test_noise_goes_after_a_month(database: Database, clock: ManualClock, retention: Retention) -> None:
    now = clock.now()
    await keep(
        database,
        tables.alerts,
        alert_row(1, now - 31 * DAY, held="happens daily"),
        alert_row(2, now - 29 * DAY, held="happens daily"),
        alert_row(3, now - 31 * DAY, group_id="G1"),
    )
    assert await retention.prune() == {"held_alerts": 1}
    assert await ids(database, tables.alerts.c.id) == [2, 3]
    clock.advance(2 * DAY)
    assert await retention.prune() == {"held_alerts": 1}
    assert await ids(database, tables.alerts.c.id) == [3]


async def test_old_messages_go_but_not_from_the_room_of_an_open_incident(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    now, old = clock.now(), clock.now() - YEAR - 1
    async with database.transaction() as work:
        await keep_incident(work, old, status="open")
        await keep_incident(work, old, status="resolved")
    rooms = [
        {"id": f"inc-{n}", "marker": f"m{n}", "kind": "incident", "incident": n, "title": "t", "archived": False, "created_at": old}
        for n in (1, 2)
    ]  # fmt: skip
    await keep(database, tables.console_rooms, *rooms)
    await keep(
        database,
        tables.messages,
        message_row("inc-1", old, "still needed"),
        message_row("inc-2", old, "long ago"),
        message_row("inc-2", now, "just now"),
        message_row("lobby", old, "long ago"),
    )
    assert await retention.prune() == {"messages": 2}
    assert await ids(database, tables.messages.c.text) == ["just now", "still needed"]


async def test_a_change_that_an_incident_suspects_stays(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    old = clock.now() - YEAR - 1
    change = {column.name: "" for column in tables.changes.c}
    await keep(database, tables.changes, *({**change, "id": id_, "at": old} for id_ in ("github:1", "github:2", "50%")))
    async with database.transaction() as work:
        await keep_incident(work, old, suspects=[Suspect(change="github:2", score=1.0, reasons=("x",))])
    assert await retention.prune() == {"changes": 2}
    assert await ids(database, tables.changes.c.id) == ["github:2"]


async def test_effects_go_when_they_are_settled_and_stay_while_they_wait(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    now = clock.now()
    effect = {
        "platform": "console", "lane": "l", "kind": "post", "payload_json": "{}", "generation": 1, "attempts": 1, "not_before": 0.0,
        "created_at": 0.0,
    }  # fmt: skip
    cases = [
        ("done", now - 8 * DAY),
        ("done", now - 6 * DAY),
        ("dropped", now - 8 * DAY),
        ("dead", now - 8 * DAY),
        ("dead", now - 91 * DAY),
        ("pending", None),
    ]
    await keep(
        database, tables.effects, *({**effect, "state": state, "settled_at": settled} for state, settled in cases)
    )
    assert await retention.prune() == {"effects": 3}
    assert await ids(database, tables.effects.c.id) == [2, 4, 6]


async def test_answered_commands_and_ended_silences_go(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    now = clock.now()
    await keep(
        database,
        tables.invocations,
        {"request_id": "old", "at": now - 3 * DAY, "reply_json": "{}"},
        {"request_id": "new", "at": now - 1 * DAY, "reply_json": "{}"},
    )
    silence = {
        "matchers_json": "[]",
        "starts_at": 0.0,
        "reason": "",
        "created_by": "mika",
        "created_at": now - 40 * DAY,
        "from_position": 0,
    }
    await keep(
        database,
        tables.silences,
        {**silence, "id": 1, "ends_at": now - 31 * DAY, "until_position": None},
        {**silence, "id": 2, "ends_at": now - 29 * DAY, "until_position": None},
        {**silence, "id": 3, "ends_at": now + YEAR, "until_position": None},
        {**silence, "id": 4, "ends_at": now + YEAR, "until_position": 5},
    )
    assert await retention.prune() == {"invocations": 1, "silences": 1}
    assert await ids(database, tables.silences.c.id) == [
        2,
        3,
        4,
    ]  # S4 may still matter to a replay: there is no snapshot
    await keep(database, tables.cursors, {"reader": "pipeline", "position": 9})
    await keep(database, tables.engine_states, _snapshot(5, now))
    assert await retention.prune() == {"silences": 1}


def _snapshot(position: int, at: float) -> dict[str, Any]:
    return {"position": position, "at": at, "feedback": 0, "catalog_digest": "", "state": b""}


async def test_people_s_corrections_stay_until_no_replay_needs_them(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    row = {"at": clock.now() - YEAR - 1, "kind": "merge", "group_id": "G1"}
    await keep(database, tables.feedback, {**row, "position": 3}, {**row, "position": 7})
    assert await retention.prune() == {}
    await keep(database, tables.cursors, {"reader": "pipeline", "position": 9})
    await keep(database, tables.engine_states, _snapshot(5, clock.now()))
    assert await retention.prune() == {"feedback": 1}
    assert await ids(database, tables.feedback.c.position) == [7]


async def test_the_journal_is_pruned_no_further_than_a_rebuild_of_the_engine_needs(
    database: Database, clock: ManualClock, retention: Retention, journal: AskedJournal
) -> None:
    before = clock.now() - 30 * DAY
    await retention.prune()
    await keep(database, tables.cursors, {"reader": "pipeline", "position": 900})
    await retention.prune()
    await keep(database, tables.engine_states, _snapshot(500, 0.0), _snapshot(700, 1.0))
    await retention.prune()
    await keep(database, tables.cursors, {"reader": "another", "position": 300})
    await retention.prune()
    assert journal.asked == [(before, 0), (before, 0), (before, 500), (before, 300)]


async def test_a_policy_that_was_shortened_counts_at_once(
    database: Database, clock: ManualClock, journal: AskedJournal
) -> None:
    await keep(database, tables.messages, message_row("lobby", clock.now() - 2 * DAY, "x"))
    assert await made(database, clock, journal).prune() == {}
    assert await made(database, clock, journal, Policy(messages=DAY)).prune() == {"messages": 1}


async def test_space_returns_to_the_disk(sqlite: Database, clock: ManualClock, journal: AskedJournal) -> None:
    assert sqlite.file is not None
    rows = [message_row("lobby", clock.now() - 2 * YEAR, "x" * 1000) for _ in range(10_000)]
    await keep(sqlite, tables.messages, *rows)
    full = await sqlite.size()
    gone = await made(sqlite, clock, journal).prune()
    assert gone["messages"] == 10_000
    assert gone["pages"] > 1000
    assert await sqlite.size() < full / 2
    async with sqlite.reading() as connection:
        assert (await connection.execute(text("PRAGMA integrity_check"))).scalar() == "ok"


async def test_who_writes_meanwhile_hardly_waits(sqlite: Database, clock: ManualClock, journal: AskedJournal) -> None:
    old = clock.now() - 2 * YEAR
    await keep(sqlite, tables.messages, *(message_row("lobby", old, "x" * 500) for _ in range(20_000)))
    await keep(sqlite, tables.alerts, *(alert_row(n, old) for n in range(10_000)))
    writes = 0
    pruning = asyncio.create_task(made(sqlite, clock, journal).prune())
    while not pruning.done():
        async with sqlite.transaction() as work:
            await work.connection.execute(insert(tables.messages).values(message_row("lobby", clock.now(), "hello")))
        writes += 1
        await asyncio.sleep(0)
    gone = await pruning
    assert (gone["messages"], gone["alerts"]) == (20_000, 10_000)
    assert writes > 100  # it took its turn between every two steps
    assert len(await ids(sqlite, tables.messages.c.id)) == writes


async def test_without_room_on_the_disk_it_says_so_and_goes_on_later(
    sqlite: Database, clock: ManualClock, journal: AskedJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(sqlite, tables.messages, *(message_row("lobby", 0.0, "x") for _ in range(600)))
    retention = made(sqlite, clock, journal)

    async def full(before: float, *, up_to: int) -> int:
        raise StorageUnavailable("The journal cannot be written: database or disk is full.")

    monkeypatch.setattr(journal, "prune", full)
    with pytest.raises(StorageUnavailable):
        await retention.prune()
    monkeypatch.undo()
    assert (await retention.prune())["messages"] == 600


async def test_the_journal_s_file_shrinks_too_and_keeps_what_the_engine_still_needs(
    sqlite: Database, clock: ManualClock, tmp_path: Path
) -> None:
    journal = await Journal(SqliteLog(tmp_path / "journal.db")).open()
    old = clock.now() - 31 * DAY
    for _ in range(10):
        receipts = await asyncio.gather(*(journal.append("generic", {}, b"x" * 4000, old) for _ in range(200)))
    last = receipts[-1].id
    await keep(sqlite, tables.cursors, {"reader": "pipeline", "position": last})
    await keep(sqlite, tables.engine_states, _snapshot(last - 10, clock.now()))
    full = (tmp_path / "journal.db").stat().st_size
    assert (await made(sqlite, clock, journal).prune())["deliveries"] == last - 10
    assert [delivery.id for delivery in await journal.read(0)] == list(range(last - 9, last + 1))
    await journal.close()
    assert (tmp_path / "journal.db").stat().st_size < full / 10


async def test_of_what_the_watch_was_taught_the_newest_stay_and_old_warnings_go_once_they_are_judged(
    database: Database, clock: ManualClock, retention: Retention
) -> None:
    now, old = clock.now(), clock.now() - YEAR - 1
    state = {"at": now, "feedback": 0, "catalog_digest": "", "state": b""}
    await keep(database, tables.engine_states, state | {"position": 3})
    await keep(database, tables.cursors, {"reader": "pipeline", "position": 3})
    await keep(
        database,
        tables.lessons,
        *({"at": old, "position": 1 if n < 3 else 9, "incident": 1} for n in range(LESSONS + 5)),
    )
    warning = {"environment": "", "location": "", "past": 1, "score": 1.0, "matched": 1, "expected": 1, "times": 1}
    warning |= {
        "taken_json": "[]",
        "ahead_json": "[]",
        "remains": 1.0,
        "until": old,
        "reasons_json": "[]",
        "without": 0,
    }
    await keep(database, tables.warnings, warning | {"at": old, "came": True}, warning | {"at": now, "came": True})
    await keep(database, tables.warnings, warning | {"at": old, "came": None})
    assert await retention.prune() == {"lessons": 3, "warnings": 1}
    assert await ids(database, tables.warnings.c.id) == [2, 3]
