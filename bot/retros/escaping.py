"""Text that others wrote, made harmless for Markdown: it shows as it was written, and forms no heading, link, tag or mention.

Pure; meant for CommonMark and GitHub's flavour of it.
"""

from __future__ import annotations

import re

from bot.chat.harmless import harmless, one_line

__all__ = ["block", "cell", "code_block", "inline", "link"]

INLINE_LENGTH = 2_000  # characters
BLOCK_LENGTH = 100_000
OUTPUT_LENGTH = 64_000

_APART = "\N{ZERO WIDTH SPACE}"  # after an @: forges look for mentions in the finished page, where no backslash is left
_SPECIAL = re.compile(r"[\\`*\[\]|~$]")
_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it means nothing: snake_case stays readable
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ADDRESS = re.compile(r":(?=//)|(?<=www)\.|(?<=mailto):|(?<=xmpp):", re.IGNORECASE)
_REFERENCE = re.compile(r"#(?=\d)|\bGH-(?=\d)")
_LINE_START = re.compile(r"[#>+=:-]|\d{1,9}(?=[.)])")


def inline(text: str) -> str:
    """The text on one line.

    >>> inline("**bold** <b> a_b [x](http://y) @here")
    '\\\\*\\\\*bold\\\\*\\\\* &lt;b> a_b \\\\[x\\\\](http\\\\://y) @\\u200bhere'
    """
    return _line(one_line(text, INLINE_LENGTH))


def cell(text: str) -> str:
    """The text as a cell of a table; a dash stands for nothing."""
    return inline(text) or "-"


def block(text: str) -> list[str]:
    """The text as lines that keep their breaks and indentation, none of which starts anything."""
    lines = []
    for line in harmless(text.expandtabs(4), BLOCK_LENGTH).split("\n"):
        bare = line.strip()
        indent = "\N{NO-BREAK SPACE}" * (len(line) - len(line.lstrip())) if bare else ""
        lines.append(indent + _line(bare))
    return lines


def code_block(text: str) -> list[str]:
    """The text as a fenced block, whose fence is longer than any run of backticks in it."""
    body = harmless(text, OUTPUT_LENGTH).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *body.split("\n"), fence]


def link(label: str, url: str) -> str:
    """A link where the address is http or https, else only its words.

    >>> link("a1b2c3d", "https://example.org/c?a=(1)"), link("x", "javascript:alert(1)")
    ('[a1b2c3d](https://example.org/c?a=%281%29)', 'x')
    """
    if not re.fullmatch(r"https?://[!-~]+", url, re.IGNORECASE) or len(url) > INLINE_LENGTH:
        return inline(label)
    safe = re.sub(r"[^\w:/?#@!$&+,=.~%-]", lambda found: f"%{ord(found[0]):02X}", url, flags=re.ASCII)
    return f"[{inline(label)}]({safe})"


def _line(text: str) -> str:
    start = _LINE_START.match(text)
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    escaped = _UNDERSCORE.sub(r"\\_", escaped)
    escaped = _ENTITY.sub(r"\\&", escaped)
    escaped = _ADDRESS.sub(r"\\\g<0>", escaped)
    escaped = _REFERENCE.sub(rf"\g<0>{_APART}", escaped)
    escaped = escaped.replace("<", "&lt;").replace("@", f"@{_APART}")
    if start is None:
        return escaped
    if start[0][0].isdigit():  # "1." would begin a list
        return f"{start[0]}\\{escaped[len(start[0]) :]}"
    return f"\\{escaped}"
