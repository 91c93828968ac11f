"""The pipeline, over both databases: what alerts become, and that a crash changes nothing."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from bot.clock import to_iso
from bot.engine.host import EngineLost
from bot.engine.worker import Worker
from bot.errors import StorageUnavailable
from bot.incidents import store
from bot.storage import tables
from tests.world import MIKA, ROBIN, World, world


def alert(name: str = "HighLatency", **fields: Any) -> dict[str, Any]:
    return {"name": name, "severity": "critical", "service": "checkout", "location": "eu-west-1"} | fields


async def test_an_alert_becomes_an_incident_with_one_room_and_a_card(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(summary="p99 over 2 s"))
        await w.settle()
        (incident,) = await w.all_incidents()
        assert (incident.status, incident.severity, incident.alert_count) == ("open", "SEV2", 1)
        assert incident.services == [("checkout", 1)]
        (room,) = await w.rows(tables.rooms)
        assert room.state == "open"
        assert room.external.startswith(f"inc-{incident.number}-")
        assert room.card_message is not None
        assert any("declared" in text for text in await w.said(room.external))
        assert await w.story(incident.number) == ["declared"]


async def test_forty_identical_alerts_are_one_alert_with_count_forty(database_url: str) -> None:
    async with world(database_url) as w:
        for _ in range(40):
            await w.post(alert())
        await w.settle()
        (row,) = await w.rows(tables.alerts)
        assert (row.count, row.status) == (40, "firing")
        assert len(await w.all_incidents()) == 1


async def test_the_room_is_told_when_all_alerts_cleared(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("Errors"))
        await w.settle()
        w.clock.advance(60)
        await w.post(alert(status="resolved"), alert("Errors", status="resolved"))
        await w.settle()
        (incident,) = await w.all_incidents()
        assert incident.firing_count == 0
        assert incident.cleared_at is not None
        assert incident.status == "open"
        assert any(text.startswith("All 2 alerts cleared at ") for text in await w.said())


async def test_an_alert_that_fires_again_reopens_a_resolved_incident(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        await w.post(alert(status="resolved"))
        await w.settle()
        (incident,) = await w.all_incidents()
        await w.incidents.resolve(incident.number, MIKA, "rolled back")
        w.clock.advance(120)
        await w.post(alert())
        await w.settle()
        (again,) = await w.all_incidents()
        assert again.status == "open"
        assert (await w.story(again.number))[-1] == "reopened"


async def test_an_incident_resolved_by_a_person_is_not_reopened_by_a_repeat(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        (incident,) = await w.all_incidents()
        await w.incidents.resolve(incident.number, MIKA)
        w.clock.advance(120)
        await w.post(alert())
        await w.settle()
        (still,) = await w.all_incidents()
        assert still.status == "resolved"


async def test_a_spread_to_another_service_is_told_once(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        w.clock.advance(5)
        await w.post(*[alert("Errors", service="cart", host=f"cart-{n}") for n in range(5)])
        await w.settle()
        (incident,) = await w.all_incidents()
        assert dict(incident.services) == {"cart": 5, "checkout": 1}
        assert sum("Spread to cart" in text for text in await w.said()) == 1


async def test_a_spread_over_several_services_within_seconds_is_one_notice_that_is_kept_current(
    database_url: str,
) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        for service in ("cart", "web", "search"):
            w.clock.advance(5)
            await w.post(*[alert("Errors", service=service, host=f"{service}-{n}") for n in range(3)])
            await w.settle()
        [told] = [words for words in await w.said() if words.startswith("Spread to ")]
        first, *reasons = told.splitlines()
        assert first == "Spread to cart, web, search within 10 s: 9 more alerts."
        assert [line.removeprefix("- ").partition(":")[0] for line in reasons] == ["cart", "web", "search"]
        w.clock.advance(300)
        await w.post(alert("Errors", service="mail", host="mail-1"))
        await w.settle()
        assert sum(words.startswith("Spread to ") for words in await w.said()) == 2, "much later it is news again"


async def test_two_outages_at_two_locations_are_two_incidents(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("DiskFull", service="reports", location="us-east-1", summary="/ is full"))
        await w.settle()
        assert len(await w.all_incidents()) == 2


async def test_a_restart_goes_on_with_the_same_groups_and_says_nothing_twice(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("Errors", host="a"))
        await w.settle()
        said = await w.said()
        clock = w.clock
    async with world(
        database_url, clock=clock
    ) as w:  # without a snapshot: all of the journal is told to the engine again
        await w.settle()
        assert await w.said() == said
        clock.advance(30)
        await w.post(alert("Errors", host="b"), alert())
        await w.settle()
        (incident,) = await w.all_incidents()
        assert incident.alert_count == 3
        assert {row.group_id for row in await w.rows(tables.alerts)} == {"G1"}
        await w.grouping.close()
    async with world(database_url, clock=clock) as w:  # with one
        clock.advance(30)
        await w.post(alert("Errors", host="c"))
        await w.settle()
        assert [i.alert_count for i in await w.all_incidents()] == [4]


async def test_a_batch_that_cannot_be_kept_is_kept_when_the_database_is_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(database_url) as w:
        heard, fails = w.grouping.heard, True

        async def no_space(work: Any, position: int) -> None:
            if fails:
                raise StorageUnavailable("disk full")
            await heard(work, position)

        monkeypatch.setattr(w.grouping, "heard", no_space)
        await w.post(alert())
        with pytest.raises(StorageUnavailable):
            await w.pipeline.drain()
        assert await w.all_incidents() == []
        fails = False
        await w.settle()
        assert [i.alert_count for i in await w.all_incidents()] == [1]


async def test_a_poison_delivery_costs_only_itself(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(database_url) as w:
        read = w.reader.read

        def poisoned(delivery: Any, muting: Any) -> Any:
            if b"poison" in delivery.body:
                raise RuntimeError("a mistake of ours")
            return read(delivery, muting)

        monkeypatch.setattr(w.reader, "read", poisoned)
        for name in ("HighLatency", "poison", "Errors"):
            await w.post(alert(name))
        await w.settle()
        assert {row.name for row in await w.rows(tables.alerts)} == {"HighLatency", "Errors"}
        (rejected,) = await w.journal.rejected()
        assert b"poison" in rejected.body


async def test_a_delivery_that_kills_the_engine_again_and_again_is_set_aside(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(sqlite_url) as w:
        ask = w.host.ask

        async def dying(request: Any) -> Any:
            if any(one.name == "deadly" for reading in getattr(request, "readings", ()) for one in reading.alerts):
                w.host.worker = Worker()  # another one, that knows nothing
                raise EngineLost
            return await ask(request)

        monkeypatch.setattr(w.host, "ask", dying)
        for name in ("HighLatency", "deadly", "Errors"):
            await w.post(alert(name))
        for _ in range(40):
            with suppress(EngineLost):
                await w.settle()
                break
        assert {row.name for row in await w.rows(tables.alerts)} == {"HighLatency", "Errors"}
        (rejected,) = await w.journal.rejected()
        assert b"deadly" in rejected.body
        assert len(await w.all_incidents()) == 1


async def test_fifty_acknowledgements_at_once_have_one_winner(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert())
        await w.settle()
        people = [ROBIN, MIKA] * 25
        answers = await asyncio.gather(*(w.incidents.acknowledge(1, person) for person in people))
        assert sum(answer.first for answer in answers) == 1
        assert (await w.story(1)).count("acknowledged") == 1


async def test_a_persons_merge_and_split_outlive_a_restart(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("DiskFull", service="reports", location="us-east-1"))
        await w.settle()
        kept, lost = sorted(i.number for i in await w.all_incidents())
        merged = await w.incidents.merge(kept, lost, ROBIN)
        assert merged.alert_count == 2
        clock = w.clock
    async with world(database_url, clock=clock) as w:
        await w.post(alert("DiskFull", service="reports", location="us-east-1", host="r2"))
        await w.settle()
        by_number = {i.number: i for i in await w.all_incidents()}
        assert by_number[kept].alert_count == 3
        assert by_number[lost].merged_into == kept
        split = await w.incidents.split(
            kept, [row.id for row in await w.rows(tables.alerts) if row.service == "reports"], ROBIN
        )
        assert (split.alert_count, split.services) == (2, [("reports", 2)])
    async with world(database_url, clock=clock) as w:
        clock.advance(10)
        await w.post(alert("DiskFull", service="reports", location="us-east-1", host="r2"))
        await w.settle()
        by_number = {i.number: i for i in await w.all_incidents()}
        assert by_number[split.number].alert_count == 2
        assert by_number[kept].alert_count == 1


async def drawn(w: World) -> list[str]:
    return [row.view_json for row in await w.rows(tables.messages) if row.view_json and '"card"' in row.view_json]


async def test_many_changes_of_a_card_are_one_message(database_url: str) -> None:
    async with world(database_url) as w:
        for n in range(20):
            await w.post(alert(host=f"h{n}"))
            await w.settle()
            w.clock.advance(1)
        await w.settle()
        (card,) = await drawn(w)
        assert '"alert_count":20' in card


async def test_what_waits_calls_people_by_the_passing_of_time_alone(database_url: str) -> None:
    familiar = {"name": "SlowQueries", "severity": "warning", "service": "search", "location": "eu-west-1"}
    async with world(database_url) as w:
        for _ in range(3):  # it fired and cleared before: nothing new
            await w.post(familiar)
            await w.settle()
            w.clock.advance(60)
            await w.post(familiar | {"status": "resolved"})
            await w.settle()
            w.clock.advance(3600)
        before = len(await w.all_incidents())
        await w.post(familiar)
        await w.settle()
        assert len(await w.all_incidents()) == before  # it waits
        w.clock.advance(1000)
        await w.settle()  # no alert came
        assert len(await w.all_incidents()) == before + 1
        clock = w.clock
    async with world(database_url, clock=clock) as w:  # and a replay hears the time, too
        await w.post(familiar | {"host": "s2"})
        await w.settle()
        assert len(await w.all_incidents()) == before + 1


async def test_one_delivery_may_touch_more_groups_than_a_statement_has_parameters(database_url: str) -> None:
    async with world(database_url) as w, w.database.transaction() as work:
        assert await store.of_groups(work.connection, [f"G{n}" for n in range(300_000)]) == {}


async def test_many_outages_at_once_are_written_in_small_transactions(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        for n in range(100):
            place = {"location": f"site-{n}", "environment": f"env{n}", "class": f"c{n}"}
            await w.post(alert(f"T{n}x", service=f"s{n}", **place))
        declared = []
        while await w.pipeline.step():
            declared.append(len(await w.rows(tables.incidents)))
        assert declared == [40, 80, 100]


async def test_while_people_type_batches_are_small_so_that_what_they_write_need_not_wait(sqlite_url: str) -> None:
    async with world(sqlite_url) as w:
        for delivery in range(4):
            await w.post(*[alert(f"Rule{delivery}-{n}") for n in range(500)])
        with w.pipeline._turns.of_a_person():
            pass  # somebody was answered just now
        await w.pipeline.step()
        assert w.grouping.position == 1
        w.pipeline._turns._served_at = float("-inf")
        await w.pipeline.step()
        assert w.grouping.position == 4


async def test_a_firing_told_late_does_not_move_the_end(database_url: str) -> None:
    async with world(database_url) as w:
        began = w.clock.now()
        await w.post(alert())
        w.clock.advance(100)
        await w.post(alert(status="resolved", at=to_iso(began + 90)))
        await w.post(alert(at=to_iso(began + 40)))
        await w.settle()
        (row,) = await w.rows(tables.alerts)
        assert (row.status, row.count, row.resolved_at) == ("resolved", 2, began + 90)


async def test_what_waited_and_turns_out_to_be_part_of_it_is_told_in_the_room(database_url: str) -> None:
    async with world(database_url) as w:
        for n in range(30):  # so that the engine knows what mostly clears by itself
            restarted = alert("PodRestarted", severity="warning", service="mail", location="us-east-1", host=f"m-{n}")
            await w.post(restarted)
            w.clock.advance(60)
            await w.post(restarted | {"status": "resolved"})
            w.clock.advance(7200)
            await w.settle()
        earlier = len(await w.all_incidents())
        for n in range(2):
            w.clock.advance(20)
            await w.post(alert("LagGrows", severity="warning", service="web", host=f"w-{n}"))
        await w.settle()
        assert len(await w.all_incidents()) == earlier  # they wait
        w.clock.advance(20)
        await w.post(alert("ConnectionsExhausted"), alert("Errors", service="cart"))
        await w.settle()
        assert len(await w.all_incidents()) == earlier + 1
        w.clock.advance(130)
        await w.post(alert("PodRestarted", severity="warning", service="mail", location="us-east-1", host="m-9"))
        await w.settle()
        incidents = await w.all_incidents()
        assert len(incidents) == earlier + 1
        newest = max(incidents, key=lambda one: one.number)
        assert dict(newest.services) == {"web": 2, "checkout": 1, "cart": 1}
        [told] = [words for words in await w.said() if words.startswith("Spread to web")]
        assert "2 more alerts" in told
        assert "Part of it all along: same location eu-west-1" in told
