"""How good the rooms are that weights lead to: a recording replayed by the weights before and the new ones, against its truth.

Learning looks at pairs of an alert and a group; what people get is rooms, and these may be worse for better pairs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.replay.command import Rules
from correlation.alert import Alert, Status
from correlation.engine import Engine
from correlation.evaluation import UNJUDGED, Calls, Scores, grade
from correlation.weights import Weights

__all__ = ["Rooms", "compared"]

WORSE = 0.005  # of F; where that stays, of the incidents found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The scores of both on the same alerts."""

    before: Scores
    now: Scores

    @property
    def worse(self) -> bool:
        """Whether the weights before made the better rooms."""
        lost = self.before.b_cubed_f1 - self.now.b_cubed_f1
        return (lost if abs(lost) > WORSE else self.before.found - self.now.found) > WORSE


class _Run:
    """One engine's way through the stream: the group of each alert that can be judged, as decided."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._calls, self._numbers = engine, Calls(), array("q")

    def feed(self, alert: Alert, judged: bool) -> None:
        number = self._calls.add(self._engine.ingest((alert,))[0])
        if judged:
            self._numbers.append(number)

    def scores(self, labels: Sequence[str]) -> Scores:
        roots = self._calls.roots(self._engine)
        groups = [roots[number] or ("held", row) for row, number in enumerate(self._numbers)]
        return grade(labels, groups, opened=len(self._calls.rows))


def compared(stream: Iterable[tuple[Alert, str]], rules: Rules, learned: Weights) -> Rooms:
    """Replay alerts with their incidents ("" background, "?" unknown) by the weights of `rules` and by those `learned`."""
    before, now = _Run(rules.engine()), _Run(replace(rules, weights=learned).engine())
    labels: list[str] = []
    for alert, label in stream:
        judged = label != UNJUDGED and alert.status is not Status.RESOLVED  # those follow what they resolve
        if judged:
            labels.append(label)
        before.feed(alert, judged)
        now.feed(alert, judged)
    return Rooms(before=before.scores(labels), now=now.scores(labels))
