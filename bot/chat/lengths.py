"""How long a text is where people read it, and how it is cut. What a platform takes at most is said by its own limits."""

from __future__ import annotations

__all__ = ["clip", "length"]

_JOINERS = "\u200c\u200d\ufe0e\ufe0f "  # would hang in the air at a cut


def length(text: str) -> int:
    """Characters as Slack and Discord's clients count them: UTF-16 units, so that most emoji are two.

    Discord's API may count fewer, never more.

    >>> length("a"), length("\\N{FIRE}")
    (1, 2)
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """The text in at most `limit` characters, with an ellipsis where it was cut.

    >>> clip("checkout", 5), clip("cart", 5)
    ('chec…', 'cart')
    """
    if length(text) <= limit:
        return text
    kept = text[: limit - 1]
    while length(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip(_JOINERS) + "\N{HORIZONTAL ELLIPSIS}"
