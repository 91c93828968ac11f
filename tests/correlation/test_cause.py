from __future__ import annotations

import pytest

from correlation.alert import Severity, Status
from correlation.engine import Engine
from correlation.topology import Topology
from tests.correlation.building import SHOP, alert, amid_noise


def test_what_failed_first_and_is_upstream_of_the_rest_is_the_probable_cause() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "PoolExhausted", "payments-api", severity=Severity.CRITICAL),
            alert(60, "HighErrors", "checkout"),
            alert(90, "ErrorsOnPage", "web"),
        ]
    )
    best = engine.causes("G1")[0]
    assert best.name == "payments-api"
    assert best.reasons[0] == "first to fail"
    assert "2 depend on it" in best.reasons
    assert "nothing it depends on fails" in best.reasons


def test_upstream_wins_over_a_little_earlier() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "HighErrors", "checkout"),
            alert(20, "PoolExhausted", "payments-db"),
            alert(30, "Slow", "payments-api"),
        ]
    )
    assert engine.causes("G1")[0].name == "payments-db"


def test_what_people_rule_out_ranks_lower() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0, "PoolExhausted", "payments-api"), alert(60, "HighErrors", "checkout")])
    assert engine.causes("G1")[0].name == "payments-api"
    first, second = engine.causes("G1", ruled_out=["payments-api"])
    assert (first.name, second.name) == ("checkout", "payments-api")
    assert second.reasons[0] == "ruled out"


def test_without_services_hosts_are_named_and_without_hosts_the_alerts() -> None:
    engine = Engine()
    engine.ingest([alert(0, "DiskFull", "", host="db-1"), alert(30, "HighLoad", "", host="db-2")])
    assert [(c.name, c.is_service) for c in engine.causes("G1")] == [("db-1", False), ("db-2", False)]
    bare = Engine()
    bare.ingest([alert(0, "DiskFull", "")])
    assert bare.causes("G1")[0].name == "DiskFull"


def test_scores_are_between_nothing_and_one_and_in_order() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(n * 10.0, "Slow", service) for n, service in enumerate(["cart", "redis", "web", "checkout"])])
    scores = [cause.score for cause in engine.causes("G1", limit=9)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert engine.causes("G99") == ()


def test_mild_background_that_nothing_failing_depends_on_is_no_cause_even_when_it_was_first() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "SlowPage", "web"),
            alert(60, "PoolExhausted", "payments-api", severity=Severity.CRITICAL),
            alert(70, "HighErrors", "checkout", severity=Severity.ERROR),
        ]
    )
    causes = engine.causes("G1")
    assert [cause.name for cause in causes] == ["payments-api", "checkout"]
    assert causes[0].reasons[0] == "first to fail"


def test_what_explains_more_of_what_fails_wins_over_what_fails_worse() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "SlowQueries", "payments-db", severity=Severity.ERROR, class_="latency"),
            alert(5, "HighErrors", "payments-api", severity=Severity.ERROR),
            alert(10, "HighLatency", "checkout", severity=Severity.CRITICAL, class_="latency"),
            alert(12, "HighErrors", "cart", severity=Severity.ERROR),
        ]
    )
    assert engine.causes("G1")[0].name == "payments-db"


def test_a_lack_of_traffic_is_an_effect_rather_than_a_cause() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest(
        [
            alert(0, "NoRequests", "payments-db", class_="traffic", severity=Severity.ERROR),
            alert(10, "HighErrors", "payments-api", class_="errors", severity=Severity.CRITICAL),
            alert(20, "HighErrors", "checkout", class_="errors", severity=Severity.ERROR),
        ]
    )
    causes = {cause.name: cause for cause in engine.causes("G1")}
    assert "only lacks traffic" in causes["payments-db"].reasons
    quiet = causes["payments-db"].score
    loud = Engine(topology=SHOP)
    loud.ingest(
        [
            alert(0, "PoolExhausted", "payments-db", class_="errors", severity=Severity.ERROR),
            alert(10, "HighErrors", "payments-api", class_="errors", severity=Severity.CRITICAL),
            alert(20, "HighErrors", "checkout", class_="errors", severity=Severity.ERROR),
        ]
    )
    assert quiet < {cause.name: cause.score for cause in loud.causes("G1")}["payments-db"]


def test_what_many_that_fail_depend_on_is_named_though_nothing_fires_there() -> None:
    graph = Topology.of({"web": ["flags"], "cart": ["flags"], "search": ["flags"]})
    engine = Engine(topology=graph)
    engine.ingest([alert(n * 5.0, "HighErrors", name) for n, name in enumerate(["web", "cart", "search"])])
    silent = next(cause for cause in engine.causes("G1", limit=9) if cause.name == "flags")
    assert silent.reasons == ("nothing fires there", "3 depend on it")
    assert silent.is_service


def test_a_storm_over_many_services_is_judged_by_a_bounded_number_of_them() -> None:
    graph = Topology.of({f"s{n}": [f"s{m}" for m in range(n)] for n in range(60)})
    engine = Engine(topology=graph)
    engine.ingest([alert(n * 1.0, "HighErrors", f"s{n}") for n in range(60)])
    causes = engine.causes("G1", limit=99)
    assert causes[0].name == "s0"
    assert len(causes) == 24  # of sixty


def test_the_order_in_which_services_are_named_changes_nothing() -> None:
    one, other = Engine(topology=SHOP), Engine(topology=SHOP)
    many = [alert(7.0, "HighErrors", name) for name in ("checkout", "cart", "payments-api", "web")]
    one.ingest(many)
    other.ingest(many[::-1])
    assert [c.name for c in one.causes("G1", limit=9)] == [c.name for c in other.causes("G1", limit=9)]


def test_what_everybody_knows_and_is_over_is_not_the_cause_though_what_fails_depends_on_it() -> None:
    engine, group = amid_noise()
    best, *others = engine.causes(group)
    assert (best.name, "nothing it depends on fails" in best.reasons) == ("payments-api", True)
    assert "payments-db" not in [one.name for one in others]


def test_what_is_news_below_is_the_cause_though_it_is_mild_and_over() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0, "SlowQueries", "payments-db"), alert(5, "PoolExhausted", "payments-api")])
    engine.ingest([alert(20, "HighErrors", "checkout", severity=Severity.CRITICAL)])
    engine.ingest([alert(30, "SlowQueries", "payments-db", status=Status.RESOLVED)])
    assert engine.causes("G1")[0].name == "payments-db"


@pytest.mark.parametrize(("class_", "cause"), [("saturation", "web"), ("certificate", "web"), ("errors", "catalogue")])
def test_what_is_full_or_expired_is_not_blamed_on_what_its_service_depends_on(class_: str, cause: str) -> None:
    engine = Engine(topology=Topology.of({name: ["catalogue"] for name in ("web", "cart")}))
    engine.ingest([alert(0, "Wrong", "web", class_=class_, severity=Severity.CRITICAL)])
    engine.ingest([alert(5, "Slow", "cart", class_="latency", severity=Severity.ERROR)])
    assert engine.causes("G1")[0].name == cause
