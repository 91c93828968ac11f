"""The lanes as a real browser draws them: no mark stands on another."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from itertools import combinations
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from playwright.async_api import Page

from tests.web.fixtures.browser import PATIENCE, chromium, reading, serving
from tests.web.fixtures.fake_room_server import FakeRooms, iso
from tests.web.fixtures.scenarios import SCENARIOS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]

DESK, PHONE = 405, 358  # px: how wide the picture is there
# What stands in the strips above the lanes: shapes with their kind, counts and words, by where they are.
MARKS = """async ([data, width]) => {
  const { LaneChart } = await import('/static/js/lanes.js');
  const root = document.createElement('div');
  root.style.width = `${width}px`;
  document.body.append(root);
  new LaneChart(root).draw(data);
  const found = [...root.querySelectorAll('svg.drawing > .shape, .mark-count, .tick-firing, .lane-label.muted')];
  const marks = found.map((mark) => {
    const { left, right, top, bottom } = mark.getBoundingClientRect();
    return { text: mark.textContent, count: mark.matches('.mark-count'), left, right, top, bottom };
  });
  root.remove();
  return marks;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    rooms = FakeRooms()
    SCENARIOS["empty"](rooms)
    async with chromium() as browser, serving(rooms) as address, reading(browser, f"{address}/?as=robin") as opened:
        opened.set_default_timeout(PATIENCE)
        yield opened


@given(
    ages=st.lists(st.integers(0, 3600), min_size=2, max_size=40),
    changes=st.lists(st.integers(0, 3600), max_size=40),
    width=st.sampled_from([PHONE, DESK]),
)
@example(ages=[900, *[700] * 27, 20], changes=[0, 0, 0, 120], width=DESK)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_mark_stands_on_another_and_all_are_counted(
    page: Page, ages: list[int], changes: list[int], width: int
) -> None:
    now = time.time()
    marks = [{"at": iso(now - age), "kind": "opened", "text": f"INC-{i} opened"} for i, age in enumerate(ages)]
    shown = [
        {"id": f"c{i}", "at": iso(now - age), "service": "web", "title": "Deploy", "kind": "deploy"}
        | {"status": "succeeded", "rank": None, "url": "", "author": ""}
        for i, age in enumerate(changes)
    ]
    lanes = {"from": iso(now - 3600), "to": iso(now), "bucket_s": 60, "lanes": [], "changes": shown, "marks": marks}
    drawn = await page.evaluate(MARKS, [lanes, width])
    for a, b in combinations(drawn, 2):
        apart = a["right"] <= b["left"] + 0.5 or b["right"] <= a["left"] + 0.5
        assert apart or a["bottom"] <= b["top"] or b["bottom"] <= a["top"], (a, b)
    counts = [int(mark["text"]) for mark in drawn if mark["count"]]
    shapes = sum(not mark["text"] for mark in drawn)
    assert sum(counts) + shapes - len(counts) == len(ages) + len(changes)
