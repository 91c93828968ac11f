"""Changes near an onset: on what fails and what it depends on, the nearest first, with reasons."""

from __future__ import annotations

import msgspec

from bot.changes import ledger
from bot.changes.nearby import Nearby, near, same_change
from bot.storage.database import Database
from correlation.alert import Change
from correlation.topology import EMPTY, Topology

ONSET = 100_000.0
GRAPH = Topology.of({"web": ["checkout"], "checkout": ["payments-api", "cart"], "payments-api": ["db"]})


def change(name: str, service: str, before: float, **fields: object) -> Change:
    plain = Change(id=name, at=ONSET - before, title=name, service=service)
    return msgspec.structs.replace(plain, **fields)


async def found(
    sqlite: Database, *changes: Change, services: tuple[str, ...] = ("checkout",), **more: str
) -> list[Nearby]:
    async with sqlite.transaction() as work:
        await ledger.record(work, changes)
    async with sqlite.reading() as connection:
        return await near(connection, GRAPH, services, ONSET, **more)


async def test_what_fails_and_what_it_depends_on_counts_nearest_first(sqlite: Database) -> None:
    rows = await found(
        sqlite,
        change("own", "checkout", 300),
        change("one", "payments-api", 300),
        change("two", "db", 300),
        change("downstream", "web", 300),
        change("unknown", "", 300),
        change("elsewhere", "billing", 300),
    )
    assert [(row.change.id, row.hops) for row in rows] == [("own", 0), ("one", 1), ("two", 2), ("unknown", None)]
    assert rows[1].reasons == ("5 min before the first alert", "1 hop upstream")
    assert all(0 <= row.score <= 1 for row in rows)


async def test_only_a_day_before_and_a_minute_after_the_onset_counts(sqlite: Database) -> None:
    rows = await found(
        sqlite,
        change("old", "checkout", 90_000),
        change("late", "checkout", -61),
        change("just", "checkout", -30),
        change("day", "checkout", 86_000),
    )
    assert [row.change.id for row in rows] == ["just", "day"]
    assert rows[0].reasons[0] == "30 s after the first alert"


async def test_another_environment_is_another_world(sqlite: Database) -> None:
    rows = await found(
        sqlite,
        change("test", "checkout", 60, environment="test"),
        change("live", "checkout", 60, environment="production"),
        change("unsaid", "checkout", 60),
        environment="production",
    )
    assert [row.change.id for row in rows] == ["live", "unsaid"]


async def test_without_services_every_change_is_near(sqlite: Database) -> None:
    rows = await found(sqlite, change("a", "billing", 60), change("b", "cart", 30, status="rolled_back"), services=())
    assert [row.change.id for row in rows] == ["b", "a"]
    assert "it was rolled back" in rows[0].reasons
    async with sqlite.reading() as connection:
        assert len(await near(connection, EMPTY, ["cart"], ONSET)) == 1


def test_a_row_for_each_service_of_a_repository_is_one_change() -> None:
    assert same_change("github:7#checkout", "github:7#cart")
    assert not same_change("github:7", "github:8")
