"""Weights from experience: which groups an alert was compared with, where it belonged, and a logistic regression over both.

For batches only: the engine never imports this. numpy and scikit-learn are imported when a fit is asked for.

The features are the engine's own terms, so that the coefficients are weights of evidence. What ships is the prior: a few
imagined pairs per weight say what was believed before, and the data speak the louder the more they are.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import exp, inf
from typing import TYPE_CHECKING, Any

import msgspec

from correlation.alert import Alert, Change
from correlation.cookbook import DEFAULT_COOKBOOK, Cookbook
from correlation.decision import Decision
from correlation.engine import Engine, UnknownGroup
from correlation.evaluation import UNJUDGED
from correlation.features import Features
from correlation.groups import Group
from correlation.similarity import TERMS, Facts, Scorer
from correlation.topology import EMPTY, Topology
from correlation.weights import MOST, Weight, Weights, shipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Collector", "Examples", "Fit", "NotEnough", "Quality", "collect", "fit"]

PRIOR = 4.0  # imagined pairs that speak for each weight as it was
EACH = 12.0  # pairs that one incident counts as, however many it has: a storm is one experience
FOLDS = 5
LEAST = 4  # incidents, below which nothing is learned
MAX_PAIRS = 2_000_000


class NotEnough(ValueError):
    """The stream says too little about what belongs together."""


@dataclass(slots=True)
class Examples:
    """Pairs of an alert and a group it was compared with: a score per term (below 0: missing), whether they belong together.

    `incidents` numbers what a pair tells about; pairs of one incident never stand on both sides of a check.
    """

    scores: array[float] = field(default_factory=lambda: array("f"))
    together: array[int] = field(default_factory=lambda: array("b"))
    incidents: array[int] = field(default_factory=lambda: array("i"))
    names: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.together)

    def add(self, scores: Iterable[float], together: bool, incident: str) -> None:
        """One pair more, up to the bound."""
        if len(self) < MAX_PAIRS:
            self.scores.extend(scores)
            self.together.append(together)
            self.incidents.append(self.names.setdefault(incident, len(self.names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well weights tell pairs that belong together from others: area under the ROC curve, and log loss in nats."""

    auc: float
    log_loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What was learned. `checked` is cross-validated by incident; `before` is how the prior does on the same pairs."""

    weights: Weights
    before: Quality
    checked: Quality
    pairs: int
    together: int
    incidents: int


class _Recorder(Scorer):
    """Scores as ever, and keeps what it was asked about one alert."""

    __slots__ = ("asked",)

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.asked: list[tuple[int, list[float]]] = []
        self.elsewhere = inf  # what is elsewhere teaches too

    def total(self, facts: Facts, group: Group, features: Features, scores: list[float] | None = None) -> float:
        self.asked.append((group.number, [term.score(facts, group, features) for term in TERMS]))
        return super().total(facts, group, features, scores)


class _Taught(Engine):
    """An engine whose groups can be put right without its remembering that as people's word."""

    def set_apart(self, group: str, episode: int) -> str:
        """Move one episode to a new group. UnknownGroup or ValueError."""
        return self._registry.split(self._registry.known(group), [episode], self.cookbook)[1].id

    def put_together(self, into: str, other: str) -> None:
        """Make two groups one. UnknownGroup."""
        self._registry.unite(self._registry.known(into), self._registry.known(other))


class _Members:
    """What the members of each group are about, so far: an episode counts once, from when it joined."""

    def __init__(self) -> None:
        self._labels: dict[int, Counter[str]] = {}

    def add(self, decision: Decision, label: str) -> None:
        for lost, kept in decision.merged:
            self._labels.setdefault(int(kept[1:]), Counter()).update(self._labels.pop(int(lost[1:]), {}))
        if decision.group and decision.kind in ("opened", "joined") and label != UNJUDGED:
            self._labels.setdefault(int(decision.group[1:]), Counter())[label] += 1

    def main(self, group: int) -> str | None:
        """The incident of most members, "" for background, None where nothing is known."""
        labels = self._labels.get(group)
        return max(labels, key=lambda label: (labels[label], label)) if labels else None


class Collector:
    """Replays alerts through an engine of its own and keeps every comparison that their incidents can judge.

    With `correcting`, each alert is put where it belongs before the next one comes, as people would have had it, though nothing
    is remembered of that; else groups stay as the engine makes them, and are about what most of their members are about.

    >>> collector = Collector(correcting=True)
    >>> for at, name, incident in [(0.0, "DiskFull", "1"), (9.0, "Slow", "1"), (12.0, "Typo", "2"), (15.0, "Typos", "2")]:
    ...     _ = collector.add(Alert(at=at, name=name, service="cart"), incident)
    >>> list(collector.examples.together)
    [1, 0, 1, 0]
    """

    def __init__(
        self,
        *,
        cookbook: Cookbook = DEFAULT_COOKBOOK,
        topology: Topology = EMPTY,
        weights: Weights | None = None,
        into: Examples | None = None,
        prefix: str = "",
        correcting: bool = False,
    ) -> None:
        recorders: list[_Recorder] = []

        def recorder(given: Weights) -> Scorer:
            recorders.append(_Recorder(given))
            return recorders[-1]

        self._engine = _Taught(cookbook, topology, weights=weights, scorer=recorder)
        self.examples = Examples() if into is None else into
        self._asked, self._members, self._prefix = recorders[0].asked, _Members(), prefix
        self._correcting, self._homes = correcting, dict[str, str]()

    def observe(self, changes: Sequence[Change]) -> None:
        """Changes are evidence: what happened before the alerts that follow."""
        self._engine.observe(changes)

    def add(self, alert: Alert, label: str | Callable[[Decision], str]) -> str:
        """One alert and its incident ("" background, "?" unknown), or who tells it by the decision; returns it."""
        self._asked.clear()
        (decision,) = self._engine.ingest((alert,))
        incident = label if isinstance(label, str) else label(decision)
        if incident != UNJUDGED:
            for group, scores in self._asked:
                main = self._members.main(group)
                if main is not None and (incident or main):  # of two kinds of background nobody knows
                    together = bool(incident) and incident == main
                    self.examples.add(scores, together, self._prefix + (incident or main))
        if self._correcting and incident and incident != UNJUDGED and decision.kind in ("opened", "joined"):
            decision = self._put_right(decision, incident)
        self._members.add(decision, incident)
        return incident

    def _put_right(self, decision: Decision, incident: str) -> Decision:
        """The alert goes where its incident is, or begins a group of its own; the decision as it should have been."""
        engine, here = self._engine, decision.group or ""
        home = engine.surviving(self._homes.get(incident, here))
        main = self._members.main(int(here[1:]))
        if home == here and main in (None, incident):
            self._homes[incident] = here
            return decision
        try:
            new = here if main is None else engine.set_apart(here, decision.episode)
            if home not in (here, new) and engine.group(home) is not None:
                engine.put_together(home, new)
                new = home
        except (UnknownGroup, ValueError):  # too much of it is forgotten
            return decision
        self._homes[incident] = new
        return msgspec.structs.replace(decision, group=new, merged=())


def collect(
    stream: Iterable[tuple[Alert, str]],
    *,
    cookbook: Cookbook = DEFAULT_COOKBOOK,
    topology: Topology = EMPTY,
    weights: Weights | None = None,
    into: Examples | None = None,
    prefix: str = "",
) -> Examples:
    """Replay alerts with their incidents ("" background, "?" unknown) and keep every comparison that one can judge.

    `into` goes on with the examples of another stream; a `prefix` keeps the incidents of two streams apart.
    """
    collector = Collector(cookbook=cookbook, topology=topology, weights=weights, into=into, prefix=prefix)
    for alert, label in stream:
        collector.add(alert, label)
    return collector.examples


def fit(examples: Examples, *, prior: Weights | None = None, origin: dict[str, Any] | None = None) -> Fit:
    """Weights that explain the examples, near the prior where these say little. Deterministic. NotEnough."""
    import numpy as np  # noqa: PLC0415 - a second that only a fit should cost

    prior = prior or shipped()
    together = np.frombuffer(examples.together, np.int8).astype(bool)
    incidents = np.frombuffer(examples.incidents, np.int32)
    if len(examples.names) < LEAST or not 0 < together.sum() < len(together):
        raise NotEnough(
            f"{len(examples.names)} incidents with {int(together.sum())} pairs that belong together and "
            f"{int((~together).sum())} that do not: at least {LEAST} incidents and both kinds of pair are needed"
        )
    features = _features(np.frombuffer(examples.scores, np.float32).reshape(len(examples), len(TERMS)))
    counts = np.bincount(incidents)
    shares = EACH / np.maximum(counts[incidents], EACH)
    before = _vector(prior)
    guesses = _checked(features, together, shares, incidents, before)
    learned = _regress(features, together, shares, before)
    checked = _quality(guesses, together, shares)
    weights = Weights(
        bias=round(float(learned[0]), 3),
        terms={
            term.name: Weight(pro=round(float(learned[1 + 2 * n]), 3), contra=round(float(learned[2 + 2 * n]), 3))
            for n, term in enumerate(TERMS)
        },
        origin={
            "by": "fit",
            **(origin or {}),
            "pairs": len(examples),
            "together": int(together.sum()),
            "incidents": len(examples.names),
            "auc": round(checked.auc, 4),
            "log_loss": round(checked.log_loss, 4),
        },
    )
    return Fit(
        weights=weights,
        before=_quality(before[0] + features @ before[1:], together, shares),
        checked=checked,
        pairs=len(examples),
        together=int(together.sum()),
        incidents=len(examples.names),
    )


def _vector(weights: Weights) -> Floats:
    import numpy as np  # noqa: PLC0415

    pairs = [weights.terms[term.name] for term in TERMS]
    return np.array([weights.bias, *(value for pair in pairs for value in (pair.pro, pair.contra))])


def _features(scores: NDArray[np.float32]) -> Floats:
    """Two columns per term, as `Scorer.total` has it: how far above neutral, how far below; both 0 where it is missing."""
    import numpy as np  # noqa: PLC0415

    speaks = np.where(scores < 0.0, 0.0, 2.0 * scores.astype(np.float64) - 1.0)
    return np.stack([np.maximum(speaks, 0.0), np.minimum(speaks, 0.0)], axis=2).reshape(len(scores), -1)


def _checked(features: Floats, together: NDArray[np.bool_], shares: Floats, incidents: Any, before: Floats) -> Floats:
    """The log odds of every pair, by weights that were learned without its incident."""
    import numpy as np  # noqa: PLC0415
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415

    guesses = np.zeros(len(features))
    for train, test in GroupKFold(min(FOLDS, len(set(incidents.tolist())))).split(features, together, incidents):
        learned = _regress(features[train], together[train], shares[train], before)
        guesses[test] = learned[0] + features[test] @ learned[1:]
    return guesses


def _regress(features: Floats, together: NDArray[np.bool_], shares: Floats, before: Floats) -> Floats:
    """Bias and weights, none below 0: evidence for may weigh nothing, but never against."""
    import numpy as np  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    free = features.any(axis=0)  # what the data never show stays as it was
    learned = before.copy()
    while free.any():
        columns = np.flatnonzero(free)
        imagined, answers, trust = _imagined(columns, before)
        rows = np.concatenate([features[:, columns], imagined])
        model = LogisticRegression(C=1e6, solver="newton-cholesky", max_iter=200, tol=1e-8)
        model.fit(rows, np.concatenate([together, answers]), sample_weight=np.concatenate([shares, trust]))
        learned[0] = model.intercept_[0]
        learned[1:][columns] = model.coef_[0]
        wrong = free & (learned[1:] < 0.0)
        if not wrong.any():
            break
        learned[1:][wrong] = 0.0
        free &= ~wrong
    return np.clip(learned, -MOST, MOST)


def _imagined(columns: NDArray[np.intp], before: Floats) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Pairs that show nothing, or one feature in full, and belong together as often as the prior says; and their shares."""
    import numpy as np  # noqa: PLC0415

    # A feature below neutral is negative, so that its weight is positive as well.
    full = np.where(columns % 2 == 0, 1.0, -1.0)
    rows = np.vstack([np.zeros(len(columns)), np.diag(full)])
    likely = 1.0 / (1.0 + np.exp(-(before[0] + rows @ before[1:][columns])))
    answers = np.repeat([True, False], len(rows))
    return np.vstack([rows, rows]), answers, PRIOR * np.concatenate([likely, 1.0 - likely])


def _quality(odds: Floats, together: NDArray[np.bool_], shares: Floats) -> Quality:
    from sklearn.metrics import log_loss, roc_auc_score  # noqa: PLC0415

    likely = [1.0 / (1.0 + exp(-max(-30.0, min(30.0, value)))) for value in odds.tolist()]
    return Quality(
        auc=float(roc_auc_score(together, odds, sample_weight=shares)),
        log_loss=float(log_loss(together, likely, sample_weight=shares, labels=[False, True])),
    )
