"""What came of alerts before says how much they say now."""

from __future__ import annotations

from correlation.alert import Severity
from correlation.engine import Engine
from correlation.records import Records
from tests.correlation.building import SHOP, alert, cleared

ERROR = Severity.ERROR
DAY = 86_400.0


def test_nothing_is_held_against_a_kind_while_the_site_is_not_known() -> None:
    records = Records()
    for n in range(7):
        records.ended("cart/Slow", 100.0 * n, serious=n == 0)
    assert records.odds("cart/Slow") == 1.0


def test_where_nothing_was_ever_serious_no_kind_is_worse_than_another() -> None:
    records = Records()
    for n in range(50):
        records.ended("cart/Slow", 100.0 * n, serious=False)
    assert records.odds("cart/Slow") == 1.0


def test_a_record_fades_within_weeks() -> None:
    records = Records()
    for n in range(20):
        records.ended("cart/Slow", 100.0 * n, serious=False)
        records.ended("web/Slow", 100.0 * n, serious=True)
    before = records.odds("cart/Slow")
    records.ended("cart/Slow", 70 * DAY, serious=True)
    assert before < 0.2 < records.odds("cart/Slow")


def test_kinds_are_bounded() -> None:
    records = Records(capacity=3)
    for n in range(10):
        records.ended(f"s{n}/Slow", float(n), serious=False)
    assert list(records.kinds) == ["s7/Slow", "s8/Slow", "s9/Slow"]


def site_with_a_harmless_kind(engine: Engine, *, lasts: float = 600.0) -> float:
    """`queue Slow` fires for ten minutes every few hours and it comes to nothing; outages of the checkout do not."""
    at = 0.0
    for n in range(8):
        at = n * 9_000.0
        engine.ingest([alert(at, "Slow", "queue", location=f"place-{n}")])
        engine.ingest([cleared(at + lasts, "Slow", "queue", location=f"place-{n}")])
        at += 4_000.0
        engine.ingest([alert(at, "HighErrors", severity=ERROR), alert(at + 9.0, "HighErrors", "web", severity=ERROR)])
        engine.ingest([cleared(at + 800.0, "HighErrors"), cleared(at + 800.0, "HighErrors", "web")])
    return at + 9_000.0


def test_a_kind_that_came_to_nothing_elsewhere_waits_for_company_and_for_longer() -> None:
    engine = Engine(topology=SHOP)
    (first,) = engine.ingest([alert(0.0, "Slow", "queue")])
    assert first.deserves
    engine = Engine(topology=SHOP)
    at = site_with_a_harmless_kind(engine)
    (decision,) = engine.ingest([alert(at, "Slow", "queue", location="place-9")])
    assert not decision.deserves
    assert "mostly came to nothing" in decision.reason
    assert engine.advance(at + 900.0) == ()
    assert engine.advance(at + 3600.0) == (decision.group,)


def test_a_kind_that_came_to_nothing_but_always_lasts_is_given_no_longer_than_others() -> None:
    engine = Engine(topology=SHOP)
    at = site_with_a_harmless_kind(engine, lasts=1_200.0)
    (decision,) = engine.ingest([alert(at, "Slow", "queue", location="place-9")])
    assert not decision.deserves
    assert engine.advance(at + 899.0) == ()
    assert engine.advance(at + 900.0) == (decision.group,)


def test_what_such_an_alert_is_worth_survives_a_snapshot() -> None:
    engine = Engine(topology=SHOP)
    at = site_with_a_harmless_kind(engine)
    again = Engine.restore(engine.snapshot())
    (decision,) = again.ingest([alert(at, "Slow", "queue", location="place-9")])
    assert not decision.deserves


def test_a_kind_that_mostly_clears_by_itself_before_long_is_given_the_time_to_do_so() -> None:
    def until(lasts: float) -> Engine:
        engine = Engine(topology=SHOP)
        for at in (0.0, 9_000.0, 21_000.0, 30_500.0, 44_000.0, 52_000.0):
            engine.ingest([alert(at, "Slow", "queue")])
            engine.ingest([cleared(at + lasts, "Slow", "queue")])
        (decision,) = engine.ingest([alert(60_000.0, "Slow", "queue")])
        assert not decision.deserves
        return engine

    mostly_clears, mostly_lasts = until(600.0), until(1_200.0)
    assert mostly_lasts.advance(60_000.0 + 900.0)
    assert not mostly_clears.advance(60_000.0 + 1_799.0)
    assert mostly_clears.advance(60_000.0 + 1_800.0)
