from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Severity
from correlation.candidates import LIMIT, MAX_KEYS, MAX_PLACES, MAX_POSTINGS, PER_KEY, Index, Pair
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.places import near, wholes
from tests.correlation.building import SHOP, alert

PLACES = ["", "eu", "eu-west-1", "eu-west-1a", "eu-west-10", "us"]
pairs = st.tuples(st.sampled_from(["service", "host"]), st.sampled_from("abc"))
places = st.sampled_from(PLACES)
touches = st.lists(st.tuples(st.integers(1, 5), st.lists(pairs, max_size=4), places), max_size=30)


def filled(story: list[tuple[int, list[Pair], str]]) -> Index:
    index = Index()
    for group, values, place in story:
        index.touch(group, values, place)
    return index


def restored(index: Index) -> Index:
    copy = Index()
    copy.load(index.places(), index.dump(), index.values_in_order())
    return copy


def test_never_more_than_the_limit_are_found_however_many_share_a_value() -> None:
    index = Index()
    for group in range(10_000):
        index.touch(group, [("location", "eu"), ("name", "x"), ("service", f"s{group}"), ("environment", "p")], "eu")
    for place in ("eu", ""):
        found = index.find(
            [("location", "eu"), ("name", "x"), ("environment", "p"), ("service", "s9999"), ("service", "s1")], place
        )
        assert len(found) <= LIMIT
        assert found[0] == 9999
    assert max(len(groups) for *_, groups in index.dump()) <= MAX_POSTINGS


def test_no_value_takes_the_room_of_others_however_many_places_have_it() -> None:
    index = Index()
    for group in range(100):
        index.touch(group, [("name", "x"), ("service", f"s{group}")], f"store{group}")
        index.touch(group, [("name", "x")], f"store/{group}")
    for place in ("", "store"):
        found = index.find([("name", "x"), ("service", "s1")], place)
        assert 1 in found or place
        assert len(found) <= PER_KEY + 1


def test_a_group_is_found_by_a_bounded_number_of_values_and_places() -> None:
    index = Index()
    index.touch(1, [("host", f"h{n}") for n in range(10_000)], "eu")
    assert len(index.values(1)["eu"]) <= MAX_KEYS
    for n in range(1_000):
        index.touch(1, [("host", "a")], f"place{n}")
    assert len(index.values(1)) <= MAX_PLACES + 1
    assert index.find([("host", "a")], "place999") == [1]  # what is at so many places may be anywhere


def test_a_dropped_group_is_found_no_more_and_leaves_nothing() -> None:
    index = Index()
    index.touch(1, [("service", "a"), ("host", "b")], "eu-west-1")
    index.touch(1, [("service", "a")])
    index.drop(1)
    index.drop(1)
    assert index.find([("service", "a")]) == index.find([("service", "a")], "eu-west-1") == []
    assert (index.dump(), index.places(), index.values(1)) == ([], [], {})
    assert not any((index._keys, index._postings, index._occupied.groups, index._occupied._parts))


@given(touches, st.lists(pairs, max_size=4), places, st.sets(st.integers(1, 5)))
def test_what_shares_a_value_is_found_there_and_near_by_and_nowhere_else(
    story: list[tuple[int, list[Pair], str]], asked: list[Pair], place: str, closed: set[int]
) -> None:
    index = filled(story)
    index.find(asked, place)  # what is near is remembered, and must be right when groups come and go
    for group in closed:
        index.drop(group)
    expected = {
        group
        for group, values, there in story
        if group not in closed
        and not set(values).isdisjoint(asked)
        and (not place or not there or there == place or near(place, [there]))
    }
    assert set(index.find(asked, place)) == expected
    copy = restored(index)
    assert index.find(asked, place) == copy.find(asked, place)
    for group in range(1, 6):
        copy.drop(group)
    assert not copy.places()


@given(touches, st.lists(pairs, max_size=4), places)
def test_what_was_dumped_finds_the_same_groups_in_the_same_order(
    story: list[tuple[int, list[Pair], str]], asked: list[Pair], place: str
) -> None:
    index = filled(story)
    copy = restored(index)
    assert copy.find(asked, place) == index.find(asked, place)
    for group in range(1, 4):
        index.drop(group)
        copy.drop(group)
    assert copy.find(asked, place) == index.find(asked, place)


def test_what_a_group_is_found_by_keeps_its_order_through_a_snapshot() -> None:
    """United groups are found by the first of each other's values: the order is part of what is known."""
    index = Index()
    index.touch(1, [("service", "web")], "us")
    index.touch(2, [("name", "Slow"), ("service", "web")], "eu")
    index.touch(2, [("host", "a")])
    index.touch(2, [("host", "b")], "eu")
    other = restored(index)
    assert other.values(2) == index.values(2)
    assert index.values(2) == {"eu": [("name", "Slow"), ("service", "web"), ("host", "b")], "": [("host", "a")]}
    assert (other.places(), other.dump(), other.values_in_order()) == (
        index.places(),
        index.dump(),
        index.values_in_order(),
    )


@given(st.text("eu1-/ ", min_size=1, max_size=8), st.text("eu1-/ ", min_size=1, max_size=8))
def test_a_place_is_near_those_that_it_lies_in_and_those_that_lie_in_it(one: str, other: str) -> None:
    assert near(one, [other]) is (other in wholes(one) or one in wholes(other))


def test_the_same_trouble_at_a_hundred_other_places_hides_none_near_by() -> None:
    """The alert of one shelf in a store is of the trouble of that store, however many stores have the same since."""
    engine = Engine(topology=SHOP)
    stores = [alert(25.0 * n, location=f"store{n}", severity=Severity.CRITICAL) for n in range(100)]
    assert len({one.group for one in engine.ingest(stores)}) == 100
    shelf = engine.ingest([alert(2_500.0, location="store80/shelf3", severity=Severity.CRITICAL)])[0]
    assert (shelf.kind, shelf.group) == ("joined", "G81")


def test_what_a_recipe_says_belongs_together_is_found_anywhere_also_when_it_says_so_only_now() -> None:
    book = [Cookbook([Recipe(name="r", similar=similar)], with_default=False) for similar in ({}, {"name": 1.0})]
    for first in book:
        engine = Engine(first, SHOP)
        engine.ingest([alert(0.0, severity=Severity.CRITICAL)])
        engine.reconfigure(book[1], SHOP)
        engine.ingest([alert(1.0, host="a")])
        engine.split("G1", [2])
        engine.merge("G1", "G2")
        assert engine.ingest([alert(9.0, location="us-east-1", severity=Severity.CRITICAL)])[0].group == "G1"
        engine.reconfigure(book[0], SHOP)
        assert engine.ingest([alert(18.0, location="ap-south-1", severity=Severity.CRITICAL)])[0].group == "G3"


def test_an_alert_from_nowhere_meets_groups_of_any_place_and_the_other_way_round() -> None:
    for first, second in (("", "eu"), ("eu", "")):
        engine = Engine(topology=SHOP)
        engine.ingest([alert(0.0, location=first, severity=Severity.CRITICAL)])
        later = alert(9.0, "HighErrors", location=second, severity=Severity.CRITICAL)
        assert engine.ingest([later])[0].group == "G1"


def test_a_recipe_called_as_a_field_finds_nothing_by_the_values_of_that_field() -> None:
    recipe = Recipe(name="service", group_by=("service",))
    engine = Engine(Cookbook([recipe], with_default=False), SHOP)
    engine.ingest([alert(0, "Slow", "cart")])
    fields = {field for pairs in engine._registry.index.values(1).values() for field, _ in pairs}
    assert fields == {"recipe service", "by service", "service", "location", "name", "word"}
