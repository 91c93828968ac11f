"""How people write an incident's number, and how it is read from what they wrote. Whether there is such an incident: the store."""

from __future__ import annotations

import re

__all__ = ["number_of", "ref"]


def ref(number: int) -> str:
    """How people write an incident's number.

    >>> ref(42)
    'INC-42'
    """
    return f"INC-{number}"


def number_of(text: str) -> int | None:
    """The number in INC-42, inc42, #42 or 42; None when it is none of those.

    >>> number_of("inc-42"), number_of("#7"), number_of("checkout")
    (42, 7, None)
    """
    found = re.fullmatch(r"(?:inc[-\s]?|#)?(\d{1,9})", text.strip(), re.IGNORECASE)
    return int(found[1]) if found else None
