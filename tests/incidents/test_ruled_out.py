"""What people rule out, and the engine's own ranking of the cause."""

from __future__ import annotations

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Service
from bot.errors import InvalidTransition
from bot.storage import tables
from tests.incidents.test_pipeline import alert
from tests.world import MIKA, World, world

CATALOG = Catalog(
    services={
        "checkout": Service(id="checkout", depends_on=("payments-api",)),
        "web": Service(id="web", depends_on=("checkout",)),
        "payments-api": Service(id="payments-api"),
    }
)


async def cascade(w: World) -> int:
    await w.post(*(alert("Errors", service=service) for service in ("payments-api", "checkout", "web")))
    await w.settle()
    [incident] = await w.all_incidents()
    assert incident.cause.service == "payments-api"
    return int(incident.number)


async def test_what_is_ruled_out_gives_its_place_to_the_next_likeliest(database_url: str) -> None:
    async with world(database_url, catalog=CATALOG) as w:
        number = await cascade(w)
        incident = await w.incidents.rule_out(number, "payments-api", MIKA, "its graphs are flat")
        assert incident.cause is not None
        assert incident.cause.service == "checkout"
        assert not any(other.startswith("payments-api") for other in incident.cause.others)
        again = await w.incidents.rule_in(number, "payments-api", MIKA)
        assert again.cause is not None
        assert again.cause.service == "payments-api"


async def test_it_stays_ruled_out_when_more_alerts_come_also_after_a_restart(database_url: str) -> None:
    async with world(database_url, catalog=CATALOG) as w:
        number = await cascade(w)
        await w.incidents.rule_out(number, "payments-api", MIKA)
        clock = w.clock
    async with world(database_url, clock=clock, catalog=CATALOG) as w:
        clock.advance(20)
        await w.post(alert("Timeouts", service="payments-api"), alert("Timeouts", service="web"))
        await w.settle()
        [incident] = await w.all_incidents()
        assert incident.alert_count == 5
        assert incident.cause.service == "checkout"
        assert incident.ruled_out == ("payments-api",)
        [card] = [row.text for row in await w.rows(tables.messages) if row.pinned]
        assert "Probable cause: checkout:" in card
        assert "Ruled out: payments-api (Mika Laine)" in card


async def test_when_all_is_ruled_out_there_is_no_probable_cause(database_url: str) -> None:
    async with world(database_url, catalog=CATALOG) as w:
        number = await cascade(w)
        for service in ("payments-api", "checkout", "web"):
            incident = await w.incidents.rule_out(number, service, MIKA)
        assert incident.cause is None
        with pytest.raises(InvalidTransition, match="not ruled out"):
            await w.incidents.rule_in(number, "cart", MIKA)
