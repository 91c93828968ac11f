from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert, Severity
from correlation.engine import Engine
from correlation.lift import MAX_FOLLOWERS, WINDOW, Lift, Recent
from tests.correlation.building import SHOP, alert, cleared

DAY = 86_400.0


def played(lift: Lift, days: int, *, before: str = "db/errors", after: str = "web/latency", gap: float = 40.0) -> Lift:
    for day in range(days):
        lift.observe(before, day * DAY, [])
        lift.observe(after, day * DAY + gap, [(before, day * DAY)])
    return lift


def test_what_follows_again_and_again_is_usual_and_only_that_way_round() -> None:
    lift = played(Lift(), 6)
    assert lift.usual("db/errors", "web/latency")
    assert not lift.usual("web/latency", "db/errors")
    known = lift.follower("db/errors", "web/latency")
    assert 4 < known.times <= 6 == known.of


def test_what_comes_all_the_time_follows_nothing() -> None:
    lift = Lift()
    for minute in range(3_000):
        at = minute * 60.0
        if minute % 97 == 0:
            lift.observe("db/errors", at, [])
        lift.observe("mail/slow", at + 30, [("db/errors", at)] if minute % 97 == 0 else [])
    assert not lift.usual("db/errors", "mail/slow")


def test_credit_goes_to_what_explains_it_not_to_what_comes_along() -> None:
    """b and c both follow a; c does not follow b, though it comes after it each time."""
    lift = Lift()
    for day in range(40):
        at = day * DAY
        lift.observe("a", at, [])
        if day % 2:
            lift.observe("b", at + 20, [("a", at)])
        lift.observe("c", at + 40, [("b", at + 20), ("a", at)] if day % 2 else [("a", at)])
    assert lift.usual("a", "b")
    assert lift.usual("a", "c")
    assert lift.follower("a", "c").times > 3 * lift.follower("b", "c").times


def test_what_lies_too_far_back_or_ahead_is_no_cause() -> None:
    lift = played(Lift(), 9, gap=WINDOW + 1)
    assert lift.follower("db/errors", "web/latency").times == 0
    assert played(Lift(), 9, gap=-5).follower("db/errors", "web/latency").times == 0


class Naive(Lift):
    """Looks at all followers each time one comes in."""

    def observe(self, kind: str, at: float, recent: Iterable[Recent], *, share: float = 1.0) -> None:
        for _, onsets in self.dump():
            onsets.floor = 0.0
        super().observe(kind, at, recent, share=share)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_passed_over_for_being_too_weak_would_not_have_lasted(seed: int) -> None:
    """More kinds follow each of a few than these remember, and what is known fades again and again."""
    random = Random(seed)
    quick, naive, at = Lift(), Naive(), 0.0
    for n in range(3_000):
        at += random.expovariate(1 / 60)
        kind = str(random.randrange(100) if n % 3 else random.randrange(3))
        before = [(str(one), at - random.uniform(0, WINDOW)) for one in range(3)]
        for lift in (quick, naive):
            lift.observe(kind, at, before)
    for one, other in zip(quick.dump(), naive.dump(), strict=True):
        assert (one[0], one[1].count, one[1].alone, one[1].followed) == (
            other[0],
            other[1].count,
            other[1].alone,
            other[1].followed,
        )
    assert len(dict(quick.dump())["0"].followed) == MAX_FOLLOWERS


def test_memory_is_bounded_and_fades() -> None:
    lift = Lift(capacity=10)
    for n in range(100):
        lift.observe(f"kind {n}", float(n), [(f"kind {m}", float(m)) for m in range(max(0, n - 8), n)])
    assert len(lift.dump()) == 10
    one = Lift()
    for n in range(200):
        one.observe("cause", n * DAY, [])
        one.observe(f"effect {n}", n * DAY + 5, [("cause", n * DAY)])
    assert len(dict(one.dump())["cause"].followed) <= MAX_FOLLOWERS
    assert one.follower("cause", "effect 199").of < 200


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 900)), max_size=60))
def test_shares_stay_between_nothing_and_all_and_a_dump_is_the_whole_of_it(onsets: list[tuple[str, int]]) -> None:
    lift, recent = Lift(), []
    for kind, at in onsets:
        lift.observe(kind, float(at), recent[-8:])
        recent.append((kind, float(at)))
    assert all(0.0 <= lift.follower(a, b).share <= 1.0 for a in "abcd" for b in "abcd")
    again = Lift()
    again.load(lift.dump())
    assert again.dump() == lift.dump()


def test_an_engine_learns_from_its_groups_and_keeps_it_over_a_restart() -> None:
    engine = Engine(topology=SHOP)

    def outage(day: float) -> list[Alert]:
        at = day * DAY
        return [
            alert(at, "PoolExhausted", "payments-db", severity=Severity.CRITICAL),
            alert(at + 30, "HighErrors", "checkout", severity=Severity.CRITICAL),
            cleared(at + 900, "PoolExhausted", "payments-db"),
            cleared(at + 900, "HighErrors", "checkout"),
        ]

    for day in (0, 1.3, 3.1, 4.0, 6.7):  # not so regular that it is held for a habit
        engine.ingest(outage(day))
    again = Engine.restore(engine.snapshot())
    group = engine.ingest(outage(9.2))[0].group or ""
    again.ingest(outage(9.2))
    assert again.causes(group) == engine.causes(group)
    assert any(reason.startswith("checkout followed it") for reason in engine.causes(group)[0].reasons)
