from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.sanitize import CUT, clean, is_missing


@given(st.text(), st.integers(1, 50))
def test_what_is_cleaned_is_short_and_has_nothing_that_hides(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\ufeff") & set(cleaned)


@given(st.text(), st.integers(1, 50))
def test_cleaning_twice_changes_nothing_more(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once


def test_what_was_hidden_stays_visible_as_a_mark() -> None:
    assert clean("pay\u202egro.elpmaxe", 99) == "pay\ufffdgro.elpmaxe"


def test_ordinary_text_of_any_script_is_left_alone() -> None:
    for text in ("p99 of checkout is 2.4 s", "Größe überschritten", "می‌خواهم", "👩‍💻 磁盘已满", "<!channel> @everyone"):
        assert clean(text, 99) == text


def test_lines_become_one() -> None:
    assert clean("first\r\nsecond\u2028third", 99) == "first second third"


def test_a_cut_text_says_so() -> None:
    assert clean("x" * 1_000_000, 10) == "x" * 9 + CUT


@pytest.mark.parametrize(
    "text",
    ["", "{EVENT.RECOVERY.ID}", "${latestEvent.node.id}", "$SERVICE", "*alertFriendlyDuration*", "<no value>",
     "$ALERT_STATUS", "{{ host.name }}", "null", "[no value]"],
)  # fmt: skip
def test_a_macro_that_was_never_expanded_is_missing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize(
    "text", ["nullpointer", "$5 a day", "{} is empty", "undefined behaviour", "*", "<none>", "none"]
)
def test_text_that_only_looks_like_a_macro_is_text(text: str) -> None:
    assert not is_missing(text)
