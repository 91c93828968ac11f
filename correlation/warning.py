"""Early warning: learns how bad things began, watches the stream, and says when something begins like one of them.

Online, in event time, deterministic, of bounded memory: a repeat costs two look-ups. It stands beside the engine and knows
nothing of groups; a scope is whatever its caller watches apart (a location, an environment, an incident).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp

import msgspec

from correlation.beginnings import Beginning, Following, Kind, Step, follow
from correlation.words import clean, humanise, span

__all__ = ["EarlyWarning", "Patience", "Watch", "told"]

VERSION = 1
MAX_LEARNED = 64  # beginnings; the oldest is forgotten
MAX_KINDS = 4_096  # whose frequency is known
MAX_SCOPES = 512
MAX_SEEN = 128  # kinds that are up in one scope
HALF_LIFE = 14 * 86_400.0  # seconds in which half of what is known of a kind's frequency fades
LONGEST_GAP = 86_400.0  # seconds; a scope that is silent for longer was not watched


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """When to speak. Seconds, but for `odds`."""

    odds: float = 16.0  # nats against chance; kinds come in company, so it is far more than independent ones need
    steps: int = 4  # taken in the same order, at least
    window: float = 7_200.0  # a kind counts for so long after it came up
    occasion: float = 600.0  # a kind that is quiet for longer and comes again is a new occasion
    left: float = 300.0  # a warning that comes later than so long before the known end helps nobody
    rest: float = 21_600.0  # the same is not said again in the same scope


class EarlyWarning(msgspec.Struct, frozen=True, kw_only=True):
    """This begins like that. `taken` are the steps of that one that are here, as it took them; `ahead` is what it went on
    to, if anything new, `soon` in how many seconds it did; it lasted for `left` seconds more. `score` is in nats against chance."""

    at: float
    scope: str
    id: str
    score: float
    matched: int
    expected: int
    taken: tuple[Step, ...]
    ahead: tuple[Step, ...]
    soon: float | None
    left: float
    reasons: tuple[str, ...]

    @property
    def reached(self) -> float:
        """Seconds from the known one's first step to the latest of those that are here."""
        return max(step.after for step in self.taken)


class _Count(msgspec.Struct, gc=False):
    """Something counted that fades."""

    value: float
    at: float

    def add(self, amount: float, at: float) -> None:
        self.value = self.now(at) + amount
        self.at = max(self.at, at)

    def now(self, at: float) -> float:
        return self.value * float(2.0 ** (-max(0.0, at - self.at) / HALF_LIFE))


class _Scope(msgspec.Struct):
    last: float
    since: dict[Kind, float] = msgspec.field(default_factory=dict)  # kinds that are up, and when this occasion began
    until: dict[Kind, float] = msgspec.field(default_factory=dict)  # ... and when they were last heard of
    warned: dict[str, float] = msgspec.field(default_factory=dict)


class _State(msgspec.Struct, kw_only=True):
    version: int = VERSION
    patience: Patience
    learned: list[Beginning]
    kinds: list[tuple[Kind, _Count]]
    scopes: list[tuple[str, _Scope]]
    watched: _Count


class Watch:
    """Feed it everything; it answers nothing but when something known begins again.

    >>> watch = Watch(Patience(odds=8.0, steps=2))
    >>> for day in range(20):  # days on which nothing bad happens
    ...     _ = watch.observe(day * 86_400.0, ("backup", "db"), "eu")
    >>> watch.learn("INC-12", [(0.0, ("disk", "db")), (120.0, ("latency", "api")), (1_500.0, ("errors", "checkout"))])
    >>> watch.observe(2_000_000.0, ("disk", "db"), "eu")
    ()
    >>> said = watch.observe(2_000_150.0, ("latency", "api"), "eu")[0]
    >>> said.id, said.reasons[0], told(said.ahead[0]), said.soon
    ('INC-12', 'all of its first 2 steps, in the same order', 'errors on checkout', 1380.0)
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._learned: dict[str, Beginning] = {}
        self._by_kind: dict[Kind, dict[str, None]] = {}
        self._kinds: dict[Kind, _Count] = {}
        self._scopes: dict[str, _Scope] = {}
        self._watched = _Count(0.0, 0.0)  # seconds, over all scopes

    @property
    def learned(self) -> tuple[str, ...]:
        """What it knows the beginnings of, oldest first."""
        return tuple(self._learned)

    def learn(self, id: str, seen: Iterable[tuple[float, Kind]], until: float | None = None) -> None:  # noqa: A002
        """How something bad began: moments and kinds, in any order; and when it was over, if not with the last of them.

        What was watched of it no longer counts as usual. Where its kinds are up still, that is the end of it and not its
        coming again: nothing is said there for a while.
        """
        self.forget(id)
        beginning = Beginning.of(id, seen, until)
        if not beginning.steps:
            return
        while len(self._learned) >= MAX_LEARNED:
            self.forget(next(iter(self._learned)))
        self._take(beginning)
        for step in beginning.steps:
            count = self._kinds.get(step.kind)
            if count is not None:
                count.value = max(0.0, count.value - 1.0)
        for scope in self._scopes.values():
            if any(step.kind in scope.until for step in beginning.steps):
                scope.warned[id] = scope.last

    def forget(self, id: str) -> None:  # noqa: A002
        """It was not bad after all."""
        for scope in self._scopes.values():
            scope.warned.pop(id, None)
        beginning = self._learned.pop(id, None)
        for step in beginning.steps if beginning else ():
            ids = self._by_kind[step.kind]
            ids.pop(id, None)
            if not ids:
                del self._by_kind[step.kind]

    def observe(self, at: float, kind: Kind, scope: str = "") -> tuple[EarlyWarning, ...]:
        """A firing alert. What it makes look like something known, the likeliest first."""
        known = self._scopes.get(scope)
        if known is not None:
            until = known.until.get(kind)
            if until is not None and -self.patience.occasion <= at - until <= self.patience.occasion:
                if at > until:
                    known.until[kind] = at
                return ()
        else:
            known = self._enter(scope, at)
        return self._new(at, kind, scope, known)

    def _new(self, at: float, kind: Kind, name: str, scope: _Scope) -> tuple[EarlyWarning, ...]:
        patience = self.patience
        gap = at - scope.last
        if gap > 0.0:
            self._watched.add(min(gap, LONGEST_GAP), at)
            scope.last = at
            self._scopes[name] = self._scopes.pop(name)  # the one heard of last is forgotten last
        self._count(kind, at)
        for old in [one for one, until in scope.until.items() if scope.last - until > patience.window]:
            del scope.until[old], scope.since[old]
        if kind not in scope.since and len(scope.since) >= MAX_SEEN:
            oldest = min(scope.until, key=lambda one: (scope.until[one], one))
            del scope.until[oldest], scope.since[oldest]
        scope.since[kind] = at
        scope.until[kind] = max(at, scope.until.get(kind, at))
        out = []
        for id in self._by_kind.get(kind, ()):  # noqa: A001
            last = scope.warned.get(id)
            if last is not None and at - last <= patience.rest:
                continue
            found = follow(self._learned[id], scope.since, self.chance, patience.odds)
            if found is not None and len(found.matched) >= patience.steps:
                said = self._say(at, name, scope, found)
                if said is not None:
                    scope.warned = {one: then for one, then in scope.warned.items() if at - then <= patience.rest}
                    scope.warned[id] = at
                    out.append(said)
        return tuple(sorted(out, key=lambda said: (-said.score, said.id))) if len(out) > 1 else tuple(out)

    def _say(self, at: float, name: str, scope: _Scope, found: Following) -> EarlyWarning | None:
        steps, ahead = found.beginning.steps, found.ahead(scope.since)
        if found.left < self.patience.left:
            return None
        taken, of = len(found.matched), found.expected
        rarest = min((steps[place] for place in found.matched), key=lambda step: (self.chance(step.kind), step.after))
        count = self._kinds.get(rarest.kind)
        times = 0 if count is None else round(count.now(at)) - 1
        watched = span(self._watched.now(at))
        return EarlyWarning(
            at=at,
            scope=name,
            id=found.beginning.id,
            score=found.score,
            matched=taken,
            expected=of,
            taken=tuple([steps[place] for place in found.matched]),
            ahead=ahead,
            soon=ahead[0].after - found.reached.after if ahead else None,
            left=found.left,
            reasons=(
                f"{'all' if taken == of else taken} of its first {of} steps, in the same order",
                f"{told(rarest)} is rare: {f'about {times} times' if times > 1 else 'hardly ever'} in {watched}",
            ),
        )

    def chance(self, kind: Kind) -> float:
        """How likely a kind is to be up in any window, 0..1, by how often it came (Poisson)."""
        watched = self._watched
        count = self._kinds.get(kind)
        times = 0.5 if count is None else max(0.0, count.now(watched.at) - 1.0) + 0.5  # this occasion is not usual yet
        return 1.0 - exp(-times * self.patience.window / max(watched.value, self.patience.window))

    def _count(self, kind: Kind, at: float) -> None:
        count = self._kinds.pop(kind, None)
        if count is None:
            if len(self._kinds) >= MAX_KINDS:
                del self._kinds[next(iter(self._kinds))]
            count = _Count(0.0, at)
        count.add(1.0, at)
        self._kinds[kind] = count

    def _enter(self, name: str, at: float) -> _Scope:
        if len(self._scopes) >= MAX_SCOPES:
            del self._scopes[next(iter(self._scopes))]
        scope = self._scopes[name] = _Scope(last=at)
        return scope

    def _take(self, beginning: Beginning) -> None:
        self._learned[beginning.id] = beginning
        for step in beginning.steps:
            self._by_kind.setdefault(step.kind, {})[beginning.id] = None

    def snapshot(self) -> bytes:
        """All that later warnings depend on."""
        return msgspec.msgpack.encode(
            _State(
                patience=self.patience,
                learned=list(self._learned.values()),
                kinds=list(self._kinds.items()),
                scopes=list(self._scopes.items()),
                watched=self._watched,
            )
        )

    @classmethod
    def restore(cls, data: bytes) -> Watch:
        """A watch that goes on as if nothing had happened. ValueError for what is no snapshot, or another version's."""
        state = msgspec.msgpack.decode(data, type=_State)
        if state.version != VERSION:
            raise ValueError(f"the snapshot is of version {state.version}, this watch writes {VERSION}")
        watch = cls(state.patience)
        for beginning in state.learned:
            watch._take(beginning)
        watch._kinds, watch._scopes, watch._watched = dict(state.kinds), dict(state.scopes), state.watched
        return watch


def told(step: Step) -> str:
    """A step in words.

    >>> told(Step("HighLatency", "checkout", 0.0, 0)), told(Step("", "cart", 0.0, 0))
    ('high latency on checkout', 'cart')
    """
    what, service = humanise(step.what), clean(step.service, 40)
    return f"{what} on {service}" if what and service else what or service
