"""Two incidents turn out to be one: both rooms are told why, and so is whoever reads the timeline later."""

from dataclasses import replace
from typing import Any

from bot.catalog.catalog import Catalog
from bot.catalog.model import Service
from bot.incidents import timeline
from tests.incidents.test_titles import tills_fail
from tests.world import World, world


def shop() -> Catalog:
    calls = {"web": ("search", "checkout"), "search": ("search-index",), "checkout": ("payments",), "payments": ("db",)}
    ends = {"search-index": (), "db": ()}
    services = {name: Service(id=name, depends_on=others) for name, others in (calls | ends).items()}
    return replace(Catalog.empty(), services=services, digest="shop")


async def rack(w: World, name: str, service: str, **fields: Any) -> None:
    w.clock.advance(5)
    await w.post({"name": name, "severity": "critical", "service": service, "host": "rack-7"} | fields)
    await w.settle()


async def merges(w: World, number: int) -> list[str]:
    async with w.database.reading() as connection:
        return [entry.text for entry in await timeline.read(connection, number) if entry.kind == "merged"]


async def test_an_alert_that_fits_both_is_named_with_what_speaks_for_it(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await rack(w, "IndexCorrupt", "search-index")
        await rack(w, "DiskFull", "db", **{"class": "saturation"})
        await rack(w, "HighErrors", "web")
        kept, lost = await w.incidents.get(1), await w.incidents.get(2)
        assert (kept.alert_count, lost.merged_into) == (3, 1)
        (why,) = await merges(w, 1)
        assert why.startswith("Took in INC-2: A3 web HighErrors fits both (")
        assert "same host rack-7" in why
        assert await merges(w, 2) == [why.replace("Took in INC-2", "Merged into INC-1")]
        assert lost.summary == why.replace("Took in INC-2", "Merged into INC-1") + "."
        said = [text for text in await w.said() if "Why: A3 web HighErrors fits both (same host rack-7" in text]
        assert [text.splitlines()[0] for text in said] == [
            "Muster merged INC-2 into this: its alerts are here now.",
            "Muster merged this into INC-1. It goes on there.",
        ]


async def test_trouble_at_many_places_says_so_where_it_ends(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, *range(6))
        assert await merges(w, 2) == ["Merged into INC-1: the same at 6 places within minutes"]
        assert await merges(w, 1) == [f"Took in INC-{n}: the same at 6 places within minutes" for n in range(2, 6)]
