"""`did you mean ...?`: the nearest of the words that would have been right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, or None when none is like it."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "team"?`, or the words there are when they are few, or nothing."""
    names = sorted(known)
    if best := nearest(word, names):
        return f'; did you mean "{best}"?'
    if not names:
        return "; there are none"
    if len(names) == 1:
        return f"; there is only {names[0]}"
    return f"; there are {', '.join(names)}" if len(names) <= 12 else ""
