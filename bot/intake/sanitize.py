"""Makes text from outside harmless to look at: control, bidirectional and invisible characters, and length. Nothing else.

Markup of a platform (`<!channel>`, `@everyone`, `<script>`) is not touched here: each view escapes for where it draws.
"""

from __future__ import annotations

import re

from correlation.words import UNSEEN

__all__ = ["CUT", "clean", "is_missing"]

MARK = "\N{REPLACEMENT CHARACTER}"  # shows that something was there
CUT = "\N{HORIZONTAL ELLIPSIS}"  # stands where a text was cut

_SPACES = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Macros that a sender's template left unexpanded (Zabbix, AppDynamics, Datadog, Coralogix, UptimeRobot, Go, mustache).
_MACRO = re.compile(
    r"\{[A-Z][A-Z0-9_.:#]*\}|\$\{[^{}]*\}|\$[A-Z][A-Z0-9_]*|\*[A-Za-z]{3,}\*|<no value>|<nil>|\[no value\]|\{\{.*\}\}"
    r"|null|undefined"
)
_MACRO_STARTS = frozenset("{$*<[nu")


def clean(text: str, limit: int) -> str:
    """`text` on one line, without characters that hide or reorder others, cut to `limit` characters.

    >>> clean("disk \\x1b[31mfull\\n on db-1", 40)
    'disk �[31mfull on db-1'
    >>> clean("abcdef", 4)
    'abc…'
    """
    if len(text) > limit:
        text = text[: limit - 1] + CUT
    if not text.isprintable():
        text = UNSEEN.sub(MARK, _SPACES.sub(" ", text)).replace("  ", " ")
    return text.strip()


def is_missing(text: str) -> bool:
    """Whether a text says nothing: empty, or a macro that the sender's template did not expand.

    >>> is_missing("<no value>"), is_missing("{EVENT.RECOVERY.ID}"), is_missing("${x.y}"), is_missing("nullpointer")
    (True, True, True, False)
    """
    if not text:
        return True
    return text[0] in _MACRO_STARTS and len(text) < 200 and _MACRO.fullmatch(text) is not None
