"""Makes text of several lines harmless to look at: control, bidirectional and invisible characters, and length. Nothing else.

Markup of a platform is not touched here: whoever draws escapes for where it draws. One-line fields of alerts are cleaned at
intake already (`bot.intake.sanitize`); this is for what people type, for titles, and for the output of commands.
"""

from __future__ import annotations

import re

from correlation.words import UNSEEN

__all__ = ["harmless", "one_line"]

MARK = "\N{REPLACEMENT CHARACTER}"  # shows that something was there

# ANSI escape sequences: colours and cursor moves that tools print when they believe that a terminal listens.
_ESCAPES = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])")
_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")


def harmless(text: str, limit: int) -> str:
    """`text` without characters that hide or reorder others; a longer one is cut and says how long it was.

    >>> harmless("a\\x00b\\r\\nc", 40)
    'a�b\\nc'
    >>> harmless("x" * 100, 40)
    'xxxxxxxxxx… (cut; it had 100 characters)'
    """
    if len(text) > limit:
        tail = f"\N{HORIZONTAL ELLIPSIS} (cut; it had {len(text):,} characters)"
        text = text[: max(0, limit - len(tail))] + tail
    if text.isprintable():
        return text
    return UNSEEN.sub(MARK, _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)))


def one_line(text: str, limit: int) -> str:
    """The same on one line.

    >>> one_line(" checkout\\n\\tslow ", 40)
    'checkout slow'
    """
    return " ".join(harmless(text, limit).split())
