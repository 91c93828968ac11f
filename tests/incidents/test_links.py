"""What responders can open from an incident: few, each once, and only what may be opened."""

from __future__ import annotations

from typing import Any

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Runbook, Service
from bot.chat.views import Card, Link, decode_view
from bot.incidents import links, store
from bot.incidents.parts import Cause
from bot.storage import tables
from correlation.matchers import Matchers
from tests.incidents.test_pipeline import alert
from tests.world import World, world

SHOP = Catalog(
    services={
        "checkout": Service(
            id="checkout",
            links={"dashboard": "https://grafana.example.org/d/checkout", "logs": "https://logs.example.org/c"},
        ),
        "cart": Service(id="cart", links={"dashboard": "https://grafana.example.org/d/cart"}),
    },
    runbooks={
        "any": Runbook(id="any", title="Look around", link="https://wiki.example.org/look"),
        "slow": Runbook(
            id="slow",
            title="Slow checkout",
            link="https://wiki.example.org/slow",
            match=Matchers.parse('name="HighLatency"'),
        ),
        "other": Runbook(
            id="other", title="x", link="https://wiki.example.org/x", match=Matchers.parse('name="DiskFull"')
        ),
        "unwritten": Runbook(id="unwritten", title="y"),
    },
)


async def of(w: World, *, card: bool) -> list[Link]:
    async with w.database.reading() as connection:
        incident = await store.load(connection, 1)
        return list(await (links.card_links if card else links.kept_links)(connection, SHOP, incident))


async def test_dashboards_of_the_services_hit_and_runbooks_that_fit(database_url: str) -> None:
    async with world(database_url, catalog=SHOP) as w:
        await w.post(alert(links=["https://prometheus.example.org/graph?g0.expr=up"]))
        await w.settle()
        known = [
            Link("checkout dashboard", "https://grafana.example.org/d/checkout"),
            Link("checkout logs", "https://logs.example.org/c"),
            Link("Runbook Slow checkout", "https://wiki.example.org/slow"),
            Link("Runbook Look around", "https://wiki.example.org/look"),
        ]
        theirs = Link("HighLatency (prometheus.example.org)", "https://prometheus.example.org/graph?g0.expr=up")
        assert await of(w, card=False) == known
        best, next_best = [known[0], known[2], theirs], [known[1], known[3]]  # of each kind
        assert await of(w, card=True) == [*best, *next_best]
        [shown] = [decode_view(row.view_json) for row in await w.rows(tables.messages) if row.pinned]
        assert isinstance(shown, Card)
        assert list(shown.links) == [*best, *next_best]


async def test_a_storm_of_links_is_a_few(database_url: str) -> None:
    def one(number: int) -> dict[str, Any]:
        there = [f"https://prometheus.example.org/{number}", f"https://host-{number}.example.org/"]
        return alert(host=f"checkout-{number}", links=there)

    async with world(database_url, catalog=SHOP) as w:
        await w.post(*(one(number) for number in range(300)))
        await w.settle()
        shown = await of(w, card=True)
        assert len(shown) == 4 + links.OF_ALERTS
        assert len({link.label for link in shown}) == len(shown)
        assert len(await of(w, card=False)) <= links.KEPT


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "/relative",
            "https://",
            "ftp://example.org/x",
            "https://exa mple.org",
            "https://[bad/",
        ),
        "https://example.org/" + "x" * 3_000,
        "https://example.org/\u202egnp.exe",
    ],
)
async def test_what_may_not_be_opened_is_left_out(database_url: str, url: str) -> None:
    catalog = Catalog(
        services={"checkout": Service(id="checkout", links={"<!channel> \u202e": url, "fine": "https://ok.example"})}
    )
    async with world(database_url, catalog=catalog) as w:
        await w.post(alert())
        await w.settle()
        async with w.database.reading() as connection:
            found = await links.card_links(connection, catalog, await store.load(connection, 1))
        assert [link.url for link in found] == ["https://ok.example"]


async def test_the_probable_cause_is_where_to_look_first(database_url: str) -> None:
    async with world(database_url, catalog=SHOP) as w:
        await w.post(alert())
        await w.settle()
        async with w.database.reading() as connection:
            incident = await store.load(connection, 1)
            incident.services = [("checkout", 21), ("cart", 2)]
            incident.cause = Cause(service="cart", words="first to fail", score=1.0)
            first, *_ = await links.kept_links(connection, SHOP, incident)
        assert first == Link("cart dashboard", "https://grafana.example.org/d/cart")
