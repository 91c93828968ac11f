"""The engine's keeper: what is told to it is in the database or told again, whatever fails in between."""

import zlib
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from bot.catalog.catalog import Catalog
from bot.errors import InvalidTransition, NotFound, StorageUnavailable
from bot.incidents.grouping import Grouping
from bot.incidents.reading import Reader
from bot.incidents.silences import Silences
from bot.storage import tables
from correlation.engine import Engine
from correlation.weights import shipped
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, ROBIN, World, world


class Rebuilds:
    """How often the engine was rebuilt."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        rebuild = Grouping._rebuild

        async def counted(grouping: Grouping) -> None:
            self.count += 1
            await rebuild(grouping)

        monkeypatch.setattr(Grouping, "_rebuild", counted)


def elsewhere(**fields: Any) -> dict[str, Any]:
    return alert("DiskFull", service="reports", location="us-east-1", **fields)


async def two_incidents(w: World) -> tuple[int, int]:
    await w.post(alert(), elsewhere())
    await w.settle()
    first, second = sorted(i.number for i in await w.all_incidents())
    return first, second


async def test_a_delivery_that_was_set_aside_is_never_told_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Reader.read

    def poisoned(reader: Reader, delivery: Any, muting: Any) -> Any:
        if b"poison" in delivery.body:
            raise RuntimeError("a mistake of ours")
        return read(reader, delivery, muting)

    monkeypatch.setattr(Reader, "read", poisoned)
    async with world(database_url) as w:
        for name in ("HighLatency", "poison", "Errors"):
            await w.post(alert(name))
        await w.settle()
        clock = w.clock
    async with world(database_url, clock=clock) as w:  # not stopped cleanly: there is a replay
        await w.post(alert("Timeouts"))
        await w.settle()
        assert {row.name for row in await w.rows(tables.alerts)} == {"HighLatency", "Errors", "Timeouts"}
        assert len(await w.journal.rejected()) == 1


async def test_a_delivery_whose_rows_cannot_be_written_takes_no_number_in_a_replay(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url) as w:
        write = w.pipeline._writer.write

        async def stumble(work: Any, heard: Any) -> None:
            if any("poison" in row for row in heard.batch.settled.values()):
                raise RuntimeError("a mistake of ours")
            await write(work, heard)

        monkeypatch.setattr(w.pipeline._writer, "write", stumble)
        for name in ("HighLatency", "poison", "Errors"):
            await w.post(alert(name))
        await w.settle()
        clock = w.clock
        before = {row.name: row.id for row in await w.rows(tables.alerts)}
    async with world(database_url, clock=clock) as w:
        await w.post(alert("Errors"))
        await w.settle()
        assert {row.name: row.id for row in await w.rows(tables.alerts)} == before


async def test_a_refused_merge_or_split_does_not_cost_a_rebuild(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)
        await w.incidents.merge(kept, lost, ROBIN)
        rebuilds = Rebuilds(monkeypatch)
        with pytest.raises(InvalidTransition):
            await w.incidents.merge(kept, lost, ROBIN)
        with pytest.raises(NotFound):
            await w.incidents.merge(kept, 99, ROBIN)
        declared = await w.incidents.declare("no alert", ROBIN)
        with pytest.raises(NotFound):
            await w.incidents.split(declared.number, [1], ROBIN)
        await w.post(alert("Errors"))
        await w.settle()
        assert rebuilds.count == 0


async def test_a_merge_that_cannot_be_kept_is_forgotten_by_the_engine(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)

        async def no_space(*_: Any, **__: Any) -> None:
            raise StorageUnavailable("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(w.grouping, "_remember", no_space)
            with pytest.raises(StorageUnavailable):
                await w.incidents.merge(kept, lost, ROBIN)
        await w.post(elsewhere(host="r2"))
        await w.settle()
        assert {i.number: i.alert_count for i in await w.all_incidents()} == {kept: 1, lost: 2}


async def test_a_tick_that_could_not_be_written_is_written_later(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    familiar = {"name": "SlowQueries", "severity": "warning", "service": "search", "location": "eu-west-1"}
    async with world(database_url) as w:
        for _ in range(3):
            await w.post(familiar)
            await w.settle()
            w.clock.advance(60)
            await w.post(familiar | {"status": "resolved"})
            await w.settle()
            w.clock.advance(3600)
        before = len(await w.all_incidents())
        await w.post(familiar)
        await w.settle()
        w.clock.advance(1000)

        async def no_space(*_: Any) -> None:
            raise StorageUnavailable("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(w.journal, "append", no_space)
            with pytest.raises(StorageUnavailable):
                await w.pipeline.drain()
        await w.settle()
        assert len(await w.all_incidents()) == before + 1


@pytest.mark.parametrize("state", [b"damaged", b"\x81\xa7version\x00"])
async def test_a_snapshot_that_cannot_be_read_does_not_stop_muster(database_url: str, state: bytes) -> None:
    async with world(database_url) as w:
        await two_incidents(w)
        await w.grouping.close()
        clock = w.clock
        async with w.database.transaction() as work:
            await work.connection.execute(update(tables.engine_states).values(state=state))
        before = {row.id: row.name for row in await w.rows(tables.alerts)}
    async with world(database_url, clock=clock) as w:
        for n in range(3):
            await w.post(alert("Queue", service="mail", location="ap-south-1", host=f"h{n}"))
            await w.settle()
        after = {row.id: row.name for row in await w.rows(tables.alerts)}
        assert before.items() <= after.items()  # no number was given twice
        assert len(await w.all_incidents()) == 3


async def test_a_group_that_the_database_does_not_know_opens_one_incident(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        async with w.database.transaction() as work:  # as after a rebuild that differs
            await work.connection.execute(update(tables.groups).values(id="G77"))
        for n in range(4):
            await w.post(alert(host=f"h{n}"))
            await w.settle()
        assert len(await w.all_incidents()) == 2


async def test_a_correction_that_no_longer_applies_does_not_stop_muster(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        clock = w.clock
        async with w.database.transaction() as work:
            for kind, other in (("merge", "G9"), ("split", "G2")):
                values = {"at": 0.0, "position": 1, "kind": kind, "group_id": "G1", "other": other}
                await work.connection.execute(insert(tables.feedback).values(values))
    async with world(database_url, clock=clock) as w:
        await w.post(alert(host="h2"))
        await w.settle()
        assert [i.alert_count for i in await w.all_incidents()] == [2]


async def test_a_changed_catalogue_whose_snapshot_fails_is_taken_up_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(sqlite_url) as w:
        await w.post(alert())
        await w.settle()
        catalog = replace(Catalog.empty(), digest="new")
        monkeypatch.setattr(w.grouping, "_catalog", lambda: catalog)

        async def no_space(**_: Any) -> None:
            raise StorageUnavailable("disk full")

        with monkeypatch.context() as broken:
            broken.setattr(w.grouping, "keep_snapshot", no_space)
            with pytest.raises(StorageUnavailable):
                await w.pipeline.drain()
        await w.pipeline.drain()
        assert [row.catalog_digest for row in await w.rows(tables.engine_states)] == ["", "new"]


async def test_merging_an_open_incident_into_a_resolved_one_reopens_it(database_url: str) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)
        await w.incidents.resolve(kept, MIKA)
        await w.incidents.acknowledge(lost, MIKA)
        merged = await w.incidents.merge(kept, lost, ROBIN)
        assert (merged.status, merged.acknowledged_by, merged.firing_count) == ("acknowledged", "mika", 2)
        assert "reopened" in await w.story(kept)


async def test_a_resolved_incident_merged_into_another_leaves_it_as_it_is(database_url: str) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)
        await w.incidents.resolve(lost, MIKA)
        assert (await w.incidents.merge(kept, lost, ROBIN)).status == "open"
        assert (await w.story(lost)).count("merged") == 1


async def test_what_was_clear_is_not_once_something_that_fires_is_merged_into_it(database_url: str) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)
        rows = {row.id: row for row in await w.rows(tables.alerts)}
        first = min(rows.values(), key=lambda row: row.id)
        w.clock.advance(60)
        await w.post(alert(first.name, service=first.service, location=first.location, status="resolved"))
        await w.settle()
        assert (await w.incidents.get(kept)).cleared_at is not None
        merged = await w.incidents.merge(kept, lost, ROBIN)
        assert (merged.cleared_at, merged.firing_count) == (None, 1)
        assert "fires_again" in await w.story(kept)


async def test_what_is_split_off_is_as_bad_as_its_own_alerts_and_is_called_in_words(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("ReplicationLag", host="a", severity="error"))
        await w.settle()
        assert [one.severity for one in await w.all_incidents()] == ["SEV2"]
        moved = [row.id for row in await w.rows(tables.alerts) if row.name == "ReplicationLag"]
        new = await w.incidents.split(1, moved, ROBIN)
        assert new.severity == "SEV3"
        assert new.title == "checkout replication lag, eu-west-1"


async def test_what_a_person_graded_is_split_with_its_grade(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("ReplicationLag", host="a", severity="error"))
        await w.settle()
        await w.incidents.change_severity(1, "SEV1", ROBIN)
        moved = [row.id for row in await w.rows(tables.alerts) if row.name == "ReplicationLag"]
        assert (await w.incidents.split(1, moved, ROBIN)).severity == "SEV1"


async def test_what_is_split_off_and_over_says_that_it_cleared(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("Errors", host="a"), alert("Errors", host="b"))
        await w.settle()
        w.clock.advance(60)
        await w.post(alert("Errors", host="a", status="resolved"), alert("Errors", host="b", status="resolved"))
        await w.settle()
        moved = [row.id for row in await w.rows(tables.alerts) if row.name == "Errors"]
        new = await w.incidents.split(1, moved, ROBIN)
        assert new.cleared_at is not None
        assert "cleared" in await w.story(new.number)
        assert "cleared" not in await w.story(1)


async def test_what_remains_after_a_split_and_is_over_says_that_it_cleared(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("Errors", host="a"))
        await w.settle()
        w.clock.advance(60)
        await w.post(alert("Errors", host="a", status="resolved"))
        await w.settle()
        moved = [row.id for row in await w.rows(tables.alerts) if row.name == "HighLatency"]
        new = await w.incidents.split(1, moved, ROBIN)
        assert new.cleared_at is None
        assert "cleared" in await w.story(1)


async def test_a_split_of_alerts_that_the_engine_forgot_says_so(database_url: str) -> None:
    async with world(database_url) as w:
        kept, lost = await two_incidents(w)
        async with w.database.transaction() as work:  # two groups of one incident, as when one was closed long ago
            await work.connection.execute(update(tables.groups).values(incident=kept))
            assert lost
        rows = {row.name: row.id for row in await w.rows(tables.alerts)}
        with pytest.raises(InvalidTransition, match="split"):
            await w.incidents.split(kept, [rows["HighLatency"]], ROBIN)


async def test_a_silence_made_before_the_first_batch_of_a_run_counts_from_where_the_last_run_ended(
    database_url: str,
) -> None:
    async with world(database_url) as w:
        for _ in range(3):
            await w.post(alert())
        await w.settle()
        clock = w.clock
    async with world(database_url, clock=clock) as w:
        silences = Silences(w.database, clock, lambda: w.grouping.position, still=w.grouping.still)
        await silences.create(["service=reports"], 3600.0, "", ROBIN)
        assert [row.from_position for row in await w.rows(tables.silences)] == [3]


async def test_other_weights_are_taken_up_at_the_next_start_and_kept_in_a_snapshot(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        clock = w.clock
    loose = msgspec.structs.replace(shipped(), bias=-40.0)  # nothing looks as if it belonged together
    async with world(database_url, clock=clock) as w:
        w.grouping._weights = loose
        await w.post(alert("HighErrors"))
        await w.settle()
        assert len(await w.all_incidents()) == 2
        kept = [Engine.restore(zlib.decompress(row.state)).weights for row in await w.rows(tables.engine_states)]
        assert loose in kept
