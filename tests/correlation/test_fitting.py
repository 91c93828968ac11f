"""Learning weights: what is collected, and that the fit finds what the stream was made by."""

from __future__ import annotations

import random

import pytest

from correlation.alert import Alert, Severity
from correlation.engine import Engine
from correlation.evaluation import Outcome
from correlation.fitting import Examples, NotEnough, collect, fit
from correlation.similarity import TERMS
from correlation.weights import Weight, Weights, shipped
from tests.correlation.building import SHOP, alert

CHAINS = (("payments-db", "payments-api", "checkout", "web"), ("redis", "cart", "checkout"), ("queue", "mail"))
PLACES = ("eu-west-1", "us-east-1", "ap-south-1")


def outages(count: int = 24, seed: int = 5) -> list[tuple[Alert, str]]:
    """Outages along the service graph, two at a time at two places, over background."""
    rng = random.Random(seed)
    found: list[tuple[Alert, str]] = []
    for n in range(count):
        began = 3600.0 * (n // 2) + rng.uniform(0, 120)
        place = PLACES[n % 2] if n % 2 else PLACES[2 * rng.randrange(2)]
        for step, service in enumerate(rng.choice(CHAINS)):
            for name in rng.sample(["HighLatency", "HighErrors", "PoolExhausted"], 2):
                at = began + 40 * step + rng.uniform(0, 20)
                found.append((alert(at, name, service, location=place, severity=Severity.ERROR), f"outage-{n}"))
        for _ in range(4):
            at = began + rng.uniform(0, 400)
            service = rng.choice(["search", "search-index", "web", "mail"])
            found.append((alert(at, "CPUThrottling", service, location=rng.choice(PLACES)), ""))
    return sorted(found, key=lambda one: one[0].at)


def test_a_fit_tells_pairs_apart_better_than_what_it_began_with() -> None:
    blunt = Weights(bias=0.0, terms={term.name: Weight(pro=0.5, contra=0.5) for term in TERMS})
    found = fit(collect(outages(), topology=SHOP, weights=blunt), prior=blunt)
    assert found.checked.log_loss < 0.6 * found.before.log_loss
    assert found.checked.auc > 0.8
    assert found.weights.terms["location"].contra > 1.0  # two at a time, but at two places
    assert found.weights.origin["by"] == "fit"
    assert found.weights.origin["incidents"] == found.incidents > 15


def test_watching_changes_no_decision() -> None:
    stream = outages(8)
    kept = Engine(topology=SHOP)
    outcome = Outcome()
    for one, _ in stream:
        outcome.add(kept.ingest((one,))[0])
    collect(stream, topology=SHOP)
    again = Engine(topology=SHOP)
    assert [again.ingest((one,))[0].reason for one, _ in stream] == outcome.reasons


def test_the_same_examples_give_the_same_weights() -> None:
    assert fit(collect(outages(), topology=SHOP)) == fit(collect(outages(), topology=SHOP))


def test_what_the_stream_never_shows_stays_as_it_was() -> None:
    found = fit(collect(outages(), topology=SHOP)).weights.terms
    assert found["feedback"] == shipped().terms["feedback"]
    assert found["change"] == shipped().terms["change"]


def test_no_weight_turns_evidence_around() -> None:
    examples = Examples()
    rng = random.Random(1)
    for n in range(400):  # whoever shares a service does not belong together here
        same = rng.random() < 0.5
        scores = [float(same) if term.name == "service" else -1.0 for term in TERMS]
        examples.add(scores, not same, f"incident-{n % 10}")
    found = fit(examples).weights
    assert found.terms["service"] == Weight(pro=0.0, contra=0.0)
    assert all(weight.pro >= 0 and weight.contra >= 0 for weight in found.terms.values())


def test_few_examples_move_the_weights_less_than_many() -> None:
    few, many = fit(collect(outages(6), topology=SHOP)), fit(collect(outages(30), topology=SHOP))

    def moved(weights: Weights) -> float:
        return sum(abs(weight.contra - shipped().terms[name].contra) for name, weight in weights.terms.items())

    assert moved(few.weights) < moved(many.weights)


def test_unknown_alerts_are_no_examples_and_neither_is_background_beside_background() -> None:
    stream = outages(8)
    assert len(collect([(one, "?") for one, _ in stream], topology=SHOP)) == 0
    assert len(collect([(one, "") for one, _ in stream], topology=SHOP)) == 0


@pytest.mark.parametrize("label", ["", "one"])
def test_a_stream_that_says_too_little_is_refused(label: str) -> None:
    with pytest.raises(NotEnough, match="incidents"):
        fit(collect([(one, label) for one, _ in outages(4)], topology=SHOP))


def test_a_snapshot_carries_the_weights() -> None:
    weights = fit(collect(outages(), topology=SHOP)).weights
    stream = [one for one, _ in outages(6, seed=9)]
    engine = Engine(topology=SHOP, weights=weights)
    engine.ingest(stream[:20])
    again = Engine.restore(engine.snapshot())
    assert again.weights == weights
    assert again.ingest(stream[20:]) == engine.ingest(stream[20:])
