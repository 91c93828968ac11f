"""The service graph and the lanes as a real browser draws them: edges go around boxes, no mark stands on another."""

from __future__ import annotations

import random
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
from tests.web.fixtures.pieces import GRAPH, node
from tests.web.fixtures.scenarios import SCENARIOS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("chromium")]

DESK, PHONE, TABLET = 405, 358, 700  # px: how wide the picture is there
Graph = dict[str, list[dict[str, Any]]]

# Draws with the page's own code and follows each edge: where it begins, what it passes and where it ends.
DRAWN = """async ([data, width]) => {
  const follow = (d) => { // much sooner than getPointAtLength, which begins anew for each point
    const points = [];
    let [x, y] = [0, 0];
    const go = (toX, toY) => { [x, y] = [toX, toY]; points.push({ x, y }); };
    for (const [, kind, rest] of d.matchAll(/([A-Z])([^A-Z]*)/g)) {
      const n = rest.trim().split(/[ ,]+/).map(Number);
      const from = [x, y];
      if (kind === 'M') go(...n);
      else if (kind === 'V') for (let t = 1; t <= 8; t += 1) go(from[0], from[1] + (n[0] - from[1]) * t / 8);
      else if (kind === 'C') for (let t = 1; t <= 24; t += 1) {
        const [a, b] = [t / 24, 1 - t / 24];
        go(...[0, 1].map((i) =>
          b * b * b * from[i] + 3 * b * b * a * n[i] + 3 * b * a * a * n[i + 2] + a * a * a * n[i + 4]));
      } else throw new Error(`cannot follow ${kind}`);
    }
    return points;
  };
  const { ServiceGraph } = await import('/static/js/graph.js');
  const root = document.createElement('div');
  root.style.width = `${width}px`;
  document.body.append(root);
  const began = performance.now();
  new ServiceGraph(root).draw(data);
  const took = performance.now() - began;
  const drawing = root.querySelector('svg.drawing');
  const boxes = [...drawing.querySelectorAll('.node')].map((node) => {
    const { x, y, width, height } = node.querySelector('.node-box').getBBox();
    return { service: node.dataset.service, left: x, top: y, right: x + width, bottom: y + height };
  }).sort((a, b) => (a.service < b.service ? -1 : 1));
  const edges = [...drawing.querySelectorAll('.edge')].map((edge) => {
    const points = follow(edge.getAttribute('d'));
    const through = boxes.filter((box) => points.some(({ x, y }) =>
      x > box.left + 0.25 && x < box.right - 0.25 && y > box.top + 0.25 && y < box.bottom - 0.25));
    const [first, last] = [points[0], points[points.length - 1]];
    return { from: edge.dataset.from, to: edge.dataset.to, through: through.map((box) => box.service),
      first: [first.x, first.y], last: [last.x, last.y], way: edge.getAttribute('d') };
  }).sort((a, b) => (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
  const size = [drawing.clientWidth, drawing.clientHeight];
  root.remove();
  return { boxes, edges, size, took };
}"""

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


def graph_of(edges: list[tuple[str, str]], *alone: str) -> Graph:
    names = dict.fromkeys([*(end for edge in edges for end in edge), *alone])
    return {"nodes": [node(name) for name in names], "edges": [{"from": a, "to": b} for a, b in edges]}


SHOP = graph_of(
    [
        *[("web", target) for target in ("checkout", "cart", "search", "catalogue", "login")],
        *[("checkout", target) for target in ("payments-api", "cart", "shipping")],
        ("payments-api", "payments-db"),
        ("cart", "catalogue"),
        ("search", "catalogue"),
        ("reports", "analytics"),
    ]
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = [f"service-{number}" for number in range(draw(st.integers(1, 14)))]
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    return graph_of(draw(st.lists(pairs, max_size=24, unique=True)), *names)


def faults(drawn: dict[str, Any]) -> list[str]:
    """What a reader would take for another edge, or could not see."""
    found = [f"{e['from']}->{e['to']} runs through {', '.join(e['through'])}" for e in drawn["edges"] if e["through"]]
    boxes = {box["service"]: box for box in drawn["boxes"]}
    for edge in drawn["edges"]:
        for name, (x, y) in ((edge["from"], edge["first"]), (edge["to"], edge["last"])):
            box = boxes[name]
            near = min(abs(y - box["top"]), abs(y - box["bottom"])) <= 3
            if not near or not box["left"] < x < box["right"]:
                found.append(f"{edge['from']}->{edge['to']} does not end at {name}")
    for a, b in combinations(drawn["boxes"], 2):
        if a["left"] < b["right"] and b["left"] < a["right"] and a["top"] < b["bottom"] and b["top"] < a["bottom"]:
            found.append(f"{a['service']} stands on {b['service']}")
    wide, high = drawn["size"]
    for box in drawn["boxes"]:
        if box["left"] < 0 or box["top"] < 0 or box["right"] > wide or box["bottom"] > high:
            found.append(f"{box['service']} stands outside")
    return found


@given(graph=graphs(), width=st.sampled_from([PHONE, DESK, TABLET, 240]))
@example(graph=SHOP, width=DESK)
@example(graph=SHOP, width=PHONE)
@example(graph=GRAPH, width=PHONE)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_edge_runs_through_a_box_that_is_not_its_end(page: Page, graph: Graph, width: int) -> None:
    drawn = await page.evaluate(DRAWN, [graph, width])
    assert faults(drawn) == []
    assert {(e["from"], e["to"]) for e in drawn["edges"]} == {
        (e["from"], e["to"]) for e in graph["edges"] if e["from"] != e["to"]
    }


@pytest.mark.parametrize("width", [DESK, PHONE])
async def test_an_edge_of_two_hundred_services_finds_its_way_too_and_soon(page: Page, width: int) -> None:
    rng = random.Random(7)
    names = [f"service-{number:03}" for number in range(200)]
    ends = [sorted(rng.sample(range(200), 2)) for _ in range(300)]
    drawn = await page.evaluate(DRAWN, [graph_of([(names[a], names[b]) for a, b in ends], *names), width])
    assert faults(drawn) == []
    assert drawn["took"] < 3000  # ms; some 100 where nothing else runs


@given(order=st.randoms(use_true_random=False), alerts=st.integers(0, 99))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_service_stays_where_it_is_when_other_services_come_to_be_told_first(
    page: Page, order: random.Random, alerts: int
) -> None:
    nodes = [{**one, "alerts": alerts} for one in order.sample(SHOP["nodes"], len(SHOP["nodes"]))]
    edges = order.sample(SHOP["edges"], len(SHOP["edges"]))
    usual = await page.evaluate(DRAWN, [SHOP, DESK])
    other = await page.evaluate(DRAWN, [{"nodes": nodes, "edges": edges}, DESK])
    assert [usual["boxes"], usual["edges"]] == [other["boxes"], other["edges"]]


async def test_edges_to_one_service_go_the_same_way_past_a_row(page: Page) -> None:
    chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]
    drawn = await page.evaluate(DRAWN, [graph_of([*chain, ("a", "e"), ("b", "e")]), DESK])
    ways = {(edge["from"], edge["to"]): edge["way"] for edge in drawn["edges"]}
    ending = ways["b", "e"].partition("V")[2]
    assert ending
    assert ways["a", "e"].endswith(ending)


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
