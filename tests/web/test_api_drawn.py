"""The picture of an incident as a file."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.clock import ManualClock
from bot.incidents.drawing_process import NotDrawn, Wanted
from bot.incidents.pictures import Pictures
from bot.storage.database import Database
from tests.rows import keep_alert, keep_incident
from tests.web.conftest import Serving, Site


async def test_the_picture_is_a_png_in_two_schemes(site: Site) -> None:
    at = site.clock.now()
    async with site.database.transaction() as work:
        await keep_incident(work, at - 60, alert_count=1, firing_count=1, services=[("cart", 1)])
        await keep_alert(work, 1, at - 60, group_id="G1")
    found = set()
    for query in ("", "?theme=light", "?theme=dark&v=0123"):
        async with site.session.get(f"{site.url}/api/v1/incidents/INC-1/picture.png{query}") as response:
            assert (response.status, response.content_type) == (200, "image/png")
            assert response.headers["Cache-Control"] == "private, max-age=60"
            body = await response.read()
            assert body.startswith(b"\x89PNG")
            found.add(body)
    assert len(found) == 2


async def test_where_there_is_nothing_to_draw_it_says_so(site: Site) -> None:
    async with site.database.transaction() as work:
        await keep_incident(work, site.clock.now())
    assert "nothing to draw" in (await site.get("/api/v1/incidents/INC-1/picture.png", expect=404))["detail"]
    await site.get("/api/v1/incidents/INC-9/picture.png", expect=404)
    await site.get("/api/v1/incidents/INC-1/picture.png", expect=422, theme="blue")


async def test_a_picture_that_cannot_be_drawn_now_can_be_asked_for_again(
    serving: Serving, clock: ManualClock, sqlite: Database
) -> None:
    async def broken(_: Wanted) -> bytes:
        raise NotDrawn

    async with sqlite.transaction() as work:
        await keep_incident(work, clock.now() - 60, alert_count=1, firing_count=1, services=[("cart", 1)])
    pictures = Pictures(sqlite, clock, Catalog.empty, broken)
    async with serving(pictures=pictures) as site:
        told = await site.get("/api/v1/incidents/INC-1/picture.png", expect=503)
    assert "could not be drawn just now" in told["detail"]
