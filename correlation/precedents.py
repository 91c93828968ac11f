"""Precedents: which past incidents were like this one, and why that is said. A bounded, in-memory index of sketches.

What became of an incident, and who may know of it, is the caller's. Nothing here depends on the order of a set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from heapq import nlargest
from itertools import pairwise
from math import log

import msgspec

from correlation.beginnings import TOGETHER, Beginning, Kind, Step
from correlation.features import Features
from correlation.words import clean, humanise, plural

__all__ = ["Line", "Precedent", "Precedents", "Sketch"]

CAPACITY = 10_000  # sketches; the first to come is the first forgotten
MAX_WORDS = 40  # of one sketch
LONGEST = 32  # characters of a word
VISITS = 12_000  # entries of the index that one question looks at, the rarest features first
EXACT = 48  # sketches that are compared in full
OURS, THEIRS = 0.75, 0.25  # what we have and it had not counts for more: this one may be at its beginning
LEAST = 0.35
PARTS = (("kind", 0.25), ("class", 0.25), ("service", 0.25), ("text", 0.15), ("order", 0.10))

Feature = tuple[str, str, str]


class Line(msgspec.Struct, frozen=True, gc=False):
    """One kind of alert in an incident: when it first fired, and what it said."""

    at: float
    what: str
    service: str = ""
    name: str = ""
    summary: str = ""


class Sketch(msgspec.Struct, frozen=True):
    """What is kept of an incident: its first 48 kinds in order, and its telling words."""

    id: str
    steps: tuple[Step, ...]
    lasted: float
    words: tuple[str, ...]

    @classmethod
    def of(
        cls,
        id: str,  # noqa: A002 - the field's name
        lines: Iterable[Line],
        *,
        title: str = "",
        until: float | None = None,
        features: Features | None = None,
    ) -> Sketch:
        """From an incident's alerts, in any order; pass one `features` for many sketches, it remembers texts.

        >>> Sketch.of("INC-1", [Line(0.0, "latency", "cart", "HighLatency", "cart answers in 3 s")]).words
        ('answers', 'latency')
        """
        features = features or Features()
        kept = sorted(lines, key=lambda line: (line.at, line.what, line.service, line.name, line.summary))
        beginning = Beginning.of(id, (((line.at, (line.what, line.service))) for line in kept), until)
        places = {part for step in beginning.steps for part in re.split(r"[\W_]+", step.service.lower())}
        words: dict[str, None] = {}
        for name, summary in [("", title), *((line.name, line.summary) for line in kept)]:
            if len(words) >= MAX_WORDS:
                break
            weights = features.template(name, summary).weights
            words |= dict.fromkeys(
                word[:LONGEST] for word, weight in weights.items() if weight > 1 and word not in places
            )
        return cls(id, beginning.steps, beginning.lasted, tuple(sorted(list(words)[:MAX_WORDS])))

    @property
    def beginning(self) -> Beginning:
        """The same as what may begin again."""
        return Beginning(self.id, self.steps, self.lasted)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order in which they came."""
        return tuple(dict.fromkeys(step.what for step in self.steps if step.what))

    @property
    def services(self) -> tuple[str, ...]:
        """In the order in which they were hit."""
        return tuple(dict.fromkeys(step.service for step in self.steps if step.service))

    def features(self) -> tuple[Feature, ...]:
        """What the index knows it by."""
        return (
            *(("kind", step.what, step.service) for step in self.steps if step.what and step.service),
            *(("class", what, "") for what in self.classes),
            *(("service", service, "") for service in self.services),
            *(("text", word, "") for word in self.words),
        )


class Precedent(msgspec.Struct, frozen=True, kw_only=True):
    """A past incident that is alike: 0..1, and what they share, in words. `terms` are the parts of the score, 0..1 each."""

    id: str
    score: float
    reasons: tuple[str, ...]
    terms: tuple[tuple[str, float], ...]


class Precedents:
    """Past incidents by what they were made of.

    >>> past = Precedents()
    >>> for number, services in enumerate(["cart web", "mail", "cart api web", "queue"]):
    ...     lines = [Line(60.0 * n, "latency", name, "HighLatency") for n, name in enumerate(services.split())]
    ...     past.add(Sketch.of(f"INC-{number}", lines))
    >>> now = Sketch.of("INC-9", [Line(5.0, "latency", "cart", "HighLatency"), Line(99.0, "latency", "web", "HighLatency")])
    >>> [(one.id, round(one.score, 2)) for one in past.similar(now)]
    [('INC-0', 1.0), ('INC-2', 0.93), ('INC-3', 0.44), ('INC-1', 0.44)]
    >>> past.similar(now)[1].reasons
    ('the same class', '2 of its 3 services (cart, web), in the same order', 'the same words (latency)')
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._sketches: dict[str, Sketch] = {}
        self._age: dict[str, int] = {}
        self._added = 0
        self._index: dict[Feature, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._sketches)

    def get(self, id: str) -> Sketch | None:  # noqa: A002 - the field's name
        return self._sketches.get(id)

    def add(self, sketch: Sketch) -> None:
        """Remember an incident; a newer sketch of it takes the place of the older."""
        self.forget(sketch.id)
        while len(self._sketches) >= self._capacity:
            self.forget(next(iter(self._sketches)))
        self._added += 1
        self._sketches[sketch.id], self._age[sketch.id] = sketch, self._added
        for feature in sketch.features():
            self._index.setdefault(feature, {})[sketch.id] = None

    def forget(self, id: str) -> None:  # noqa: A002
        """It is no precedent any more."""
        sketch = self._sketches.pop(id, None)
        self._age.pop(id, None)
        for feature in sketch.features() if sketch else ():
            ids = self._index[feature]
            ids.pop(id, None)
            if not ids:
                del self._index[feature]

    def share(self, kind: Kind, but: Collection[str] = ()) -> float:
        """How likely an incident, leaving some out, has this kind: by those that are known, and never quite 0 or 1."""
        having = self._index.get(_feature(kind), {})
        known = len(self._sketches) - sum(one in self._sketches for one in but)
        return (len(having) - sum(one in having for one in but) + 0.5) / (known + 1.0)

    def with_kinds(self, kinds: Iterable[Kind]) -> tuple[str, ...]:
        """Those that have any of these kinds, by how many, the most first."""
        counts: dict[str, int] = {}
        for kind in kinds:
            for one in self._index.get(_feature(kind), ()):
                counts[one] = counts.get(one, 0) + 1
        return tuple(sorted(counts, key=lambda one: -counts[one]))

    def similar(
        self,
        sketch: Sketch,
        *,
        limit: int = 5,
        least: float = LEAST,
        among: Callable[[str], bool] = lambda _: True,
    ) -> tuple[Precedent, ...]:
        """The most alike, best first, the newest first among equals; never the incident itself. `among` says who counts."""
        age = self._age
        rarity = _Rarity(self._index, len(self._sketches))
        found = []
        for other in self._candidates(sketch, among, rarity):
            one = _compare(sketch, self._sketches[other], rarity)
            if one is not None and one.score >= least:
                found.append(one)
        return tuple(sorted(found, key=lambda one: (-one.score, -age[one.id]))[:limit])

    def _candidates(self, sketch: Sketch, among: Callable[[str], bool], rarity: _Rarity) -> list[str]:
        """Those that share the most of what is rare: a bounded look at the index."""
        age = self._age
        known = sorted((len(self._index[f]), f) for f in sketch.features() if f in self._index)
        weights: dict[str, float] = {}
        visits = 0
        for count, feature in known:
            if visits and visits + count > VISITS:
                break
            visits += count
            weight = rarity[feature]
            for other in self._index[feature]:
                weights[other] = weights.get(other, 0.0) + weight
        weights.pop(sketch.id, None)
        return nlargest(EXACT, filter(among, weights), key=lambda one: (weights[one], age[one]))


class _Rarity(dict[Feature, float]):
    """How much sharing a feature says, by how few have it; for one question."""

    def __init__(self, index: dict[Feature, dict[str, None]], known: int) -> None:
        super().__init__()
        self._index, self._known = index, known

    def __missing__(self, feature: Feature) -> float:
        found = self[feature] = log(1.0 + (self._known + 1.0) / (len(self._index.get(feature, ())) + 0.5))
        return found


def _compare(ours: Sketch, theirs: Sketch, rarity: _Rarity) -> Precedent | None:
    scores: dict[str, float] = {}
    classes, services = _common(ours.classes, theirs.classes), _common(ours.services, theirs.services)
    if ours.steps and theirs.steps:
        kinds = [f for f in ours.features() if f[0] == "kind"], [f for f in theirs.features() if f[0] == "kind"]
        _weigh(scores, rarity, "kind", *kinds)
        _weigh(scores, rarity, "class", *_features("class", ours.classes, theirs.classes))
        _weigh(scores, rarity, "service", *_features("service", ours.services, theirs.services))
        order = _order(ours, theirs)
        if order is not None:
            scores["order"] = order
    _weigh(scores, rarity, "text", *_features("text", ours.words, theirs.words))
    if not scores:
        return None
    weight = sum(share for part, share in PARTS if part in scores)
    score = sum(share * scores[part] for part, share in PARTS if part in scores) / weight
    ordered = ", in the same order" if scores.get("order") == 1.0 else ""
    # The order is told once, with what has one.
    by_class = ordered if len(classes) > 1 else ""
    by_service = ordered if len(services) > 1 and not by_class else ""
    reasons = (
        _shared("class", classes, ours.classes, theirs.classes, by_class),
        _shared("service", services, ours.services, theirs.services, by_service),
        _words(_common(ours.words, theirs.words), scores.get("text", 0.0)),
    )
    return Precedent(
        id=theirs.id,
        score=score,
        reasons=tuple(filter(None, reasons)),
        terms=tuple(scores.items()),
    )


def _weigh(
    scores: dict[str, float], rarity: _Rarity, term: str, ours: Sequence[Feature], theirs: Sequence[Feature]
) -> None:
    """How much of both is shared, each by its rarity (Tversky, 1977); what either lacks altogether says nothing."""
    if not ours or not theirs:
        return
    mine, other = set(ours), set(theirs)
    both = sum(rarity[f] for f in ours if f in other)
    only = OURS * sum(rarity[f] for f in ours if f not in other)
    only += THEIRS * sum(rarity[f] for f in theirs if f not in mine)
    scores[term] = both / (both + only) if both else 0.0


def _feature(kind: Kind) -> Feature:
    """What a kind is in the index, where one of its halves may be empty."""
    what, service = kind
    if what and service:
        return ("kind", what, service)
    return ("class", what, "") if what else ("service", service, "")


def _features(term: str, ours: Sequence[str], theirs: Sequence[str]) -> tuple[list[Feature], list[Feature]]:
    return [(term, value, "") for value in ours], [(term, value, "") for value in theirs]


def _common(ours: Sequence[str], theirs: Collection[str]) -> list[str]:
    return [value for value in ours if value in theirs]


def _order(ours: Sketch, theirs: Sketch) -> float | None:
    """The share of neighbouring shared steps that came in the same order; None where fewer than two are shared.

    By kinds, or by classes where no two kinds are shared. Within a minute any order is the same.
    """
    for key in (lambda step: step.kind, lambda step: (step.what, "")):
        mine: dict[Kind, float] = {}
        other: dict[Kind, float] = {}
        for steps, first in ((ours.steps, mine), (theirs.steps, other)):
            for step in steps:
                if step.what:
                    first.setdefault(key(step), step.after)
        shared = [kind for kind in mine if kind in other]
        if len(shared) > 1:
            agree = sum(other[a] <= other[b] + TOGETHER or mine[b] - mine[a] <= TOGETHER for a, b in pairwise(shared))
            return agree / (len(shared) - 1)
    return None


def _shared(noun: str, common: Sequence[str], ours: Sequence[str], theirs: Sequence[str], order: str) -> str:
    """`the same 3 classes, in the same order`; `3 of its 4 services (cart, checkout, web)`."""
    if not common:
        return ""
    many = plural(len(theirs), noun)
    if len(common) == len(theirs) == len(ours):
        return f"the same {noun if len(common) == 1 else many}{order}"
    names = ", ".join(humanise(name, 40) if noun == "class" else clean(name, 40) for name in common[:4])
    more = f" and {len(common) - 4} more" if len(common) > 4 else ""
    if len(common) < len(theirs):
        return f"{len(common)} of its {many} ({names}{more}){order}"
    return f"all of its {many} ({names}{more}){order}" if len(theirs) > 1 else f"its {noun} ({names})"


def _words(common: Sequence[str], score: float) -> str:
    if not common or score < 0.2:
        return ""
    names = ", ".join(sorted(common, key=lambda word: (-len(word), word))[:3])
    return f"the same words ({names})" if score > 0.99 else f"{score:.0%} alike in text ({names})"
