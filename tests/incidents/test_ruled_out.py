"""What people rule out, and the engine's own ranking of the cause."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Service
from bot.clock import to_iso
from bot.errors import InvalidTransition
from bot.retros.gathering import gather
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


def deploy(service: str, revision: str, at: float) -> dict[str, Any]:
    return {
        "at": to_iso(at),
        "service": service,
        "kind": "deploy",
        "title": f"{service} {revision}",
        "revision": revision,
    }


async def deployed_and_broken(w: World) -> int:
    """Two deploys, and what both could have done; the one of payments-api is the first suspect."""
    now = w.clock.now()
    for service, revision in (("web", "bbbbbbb"), ("payments-api", "aaaaaaa")):
        await w.journal.append("change", {}, json.dumps(deploy(service, revision, now - 120)).encode(), now)
    number = await cascade(w)
    (incident,) = await w.all_incidents()
    assert [s.reasons[0][:21] for s in incident.suspects][:1] == ["deployed payments-api"]
    return number


async def test_a_change_that_is_ruled_out_is_never_the_first_suspect_again(database_url: str) -> None:
    async with world(database_url, catalog=CATALOG) as w:
        number = await deployed_and_broken(w)
        (incident,) = await w.all_incidents()
        guilty = incident.suspects[0].change
        await w.incidents.rule_out(number, "deploy payments-api aaaaaaa", MIKA, "rolled back", guilty)
        clock = w.clock
    async with world(database_url, clock=clock, catalog=CATALOG) as w:
        for name in ("Timeouts", "Resets"):
            clock.advance(20)
            await w.post(alert(name, service="payments-api"), alert(name, service="web"))
            await w.settle()
            (incident,) = await w.all_incidents()
            *others, last = incident.suspects
            assert (last.change, last.ruled_out, last.reasons[0]) == (guilty, True, "ruled out")
            assert others
            assert not any(one.ruled_out for one in others)
            assert incident.cause.service == "payments-api"  # it is this change that it is not
        (card,) = [row.text for row in await w.rows(tables.messages) if row.pinned]
        assert "Ruled out: deploy payments-api aaaaaaa (Mika Laine: rolled back)" in card
        assert "Suspect: deploy payments-api" not in card
        async with w.database.reading() as connection:
            retro = await gather(connection, number, clock.now(), name=lambda key: key, author=lambda change: "")
        assert [one.reasons[0] for one in retro.suspects][-1] == "ruled out"
        assert [(one.service, one.reason) for one in retro.ruled_out] == [
            ("deploy payments-api aaaaaaa", "rolled back")
        ]
        again = await w.incidents.rule_in(number, "deploy payments-api aaaaaaa", MIKA)
        assert (again.suspects[0].change, again.suspects[0].ruled_out) == (guilty, False)


async def test_what_a_ruled_out_service_changed_is_not_it_either(database_url: str) -> None:
    async with world(database_url, catalog=CATALOG) as w:
        number = await deployed_and_broken(w)
        incident = await w.incidents.rule_out(number, "payments-api", MIKA)
        assert incident.suspects[-1].ruled_out
        assert not incident.suspects[0].ruled_out
        assert incident.suspects[0].reasons[0].startswith("deployed web")
