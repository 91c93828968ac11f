from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from correlation.candidates import LIMIT, MAX_KEYS, MAX_POSTINGS, Index

pairs = st.tuples(st.sampled_from(["service", "host"]), st.sampled_from("abc"))


def test_never_more_than_the_limit_are_found_however_many_share_a_value() -> None:
    index = Index()
    for group in range(10_000):
        index.touch(group, [("location", "eu"), ("name", "x"), ("service", f"s{group}"), ("environment", "p")])
    found = index.find([("location", "eu"), ("name", "x"), ("environment", "p"), ("service", "s9999")])
    assert len(found) <= LIMIT
    assert found[0] == 9999
    assert max(len(groups) for _, _, groups in index.dump()) <= MAX_POSTINGS


def test_a_group_is_found_by_a_bounded_number_of_values() -> None:
    index = Index()
    index.touch(1, [("host", f"h{n}") for n in range(10_000)])
    assert len(index.values(1)) <= MAX_KEYS


def test_a_dropped_group_is_found_no_more_and_leaves_nothing() -> None:
    index = Index()
    index.touch(1, [("service", "a"), ("host", "b")])
    index.drop(1)
    index.drop(1)
    assert index.find([("service", "a")]) == []
    assert index.dump() == []


@given(st.lists(st.tuples(st.integers(1, 5), st.lists(pairs, max_size=4)), max_size=30), st.lists(pairs, max_size=4))
def test_what_was_dumped_finds_the_same_groups_in_the_same_order(
    touches: list[tuple[int, list[tuple[str, str]]]], asked: list[tuple[str, str]]
) -> None:
    index, copy = Index(), Index()
    for group, values in touches:
        index.touch(group, values)
    copy.load(index.dump(), index.values_in_order())
    assert copy.find(asked) == index.find(asked)
    for group in range(1, 4):
        index.drop(group)
        copy.drop(group)
    assert copy.find(asked) == index.find(asked)


def test_what_a_group_is_found_by_keeps_its_order_through_a_snapshot() -> None:
    """United groups are found by the first of each other's values: the order is part of what is known."""
    index = Index()
    index.touch(1, [("service", "web")])
    index.touch(2, [("name", "Slow"), ("service", "web")])
    index.touch(2, [("host", "a")])
    other = Index()
    other.load(index.dump(), index.values_in_order())
    assert other.values(2) == index.values(2) == [("name", "Slow"), ("service", "web"), ("host", "a")]
    assert (other.dump(), other.values_in_order()) == (index.dump(), index.values_in_order())
