"""Words of a line: whatever is typed, words come out, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.tokens import tokenize


@given(
    st.text(alphabet=st.sampled_from("ab \"'=~\\,{}-\n\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"))
)
def test_words_cover_all_that_is_not_space_in_order(line: str) -> None:
    tokens = tokenize(line)
    end = 0
    for token in tokens:
        assert line[end : token.start].strip() == ""
        assert line[token.start : token.end] == token.raw
        assert token.end > token.start
        end = token.end
    assert line[end:].strip() == ""


def test_a_hostile_line_costs_no_more_than_its_length() -> None:
    assert len(tokenize('"a ' * 20_000)) > 0
    assert len(tokenize('x="' * 20_000)) > 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("note don't panic, it's fine", ["note", "don't", "panic,", "it's", "fine"]),
        ('rename "checkout down"', ["rename", "checkout down"]),
        (
            "rename \N{LEFT DOUBLE QUOTATION MARK}checkout down\N{RIGHT DOUBLE QUOTATION MARK}",
            ["rename", "checkout down"],
        ),
        ('a "he said \\"no\\"" b', ["a", 'he said "no"', "b"]),
        ('host=~"a b",name="c d" 2h', ['host=~"a b",name="c d"', "2h"]),
        ('"open', ['"open']),
        ("", []),
    ],
)
def test_words_and_quotes(line: str, words: list[str]) -> None:
    assert [token.value for token in tokenize(line)] == words
