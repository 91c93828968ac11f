"""The file of weights."""

from __future__ import annotations

import pytest

from correlation.engine import Engine, SnapshotError
from correlation.similarity import TERMS, Scorer
from correlation.weights import Weights, WeightsError, read, shipped, write
from tests.correlation.building import alert


def test_what_ships_is_read_once_and_knows_every_term() -> None:
    assert shipped() is shipped()
    assert list(shipped().terms) == [term.name for term in TERMS]
    assert Engine().weights is shipped()


def test_weights_survive_being_written() -> None:
    assert read(write(shipped())) == shipped()
    assert write(read(write(shipped()))) == write(shipped())


@pytest.mark.parametrize("data", [b"", b"[]", b'{"bias": 0}', b'{"bias": 0, "terms": {"time": {"pro": 1}}}', b"\xff"])
def test_what_is_no_weights_is_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match="no weights"):
        read(data)


def test_weights_that_lack_a_term_make_no_engine() -> None:
    with pytest.raises(WeightsError, match="location"):
        Scorer(Weights(bias=0.0, terms={}))


def test_weights_decide() -> None:
    weighty = Weights(bias=-40.0, terms=shipped().terms)
    stream = [alert(0), alert(5, "HighErrors")]
    assert [d.group for d in Engine().ingest(stream)] == ["G1", "G1"]
    assert [d.group for d in Engine(weights=weighty).ingest(stream)] == ["G1", "G2"]


def test_a_snapshot_whose_weights_lack_a_term_is_refused_not_guessed_at() -> None:
    engine = Engine()
    engine.weights = Weights(bias=0.0, terms={})
    with pytest.raises(SnapshotError, match="other evidence"):
        Engine.restore(engine.snapshot())


def test_other_weights_count_from_when_they_are_given() -> None:
    engine = Engine()
    engine.ingest([alert(0)])
    engine.reconfigure(engine.cookbook, engine.topology, Weights(bias=-40.0, terms=shipped().terms))
    assert engine.ingest([alert(5, "HighErrors")])[0].group == "G2"
    assert Engine.restore(engine.snapshot()).weights == engine.weights


def test_weights_that_lack_a_term_are_refused_and_the_engine_goes_on_by_its_own() -> None:
    engine = Engine()
    before, snapshot = engine.weights, engine.snapshot()
    with pytest.raises(WeightsError, match="location"):
        engine.reconfigure(engine.cookbook, engine.topology, Weights(bias=0.0, terms={}))
    assert engine.weights is before
    assert engine.snapshot() == snapshot
