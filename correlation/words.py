"""How the library puts numbers and names into short words for people. No markup and no sentences about platforms here."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

__all__ = ["UNSEEN", "clean", "fixed", "humanise", "largest", "plural", "span"]

T = TypeVar("T", bound=msgspec.Struct)

_encode = msgspec.msgpack.Encoder().encode
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-.:/]+")
# What hides or reorders other characters; what stands in its place is decided by who cleans:
# C0 and C1 controls but white space, soft hyphen, bidirectional marks, embeddings, overrides and isolates, zero-width space, byte
# order mark, interlinear annotation, tag characters, lone surrogates. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def span(seconds: float) -> str:
    """A length of time in its largest unit.

    >>> span(8), span(200), span(7300), span(200_000)
    ('8 s', '3 min', '2 h', '2 d')
    """
    whole = round(abs(seconds))
    if whole < 90:
        return f"{whole} s"
    if whole < 5400:
        return f"{round(whole / 60)} min"
    if whole < 129_600:
        return f"{round(whole / 3600)} h"
    return f"{round(whole / 86_400)} d"


@lru_cache(maxsize=16_384)  # the same few services, hosts and places, again and again
def clean(text: str, limit: int = 80) -> str:
    """One line without characters that hide or reorder others, at most `limit` characters long.

    >>> clean("disk" + chr(10) + "full" + chr(0x202E))
    'disk full'
    """
    line = " ".join(UNSEEN.sub(" ", text[: 4 * limit]).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def fixed(struct: T) -> T:
    """The struct with a question mark for each lone surrogate in its texts, which no encoding can carry and no snapshot keep.

    >>> from correlation import Alert
    >>> fixed(Alert(at=0.0, name="disk" + chr(0xD800), labels=(("mount", chr(0xDFFF)),))).labels
    (('mount', '?'),)
    """
    try:
        _encode(struct)
    except UnicodeEncodeError:
        texts = {name: _fix(getattr(struct, name)) for name in struct.__struct_fields__}
        return msgspec.structs.replace(struct, **texts)
    return struct


def _fix(value: Any) -> Any:
    if type(value) is str:
        return value.encode("utf-8", "replace").decode("utf-8")
    return tuple(map(_fix, value)) if type(value) is tuple else value


@lru_cache(maxsize=4096)  # rules are few
def humanise(name: str, limit: int = 60) -> str:
    """An identifier as words; what already has spaces stays as it is.

    >>> humanise("HighRequestLatency"), humanise("disk_full"), humanise("CPUThrottlingHigh"), humanise("Disk full")
    ('high request latency', 'disk full', 'CPU throttling high', 'Disk full')
    """
    text = clean(name, limit)
    if " " in text:
        return text
    words = [w if len(w) > 1 and w.isupper() else w.lower() for w in _CAMEL.sub(" ", text).split()]
    return " ".join(words)


def plural(count: int, noun: str) -> str:
    """
    >>> plural(1, "hop"), plural(2, "hop"), plural(3, "class")
    ('1 hop', '2 hops', '3 classes')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def largest(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Counts as pairs, largest first, then by name.

    >>> largest({"a": 1, "b": 2, "c": 1})
    (('b', 2), ('a', 1), ('c', 1))
    """
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
