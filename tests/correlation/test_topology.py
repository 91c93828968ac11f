from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.topology import MAX_REACH, Topology
from tests.correlation.building import SHOP

NAMES = [f"s{n}" for n in range(8)]
graphs = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3), max_size=8).map(
    Topology.of
)


def test_direction_is_told_up_for_what_is_depended_on() -> None:
    reach = SHOP.reach("checkout")
    assert (reach["payments-api"].direction, reach["web"].direction) == ("up", "down")
    assert SHOP.reach("cart")["payments-api"].direction == "side"


def test_what_is_upward_is_what_of_the_reach_is_depended_on() -> None:
    for service in ("web", "cart", "nowhere", ""):
        upward = SHOP.upward(service)
        assert upward == {name: found for name, found in SHOP.reach(service).items() if found.direction == "up"}
    assert list(SHOP.upward("checkout")) == ["payments-api", "cart", "payments-db", "redis"]


def test_names_that_are_not_in_the_graph_take_no_memory() -> None:
    graph = Topology.of({"web": ["db"]})
    for n in range(10):
        assert graph.reach(f"unknown-{n}") == graph.upward(f"unknown-{n}") == {}
    assert not graph._reach
    assert not graph._upward


def test_hops_end_at_the_limit() -> None:
    line = Topology.of({f"s{n}": [f"s{n + 1}"] for n in range(9)})
    assert {name: found.hops for name, found in line.reach("s0").items()} == {"s0": 0, "s1": 1, "s2": 2, "s3": 3}
    assert len(line.upstream("s0")) == 9


@given(graphs, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_hops_are_symmetric(graph: Topology, a: str, b: str) -> None:
    there, back = graph.reach(a).get(b), graph.reach(b).get(a)
    assert (there and there.hops) == (back and back.hops)


@given(graphs, st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_upstream_and_downstream_mirror_each_other(graph: Topology, a: str, b: str) -> None:
    assert (b in graph.upstream(a)) == (a in graph.downstream(b))


def test_a_circle_of_services_is_no_trouble() -> None:
    circle = Topology.of({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["d"]})
    assert circle.reach("a")["c"].hops == 1
    assert tuple(circle.downstream("a")) == ("c", "b")
    assert circle.upstream("d") == {}


def test_the_order_in_which_services_are_given_does_not_matter() -> None:
    forward = {"a": ["c", "b"], "b": ["d"], "c": ["d"], "e": ["a"]}
    backward = dict(reversed([(name, list(reversed(needs))) for name, needs in forward.items()]))
    for name in "abcde":
        assert Topology.of(forward).reach(name) == Topology.of(backward).reach(name)


def test_a_hub_costs_no_more_than_its_bound() -> None:
    hub = Topology.of({f"s{n}": ["hub"] for n in range(20_000)})
    assert len(hub.reach("s1")) == len(hub.reach("hub")) == MAX_REACH + 1


def test_what_much_depends_on_is_important() -> None:
    assert SHOP.importance("payments-db") > SHOP.importance("web")
    assert SHOP.importance("checkout") > SHOP.importance("search")
