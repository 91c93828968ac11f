"""What an incident is called: after its first alert, after all its places when they are many, and as people say for good."""

from typing import Any

from bot.storage import tables
from tests.incidents.test_pipeline import alert
from tests.world import ROBIN, World, world


def till(store: int, **fields: Any) -> dict[str, Any]:
    return {"name": "TillDown", "severity": "critical", "service": "till", "location": f"store{store}"} | fields


async def tills_fail(w: World, *stores: int) -> None:
    for store in stores:
        w.clock.advance(3)
        await w.post(till(store))
        await w.settle()


async def test_what_comes_to_be_at_many_places_is_called_so_once(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, 0)
        assert (await w.incidents.get(1)).title == "till down, store0"
        await tills_fail(w, *range(1, 9))
        incident = await w.incidents.get(1)
        assert (incident.title, incident.alert_count) == ("till down, many places", 9)
        told = [text for text in await w.said() if "renamed" in text]
        assert told == ["Muster renamed it to till down, many places. It was till down, store0."]
        assert (await w.story(1)).count("renamed") == 1


async def test_what_begins_at_many_places_is_called_so_from_the_start(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(*(till(store) for store in range(9)))
        await w.settle()
        named = {incident.title for incident in await w.all_incidents() if incident.merged_into is None}
        assert named == {"till down, many places"}


async def test_what_a_person_called_it_stays(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, 0)
        await w.incidents.rename(1, "tills are down after the update", ROBIN)
        await tills_fail(w, *range(1, 9))
        incident = await w.incidents.get(1)
        assert (incident.title, incident.alert_count) == ("tills are down after the update", 9)


async def test_a_person_may_call_it_otherwise_afterwards(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, *range(9))
        await w.incidents.rename(1, "store0's tills, and others", ROBIN)
        await tills_fail(w, *range(9, 12))
        assert (await w.incidents.get(1)).title == "store0's tills, and others"


async def test_what_is_at_many_places_no_more_after_a_split_is_called_after_its_own(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, *range(7))
        first, *others = sorted(row.id for row in await w.rows(tables.alerts))
        new = await w.incidents.split(1, others, ROBIN)
        assert (new.title, (await w.incidents.get(1)).title) == ("till down, many places", "till down, store0")
        assert (await w.story(1)).count("renamed") == 2
        assert first not in others


async def test_what_is_left_after_a_split_is_not_called_after_what_left(database_url: str) -> None:
    async with world(database_url) as w:
        await w.post(alert(), alert("ReplicationLag", host="a", severity="error"))
        await w.settle()
        assert (await w.incidents.get(1)).title == "checkout latency, eu-west-1"
        moved = [row.id for row in await w.rows(tables.alerts) if row.name == "HighLatency"]
        new = await w.incidents.split(1, moved, ROBIN)
        assert new.title == "checkout latency, eu-west-1"
        assert (await w.incidents.get(1)).title == "checkout replication lag, eu-west-1"
