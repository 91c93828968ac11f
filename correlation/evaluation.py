"""How good a grouping is: replay a stream, score it against the truth. For measuring only; the engine never sees a label.

Truth is one incident per alert, "" for background, "?" for alerts that nobody can judge. A grouping is one group or None
(held: a group of its own) per alert. Background counts only by spoiling the groups that incidents are in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from correlation.alert import Alert, Status
from correlation.decision import Decision, Evidence, Kind
from correlation.engine import Engine

__all__ = ["Calls", "Outcome", "Scores", "adjusted_rand", "grade", "replay", "score"]

UNJUDGED = "?"


class Calls:
    """When people were called: at the decisions by which a group came to deserve them. Grows with the groups, not the alerts."""

    __slots__ = ("_first", "_rooms", "count", "rows")

    def __init__(self) -> None:
        self.count = 0  # decisions so far
        self.rows: dict[int, tuple[int, Kind]] = {}  # at which people were called: group and kind as decided
        self._first: dict[int, tuple[int, Kind]] = {}  # group -> its first row
        self._rooms: dict[int, None] = {}  # groups for which people were called

    def add(self, decision: Decision) -> int:
        """The next decision; returns the number of its group, 0 for none."""
        row, kind = self.count, decision.kind
        number = int(decision.group[1:]) if decision.group else 0
        for lost, kept in decision.merged:
            if int(lost[1:]) in self._rooms:
                self._rooms[int(kept[1:])] = None
        for called in decision.called:
            room = int(called[1:])
            self._rooms[room] = None
            if room in self._first:
                first, how = self._first[room]
                self.rows[first] = (room, how)
            else:  # a person made it, by a split
                self.rows[row] = (number, kind)
        if number and number not in self._first:
            self._first[number] = (row, kind)
        if decision.deserves and number not in self._rooms:
            self._rooms[number] = None
            self.rows[row] = (number, kind)
        self.count = row + 1
        return number

    def roots(self, engine: Engine) -> dict[int, int]:
        """What every group came to: the surviving number, 0 where nobody was called."""
        roots: dict[int, int] = {0: 0}
        for number in self._first:
            root = int(engine.surviving(f"G{number}")[1:])
            roots[number] = root if root in self._rooms else 0
        return roots

    def final(self, row: int, kind: Kind, group: int) -> Kind:
        """A decision as it turned out, given the row's final group."""
        if row in self.rows:
            return "opened"
        if kind in ("opened", "joined"):
            return "joined" if group else "noise"
        return kind


class Outcome:
    """The decisions of a stream, compact, and what they came to in the end.

    People are called when a group comes to deserve them: that alert counts as "opened", whichever opened the group. Two
    rooms that merge later were two calls. An alert that waited for company which never came was noise.
    """

    __slots__ = ("_calls", "evidence", "kinds", "numbers", "reasons")

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.numbers: list[int] = []  # groups as decided; 0 for none
        self.reasons: list[str] = []
        self.evidence: dict[int, tuple[Evidence, ...]] = {}  # by row
        self._calls = Calls()

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, decision: Decision) -> None:
        """The next decision."""
        if decision.evidence:
            self.evidence[len(self.kinds)] = decision.evidence
        self.kinds.append(decision.kind)
        self.numbers.append(self._calls.add(decision))
        self.reasons.append(decision.reason)

    @property
    def opened(self) -> int:
        """How often people were called."""
        return len(self._calls.rows)

    def groups(self, engine: Engine) -> list[int]:
        """The final group of every row: the surviving number, 0 where nobody was called."""
        roots = self._calls.roots(engine)
        return [roots[number] for number in self.numbers]

    def final(self, row: int, group: int) -> Kind:
        """The decision as it turned out, given the row's final group."""
        return self._calls.final(row, self.kinds[row], group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """0..1, but for counts. Pairs and B-cubed over the judged alerts; `found`: share of incidents of which one group
    holds at least half, being at least half of that group; `latency`: median seconds from first alert to the room."""

    incidents: int
    opened: int
    found: float
    pair_precision: float
    pair_recall: float
    pair_f1: float
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    adjusted_rand: float
    best_f1: float
    held: float
    latency: float | None


def replay(engine: Engine, alerts: Iterable[Alert]) -> Outcome:
    """Feed a stream and keep what became of it."""
    outcome = Outcome()
    for alert in alerts:
        outcome.add(engine.ingest((alert,))[0])
    return outcome


def score(alerts: Sequence[Alert], truth: Sequence[str], outcome: Outcome, engine: Engine) -> Scores:
    """Score a replay against its parallel truth. Resolved alerts are not judged: they follow what they resolve."""
    if not len(alerts) == len(truth) == len(outcome):
        raise ValueError("alerts, truth and decisions must be parallel")
    final = outcome.groups(engine)
    judged = [i for i, label in enumerate(truth) if label != UNJUDGED and alerts[i].status is not Status.RESOLVED]
    groups: list[Hashable] = [final[i] or ("held", i) for i in judged]
    opened_at: dict[int, float] = {}
    began: dict[str, float] = {}
    share: dict[str, Counter[int]] = {}
    for row, (alert, label, group) in enumerate(zip(alerts, truth, final, strict=True)):
        if outcome.final(row, group) == "opened":
            opened_at.setdefault(group, alert.at)
        if label and label != UNJUDGED:
            began.setdefault(label, alert.at)
            if group:
                share.setdefault(label, Counter())[group] += 1
    waits = [max(0.0, opened_at[counts.most_common(1)[0][0]] - began[label]) for label, counts in share.items()]
    return grade([truth[i] for i in judged], groups, opened=outcome.opened, latency=median(waits) if waits else None)


def grade(
    labels: Sequence[str], groups: Sequence[Hashable], *, opened: int = 0, latency: float | None = None
) -> Scores:
    """The scores of two partitions; a tuple as a group is a held alert.

    >>> grade(["a", "a", "b", ""], [1, 1, 2, ("held", 3)]).pair_f1
    1.0
    """
    sizes = Counter(label for label in labels if label)
    totals, attacked = Counter(groups), Counter(g for g, label in zip(groups, labels, strict=True) if label)
    cells = Counter((label, group) for label, group in zip(labels, groups, strict=True) if label)
    count = sum(sizes.values())
    together = sum(map(_pairs, cells.values()))
    same_group = sum(_pairs(totals[g]) - _pairs(totals[g] - attacked[g]) for g in attacked)
    same_label = sum(map(_pairs, sizes.values()))
    precision, recall = _ratio(together, same_group), _ratio(together, same_label)
    b_precision = _ratio(sum(n * n / totals[g] for (_, g), n in cells.items()), count)
    b_recall = _ratio(sum(n * n / sizes[label] for (label, _), n in cells.items()), count)
    best: dict[str, float] = {}
    found: set[str] = set()
    held = 0
    for (label, group), n in cells.items():
        if isinstance(group, tuple):
            held += n
            continue  # a held alert is no incident
        best[label] = max(best.get(label, 0.0), 2 * n / (sizes[label] + totals[group]))
        if n / sizes[label] >= 0.5 and n / totals[group] >= 0.5:
            found.add(label)
    return Scores(
        incidents=len(sizes),
        opened=opened,
        found=_ratio(len(found), len(sizes)),
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=_harmonic(precision, recall),
        b_cubed_precision=b_precision,
        b_cubed_recall=b_recall,
        b_cubed_f1=_harmonic(b_precision, b_recall),
        adjusted_rand=adjusted_rand(labels, groups),
        best_f1=_ratio(sum(best.values()), len(sizes)),
        held=_ratio(held, count),
        latency=latency,
    )


def adjusted_rand(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> float:
    """Agreement of two partitions of the same things, 1 for equal ones, about 0 for chance (Hubert and Arabie, 1985).

    Background ("") is taken as alerts of their own.

    >>> adjusted_rand(["a", "a", "b"], [1, 1, 2]), round(adjusted_rand(["a", "a", "b", "b"], [1, 2, 1, 2]), 2)
    (1.0, -0.5)
    """
    own = [("background", i) if label == "" else label for i, label in enumerate(labels)]
    index = sum(map(_pairs, Counter(zip(own, groups, strict=True)).values()))
    rows, columns = sum(map(_pairs, Counter(own).values())), sum(map(_pairs, Counter(groups).values()))
    expected = rows * columns / max(1.0, _pairs(len(own)))
    most = (rows + columns) / 2
    return 1.0 if most == expected else (index - expected) / (most - expected)


def _pairs(n: int) -> float:
    return n * (n - 1) / 2


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
