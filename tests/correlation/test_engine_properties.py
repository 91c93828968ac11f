"""What holds for every stream."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from correlation.alert import Alert, Change, Severity, Status
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine, UnknownGroup
from correlation.feedback import TOLD
from correlation.groups import MAX_KINDS, MAX_TEMPLATES
from correlation.tuning import Tuning
from tests.correlation.building import SHOP, alert, alerts, cleared, streams, timely

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


def state(engine: Engine, id_: str) -> dict[str, object]:
    """All that a group is and decides by, but for its number, who people keep it from, and what it was made of."""
    group = engine._registry.known(id_)
    plain = msgspec.to_builtins(group)
    for key in ("number", "apart", "parts", "deserved", "members", "weight", "faded", "news", "restless"):
        del plain[key]  # the last: in another order
    for key, most in (("templates", MAX_TEMPLATES), ("kinds", MAX_KINDS)):
        if len(plain[key]) == most:
            del plain[key]  # which of more than that are told apart is not said
    for tally in (*plain["services"].values(), *plain["others"].values()):
        del tally["said"]  # it is counted while people are not called only
        tally["classes"] = {name: round(mass, 6) for name, mass in tally["classes"].items()}
    found = engine._registry.index.values(group.number) if group.open and not engine._registry.over(group) else {}
    return plain | {
        "members": sorted(group.members),
        "weight": round(group.weight, 6),
        "faded": round(group.faded, 6),
        "news": round(group.news, 6),
        "restless": sorted(group.restless),
        "found": {place: sorted(values) for place, values in found.items()},
        "title": group.title(),
        "until": engine._registry.deadline(group),
        "takes": [group.joinable(engine.watermark + later) for later in (0.0, 599.0, 601.0, 3_000.0, 7_300.0)],
    }


RULES = Cookbook(
    [
        Recipe(name="here", group_by=("location",), trigger=('name="DiskFull"',)),
        Recipe(name="quick", trigger=('service="payments-api"',), quiet_for=120.0, cook_for=900.0),
    ]
)


def differing(a: dict[str, object], b: dict[str, object]) -> dict[str, object]:
    return {key: (a.get(key), b.get(key)) for key in a.keys() | b.keys() if a.get(key) != b.get(key)}


busy = st.lists(alerts, min_size=20, max_size=60).map(lambda many: sorted(many, key=lambda one: one.at))


def deserving(engine: Engine, decisions: list, data: st.DataObject, how_many: int) -> list[str]:
    """So many groups that people were called for: who splits one off has people called for what is split off."""
    ids = {engine.surviving(decision.group) for decision in decisions if decision.group}
    found = sorted([id_ for id_ in ids if engine.deserves(id_)], key=lambda id_: int(id_[1:]))
    assume(len(found) >= how_many)
    chosen = data.draw(st.permutations(found))[:how_many]
    # What began anew elsewhere is forgotten here: what it was like cannot be told apart again.
    assume(all(engine._dedup.episode(member) for id_ in chosen for member in engine._registry.known(id_).members))
    return chosen


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(busy, st.sampled_from([Cookbook(), RULES]), st.data())
def test_a_split_undoes_a_merge(stream: list[Alert], book: Cookbook, data: st.DataObject) -> None:
    engine = Engine(book, SHOP)
    engine.observe([Change(id=f"c-{one.name}", at=0.0, title="deploy", service=one.name) for one in SHOP.services])
    into, other = deserving(engine, engine.ingest(stream), data, 2)
    before = state(engine, into), state(engine, other)
    said = msgspec.json.encode(engine._feedback.said, order="sorted")
    engine.merge(into, other)
    both = engine.group(into)
    assert engine.group(other) == both
    assert set(both.episodes) == {*before[0]["members"], *before[1]["members"]}
    new = engine.split(into, before[1]["members"])
    assert differing(state(engine, into), before[0]) == {}
    assert differing(state(engine, new), before[1]) == {}
    assert msgspec.json.encode(engine._feedback.said, order="sorted") == said


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(busy, st.sampled_from([Cookbook(), RULES]), st.data())
def test_merges_are_undone_one_after_the_other(stream: list[Alert], book: Cookbook, data: st.DataObject) -> None:
    engine = Engine(book, SHOP)
    a, b, c = deserving(engine, engine.ingest(stream), data, 3)
    before = [state(engine, id_) for id_ in (a, b, c)]
    engine.merge(b, c)
    both = state(engine, b)
    engine.merge(a, b)
    new = engine.split(a, both["members"])
    assert differing(state(engine, a), before[0]) == {}
    assert differing(state(engine, new), both) == {}
    last = engine.split(new, before[2]["members"])
    assert differing(state(engine, new), before[1]) == {}
    assert differing(state(engine, last), before[2]) == {}


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(busy, st.data())
def test_a_merge_undoes_a_split(stream: list[Alert], data: st.DataObject) -> None:
    engine = Engine(topology=SHOP)
    (whole,) = deserving(engine, engine.ingest(stream), data, 1)
    members = engine.group(whole).episodes
    assume(len(members) > 1)
    before = state(engine, whole)
    some = data.draw(st.lists(st.sampled_from(members), min_size=1, max_size=len(members) - 1, unique=True))
    engine.merge(whole, engine.split(whole, some))
    # What is told by the order in which they came; effects, which a split says are none; and a faint one that was alone.
    unlike = differing(state(engine, whole), before).keys()
    assert unlike <= {"pace", "faded", "templates", "kinds", "recent", "endless", "effects", "grown_at"}


def test_a_split_undoes_a_merge_of_two_storms_of_many_kinds() -> None:
    engine = Engine()
    for place, services in (("eu-west-1", 9), ("us-east-1", 12)):
        for n in range(40):
            engine.ingest([alert(10.0 * n, f"Error{n % 7}", f"{place}-{n % services}", location=place, host=f"h{n}")])
    first, second = (engine.group(id_) for id_ in ("G1", "G2"))
    assert first is not None
    assert second is not None
    assert min(len(engine._registry.known(id_).kinds) for id_ in ("G1", "G2")) > 2 * TOLD
    engine.merge("G1", "G2")
    assert engine._feedback.said != {}
    new = engine.split("G1", second.episodes)
    assert engine._feedback.said == {}
    assert engine.group("G1").episodes == first.episodes
    assert engine.group(new).services == second.services


# One outage in each of two places at one moment, told more than once and by hosts of their own.
POOL = [
    alert(50.0, name, service, location=place, environment="production", host=host, severity=severity, summary=summary)
    for place, services in (
        ("eu-west-1", ("checkout", "payments-api", "payments-db")),
        ("us-east-1", ("mail", "queue")),
    )
    for service in services
    for name, severity, summary in (
        ("HighLatency", Severity.WARNING, "p95 latency 0.8 s"),
        ("HighErrors", Severity.CRITICAL, "error rate 12 %"),
        ("HighErrors", Severity.ERROR, "error rate 3 %"),
    )
    for host in ("", f"{service}-1")
]


@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=16), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_simultaneous_alerts_does_not_matter(chosen: list[Alert], random, known) -> None:
    shuffled = chosen[:]
    random.shuffle(shuffled)
    found = []
    for stream in (chosen, shuffled):
        engine = Engine(topology=SHOP if known else Engine().topology)
        groups: dict[str, set[str]] = {}
        latest = {}
        for decision in engine.ingest(stream):
            groups.setdefault(engine.surviving(decision.group or ""), set()).add(decision.fingerprint)
            latest[decision.fingerprint] = (decision.count, decision.first_seen, decision.severity, decision.muted)
        called = {frozenset(members): engine.deserves(group) for group, members in groups.items()}
        found.append((called, latest))
    assert found[0] == found[1]


@given(engines, streams, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(make, stream: list[Alert], random) -> None:
    pairs = [("zone", "a"), ("disk", "sda"), ("value", "0.3"), ("node", "7")]
    one, other = [], []
    for n, item in enumerate(stream):
        own = [*pairs[: n % 5], ("n", str(n % 3))]
        shuffled = own[:]
        random.shuffle(shuffled)
        one.append(msgspec.structs.replace(item, labels=tuple(own)))
        other.append(msgspec.structs.replace(item, labels=tuple(shuffled)))
    engines_ = make(), make()
    assert engines_[0].ingest(one) == engines_[1].ingest(other)
    assert engines_[0].snapshot() == engines_[1].snapshot()


# An error that came and went so often that only a word of priority would make it speak for itself.
FAMILIAR = [
    made(n * 7000.0 + gap, "Slow", "cart", severity=Severity.ERROR)
    for n in range(12)
    for made, gap in ((alert, 0.0), (cleared, 60.0 * n))
]


@given(engines, streams)
def test_labels_say_which_alert_it_is_and_nothing_else(make, stream: list[Alert]) -> None:
    stream = [*FAMILIAR, *stream]

    def told(words: tuple[str, ...]) -> list:
        engine = make()
        renamed = [
            msgspec.structs.replace(item, labels=(("attack", words[n % 3]), ("truth", words[n % 2])))
            for n, item in enumerate(stream)
        ]
        return [msgspec.structs.replace(one, fingerprint="") for one in engine.ingest(renamed)]

    assert told(("background", "dnsteal", "scan")) == told(("x", "down", "outage"))


@given(engines, streams, streams, streams)
def test_the_future_changes_nothing_that_was_decided(make, past: list[Alert], one: list[Alert], other) -> None:
    expected = make().ingest(past)
    for future in (one, other):
        assert make().ingest([*past, *future])[: len(past)] == expected


# What flaps, gets worse and mutes what depends on it: a step is (seconds since the last, what, fires, how bad).
steps = st.lists(
    st.tuples(
        st.sampled_from([1.0, 30.0, 60.0, 400.0]),
        st.sampled_from(["payments-api", "checkout", "web", "payments-api", "checkout"]),
        st.booleans(),
        st.sampled_from([Severity.CRITICAL, Severity.CRITICAL, Severity.WARNING, Severity.INFO]),
    ),
    max_size=50,
)


def lively(told: list[tuple[float, str, bool, Severity]]) -> list[Alert]:
    at, out = 0.0, []
    for gap, service, fires, severity in told:
        at += gap
        out.append((alert if fires else cleared)(at, "HighErrors", service, severity=severity))
    return out


@given(steps, st.data())
def test_a_snapshot_in_the_middle_of_what_flaps_and_is_muted_changes_nothing(told, data: st.DataObject) -> None:
    stream = lively(told)
    cut = data.draw(st.integers(0, len(stream)))
    straight, before = Engine(topology=SHOP), Engine(topology=SHOP)
    expected = straight.ingest(stream)
    head = before.ingest(stream[:cut])
    after = Engine.restore(before.snapshot())
    assert head + after.ingest(stream[cut:]) == expected
    assert after.snapshot() == straight.snapshot()
    for number in {d.group for d in expected if d.group}:
        assert after.group(number) == straight.group(number)


@given(steps, st.data())
def test_effects_are_counted_however_groups_are_merged_and_split(told, data: st.DataObject) -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest(lively(told))
    for _ in range(3):
        ids = sorted({engine.surviving(d.group) for d in decisions if d.group})
        if len(ids) > 1 and data.draw(st.booleans()):
            engine.merge(*data.draw(st.permutations(ids))[:2])
        elif ids:
            view = engine.group(data.draw(st.sampled_from(ids)))
            if view is not None and len(view.episodes) > 1:
                engine.split(view.id, view.episodes[: data.draw(st.integers(1, len(view.episodes) - 1))])
    for group in [*engine._registry.open.values(), *engine._registry.closed.values()]:
        members = [engine._dedup.episode(number) for number in group.members]
        assert group.effects >= sum(1 for one in members if one is not None and one.muted_by) >= 0
        assert all(one.rank >= cause.rank for one, cause in _muted(engine, members))


def _muted(engine: Engine, members: list) -> list:
    pairs = [(one, engine._dedup.episode(one.muted_by)) for one in members if one is not None and one.muted_by]
    return [(one, cause) for one, cause in pairs if cause is not None]


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


wild_changes = st.builds(Change, id=wild_text, at=st.floats(), title=wild_text, service=wild_text, revision=wild_text)


TEXTS = ["name", "class_", "service", "host", "location", "environment", "summary", "dedup_key", "source"]
broken = st.builds(
    lambda one, field: msgspec.structs.replace(one, **{field: "\ud800" + getattr(one, field)}),
    alerts,
    st.sampled_from(TEXTS),
)


@given(
    st.lists(wild | alerts | broken, max_size=25),
    st.lists(wild_changes, max_size=3),
    st.data(),
)
@settings(max_examples=60)
def test_nothing_that_comes_from_outside_raises_and_the_state_can_always_be_kept(
    stream: list[Alert], changes: list[Change], data: st.DataObject
) -> None:
    engine = Engine(topology=SHOP, tuning=TIGHT)
    engine.observe(changes)
    muted = data.draw(st.lists(st.none() | wild_text, min_size=len(stream), max_size=len(stream)))
    ids = {decision.group for decision in engine.ingest(stream, muted=muted) if decision.group}
    engine.advance(data.draw(st.floats(allow_nan=False)))
    for group in sorted(ids):
        engine.group(group)
        with suppress(UnknownGroup, ValueError):
            engine.merge(group, data.draw(st.sampled_from([*sorted(ids), "G0", "", "\ud800"])))
        with suppress(UnknownGroup, ValueError):
            engine.split(group, data.draw(st.lists(st.integers(-1, 30), max_size=4)))
    engine.ingest(stream)
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


@pytest.mark.parametrize("late", [math.inf, -math.inf, math.nan, 1e300])
def test_no_moment_however_odd_stops_the_engine(late: float) -> None:
    engine = Engine()
    engine.advance(late)
    for at in (late, 0.0, math.nan, 1_000.0):
        engine.ingest([Alert(at=at, name="HighErrors", service="checkout")])
    assert Engine.restore(engine.snapshot()).watermark == engine.watermark
    assert math.isfinite(engine.watermark)


def test_what_has_no_moment_counts_as_of_the_newest() -> None:
    engine = Engine()
    engine.ingest([Alert(at=1_000.0, name="HighErrors", service="checkout")])
    (odd,) = engine.ingest([Alert(at=math.nan, name="Slow", service="checkout")])
    assert (odd.first_seen, odd.group) == (1_000.0, "G1")
