"""The ledger of changes: one row for each change, whatever the order of its reports."""

from __future__ import annotations

import msgspec

from bot.changes import ledger
from bot.storage.database import Announcement, Database
from correlation.alert import Change

DEPLOY = Change(
    id="github:deployment:7",
    at=1000.0,
    title="Retry the payment once",
    service="payments-api",
    revision="a1b2c3d",
    url="https://git.example.org/payments/commit/a1b2c3d",
    status="started",
    author_name="Robin Vos",
    author_login="rvos",
    source="github",
)


def later(change: Change, **values: object) -> Change:
    return msgspec.structs.replace(change, **values)


async def recorded(database: Database, *changes: Change) -> list[Change]:
    for change in changes:
        async with database.transaction() as work:
            await ledger.record(work, [change])
    async with database.reading() as connection:
        return await ledger.between(connection, 0, 1e12)


async def test_a_deployment_and_its_status_are_one_row_whose_status_moves(database: Database) -> None:
    rows = await recorded(database, DEPLOY, later(DEPLOY, at=1060.0, status="succeeded", author_login="ci-bot"))
    assert [(row.status, row.at, row.author_login) for row in rows] == [("succeeded", 1000.0, "rvos")]


async def test_a_start_that_arrives_after_the_end_does_not_take_the_end_back(database: Database) -> None:
    rows = await recorded(database, later(DEPLOY, at=1060.0, status="failed"), DEPLOY)
    assert [(row.status, row.at) for row in rows] == [("failed", 1000.0)]


async def test_the_same_change_rolled_out_again_begins_again(database: Database) -> None:
    again = later(DEPLOY, at=5000.0, author_name="Mika Laine", author_login="mika")
    rows = await recorded(database, DEPLOY, later(DEPLOY, at=1060.0, status="rolled_back"), again)
    assert [(row.status, row.at, row.author_name) for row in rows] == [("started", 5000.0, "Mika Laine")]


async def test_reports_in_one_batch_become_one_row(database: Database) -> None:
    async with database.transaction() as work:
        await ledger.record(work, [DEPLOY, later(DEPLOY, status="succeeded"), later(DEPLOY, id="other", title="Flag")])
    async with database.reading() as connection:
        assert {c.id: c.status for c in await ledger.between(connection, 0, 2000)} == {
            DEPLOY.id: "succeeded",
            "other": "started",
        }


async def test_a_report_that_says_less_takes_nothing_away(database: Database) -> None:
    rows = await recorded(database, DEPLOY, Change(id=DEPLOY.id, at=1010.0, title="deploy", status="succeeded"))
    assert (rows[0].service, rows[0].revision, rows[0].author_name) == ("payments-api", "a1b2c3d", "Robin Vos")


async def test_two_people_are_never_mixed_into_one_author(database: Database) -> None:
    rows = await recorded(
        database, DEPLOY, later(DEPLOY, author_name="ci", author_login="", author_email="ci@example.org")
    )
    assert (rows[0].author_name, rows[0].author_email) == ("Robin Vos", "")
    rows = await recorded(database, later(DEPLOY, author_login="RVOS", author_email="robin@example.org"))
    assert (rows[0].author_name, rows[0].author_email) == ("Robin Vos", "robin@example.org")


async def test_listeners_hear_of_a_change_once_and_not_of_a_repeat(database: Database) -> None:
    heard: list[Announcement] = []
    database.subscribe(heard.append)
    await recorded(database, DEPLOY, DEPLOY)
    assert [(a.topic, a.data) for a in heard] == [("change", {"id": DEPLOY.id})]


async def test_a_look_at_the_ledger_keeps_to_its_time_and_services(database: Database) -> None:
    await recorded(database, DEPLOY, later(DEPLOY, id="b", at=1500.0, service="cart"), later(DEPLOY, id="c", at=9000.0))
    async with database.reading() as connection:
        assert [c.id for c in await ledger.between(connection, 900, 2000)] == ["b", DEPLOY.id]
        assert [c.id for c in await ledger.between(connection, 900, 2000, ["cart"])] == ["b"]
        assert [c.id for c in await ledger.many(connection, ["c", "nothing", "b"])] == ["c", "b"]
        found = await ledger.get(connection, "c")
        assert found is not None
        assert found.at == 9000.0
        assert await ledger.get(connection, "nothing") is None


async def test_nothing_reported_changes_nothing(database: Database) -> None:
    async with database.transaction() as work:
        await ledger.record(work, [])
        assert not work.announcements
