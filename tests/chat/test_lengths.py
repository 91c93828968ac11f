"""How long a text is on a screen, and how it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.lengths import clip, length


@given(st.text(), st.integers(1, 60))
def test_what_is_cut_has_room_and_says_that_it_was_cut(text: str, limit: int) -> None:
    kept = clip(text, limit)
    assert length(kept) <= limit
    assert kept == text or (kept.endswith("\N{HORIZONTAL ELLIPSIS}") and text.startswith(kept[:-1]))


@given(st.text(max_size=60))
def test_what_has_room_is_left_alone(text: str) -> None:
    assert clip(text, length(text)) == text


def test_an_emoji_counts_as_the_clients_count_it_and_is_never_cut_in_two() -> None:
    fires = "\N{FIRE}" * 5
    assert length(fires) == 10
    assert clip(fires, 6) == "\N{FIRE}\N{FIRE}\N{HORIZONTAL ELLIPSIS}"


def test_no_joiner_hangs_in_the_air_at_a_cut() -> None:
    assert clip("a\N{ZERO WIDTH JOINER}bc", 3) == "a\N{HORIZONTAL ELLIPSIS}"
