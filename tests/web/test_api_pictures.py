"""Swim lanes and the service graph: counts that add up, axes that hold, states that follow from who depends on whom."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incidents.axis import BUCKETS, Axis
from bot.web.api.graph import drawn
from tests.rows import keep_alert, keep_incident
from tests.web.conftest import CATALOG, Site
from tests.web.test_api import START, outage


@given(st.floats(0, 4e9), st.floats(0, 4e8))
@settings(max_examples=200, deadline=None)
def test_an_axis_covers_its_stretch_in_at_most_so_many_buckets(start: float, span: float) -> None:
    axis = Axis.over(start, start + span)
    assert axis.start <= start
    assert axis.end > start + span
    assert 1 <= axis.buckets <= BUCKETS + 1


async def test_lanes_count_what_was_firing_in_each_bucket(site: Site) -> None:
    await outage(site)
    lanes = await site.get("/api/v1/incidents/INC-1/lanes")
    size = lanes["bucket_s"]
    assert [(lane["service"], lane["firing"]) for lane in lanes["lanes"]] == [("checkout", 2), ("cart", 0)]
    checkout, cart = lanes["lanes"]
    assert max(checkout["counts"]) == 2
    assert 2 in checkout["counts"][-4:]  # both still fire now
    assert set(checkout["worst"]) == {None, "critical"}
    assert set(cart["worst"]) == {None, "error"}
    assert sum(cart["counts"]) in {max(1, 100 // size), 100 // size + 1, 100 // size + 2}  # it fired for 100 s
    assert len(checkout["counts"]) == len(checkout["worst"]) == len(cart["counts"])


async def test_lanes_show_changes_and_what_happened_on_the_same_axis(site: Site) -> None:
    await outage(site)
    lanes = await site.get("/api/v1/incidents/INC-1/lanes")
    assert lanes["from"] <= "2026-01-05T08:47:00.000Z"  # the suspect deploy is on it
    assert lanes["to"] >= "2026-01-05T09:00:00.000Z"
    assert [(change["id"], change["rank"], change["author"]) for change in lanes["changes"]] == [("c1", 1, "Robin Vos")]
    assert [mark["text"] for mark in lanes["marks"]] == ["note 0", "note 1", "note 2"]


async def test_the_lobby_s_lanes_hold_everything_of_the_last_minutes(site: Site) -> None:
    await outage(site)
    async with site.database.transaction() as work:
        await keep_alert(work, 9, START - 7200, service="wiki", status="resolved", resolved_at=START - 7000)
    lanes = await site.get("/api/v1/lanes", minutes=60)
    assert {lane["service"] for lane in lanes["lanes"]} == {"checkout", "cart"}
    assert [change["id"] for change in lanes["changes"]] == ["c1", "c2"]
    assert [mark["text"] for mark in lanes["marks"]] == ["INC-1 checkout latency, eu-west-1 opened"]
    longer = await site.get("/api/v1/lanes", minutes=180)
    assert {lane["service"] for lane in longer["lanes"]} == {"checkout", "cart", "wiki"}


async def test_an_incident_of_long_ago_ends_where_it_was_resolved(site: Site) -> None:
    async with site.database.transaction() as work:
        await keep_incident(
            work, START - 86_400, status="resolved", resolved_at=START - 86_000, last_alert_at=START - 86_300
        )
    lanes = await site.get("/api/v1/incidents/INC-1/lanes")
    assert lanes["lanes"] == []
    assert lanes["to"] < "2026-01-04T09:10:00.000Z"


async def test_the_graph_tells_cause_affected_exposed_and_healthy_apart(site: Site) -> None:
    await outage(site)
    graph = await site.get("/api/v1/incidents/INC-1/graph")
    nodes = {node["service"]: node for node in graph["nodes"]}
    assert {name: node["state"] for name, node in nodes.items()} == {
        "payments-api": "cause",
        "checkout": "affected",
        "cart": "affected",
        "web": "exposed",
        "database": "healthy",
    }
    assert (nodes["checkout"]["alerts"], nodes["checkout"]["tier"], nodes["checkout"]["hops"]) == (2, 1, 0)
    assert nodes["web"]["hops"] == 1
    assert {"from": "checkout", "to": "payments-api"} in graph["edges"]
    assert {edge["from"] for edge in graph["edges"]} | {edge["to"] for edge in graph["edges"]} <= set(nodes)


async def test_the_lobby_s_graph_has_every_service_and_only_what_fires_now(site: Site) -> None:
    await outage(site)
    graph = await site.get("/api/v1/graph")
    states = {node["service"]: node["state"] for node in graph["nodes"]}
    assert states == {
        "checkout": "affected",
        "web": "exposed",
        "cart": "healthy",
        "payments-api": "healthy",
        "database": "healthy",
        "wiki": "healthy",
    }


services = st.sampled_from([*CATALOG.services, "unknown-1", "unknown-2"])


@given(
    st.dictionaries(services, st.integers(1, 50)),
    st.lists(services, max_size=2),
    st.sampled_from([None, 0, 1, 2]),
    st.integers(1, 8),
)
@settings(max_examples=200, deadline=None)
def test_a_graph_never_dangles_and_never_exceeds_what_may_be_drawn(
    affected: dict[str, int], causes: list[str], reach: int | None, most: int
) -> None:
    graph = drawn(CATALOG, affected, causes, reach=reach, most=most)
    names = [node.service for node in graph.nodes]
    assert len(names) == len(set(names)) <= most
    assert all(edge.source in names and edge.target in names for edge in graph.edges)
    for node in graph.nodes:
        assert (node.hops == 0) == (node.state in {"cause", "affected"})
        assert reach is None or (node.hops is not None and node.hops <= reach)
