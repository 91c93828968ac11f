"""The same thing at many places within minutes is one trouble; at a few, or over an hour, it is as many as there are places."""

from __future__ import annotations

import random
from typing import Any

import pytest

from correlation.alert import Alert, Severity
from correlation.cookbook import Cookbook, OpensPolicy, Recipe
from correlation.engine import Engine
from correlation.outbreaks import MAX_STARTS, MAX_THINGS
from correlation.places import MANY
from tests.correlation.building import SHOP, alert, cleared


def down(n: int, at: float | None = None, name: str = "TillDown", service: str = "till", **fields: Any) -> Alert:
    """A critical alert of one of many stores."""
    fields = {"location": f"store{n}", "severity": Severity.CRITICAL, **fields}
    return alert(2.0 * n if at is None else at, name, service, **fields)


def rooms(engine: Engine, alerts: list[Alert]) -> list[str | None]:
    return [one.group for one in engine.ingest(alerts)]


def test_the_sixth_place_makes_them_one_and_says_why() -> None:
    engine = Engine(topology=SHOP)
    *few, sixth, seventh = engine.ingest([down(n) for n in range(MANY + 1)])
    assert [one.group for one in few] == ["G1", "G2", "G3", "G4", "G5"]
    assert (sixth.kind, sixth.code, sixth.group) == ("joined", "outbreak", "G1")
    assert sixth.reason == "Joined: the same at 6 places within minutes."
    assert [one.words for one in sixth.evidence] == ["the same at 6 places within minutes"]
    assert sixth.merged == (("G2", "G1"), ("G3", "G1"), ("G4", "G1"), ("G5", "G1"))
    assert (seventh.group, seventh.merged, seventh.deserves) == ("G1", (), True)
    view = engine.group("G1")
    assert view is not None
    assert (view.size, view.title) == (7, "till down, many places")
    assert view.causes[0].reasons == ("first to fail", "critical", "7 alerts at 7 places")


def test_what_else_fails_at_one_of_them_belongs_to_it() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n) for n in range(10)])
    assert rooms(engine, [down(3, 30.0, "PaymentsFail"), down(9, 31.0, host="till-2")]) == ["G1", "G1"]


def test_one_after_the_other_they_are_as_many_as_there_are_places() -> None:
    assert len(set(rooms(Engine(topology=SHOP), [down(n, 121.0 * n) for n in range(10)]))) == 10


def test_so_many_different_things_are_not_one() -> None:
    for fields in ("name", "service", "environment"):
        stores = [down(n, **{fields: f"x{n}"}) for n in range(10)]
        assert len(set(rooms(Engine(), stores))) == 10, fields


def test_the_same_places_again_and_again_are_not_many() -> None:
    engine = Engine(topology=SHOP)
    assert len(set(rooms(engine, [down(n % 5, float(n), host=f"till-{n}") for n in range(50)]))) == 5
    ((_, starts),) = engine._outbreaks.dump()
    assert sorted(starts) == [f"store{n}" for n in range(5)]


def test_a_recipe_that_parts_by_place_is_obeyed() -> None:
    engine = Engine(Cookbook([Recipe(name="stores", group_by=("location",))]), SHOP)
    assert len(set(rooms(engine, [down(n) for n in range(10)]))) == 10
    critical = Recipe(name="critical", trigger=('severity="critical"',), group_by=("location",))
    engine = Engine(Cookbook([critical]), SHOP)
    stores = [down(n, severity=Severity.ERROR) for n in range(5)]
    assert len(set(rooms(engine, [*stores, down(7), down(8)]))) == 7
    engine = Engine(Cookbook([critical]), SHOP)
    stores = [down(n) for n in range(5)]
    assert len(set(rooms(engine, [*stores, down(7, severity=Severity.ERROR)]))) == 6


def test_recipes_part_what_they_open_also_where_they_leave_the_rest_to_the_engine() -> None:
    """One of them opens private rooms."""
    private = Recipe(name="private", trigger=('location=~"store[0-4]"',), opens=OpensPolicy(private=True))
    engine = Engine(Cookbook([private]), SHOP)
    decisions = engine.ingest([down(n) for n in range(11)])
    assert [one.group for one in decisions[:10]] == [f"G{n + 1}" for n in range(10)]
    assert (decisions[10].group, decisions[10].recipe) == ("G6", "default")
    assert {lost for lost, _ in decisions[10].merged} == {"G7", "G8", "G9", "G10"}


def test_three_hundred_places_are_one() -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest([down(n, 0.1 * n) for n in range(300)])
    assert {one.group for one in decisions[5:]} == {"G1"}
    assert decisions[100].reason == f"Joined: the same at {MAX_STARTS + 1} places within minutes."
    assert engine.causes("G1")[0].reasons[-1] == "300 alerts at 128 places or more"


def test_groups_that_take_no_more_members_are_left_alone() -> None:
    engine = Engine(Cookbook([Recipe(name="brief", cook_for=60.0)]), SHOP)
    assert len(set(rooms(engine, [*(down(n) for n in range(5)), down(9, 100.0)]))) == 6


def test_what_people_keep_apart_stays_apart() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n) for n in range(5)])
    engine._registry.open[1].kinds["mail/QueueFull"] = 1
    engine._feedback.learn({"till/TillDown": 1}, {"mail/QueueFull": 1}, -1)
    sixth, seventh = engine.ingest([down(5), down(6)])
    assert (sixth.group, sixth.merged) == ("G6", ()), "four others are not enough"
    assert (seventh.group, dict(seventh.merged)) == ("G2", dict.fromkeys(["G3", "G4", "G5", "G6"], "G2"))


def test_what_calls_nobody_anywhere_calls_nobody_everywhere() -> None:
    """A rule that all stores know from every night."""
    engine = Engine(topology=SHOP)
    warning = {"severity": Severity.WARNING}
    for day in range(8):
        night = [down(n, 86_400.0 * day + n, "Rebooting", **warning) for n in range(40)]
        ends = [cleared(one.at + 700.0, one.name, one.service, location=one.location) for one in night]
        last = engine.ingest([*night, *ends])
    assert not any(one.deserves for one in last)


def test_what_waits_for_company_at_many_places_goes_on_waiting_at_each() -> None:
    engine = Engine(topology=SHOP)
    for at in (0.0, 7_000.0, 9_100.0, 16_000.0, 25_000.0, 31_000.0):
        for n in range(8):
            slow = down(n, at + 150.0 * n, "Slow", severity=Severity.WARNING)
            engine.ingest([slow, cleared(slow.at + 140.0, "Slow", "till", location=slow.location)])
    decisions = engine.ingest([down(n, 40_000.0 + n, "Slow", severity=Severity.WARNING) for n in range(8)])
    assert [(one.code, one.deserves, one.merged) for one in decisions] == [("waiting", False, ())] * 8
    assert len({one.group for one in decisions}) == 8


def test_what_a_person_took_out_stays_out() -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest([down(n) for n in range(8)])
    own = engine.split("G1", [decisions[2].episode])
    assert rooms(engine, [down(8), down(2, 20.0, host="till-9")]) == ["G1", own]


def test_a_snapshot_in_the_middle_changes_nothing() -> None:
    stores = [down(n) for n in range(12)]
    engine = Engine(topology=SHOP)
    whole = Engine(topology=SHOP).ingest(stores)
    first = engine.ingest(stores[:4])
    assert [*first, *Engine.restore(engine.snapshot()).ingest(stores[4:])] == whole


def test_only_so_much_is_remembered() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, 0.0) for n in range(3 * MAX_STARTS)])
    assert [len(starts) for _, starts in engine._outbreaks.dump()] == [MAX_STARTS]
    episode, outbreaks = engine._dedup.all()[0], engine._outbreaks
    for n in range(MAX_THINGS + 9):
        episode.name = f"Rule{n}"
        outbreaks.began(episode, 0.0)
    assert len(outbreaks.dump()) == MAX_THINGS


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_simultaneous_alerts_does_not_matter_though_each_place_tells_several_things(seed: int) -> None:
    stores = [down(n, 0.0, name) for n in range(10) for name in ("TillDown", "PaymentsFail", "PosOffline")]
    random.Random(seed).shuffle(stores)
    engine = Engine(topology=SHOP)
    decisions = engine.ingest(stores)
    assert {engine.surviving(one.group or "") for one in decisions} == {"G1"}


def test_what_waited_at_each_place_is_part_of_it_when_people_are_called_at_all_of_them() -> None:
    engine = Engine(Cookbook([Recipe(name="pairs", min_alerts=2)]), SHOP)
    decisions = engine.ingest([down(n, host=f"till-{k}") for n in range(8) for k in range(2)])
    assert {engine.surviving(one.group or "") for one in decisions} == {"G1"}
    assert [one.group for one in decisions if one.code == "outbreak"] == ["G1"] * 3


def test_a_room_that_has_been_there_for_longer_stays_a_room_of_its_own() -> None:
    """Each store has had its own trouble for ten minutes when the tills go down everywhere."""
    engine = Engine(topology=SHOP)
    own = engine.ingest([down(n, 0.0, f"Odd{n}") for n in range(8)])
    later = engine.ingest([down(n, 600.0 + n) for n in range(16)])
    assert [one.group for one in later[:8]] == [one.group for one in own]
    assert len({engine.surviving(one.group or "") for one in later[:8]}) == 8
    assert len({engine.surviving(one.group or "") for one in later[8:]}) == 1


def test_further_places_join_for_as_long_as_it_takes_members() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n) for n in range(10)])
    assert rooms(engine, [down(n, 200.0 * n) for n in range(10, 20)]) == ["G1"] * 10


def test_what_is_further_apart_than_minutes_is_not_at_once_also_where_one_is_told_late() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, 0.0) for n in range(3)])
    engine.ingest([down(n, 240.0) for n in range(3, 6)])
    assert rooms(engine, [down(9, 120.0)]) == ["G7"]


def test_only_what_is_left_of_it_after_a_split_counts() -> None:
    engine = Engine(topology=SHOP)
    decisions = engine.ingest([down(n) for n in range(9)])
    rest = engine.split("G1", [one.episode for one in decisions[1:]])
    (tenth,) = engine.ingest([down(9, 20.0)])
    assert (tenth.group, tenth.reason) == (rest, "Joined: the same at 9 places within minutes.")
    engine = Engine(topology=SHOP)
    for one in engine.ingest([down(n) for n in range(9)])[1:]:
        engine.split("G1", [one.episode])
    (tenth,) = engine.ingest([down(9, 20.0)])
    assert (tenth.kind, tenth.merged) == ("opened", ())


def test_what_else_fails_at_one_of_very_many_places_belongs_to_it() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, 0.1 * n) for n in range(300)])
    assert rooms(engine, [down(n, 60.0 + n, "PaymentsFail") for n in (3, 127, 128, 290)]) == ["G1"] * 4


def test_it_is_called_after_the_place_that_they_are_all_in() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, location=f"store7/till{n}") for n in range(7)])
    assert engine.title("G1") == "till down, store7"


def test_only_what_is_at_many_places_is_said_to_be() -> None:
    engine = Engine(topology=SHOP)
    stores = [down(n, severity=Severity.ERROR) for n in range(7)]
    engine.ingest([*stores, down(2, 20.0, "CoreSwitchDown")])
    assert engine.title("G1") == "till core switch down, store2 and 6 more"


def test_it_is_called_so_though_other_things_came_to_be_at_many_places_after_it() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, 0.0, name) for name in ("TillDown", "PaymentsFail", "PosOffline") for n in range(8)])
    assert engine.title("G1") == "till down, many places"


def test_a_place_in_a_title_breaks_nothing() -> None:
    engine = Engine(topology=SHOP)
    engine.ingest([down(n, location=f"eu{chr(10)}{chr(0x202E)}-{'9' * 90}/till{n}") for n in range(7)])
    title = engine.title("G1") or ""
    assert title.startswith("till down, eu -999")
    assert len(title) < 60
