"""What people say about grouping changes what the engine does the next time."""

from __future__ import annotations

from itertools import permutations

import pytest

from correlation.alert import Alert
from correlation.engine import Engine
from correlation.feedback import MAX_KINDS, MAX_PARTNERS, STRONGEST, Feedback
from correlation.similarity import TERMS
from correlation.topology import EMPTY, Topology
from tests.correlation.building import alert, cleared

CALLS = Topology.of(
    {
        "web": ["checkout", "search"],
        "checkout": ["payments-api"],
        "search": ["search-index"],
        "mail": ["queue"],
        "reports": ["warehouse"],
    }
)
PARTS = (
    ("PoolExhausted", "payments-api"),
    ("HighErrors", "checkout"),
    ("IndexLag", "search-index"),
    ("ErrorsOnPage", "web"),
    ("QueueFull", "mail"),
    ("Slow", "queue"),
    ("LoadFailed", "reports"),
    ("DiskFull", "warehouse"),
)
WANTED = {
    frozenset({"payments-api", "checkout", "web", "mail", "queue"}),
    frozenset({"search-index", "reports", "warehouse"}),
}
DAY = 86_400.0


def storm(at: float, order: tuple[int, ...]) -> list[Alert]:
    """One alert of each part within three minutes."""
    return [alert(at + 20 * step, *PARTS[part]) for step, part in enumerate(order)]


def told(engine: Engine, stream: list[Alert]) -> tuple[set[frozenset[str]], dict[str, str], dict[str, int]]:
    """What a storm becomes: the services together, the group of each, the episode of each."""
    decisions = engine.ingest(stream)
    where = {a.service: engine.surviving(d.group or "") for a, d in zip(stream, decisions, strict=True)}
    together = {frozenset(s for s, g in where.items() if g == group) for group in where.values()}
    return together, where, {a.service: d.episode for a, d in zip(stream, decisions, strict=True)}


def taught(topology: Topology) -> Engine:
    """An engine that a person corrected after its first storm: one split and two merges."""
    engine = Engine(topology=topology)
    first = storm(0, tuple(range(8)))
    together, where, episodes = told(engine, first)
    assert together != WANTED
    engine.ingest([cleared(900, one.name, one.service) for one in first])
    if topology is EMPTY:  # all of it was one group: three are split from it before two go back
        for services in (("search-index",), ("reports", "warehouse"), ("mail", "queue")):
            new = engine.split(where["web"], [episodes[one] for one in services])
            where |= dict.fromkeys(services, new)
    else:
        where["search-index"] = engine.split(where["web"], [episodes["search-index"]])
    engine.merge(where["web"], where["mail"])
    engine.merge(where["search-index"], where["reports"])
    return engine


@pytest.mark.parametrize("topology", [CALLS, EMPTY], ids=["with a topology", "without one"])
def test_after_splits_and_two_merges_the_same_storm_groups_as_the_person_wanted(topology: Topology) -> None:
    teacher = taught(topology)
    kept = teacher.snapshot()
    for order in [*list(permutations(range(8)))[::1999], tuple(range(8)), tuple(range(7, -1, -1))]:
        together, _, _ = told(Engine.restore(kept), storm(3 * DAY, order))
        assert together == WANTED, order


def test_an_untaught_engine_does_not_group_it_so() -> None:
    for topology in (CALLS, EMPTY):
        engine = Engine(topology=topology)
        assert told(engine, storm(3 * DAY, tuple(range(8))))[0] != WANTED


def test_an_alert_that_fits_both_does_not_connect_what_people_keep_apart() -> None:
    engine = Engine()
    engine.ingest([alert(0, "A", "cart"), alert(5, "B", "mail"), cleared(90, "A", "cart"), cleared(90, "B", "mail")])
    engine.split("G1", [2])
    again = engine.ingest([alert(DAY, "A", "cart"), alert(DAY + 5, "B", "mail"), alert(DAY + 10, "C", "web")])
    assert again[0].group != again[1].group
    assert again[2].merged == ()
    assert engine.surviving(again[0].group or "") != engine.surviving(again[1].group or "")


def test_two_of_one_kind_that_a_person_split_are_not_united_again_by_what_fits_both() -> None:
    engine = Engine()
    engine.ingest([alert(0, host="a"), alert(5, host="b")])
    new = engine.split("G1", [2])
    for n in range(20):  # over two passes that look at whole groups
        engine.ingest([alert(10 + 15 * n, "HighErrors", host=f"h{n}")])
    assert (engine.surviving("G1"), engine.surviving(new)) == ("G1", new)


def test_where_people_said_both_apart_counts_before_together() -> None:
    engine = Engine()
    engine.ingest([alert(0, "A", "cart"), alert(1, "B", "mail"), alert(2, "C", "web")])
    engine._feedback.learn({"cart/A": 1}, {"mail/B": 1}, 1)
    engine._feedback.learn({"cart/A": 1}, {"web/C": 1}, -1)
    (group,) = engine._registry.open.values()
    term = next(term for term in TERMS if term.name == "feedback")
    facts = engine._placer.gather(engine._dedup.all()[0], 5.0)
    assert facts.episode.name == "A"
    assert term.score(facts, group, engine._features) == 0.0
    engine._feedback.learn({"cart/A": 1}, {"mail/B": 1}, 1)  # said twice
    assert term.score(facts, group, engine._features) == 1.0


def test_the_reason_says_that_people_put_them_together() -> None:
    engine = taught(CALLS)
    *_, last = engine.ingest([alert(DAY, "ErrorsOnPage", "web"), alert(DAY + 9, "QueueFull", "mail")])
    assert last.reason.startswith("Joined: people put such alerts together")


def test_what_was_said_is_bounded_and_can_be_taken_back() -> None:
    feedback = Feedback()
    for _ in range(20):
        feedback.learn({"a": 1}, {"b": 1}, 1)
    assert feedback.said["a"]["b"] == STRONGEST
    for _ in range(STRONGEST):
        feedback.learn({"b": 1}, {"a": 1}, -1)
    assert feedback.said == {}
    for n in range(2 * MAX_PARTNERS):
        feedback.learn({"a": 1}, {f"k{n}": 1}, 1)
    assert len(feedback.said["a"]) == MAX_PARTNERS
    for n in range(MAX_KINDS):
        feedback.learn({f"x{n}": 1}, {f"y{n}": 1}, -1)
    assert len(feedback.said) == MAX_KINDS


def test_the_kinds_of_most_members_speak_for_a_large_group() -> None:
    many = {f"k{n}": n for n in range(1, 40)}
    backwards = dict(reversed(many.items()))
    one, other = Feedback(), Feedback()
    one.learn(many, {"x": 1}, -1)
    other.learn(backwards, {"x": 1}, -1)
    assert one.said == other.said
    assert one.said["x"] == dict.fromkeys(["k39", "k38", "k37", "k36", "k35"], -1)
    one.learn(backwards, {"x": 1}, 1)
    assert one.said == {}


def test_a_kind_is_not_kept_apart_from_itself() -> None:
    feedback = Feedback()
    feedback.learn({"a": 1, "b": 1}, {"a": 1}, -1)
    assert feedback.said == {"a": {"b": -1}, "b": {"a": -1}}
    assert feedback.apart(["b"], ["x", "a"])
    assert not feedback.apart(["a"], ["a"])
