"""One family of tests that every evidence term passes."""

from __future__ import annotations

from math import inf

import msgspec
import pytest
from hypothesis import given, settings

from correlation.alert import Alert, Status
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.similarity import MISSING, TERMS, Facts, Scorer, Term, explain
from correlation.weights import Weight, Weights, shipped
from tests.correlation.building import SHOP, alert, alerts, timely


def _facts_and_group(stream: list[Alert], last: Alert) -> tuple[Engine, Facts] | None:
    engine = Engine(Cookbook([Recipe(name="all", group_by=("nothing",), trigger=('name=~".+"',))]), SHOP)
    engine.ingest(stream)
    if not engine._registry.open:
        return None
    decision = Engine(topology=SHOP)
    decision.ingest([last])
    episode = decision._dedup.all()[0]
    return engine, engine._placer.gather(episode, last.at)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
@given(timely, alerts)
@settings(max_examples=25)
def test_a_term_lies_within_its_bounds_says_words_and_is_deterministic(
    term: Term, stream: list[Alert], last: Alert
) -> None:
    found = _facts_and_group(stream, last)
    if found is None:
        return
    engine, facts = found
    for group in engine._registry.open.values():
        score = term.score(facts, group, engine._features)
        assert score == MISSING or 0.0 <= score <= 1.0
        assert score == term.score(facts, group, engine._features)
        if score != MISSING:
            words = term.words(facts, group, score)
            assert words
            assert "\n" not in words


def test_terms_have_their_own_names_and_weights_above_nothing() -> None:
    assert len({term.name for term in TERMS}) == len(TERMS)
    assert shipped().terms.keys() == {term.name for term in TERMS}
    assert all(weight.pro >= 0 and weight.contra >= 0 for weight in shipped().terms.values())


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_what_an_alert_lacks_is_no_evidence(term: Term) -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0, class_="latency", host="h", summary="it is slow")])
    bare = Engine()
    bare.ingest([Alert(at=0.0, name="123")])
    facts = engine._placer.gather(bare._dedup.all()[0], 0.0)
    (group,) = engine._registry.open.values()
    score = term.score(facts, group, engine._features)
    assert (score == MISSING) is (term.name != "time")


def test_the_evidence_is_in_the_order_of_the_terms_and_adds_up() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0, summary="p95 latency 3 s", class_="latency")])
    (joined,) = engine.ingest([alert(8, "SlowPayments", "payments-api", summary="p95 latency 4 s", class_="latency")])
    order = [term.name for term in TERMS]
    assert [item.term for item in joined.evidence] == sorted((i.term for i in joined.evidence), key=order.index)
    assert {"time", "location", "topology", "text", "class"} <= {item.term for item in joined.evidence}
    assert all(0 <= item.score <= 1 for item in joined.evidence)
    assert joined.reason.startswith("Joined: ")
    assert joined.reason.endswith("; 1 hop from checkout.")
    assert "8 s after the last" in joined.reason


def test_the_total_of_an_explained_group_is_above_that_of_a_stranger() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0), alert(1, "QueueFull", "mail", location="us-east-1")])
    (other,) = engine.ingest([alert(5, "HighErrors")])
    facts = engine._placer.gather(engine._dedup.all()[-1], 5.0)
    mine, stranger = engine._registry.open[1], engine._registry.open[2]
    assert other.group == "G1"
    total = Scorer(shipped()).total
    assert total(facts, mine, engine._features) > total(facts, stranger, engine._features)
    assert explain(facts, mine, engine._features)
    assert Status.FIRING


class _Thorough(Scorer):
    """Asks all terms of every candidate."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.elsewhere = inf


@given(timely)
def test_passing_over_groups_that_are_elsewhere_changes_no_decision(stream: list[Alert]) -> None:
    recipes = [Recipe(name="own", similar={"text": 0.5}, trigger=('class="errors"',))]
    for cookbook in (Cookbook(), Cookbook(recipes)):
        quick, thorough = Engine(cookbook, SHOP), Engine(cookbook, SHOP, scorer=_Thorough)
        assert quick.ingest(stream) == thorough.ingest(stream)


def test_a_group_elsewhere_is_passed_over_only_where_nothing_makes_up_for_that() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([alert(0), alert(1, location="us-east-1")])
    facts = engine._placer.gather(engine._dedup.all()[-1], 1.0)
    scorer = Scorer(shipped())
    assert scorer.total(facts, engine._registry.open[1], engine._features) == scorer.elsewhere
    mild = msgspec.structs.replace(shipped(), terms={**shipped().terms, "location": Weight(pro=2.0, contra=1.0)})
    assert Scorer(mild).elsewhere == inf
