"""Text as the engine sees it: masked words, and how alike two texts are. Cached per template, never computed per repeat.

Everything here is a function of the texts alone, never of what was seen before: a restored engine finds the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

__all__ = ["Features", "Template", "likeness", "words_of"]

MAX_TEXT = 400  # characters of a name or summary that are looked at
MAX_WORDS = 40
MAX_CACHED = 8192
MAX_SAID = 16_384  # rules, and what they say: short ones, of more troubles than are open at once

_MASKS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{17,}"  # UUID
    r"|https?://\S+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"  # IPv4
    r"|\b(?=[a-z]*\d)[0-9a-f]{7,}\b"  # hashes, pod suffixes
    r"|[-+]?\d[\d.,:]*%?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Weights are whole numbers so that sums never depend on the order of adding.
_USUAL = 4
_DULL = 1
_DULL_TEXT = (
    "the of on in is at to by for and or has have was are with from above below over under than since new not no "
    "alert alarm warning error critical firing resolved high low threshold exceeded rate"
)
_DULL_WORDS = frozenset(_DULL_TEXT.split())


class Template:
    """The words of one kind of text, with their weights."""

    __slots__ = ("rare", "text", "total", "weights")

    def __init__(self, text: str) -> None:
        words = text.split(" ") if text else []
        self.text = text
        self.weights = {word: _DULL if word in _DULL_WORDS else _USUAL for word in words}
        self.total = sum(self.weights.values())
        # What an index looks for: the longest words are the rarest, by Zipf.
        self.rare = tuple(sorted((w for w in self.weights if w not in _DULL_WORDS), key=lambda w: (-len(w), w))[:3])


def words_of(text: str) -> list[str]:
    """Masked words in order of first appearance.

    >>> words_of("Latency of checkout-7d9f8c6b5: p95 latency 0.83 s above 500 ms")
    ['latency', 'of', 'checkout', 'above', 'ms']
    """
    parts = map(_words, text[:MAX_TEXT].split())
    return list(dict.fromkeys(chain.from_iterable(parts)))[:MAX_WORDS]


@lru_cache(maxsize=MAX_SAID)  # texts are new again and again, the words of which they are made seldom
def _words(part: str) -> tuple[str, ...]:
    """The masked words of what stands between two spaces: no mask reaches across one."""
    if part.isascii() and part.lower() == part.upper():
        return ()  # a figure
    return tuple([word.lower() for word in _WORD.findall(_MASKS.sub(" ", part))])


class Features:
    """Templates and their likeness, cached. The caches may be dropped at any time: they change the speed and nothing else."""

    __slots__ = ("_compared", "_likes", "_names", "_said", "_templates")

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._said: dict[tuple[Sequence[str], ...], Template] = {}
        self._templates: dict[str, Template] = {}
        self._likes: dict[str, dict[str, float]] = {}
        self._compared = 0  # pairs in there

    def template(self, name: str, summary: str) -> Template:
        """The template of an alert's name and summary."""
        said = (name, *map(_words, summary[:MAX_TEXT].split()))  # figures are new each time; what is left is not
        found = self._said.get(said)
        if found is None:
            found = self.of(" ".join(sorted(dict.fromkeys([*self._name(name), *words_of(summary)]))))
            if len(self._said) >= MAX_SAID:
                self._said.clear()
            self._said[said] = found
        return found

    def _name(self, name: str) -> list[str]:
        """The words of a rule's name, of which there are few."""
        found = self._names.get(name)
        if found is None:
            if len(self._names) >= MAX_SAID:
                self._names.clear()
            found = self._names[name] = words_of(_CAMEL.sub(" ", name[:MAX_TEXT]))
        return found

    def of(self, text: str) -> Template:
        """The template with this text."""
        found = self._templates.get(text)
        if found is None:
            if len(self._templates) >= MAX_CACHED:
                self._templates.clear()
            found = self._templates[text] = Template(text)
        return found

    def alike(self, a: Template, b: Template) -> float:
        """Weighted Jaccard likeness, 0..1; 1 for equal texts.

        >>> f = Features()
        >>> f.alike(f.template("HighLatency", "cart is slow"), f.template("HighLatency", "cart is slow: 3 s"))
        1.0
        """
        if a.text == b.text:
            return 1.0
        if not a.total or not b.total:
            return 0.0
        both = sum([weight for word, weight in a.weights.items() if word in b.weights])
        return both / (a.total + b.total - both)

    def most_alike(self, mine: Template, texts: Iterable[str]) -> float:
        """Likeness to the most alike of some templates, given by their texts; 0 where there are none."""
        known = self._likes.get(mine.text)
        if known is None:
            known = self._likes[mine.text] = {}
        most = 0.0
        for text in texts:
            found = known.get(text)
            if found is None:
                found = known[text] = self.alike(mine, self.of(text))
                self._compared += 1
            if found > most:
                most = found
        if self._compared >= 4 * MAX_CACHED:
            self._likes.clear()
            self._compared = 0
        return most


def likeness(a: str, b: str) -> float:
    """How alike two values of a field are, 0..1: the share of their parts that they have in common.

    >>> likeness("eu-west-1", "eu-west-1"), likeness("web-eu-1", "web-eu-2"), likeness("web", "db")
    (1.0, 0.5, 0.0)
    """
    if a == b:
        return 1.0
    ours, theirs = (frozenset(re.split(r"[\W_]+", text[:MAX_TEXT].lower())) - {""} for text in (a, b))
    union = len(ours | theirs)
    return len(ours & theirs) / union if union else 0.0
