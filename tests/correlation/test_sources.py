from __future__ import annotations

from correlation.engine import Engine
from correlation.sources import MAX_SOURCES, Sources
from correlation.tuning import Tuning
from tests.correlation.building import alert, cleared


def test_a_source_is_believed_to_tell_ends_until_many_onsets_came_without_one() -> None:
    sources = Sources(trust=3)
    for _ in range(3):
        sources.onset("siem")
    assert sources.tells_ends("siem")
    sources.onset("siem")
    assert not sources.tells_ends("siem")
    assert sources.tells_ends("never heard of")


def test_one_end_is_enough_to_be_believed_again() -> None:
    sources = Sources(trust=1)
    for _ in range(9):
        sources.onset("siem")
    sources.end("siem")
    assert sources.tells_ends("siem")


def test_what_is_known_of_sources_survives_a_dump() -> None:
    sources, again = Sources(trust=1), Sources(trust=1)
    for _ in range(5):
        sources.onset("siem")
    again.load(sources.dump())
    assert not again.tells_ends("siem")


def test_the_number_of_sources_is_bounded() -> None:
    sources = Sources(trust=1)
    for n in range(3 * MAX_SOURCES):
        sources.onset(f"s{n}")
    assert len(sources.dump()) == MAX_SOURCES


def test_repeats_are_no_onsets() -> None:
    engine = Engine(tuning=Tuning(trust=3))
    engine.ingest([alert(float(n), source="siem") for n in range(50)])
    assert engine._sources.tells_ends("siem")


def test_even_an_end_of_something_unknown_shows_that_the_source_tells_ends() -> None:
    engine = Engine(tuning=Tuning(trust=1))
    engine.ingest([alert(float(n), f"N{n}", source="siem") for n in range(5)])
    assert not engine._sources.tells_ends("siem")
    engine.ingest([cleared(9, "Other", source="siem")])
    assert engine._sources.tells_ends("siem")
