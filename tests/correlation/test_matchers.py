from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlation.alert import Alert, Severity
from correlation.matchers import Matcher, MatcherError, Matchers, value_of

CART = Alert(
    at=0,
    name="DiskFull",
    class_="saturation",
    severity=Severity.CRITICAL,
    service="cart",
    host="cart-3",
    labels=(("mount", "/var"), ("service", "from-a-label")),
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('service="cart"', True),
        ('service!="cart"', False),
        ('host=~"cart-.*"', True),
        ('host=~"art"', False),  # anchored
        ('host!~"web-.*"', True),
        ('class="saturation"', True),
        ('severity=~"critical|error"', True),
        ('mount="/var"', True),
        ('absent=""', True),  # as Prometheus has it
        ('absent!="x"', True),
        ('location=""', True),
        ("service=cart", True),
        (r'host=~"cart-\d"', True),
        (' name = "DiskFull" ', True),
    ],
)
def test_a_matcher_reads_fields_first_and_then_labels(text: str, holds: bool) -> None:
    assert Matcher.parse(text).matches(CART) is holds


@pytest.mark.parametrize("text", ["", "service", '="x"', 'service~"x"', 'service="x', 'service="x" trailing', "1a=b"])
def test_a_text_that_is_no_matcher_is_refused_and_shown(text: str) -> None:
    with pytest.raises(MatcherError, match="is no matcher"):
        Matcher.parse(text)


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<x", "a{2,1}"])
def test_a_broken_regular_expression_is_named(pattern: str) -> None:
    with pytest.raises(MatcherError, match="is no regular expression"):
        Matcher.parse(f'host=~"{pattern}"')


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a*)*", "((ab)+c)*d", "(a|aa)+$", "(?:x*y)+", ".*.*.*.*.*.*.*="])
def test_a_regular_expression_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(MatcherError, match="for ever"):
        Matcher.parse(f'summary=~"{pattern}"')


def test_a_regular_expression_has_a_limit_of_length() -> None:
    with pytest.raises(MatcherError, match="at most"):
        Matcher.parse(f'host=~"{"a" * 501}"')


def test_a_long_value_costs_little() -> None:
    matcher = Matcher.parse('summary=~".*a.*b"')
    started = time.perf_counter()
    matcher.matches(Alert(at=0, name="x", summary="a" * 1_000_000))
    assert time.perf_counter() - started < 2.0


def test_several_matchers_are_read_from_one_text() -> None:
    both = Matchers.parse('{service="cart", host=~"cart-.*"}')
    assert [str(matcher) for matcher in both] == ['service="cart"', 'host=~"cart-.*"']
    assert both.matches(CART)
    assert Matchers.parse('service="cart" severity="info"').matches(CART) is False
    assert Matchers.parse(['service="x"', 'host="cart-3"']).any(CART)


def test_no_matchers_match_everything_and_none_of_them_does() -> None:
    assert Matchers.parse("").matches(CART)
    assert not Matchers.parse([]).any(CART)


def test_a_label_stands_in_where_the_field_is_empty() -> None:
    assert value_of(CART, "service") == "cart"
    assert value_of(Alert(at=0, name="x", labels=(("service", "cart"),)), "service") == "cart"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_matcher_reads_back_what_it_prints(value: str) -> None:
    matcher = Matcher("service", "=", value)
    assert Matcher.parse(str(matcher)) == matcher


@given(st.text(max_size=40))
def test_any_text_gives_a_matcher_or_a_clear_error(text: str) -> None:
    try:
        found = Matchers.parse(text)
    except MatcherError:
        return
    assert found.matches(CART) in {True, False}


@given(
    pattern=st.lists(st.sampled_from([".*", "a", "b", "ab", r"\.", r"\\", "-", "."]), max_size=6).map("".join),
    value=st.text("ab.\\-", max_size=12),
)
def test_words_with_anything_between_match_as_regular_expressions_do(pattern: str, value: str) -> None:
    expected = re.fullmatch(pattern, value, re.DOTALL) is not None
    assert Matcher("host", "=~", pattern).matches(Alert(at=0, name="x", host=value)) == expected


def test_words_with_anything_between_cost_little_however_many() -> None:
    hostile = Alert(at=0, name="a" * 1000)
    begun = time.perf_counter()
    for pattern in (".*a.*a.*a.*a.*ax", ".*.*.*.*.*.*x"):
        assert not Matcher("name", "=~", pattern).matches(hostile)
    assert time.perf_counter() - begun < 5.0  # going back would take hours
