"""The story in a real browser with the real Muster: alerts come, a room appears, people acknowledge, talk and resolve."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.processes import EXAMPLE_CATALOG, Muster, running
from tests.web.fixtures.browser import PATIENCE, TOO_WIDE, chromium, reading

pytestmark = pytest.mark.needs("chromium")
expect.set_options(timeout=PATIENCE)


async def fire(muster: Muster, name: str, service: str, **fields: str) -> None:
    alert = {
        "name": name,
        "severity": "critical",
        "service": service,
        "environment": "production",
        "location": "eu-west-1",
    }
    answer = await muster.webhook("generic", alert | {"summary": f"{name} on {service}"} | fields)
    assert answer.status == 202


@pytest.mark.timeout(180)
async def test_two_people_see_an_incident_appear_take_it_and_end_it_without_a_reload(tmp_path: Path) -> None:
    async with (
        running(tmp_path, catalog=EXAMPLE_CATALOG) as muster,
        chromium() as browser,
        reading(browser, f"{muster.address}/?as=robin") as robin,
        reading(browser, f"{muster.address}/?as=amara", color_scheme="dark") as amara,
    ):
        for page in (robin, amara):
            await expect(page.locator(".empty h3")).to_have_text("No incidents")
        await fire(muster, "HighLatency", "payments-api")
        await fire(muster, "CheckoutErrors", "checkout")

        # The incident appears, and both open its room.
        for page in (robin, amara):
            await page.locator("#rooms a[data-kind=incident]").first.click()
            await expect(page.locator("#room-header .status")).to_have_text("open")
            await expect(page.locator("#card button", has_text="Acknowledge")).to_be_visible()
            await expect(page.locator(".lanes .lane-firing").first).to_be_visible()
            await expect(page.locator(".graph .node").first).to_be_visible()
            assert await page.evaluate(TOO_WIDE) == []

        # Robin types; Amara's page changes.
        await robin.focus("#log")
        await robin.keyboard.press("/")
        await robin.keyboard.type("ac")
        await expect(robin.locator(".option").first).to_contain_text("ack")
        await robin.keyboard.press("Tab")
        await expect(robin.locator("#input")).to_have_value("/incident ack ")
        await robin.keyboard.press("Enter")
        for page in (robin, amara):
            await expect(page.locator("#room-header .status")).to_have_text("acknowledged")
            await expect(page.locator("#log")).to_contain_text("Robin Vos")

        # People talk.
        await amara.fill("#input", "It is the <b>retry</b> budget.")
        await amara.keyboard.press("Enter")
        for page in (robin, amara):
            await expect(page.locator(".said .words", has_text="It is the <b>retry</b> budget.")).to_have_count(1)

        # Robin asks why, and only Robin is told.
        await robin.fill("#input", "/incident why")
        await robin.keyboard.press("Enter")
        await expect(robin.locator(".reply").last).to_contain_text("Only you see this")
        await expect(amara.locator(".reply")).to_have_count(0)
        await robin.click("#tab-why")
        await expect(robin.locator(".evidence-item").first).to_be_visible()

        # Robin shows everybody the picture.
        await robin.fill("#input", "/incident graph share")
        await robin.keyboard.press("Enter")
        for page in (robin, amara):
            drawing = page.locator(".notice .drawing img")
            await expect(drawing).to_have_attribute("alt", re.compile("Alerts over time: .* alerts on 2 services"))
            await expect(drawing).to_have_js_property("naturalWidth", 1200)
            assert await page.evaluate(TOO_WIDE) == []

        # Amara presses a button; Robin's page changes.
        await amara.locator("#card button", has_text="Resolve").click()
        if await amara.locator("#confirm").is_visible():
            await amara.locator("#confirm button", has_text="Resolve").click()
        for page in (robin, amara):
            await expect(page.locator("#room-header .status")).to_have_text("resolved")
            await expect(page.locator("#rooms")).to_contain_text("Resolved")


@pytest.mark.timeout(180)
async def test_who_is_on_call_is_paged_in_the_browser_and_answers_there(tmp_path: Path) -> None:
    async with running(tmp_path, catalog=EXAMPLE_CATALOG) as muster, chromium() as browser:
        await fire(muster, "HighLatency", "payments-api")
        await muster.settled()
        people = [person["id"] for person in (await muster.get("/api/v1/session"))["people"]]
        rooms = {person: await muster.items("/api/v1/rooms", **{"as": person}) for person in people}
        paged = [person for person in people if any(room["kind"] == "private" for room in rooms[person])]
        assert paged
        async with reading(browser, f"{muster.address}/?as={paged[0]}") as page:
            await expect(page.locator("#rooms a.room").first).to_contain_text("A page waits")
            await page.locator(".page button", has_text="Acknowledge").click()
            await expect(page.locator(".page").last).not_to_contain_text("waits for you")
            await page.locator("#rooms a[data-kind=incident]").first.click()
            await expect(page.locator("#room-header .status")).to_have_text("acknowledged")


@pytest.mark.timeout(120)
async def test_what_was_held_back_says_why_in_the_lobby(tmp_path: Path) -> None:
    async with (
        running(tmp_path, catalog=EXAMPLE_CATALOG) as muster,
        chromium() as browser,
        reading(browser, f"{muster.address}/?as=robin#/rooms/lobby") as robin,
    ):
        await robin.click("#tab-held")
        await expect(robin.locator("#picture .nothing")).to_contain_text("Nothing was held back")
        await fire(muster, "CacheHitsLow", "cart", severity="info")
        await expect(robin.locator(".held-count")).to_contain_text("Held back: 1, 1 firing")
        await expect(robin.locator("#picture .evidence-item")).to_contain_text("CacheHitsLow")
        await expect(robin.locator("#picture .evidence-words")).to_contain_text("Held:")
        await robin.click("#tab-picture")
        await expect(robin.locator("#picture h2").first).to_have_text("Alerts over time")
