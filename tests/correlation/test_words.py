"""Names and texts as short words for people."""

from __future__ import annotations

from correlation.words import clean


def test_what_scripts_and_emoji_are_joined_by_stays() -> None:
    for text in ("\U0001f469\u200d\U0001f4bb down", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"):
        assert clean(text) == text


def test_what_hides_or_reorders_others_is_a_space() -> None:
    assert clean("pay\u202egro\u200b\u00adnow\x1b[31m") == "pay gro now [31m"
