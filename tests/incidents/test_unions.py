"""Two incidents turn out to be one: both rooms are told why, and so is whoever reads the timeline later."""

from dataclasses import replace
from typing import Any

from bot.catalog.catalog import Catalog
from bot.catalog.model import Service
from bot.incidents import timeline
from tests.incidents.test_titles import till, tills_fail
from tests.world import ROBIN, World, world


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


async def test_an_alert_that_fits_both_is_named_with_what_speaks_for_each(database_url: str) -> None:
    async with world(database_url, catalog=shop()) as w:
        await rack(w, "HighErrors", "payments", host="", **{"class": "errors"})
        await rack(w, "IndexCorrupt", "search", **{"class": "errors"})
        await rack(w, "DiskFull", "checkout", **{"class": "errors"})
        kept, lost = await w.incidents.get(1), await w.incidents.get(2)
        assert (kept.alert_count, lost.merged_into) == (3, 1)
        (took,), (went,) = await merges(w, 1), await merges(w, 2)
        why = took.removeprefix("Took in INC-2: ")
        assert why.startswith("A3 checkout DiskFull fits INC-1 (10 s after the last; 1 hop from payments) and INC-2 (")
        assert "same host rack-7" in why.partition("INC-2")[2]
        assert went == f"Merged into INC-1: {why}"
        assert lost.summary == f"{went}."
        assert sorted(text.splitlines()[0] for text in await w.said() if f"Why: {why}." in text) == [
            "Muster merged INC-2 into this: its alerts are here now.",
            "Muster merged this into INC-1. It goes on there.",
        ]  # two rooms: either may hear it first


async def test_what_one_must_not_say_both_must_not(database_url: str) -> None:
    """The private one stays, though it is not the first."""
    services = {"till": Service(id="till", depends_on=("payroll",)), "payroll": Service(id="payroll", private=True)}
    async with world(database_url, catalog=replace(Catalog.empty(), services=services, digest="shop")) as w:
        await tills_fail(w, 0)
        await w.post(till(1), till(1) | {"name": "SalariesLeak", "service": "payroll"})
        await w.settle()
        await tills_fail(w, *range(2, 9))
        public, private = await w.incidents.get(1), await w.incidents.get(2)
        assert (public.private, public.merged_into, private.private, private.merged_into) == (False, 2, True, None)
        assert (private.alert_count, private.open) == (10, True)
        assert not any("should be private" in text for text in await w.said())


async def test_what_people_said_of_one_that_goes_into_another_unasked_holds_on(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, *range(5))
        await w.incidents.rename(3, "card provider is down", ROBIN)
        await w.incidents.change_severity(4, "SEV1", ROBIN)
        await tills_fail(w, *range(5, 8))
        incident = await w.incidents.get(1)
        assert (incident.title, incident.severity, incident.alert_count) == ("card provider is down", "SEV1", 8)
        assert {"renamed", "severity"} <= set(await w.story(1))
        assert any("changed the severity from SEV2 to SEV1: INC-4 was SEV1." in text for text in await w.said())


async def test_trouble_at_many_places_says_so_where_it_ends(database_url: str) -> None:
    async with world(database_url) as w:
        await tills_fail(w, *range(6))
        assert await merges(w, 2) == ["Merged into INC-1: the same at 6 places within minutes"]
        assert await merges(w, 1) == [f"Took in INC-{n}: the same at 6 places within minutes" for n in range(2, 6)]
