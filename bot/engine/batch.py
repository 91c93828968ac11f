"""What the engine decided about one micro-batch, folded to the rows it changes: an alert that fired 400 times is one row.

It is made beside the engine and travels to whoever writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from correlation.alert import Alert, Status
from correlation.decision import Cause, Decision, GroupView, Suspect
from correlation.warning import EarlyWarning

__all__ = ["COLUMNS", "Batch", "Rankings", "Touched", "Why"]

WORSE_NAMED = 3  # of one batch and group

Row = tuple[Any, ...]
COLUMNS = (  # of a row: what the table of alerts has
    "id",
    "fingerprint",
    "source",
    "name",
    "class",
    "severity",
    "status",
    "service",
    "host",
    "location",
    "environment",
    "summary",
    "labels_json",
    "links_json",
    "dedup_key",
    "count",
    "first_seen",
    "last_seen",
    "began_at",
    "resolved_at",
    "muted",
    "group_id",
    "held",
    "settled_at",
    "reason",
    "evidence_json",
)
REASONS = COLUMNS.index("group_id")  # from here on a row says where the alert belongs, and why

_encode = msgspec.json.Encoder().encode


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why two groups are one, in words; or the alert that fits both, and what speaks for the kept and for the lost one."""

    words: str
    fits: tuple[str, str] | None = None

    def told(self, kept: str, lost: str) -> str:
        """For people, who know the two by these names.

        >>> Why(words="A3 web HighErrors", fits=("same host rack-7", "same service")).told("INC-1", "INC-2")
        'A3 web HighErrors fits INC-1 (same host rack-7) and INC-2 (same service)'
        """
        return f"{self.words} fits {kept} ({self.fits[0]}) and {lost} ({self.fits[1]})" if self.fits else self.words


@dataclass(slots=True)
class Touched:
    """What a batch did to one group. `fresh`: alerts that fire and did not fire before, unless they only flap.

    An effect of a known cause joins in silence: it is not among `joined` and `reasons`, but its service is in `muted`.
    """

    recipe: str = ""
    opened_at: float = 0.0
    joined: int = 0
    fresh: int = 0
    reasons: dict[str, str] = field(default_factory=dict)  # service -> why its first alert of this batch belongs here
    muted: set[str] = field(default_factory=set)  # services with effects of a known cause
    repaired: str = ""  # why another group was part of it all along, in words
    again: str = ""  # what fires, in words
    turned: bool = False  # something that flaps changed
    worse: list[str] = field(default_factory=list)  # alerts that became worse than they were, in words
    worst: tuple[int, str] = (4, "")  # the first of the worst that fire: its rank, and how bad it is in words

    def take(self, other: Touched) -> None:
        """What was done to another group that is this one now."""
        self.joined += other.joined
        self.fresh += other.fresh
        self.muted |= other.muted
        self.turned |= other.turned
        self.repaired = self.repaired or other.repaired
        self.again = self.again or other.again
        self.worse = (self.worse + other.worse)[:WORSE_NAMED]
        self.worst = min(self.worst, other.worst)
        for service, reason in other.reasons.items():
            self.reasons.setdefault(service, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rankings:
    """Causes and changes, the likeliest first, and what people ruled out last; `effects`: members that a cause mutes."""

    ruled_out: tuple[str, ...]
    causes: tuple[Cause, ...]
    suspects: tuple[Suspect, ...]
    effects: int


@dataclass(slots=True)
class Batch:
    """Rows to write and groups to look at, up to `position` in the journal.

    `settled` rows carry the engine's reasons; `seen` rows only counts and state. By the groups' ids before any of this
    batch's merges are `groups` and `surviving`; by those after them `views`, and `rankings` where people ruled something out.
    """

    position: int = 0
    alerts: int = 0
    opened: int = 0  # groups
    settled: dict[int, Row] = field(default_factory=dict)
    seen: dict[int, Row] = field(default_factory=dict)
    groups: dict[str, Touched] = field(default_factory=dict)
    merged: list[tuple[str, str]] = field(default_factory=list)  # (lost, kept), in order
    why: dict[str, Why] = field(default_factory=dict)  # lost -> why both are one
    warned: list[EarlyWarning] = field(default_factory=list)
    decisions: dict[str, int] = field(default_factory=dict)
    surviving: dict[str, str] = field(default_factory=dict)
    views: dict[str, GroupView] = field(default_factory=dict)
    rankings: dict[str, Rankings] = field(default_factory=dict)

    def add(self, alert: Alert, decision: Decision) -> None:
        """Fold one decision in."""
        self.alerts += 1
        kind = decision.kind
        self.decisions[kind] = self.decisions.get(kind, 0) + 1
        episode = decision.episode
        row = _row(alert, decision)
        earlier = self.settled.get(episode)
        flaps_held = decision.group is None and kind == "repeat" and decision.code == "flapping"
        if kind in {"opened", "joined", "noise"} or flaps_held:  # how often a held one flaps is kept current
            self.settled[episode] = row
            self.seen.pop(episode, None)
        elif earlier is not None:
            self.settled[episode] = row[:REASONS] + earlier[REASONS:]
        else:
            self.seen[episode] = row
        self.merged.extend(decision.merged)
        repaired, shown = len(decision.repaired), len(decision.repaired) + len(decision.fits)
        for n, (lost, into) in enumerate(decision.merged):
            if n < repaired:
                self.why[lost] = Why(words=decision.repaired[n])
                self.groups.setdefault(into, Touched()).repaired = decision.repaired[n]
            elif n < shown:
                self.why[lost] = Why(words=_what(alert, decision), fits=decision.fits[n - repaired])
            else:
                self.why[lost] = Why(words=decision.evidence[0].words)
        self.look_at(decision.called)
        if decision.group is not None:
            self._touch(alert, decision)

    def look_at(self, groups: Sequence[str]) -> None:
        """Time alone changed these groups: they may deserve people now."""
        for group in groups:
            self.groups.setdefault(group, Touched())

    def _touch(self, alert: Alert, decision: Decision) -> None:
        touched = self.groups.setdefault(decision.group or "", Touched())
        if decision.kind == "opened":
            self.opened += 1
            touched.recipe, touched.opened_at = decision.recipe or "", alert.at
        if decision.kind == "joined" and not decision.muted:
            touched.joined += 1
        if decision.code == "flapping":
            touched.turned = True
        if alert.status is not Status.FIRING:
            return
        severity = decision.severity
        if decision.before is not None and severity.rank < decision.before.rank and len(touched.worse) < WORSE_NAMED:
            touched.worse.append(f"{_what(alert, decision)} is {severity} now, it was {decision.before}")
            if severity.rank <= touched.worst[0]:
                touched.worst = (severity.rank, touched.worse[-1])
        if decision.kind not in {"opened", "joined"} and decision.was_active:
            return
        if severity.rank < touched.worst[0]:
            touched.worst = (severity.rank, f"{_what(alert, decision)} is {severity}")
        touched.again = touched.again or _what(alert, decision)
        if decision.code != "flapping":
            touched.fresh += 1
        if decision.muted:
            touched.muted.add(alert.service)
        else:
            touched.reasons.setdefault(alert.service, decision.reason)


def _what(alert: Alert, decision: Decision) -> str:
    """`A12 checkout HighErrors`."""
    return " ".join(part for part in (f"A{decision.episode}", alert.service or alert.host, alert.name) if part)[:120]


def _row(alert: Alert, decision: Decision) -> Row:
    return (
        decision.episode,
        decision.fingerprint,
        alert.source,
        alert.name,
        alert.class_,
        decision.severity.value,
        "firing" if decision.active else "resolved",
        alert.service,
        alert.host,
        alert.location,
        alert.environment,
        alert.summary,
        _encode(dict(alert.labels)).decode(),
        _encode(alert.links).decode(),
        alert.dedup_key,
        decision.count,
        decision.first_seen,
        decision.last_seen,
        decision.began,
        decision.resolved_at,
        decision.muted,
        decision.group,
        "" if decision.group else decision.reason,
        decision.last_seen,
        decision.reason,
        _encode(decision.evidence).decode(),
    )
