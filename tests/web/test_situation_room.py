"""The page in a real browser, against a server that plays its API from memory: what a reader sees, types and presses."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.web.fixtures.browser import PATIENCE, PHONE, TOO_PALE, TOO_WIDE, chromium, reading, serving
from tests.web.fixtures.fake_room_server import FakeRooms
from tests.web.fixtures.scenarios import SCENARIOS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]
expect.set_options(timeout=PATIENCE)

Open = Callable[..., Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def stage(browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """`rooms, page = await stage("outage", as_="mika")`: a scenario is served and somebody reads it."""
    async with AsyncExitStack() as stack:

        async def enter(scenario: str, *, as_: str = "robin", room: str = "", **options: Any) -> tuple[FakeRooms, Page]:
            rooms = FakeRooms()
            SCENARIOS[scenario](rooms)
            address = await stack.enter_async_context(serving(rooms))
            rooms.address = address
            return rooms, await join(rooms, as_=as_, room=room, **options)

        async def join(rooms: FakeRooms, *, as_: str = "robin", room: str = "", **options: Any) -> Page:
            place = f"#/rooms/{room}" if room else ""
            who = f"?as={as_}" if as_ else ""
            opened: AbstractAsyncContextManager[Page] = reading(browser, f"{rooms.address}/{who}{place}", **options)
            page = await stack.enter_async_context(opened)
            await expect(page.locator("a.room").first).to_be_attached()
            return page

        enter.join = join  # type: ignore[attr-defined]
        yield enter


def rooms_of(page: Page) -> Any:
    return page.locator("#rooms a.room")


def room_of(scenario: str) -> str:
    rooms = FakeRooms()
    SCENARIOS[scenario](rooms)
    return next(room["id"] for room in rooms.rooms.values() if room["incident"] and room["incident"]["id"] == "INC-42")


ROOM = "inc-42-checkout-latency"


# What is there.


async def test_an_empty_room_says_what_will_appear_and_how(stage: Open) -> None:
    _, page = await stage("empty")
    await expect(page.locator(".empty h3")).to_have_text("No incidents")
    await expect(page.locator(".copyable")).to_contain_text("/webhooks/generic")
    await expect(page.locator("#rooms")).to_contain_text("Alerts posted to /webhooks/alertmanager appear here")
    await expect(page.locator("#picture")).to_contain_text("No services known yet")


async def test_what_is_said_elsewhere_says_where_and_what_it_answers_and_goes_when_it_is_taken_back(
    stage: Open,
) -> None:
    rooms, page = await stage("outage", room=ROOM)
    rooms.say(ROOM, "is it the cache?", by="mika", platform="slack")
    rooms.say(ROOM, "it is", by="mika", platform="discord", answered="Mika Laine: is it the cache?")
    first, second = page.locator(".said", has_text="is it the cache?").first, page.locator(".said", has_text="it is")
    await expect(first.locator(".author")).to_have_text("Mika Laine in Slack", use_inner_text=True)
    await expect(second.last.locator(".author")).to_contain_text("in Discord")
    await expect(second.last.locator(".answered")).to_have_text("Mika Laine: is it the cache?")
    last = rooms.messages[ROOM].pop()
    rooms.publish("edited", last | {"text": "", "taken_back": True})
    await expect(page.locator(".answered")).to_have_count(0)


async def test_open_incidents_come_first_and_say_their_state_by_shape_and_word(stage: Open) -> None:
    _, page = await stage("outage")
    await expect(rooms_of(page).nth(0)).to_contain_text("Checkout latency")
    await expect(rooms_of(page).nth(0)).to_contain_text("SEV2open")
    await expect(rooms_of(page).nth(0).locator("svg[data-shape=open]")).to_be_visible()
    await expect(rooms_of(page).nth(1)).to_contain_text("acknowledged")
    await expect(rooms_of(page).last).to_contain_text("resolved")
    await expect(rooms_of(page).last.locator("svg[data-shape=resolved]")).to_be_visible()


async def test_a_room_shows_its_head_its_card_its_conversation_and_its_picture(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    await expect(page.locator("#room-header")).to_contain_text("Checkout latency")
    await expect(page.locator("#room-header")).to_contain_text("nobody leads yet")
    await expect(page.locator("#card")).to_contain_text("checkout21")
    await expect(page.locator("#card")).to_contain_text("Probablypayments-api: first at")
    await expect(page.locator("#card button.button-primary")).to_have_text("Acknowledge")
    await expect(page.locator("#log")).to_contain_text("Card payments only")
    await expect(page.locator(".lanes .lane-firing")).to_have_count(4)
    await expect(page.locator(".graph .node[data-state=cause]")).to_have_attribute(
        "aria-label", "payments-api: probable cause, 2 alerts. Depends on postgres-payments. Needed by checkout, cart"
    )
    await expect(page.locator(".changes tbody tr").first).to_contain_text("suspect")


async def test_times_carry_their_exact_value(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    first = page.locator("#log .item time").first
    await expect(first).to_have_attribute("datetime", re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"))
    await expect(first).to_have_attribute("title", re.compile(r":\d\d"))


async def test_the_evidence_and_the_timeline_have_tabs(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    await page.click("#tab-why")
    await expect(page.locator(".evidence-item")).to_have_count(5)
    await page.click(".evidence-item:nth-child(2) summary")
    await expect(page.locator(".terms tr").first).to_contain_text("0.82")
    await page.click("#tab-timeline")
    await expect(page.locator(".timeline-item")).to_have_count(5)


# Doing.


async def test_a_typed_command_is_answered_to_the_one_who_typed_and_told_to_the_room(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    other = await stage.join(rooms, as_="ana", room=ROOM)
    await page.fill("#input", "/incident ack")
    await page.keyboard.press("Enter")
    await expect(page.locator(".reply")).to_contain_text("Only you see this")
    for reader in (page, other):
        await expect(reader.locator("#room-header .status")).to_have_text("acknowledged")
        await expect(reader.locator("#log")).to_contain_text("Acknowledged by Robin Vos")
    await expect(other.locator(".reply")).to_have_count(0)


async def test_what_one_says_the_others_read_once(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    other = await stage.join(rooms, as_="ana", room=ROOM)
    await page.fill("#input", "rolling back now")
    await page.keyboard.press("Enter")
    for reader in (page, other):
        await expect(reader.locator(".said .words", has_text="rolling back now")).to_have_count(1)
    await expect(page.locator(".pending")).to_have_count(0)


def redrawn(rooms: FakeRooms, **fields: Any) -> None:
    """The room's card says something else now."""
    (message,) = [one for one in rooms.messages[ROOM] if one["view"] and one["view"]["view"] == "card"]
    rooms.edit(message, {**message["view"], **fields})


async def test_the_card_shows_its_best_links_and_the_others_when_they_are_wanted(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    links = page.locator("#card [data-fact=links] a:visible")
    await expect(links).to_have_text(["checkout dashboard", "cart dashboard", "payments-api dashboard"])
    await page.locator("#card summary", has_text="2 more").click()
    await expect(links).to_have_count(5)
    redrawn(rooms, alert_count=4_321)
    await expect(page.locator("#card")).to_contain_text("4,321")
    await expect(links).to_have_count(5)


@pytest.mark.parametrize("what", ["a", "summary", "button.typed", "[data-command]", ".fold"])
async def test_what_has_the_focus_on_the_card_keeps_it_when_the_card_changes(stage: Open, what: str) -> None:
    rooms, page = await stage("outage", room=ROOM)
    focused = page.locator(f"#card {what}").first
    await focused.focus()
    redrawn(rooms, alert_count=4_321)
    await expect(page.locator("#card")).to_contain_text("4,321")
    await expect(focused).to_be_focused()


async def test_a_sentence_that_begins_with_a_name_from_right_to_left_keeps_its_order(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    redrawn(rooms, cause=["\u05ea\u05e9\u05dc\u05d5\u05dd: first at 02:14"])
    said = page.locator("#card [data-fact=probably] bdi", has_text="first at 02:14")
    await expect(said).to_be_visible()
    assert await said.evaluate("node => getComputedStyle(node).direction") == "ltr"


async def test_a_pressed_button_stays_pressed_until_the_answer_is_there(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    button = page.locator("#card button", has_text="Invite owner")
    rooms.delay = 0.8
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    rooms.delay = 0.0
    await expect(page.locator(".reply")).to_have_count(1)
    await expect(button).to_have_attribute("aria-pressed", "false")


async def test_a_button_that_asks_does_nothing_on_not_now(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    await page.locator("#card button", has_text="Resolve").click()
    await expect(page.locator("#confirm")).to_contain_text("Resolve INC-42? 34 alerts are still firing.")
    await page.locator("#confirm button", has_text="Not now").click()
    assert not [request for request in rooms.requests if "actions" in request]
    await page.locator("#card button", has_text="Resolve").click()
    await page.locator("#confirm button", has_text="Resolve").click()
    await expect(page.locator("#room-header .status")).to_have_text("resolved")


async def test_what_could_not_be_sent_stands_there_with_the_reason_and_a_way_to_try_again(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM, quietly=False)
    rooms.fail_next_post = "The disk is full; nothing can be kept until there is space."
    await page.fill("#input", "still here")
    await page.keyboard.press("Enter")
    await expect(page.locator(".unsent")).to_contain_text("The disk is full")
    await page.locator(".unsent button").click()
    await expect(page.locator(".unsent")).to_have_count(0)
    await expect(page.locator(".said .words", has_text="still here")).to_have_count(1)


async def test_a_waiting_page_stands_on_top_until_it_is_answered(stage: Open) -> None:
    _, page = await stage("outage", as_="mika")
    await expect(rooms_of(page).first).to_contain_text("A page waits")
    await expect(page).to_have_title("Page waiting, Pages for you · Muster")
    await page.locator(".page button", has_text="Acknowledge").click()
    await expect(page.locator(".page")).to_contain_text("Page, answered")
    await expect(rooms_of(page).first).to_contain_text("Checkout latency")
    await expect(page.locator("#rooms a[data-kind=private]")).to_contain_text("Only you see them")


async def test_pages_of_others_are_not_shown(stage: Open) -> None:
    _, page = await stage("outage", as_="robin")
    await expect(page.locator("#rooms a[data-kind=private]")).to_have_count(0)


async def test_a_first_visit_is_asked_who_it_is_and_the_answer_is_kept(stage: Open) -> None:
    _, page = await stage("outage", as_="")
    await expect(page.locator("#gentle")).to_contain_text("You are")
    await page.select_option("#me-gentle", "ana")
    await expect(page.locator("#gentle")).to_be_hidden()
    await page.reload()
    await expect(page.locator("#me-foot")).to_have_value("ana")
    await expect(page.locator("#gentle")).to_be_hidden()


async def test_without_a_catalogue_one_types_a_name(stage: Open) -> None:
    _, page = await stage("no-catalogue", as_="")
    await page.fill("#me-gentle", "Sam Ode")
    await page.locator("#gentle button").click()
    await page.fill("#input", "hello")
    await page.keyboard.press("Enter")
    await expect(page.locator(".said .author")).to_have_text("Sam Odeyou")


# The keyboard.


async def test_the_input_line_completes_and_remembers(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    await page.focus("#log")
    await page.keyboard.press("/")
    await expect(page.locator("#input")).to_have_value("/incident ")
    await expect(page.locator(".option")).to_have_count(12)
    await page.keyboard.type("s")
    await expect(page.locator(".option")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".option[aria-selected=true]")).to_contain_text("silence")
    await page.keyboard.press("Escape")
    await expect(page.locator("#completion")).to_be_hidden()
    await page.fill("#input", "/incident wh")
    await expect(page.locator(".option")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(page.locator("#input")).to_have_value("/incident why ")
    await page.keyboard.press("Enter")
    await expect(page.locator(".reply")).to_contain_text("0.82 alike in text")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#input")).to_have_value("/incident why")


async def test_keys_walk_the_rooms_acknowledge_and_explain_themselves(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    await expect(page.locator("#log .item").first).to_be_visible()
    await page.focus("#log")
    await page.keyboard.press("j")
    await expect(page.locator("#room-header")).to_contain_text("Certificate of mail gateway")
    await page.keyboard.press("k")
    await expect(page.locator("#room-header")).to_contain_text("Checkout latency")
    await page.keyboard.press("a")
    await expect(page.locator("#room-header .status")).to_have_text("acknowledged")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_contain_text("next and previous room")
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.keyboard.press("1")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#room-header")).to_contain_text("Certificate of mail gateway")


async def test_letters_typed_into_a_message_are_no_commands(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    await page.focus("#input")
    await page.keyboard.type("a jk? 1/2")
    await expect(page.locator("#input")).to_have_value("a jk? 1/2")
    assert not [request for request in rooms.requests if request.startswith("POST")]


async def test_the_lanes_and_the_graph_can_be_walked_with_the_arrows(stage: Open) -> None:
    _, page = await stage("outage", room=ROOM)
    await expect(page.locator(".lanes svg").first).to_be_visible()
    await expect(page.locator(".graph .node").first).to_be_visible()
    await page.keyboard.press("3")
    await page.keyboard.press("Tab")
    await expect(page.locator(".lanes .tooltip")).to_contain_text("INC-42 declared")
    for key in ("ArrowDown", "ArrowDown", "End"):
        await page.keyboard.press(key)
    await expect(page.locator(".lanes .tooltip")).to_contain_text("checkout")
    await expect(page.locator(".lanes .tooltip")).to_contain_text("firing now")
    await page.focus(".graph .node[data-service=web]")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".graph .tooltip")).to_contain_text("Needed by")


# Live.


async def test_a_new_incident_appears_without_a_reload_and_unread_rooms_are_marked(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    await expect(page.locator("#log .item").first).to_be_visible()
    room = rooms.open_incident(50, "Queue stands still", severity="SEV1", minutes=0)
    await expect(rooms_of(page).first).to_contain_text("Queue stands still")
    rooms.say(room, "anybody here?", by="ana", at=time.time() + 1)
    await expect(page.locator(f"#rooms a[data-key={room}]")).to_have_attribute("data-unread", "yes")
    await rooms_of(page).first.click()
    await expect(page.locator("#log")).to_contain_text("anybody here?")
    await expect(page.locator(f"#rooms a[data-key={room}]")).not_to_have_attribute("data-unread", "yes")


async def test_a_lost_connection_is_said_and_what_was_missed_is_fetched(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM, quietly=False)
    await expect(page.locator("#log .item").first).to_be_visible()
    rooms.away = True
    rooms.drop_connections()
    await expect(page.locator("#banner")).to_contain_text("Connection lost")
    rooms.say(ROOM, "said while you were away", by="ana")
    rooms.away = False
    await expect(page.locator("#banner")).to_be_hidden()
    await expect(page.locator("#log")).to_contain_text("said while you were away")


async def test_who_types_on_while_completions_are_asked_for_is_offered_what_fits_then(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    rooms.delay = 5.0
    await page.locator("#input").press_sequentially("/incident ")
    while "GET /api/v1/complete" not in rooms.requests:  # the test's time is bounded
        await asyncio.sleep(0.01)
    rooms.delay = 0.0
    await page.keyboard.type("a")
    await expect(page.locator(".option").first).to_contain_text("ack")


async def test_what_is_said_between_the_page_and_its_stream_of_events_is_not_missed(stage: Open) -> None:
    rooms, _ = await stage("outage", room=ROOM)
    rooms.streaming.clear()
    page = await stage.join(rooms, as_="mika", room=ROOM)
    await expect(page.locator("#log .item").first).to_be_visible()
    rooms.say(ROOM, "said in between", by="ana")
    rooms.streaming.set()
    await expect(page.locator("#log")).to_contain_text("said in between")


async def test_what_changes_while_a_room_is_fetched_is_not_undone_by_what_was_fetched(stage: Open) -> None:
    rooms, page = await stage("outage", room="lobby")
    rooms.answered_late = 1.0
    await page.locator("a.room", has_text="INC-42").click()
    while f"GET /api/v1/rooms/{ROOM}/messages" not in rooms.requests:  # the test's time is bounded
        await asyncio.sleep(0.01)
    rooms.say(ROOM, "said meanwhile", by="ana")
    # 30 s: after 40 s of silence everything is fetched again
    await expect(page.locator("#log")).to_contain_text("said meanwhile", timeout=30_000)


async def test_a_storm_of_events_costs_few_requests(stage: Open) -> None:
    rooms, page = await stage("outage", room=ROOM)
    await expect(page.locator(".graph .node").first).to_be_visible()
    await asyncio.sleep(0.1)
    before = len(rooms.requests)
    began = time.monotonic()
    for _ in range(20):
        for _ in range(25):
            rooms.publish("alerts", {"incident": "INC-42"})
        rooms.change(rooms.rooms[ROOM]["incident"], alert_count=rooms.rooms[ROOM]["incident"]["alert_count"] + 25)
        await asyncio.sleep(0.05)
    await expect(page.locator("#card")).to_contain_text("37")
    seconds = time.monotonic() - began
    asked = [request for request in rooms.requests[before:] if "/lanes" in request or "/graph" in request]
    assert len(asked) <= 2 * (seconds + 2)


async def test_older_messages_come_on_scrolling_up_and_the_place_is_kept(stage: Open) -> None:
    _, page = await stage("long", room=ROOM)
    await expect(page.locator("#log .items")).to_contain_text("message 999")
    await expect(page.locator("#log .items")).not_to_contain_text("message 880")
    await page.evaluate("document.getElementById('log').scrollTop = 0")
    await expect(page.locator("#log .items")).to_contain_text("message 880")
    assert await page.evaluate("document.getElementById('log').scrollTop") > 100


# Hostile words, narrow screens, both schemes.


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, PHONE], ids=["desk", "phone"])
async def test_hostile_words_stand_there_as_words(stage: Open, viewport: dict[str, int]) -> None:
    rooms, page = await stage("hostile", viewport=viewport, room=room_of("hostile"))
    for pane in ("room", "picture", "rooms"):
        if viewport is PHONE:
            await page.click(f"#switch [data-pane={pane}]")
        assert await page.evaluate(TOO_WIDE) == []
    for tab in ("why", "timeline"):
        if viewport is PHONE:
            await page.click("#switch [data-pane=picture]")
        await page.click(f"#tab-{tab}")
        await expect(page.locator("#picture .plain-list")).to_be_visible()
        assert await page.evaluate(TOO_WIDE) == []
    assert "owned" not in (await page.title()).split("<")[0]
    assert await page.evaluate("document.querySelectorAll('script').length") == 1
    assert await page.evaluate("document.querySelectorAll('#app img').length") == 1
    links = await page.evaluate("[...document.links].map((link) => link.getAttribute('href'))")
    assert all(link.startswith(("http://", "https://", "#")) for link in links)
    assert rooms.rooms


@pytest.mark.parametrize("scenario", ["outage", "storm", "resolved", "empty"])
async def test_nothing_has_to_be_scrolled_sideways_at_phone_width(stage: Open, scenario: str) -> None:
    _, page = await stage(scenario, viewport=PHONE, as_="mika")
    for pane in ("rooms", "room", "picture"):
        await page.click(f"#switch [data-pane={pane}]")
        await expect(page.locator(f"#pane-{pane}")).to_be_visible()
        assert await page.evaluate(TOO_WIDE) == []


async def test_on_a_phone_a_room_opens_with_its_buttons_and_input_in_reach(stage: Open) -> None:
    _, page = await stage("outage", viewport=PHONE)
    await rooms_of(page).first.click()
    await expect(page.locator("#card button.button-primary")).to_be_in_viewport()
    await expect(page.locator("#input")).to_be_in_viewport()
    boxes = [await button.bounding_box() for button in await page.locator("#card .buttons button").all()]
    assert all(box is not None and box["height"] >= 40 for box in boxes)
    first, second, third, fourth = [(box["x"], box["y"], box["width"]) for box in boxes if box is not None]
    assert (first[1], third[1]) == (second[1], fourth[1])  # two and two, as wide as each other
    assert {round(width) for _, _, width in (first, second, third, fourth)} == {round(first[2])}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast_enough_in_both_schemes(stage: Open, scheme: str) -> None:
    _, page = await stage("resolved", color_scheme=scheme, room=ROOM)
    await page.fill("#input", "/incident nonsense")
    await page.keyboard.press("Enter")
    await expect(page.locator(".reply")).to_be_visible()
    for tab in ("picture", "why", "timeline"):
        await page.click(f"#tab-{tab}")
        await expect(page.locator(".graph .node, .evidence-item, .timeline-item").first).to_be_visible()
        assert await page.evaluate(TOO_PALE) == []
    await page.focus("#log")
    await page.keyboard.press("?")
    assert await page.evaluate(TOO_PALE) == []
