"""What holds for every stream."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from correlation.alert import Alert, Change, Severity, Status
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.tuning import Tuning
from tests.correlation.building import SHOP, alert, alerts, streams, timely

TIGHT = Tuning(remembered=8, series=6, open_groups=4, closed_groups=3, trust=5)
BOOKS = (
    Cookbook(),
    Cookbook([Recipe(name="r", similar={"text": 0.5}, hops=2, min_alerts=2, quiet_for=300.0, cook_for=1200.0)]),
)
engines = st.builds(
    lambda book, topology, tuning: lambda: Engine(book, topology, tuning=tuning),
    st.sampled_from(BOOKS),
    st.sampled_from([SHOP, Engine().topology]),
    st.sampled_from([Tuning(), TIGHT]),
)


def partition(engine: Engine, decisions: list) -> set[frozenset[int]]:
    found: dict[str, set[int]] = {}
    for decision in decisions:
        if decision.group:
            found.setdefault(engine.surviving(decision.group), set()).add(decision.episode)
    return {frozenset(members) for members in found.values()}


@given(engines, streams, st.data())
def test_one_by_one_is_the_same_as_in_batches(make, stream: list[Alert], data: st.DataObject) -> None:
    one, other = make(), make()
    expected = [one.ingest([item])[0] for item in stream]
    got, start = [], 0
    while start < len(stream):
        size = data.draw(st.integers(1, 9))
        got += other.ingest(stream[start : start + size])
        start += size
    assert got == expected
    assert one.snapshot() == other.snapshot()


@given(engines, streams, st.data())
def test_a_snapshot_in_the_middle_changes_nothing(make, stream: list[Alert], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(stream)))
    straight, before = make(), make()
    change = Change(id="c", at=100.0, title="", service="payments-api")
    for engine in (straight, before):
        engine.observe([change])
    expected = straight.ingest(stream)
    head = before.ingest(stream[:cut])
    after = Engine.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(before.snapshot())))
    assert after.snapshot() == before.snapshot()
    assert head + after.ingest(stream[cut:]) == expected
    assert after.snapshot() == straight.snapshot()


@given(engines, streams)
def test_decisions_tell_the_truth_about_themselves(make, stream: list[Alert]) -> None:
    engine = make()
    episodes: dict[int, str] = {}
    newest = 0
    for item, decision in zip(stream, engine.ingest(stream), strict=True):
        assert decision.reason
        assert decision.code
        assert decision.first_seen <= decision.last_seen or decision.kind in {"resolved", "repeat"}
        assert (decision.kind in {"opened", "joined"}) <= (decision.group is not None)
        assert decision.kind != "noise" or decision.group is None
        assert (decision.kind == "resolved") == (item.status is Status.RESOLVED)
        assert decision.kind != "joined" or decision.evidence
        assert episodes.setdefault(decision.episode, decision.fingerprint) == decision.fingerprint
        assert decision.episode <= newest + 1
        newest = max(newest, decision.episode)
        for lost, kept in decision.merged:
            assert int(lost[1:]) > int(kept[1:])


@given(timely)
def test_counts_of_a_group_are_those_of_its_members(stream: list[Alert]) -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest(stream)
    latest = {d.episode: d for d in decisions}
    where: dict[int, str] = {d.episode: d.group for d in decisions if d.group}
    members = Counter(engine.surviving(group) for group in where.values())
    firing = Counter(engine.surviving(where[e]) for e, d in latest.items() if d.active and e in where)
    current = {d.fingerprint: d.episode for d in decisions}
    superseded = {e for e, d in latest.items() if current[d.fingerprint] != e}
    for id_, size in members.items():
        view = engine.group(id_)
        assert view is not None
        assert view.size == size == len(view.episodes)
        lost = sum(1 for e in superseded if latest[e].active and engine.surviving(where.get(e, "")) == id_)
        assert view.active == firing[id_] - lost


@given(timely, st.data())
def test_a_split_undoes_a_merge_and_a_merge_a_split(stream: list[Alert], data: st.DataObject) -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest(stream)
    ids = sorted({engine.surviving(d.group) for d in decisions if d.group}, key=lambda g: int(g[1:]))
    if len(ids) < 2:
        return
    into, other = data.draw(st.permutations(ids))[:2]
    views = {id_: engine.group(id_) for id_ in ids}
    said = msgspec.json.encode(engine._feedback.said, order="sorted")
    engine.merge(into, other)
    both = engine.group(into)
    assert both is not None
    assert engine.group(other) == both
    assert set(both.episodes) == set(views[into].episodes) | set(views[other].episodes)
    new = engine.split(into, views[other].episodes)
    for id_, was in ((into, views[into]), (new, views[other])):
        now = engine.group(id_)
        assert now is not None
        assert (set(now.episodes), now.size, now.active) == (set(was.episodes), was.size, was.active)
        assert (now.services, now.classes, now.locations, now.severity) == (
            was.services,
            was.classes,
            was.locations,
            was.severity,
        )
    assert msgspec.json.encode(engine._feedback.said, order="sorted") == said
    engine.merge(into, new)
    again = engine.group(into)
    assert again is not None
    assert set(again.episodes) == set(both.episodes)


@given(st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_simultaneous_alerts_of_one_outage_does_not_matter(which: list[int], random) -> None:
    pool = [
        alert(50.0, name, service, location=place, environment="production")
        for place, services in (
            ("eu-west-1", ("checkout", "payments-api", "payments-db")),
            ("us-east-1", ("mail", "queue")),
        )
        for service in services
        for name in ("HighLatency", "HighErrors")
    ]
    chosen = [pool[i % len(pool)] for i in which]
    shuffled = chosen[:]
    random.shuffle(shuffled)
    found = []
    for stream in (chosen, shuffled):
        engine = Engine(topology=SHOP)
        groups: dict[str, set[str]] = {}
        for decision in engine.ingest(stream):
            groups.setdefault(engine.surviving(decision.group or ""), set()).add(decision.fingerprint)
        found.append({frozenset(members) for members in groups.values()})
    assert found[0] == found[1]


wild_text = st.text(max_size=12)
wild = st.builds(
    Alert,
    at=st.floats(),
    name=wild_text,
    status=st.sampled_from(list(Status)),
    class_=wild_text,
    severity=st.sampled_from(list(Severity)),
    service=wild_text,
    host=wild_text,
    location=wild_text,
    environment=wild_text,
    summary=st.text(max_size=300),
    labels=st.lists(st.tuples(wild_text, wild_text), max_size=4).map(tuple),
    dedup_key=wild_text,
    source=wild_text,
)


@given(st.lists(wild | alerts | alerts.map(lambda a: msgspec.structs.replace(a, name="\ud800" + a.name)), max_size=25))
@settings(max_examples=60)
def test_no_alert_whatever_raises_and_the_state_can_always_be_kept(stream: list[Alert]) -> None:
    engine = Engine(topology=SHOP, tuning=TIGHT)
    for decision in engine.ingest(stream):
        if decision.group:
            engine.group(decision.group)
    assert Engine.restore(engine.snapshot()).snapshot() == engine.snapshot()


def test_a_very_long_text_raises_nothing_and_costs_little() -> None:
    engine = Engine()
    huge = "x1 " * 400_000
    (decision,) = engine.ingest([Alert(at=0.0, name=huge, summary=huge, service=huge)])
    view = engine.group(decision.group or "")
    assert view is not None
    assert len(view.title) <= 80


def test_the_seed_of_hashes_changes_nothing() -> None:
    program = (
        "from hypothesis import find\n"
        "from tests.correlation.building import SHOP, alert\n"
        "from correlation.engine import Engine\n"
        "import hashlib\n"
        "e = Engine(topology=SHOP)\n"
        "names = ['web','checkout','cart','payments-api','mail','queue','search']\n"
        "s = [alert(n * 13.0, f'Rule{n % 11}', names[n * 5 % 7], host=f'h{n % 17}', location='ab'[n % 2], summary=f'w{n % 3} x y')"
        " for n in range(600)]\n"
        "d = e.ingest(s)\n"
        "print(hashlib.sha256(repr([(x.group, x.kind, x.reason, x.evidence) for x in d]).encode() + e.snapshot()).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


def test_the_memory_of_a_million_is_that_of_the_bounds() -> None:
    engine = Engine(tuning=Tuning(remembered=500, series=300, open_groups=50, closed_groups=20))
    sizes = []
    for part in range(10):
        engine.ingest(
            [
                alert(
                    part * 4000.0 + n * 1.6, f"Rule{n % 13}", f"s{n % 997}", host=f"h{part}-{n}", location=f"p{n % 10}"
                )
                for n in range(2500)
            ]
        )
        sizes.append(len(engine.snapshot()))
    assert sizes[-1] < 1.3 * sizes[4]
