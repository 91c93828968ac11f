"""What the picture of an incident shows: alerts over time by service, changes on the same axis, as values and in words. Pure.

Nothing is drawn here, so that words can be had without the library that draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import to_datetime
from bot.incidents.axis import Axis, Lane, Worst
from bot.incidents.model import Incident
from correlation.alert import Change
from correlation.words import clean

__all__ = ["Row", "Sign", "Sketch", "sketch"]

ROWS = 8  # services that have a row of their own; a phone shows about so many
SIGNS = 4  # changes that are named
NAME, TITLE = 40, 44  # characters: what a phone's width holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A service: for each bucket how many alerts fired, and the worst of them; `peak` is the most at once."""

    name: str
    counts: tuple[int, ...]
    worst: tuple[Worst | None, ...]
    cause: bool

    @property
    def peak(self) -> int:
        return max(self.counts, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A change on the axis, and what it is in a few words."""

    at: float
    words: str
    suspect: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """All that is drawn. `left_out` counts services in the last row that stands for several, `more` changes without a name."""

    title: str
    summary: str
    axis: Axis
    rows: tuple[Row, ...]
    signs: tuple[Sign, ...]
    more: int
    resolved_at: float | None

    @property
    def top(self) -> int:
        """The most alerts that fired at once on one row."""
        return max((row.peak for row in self.rows), default=0)

    @property
    def words(self) -> str:
        """The picture for those who cannot see it."""
        peaks = [(row.peak, row.name, row.counts.index(row.peak)) for row in self.rows if row.peak]
        begins = self.axis.start
        rows = ", ".join(
            f"{name} {peak:,} at {to_datetime(begins + place * self.axis.bucket):%H:%M}" for peak, name, place in peaks
        )
        changes = "; ".join(f"{sign.words} at {to_datetime(sign.at):%H:%M}" for sign in self.signs)
        parts = [f"Alerts over time: {self.summary}.", f"Most at once: {rows} UTC." if rows else ""]
        parts.append(f"Changes: {changes} UTC." if changes else "No change nearby.")
        return " ".join(part for part in parts if part)


def sketch(incident: Incident, axis: Axis, lanes: Sequence[Lane], changes: Sequence[tuple[Change, bool]]) -> Sketch:
    """`changes` are those to name, each with whether it is suspect, the most important first."""
    cause = incident.cause.service if incident.cause else ""
    signs = [Sign(at=change.at, words=_change(change), suspect=suspect) for change, suspect in changes[:SIGNS]]
    count = f"{incident.alert_count:,} {'alert' if incident.alert_count == 1 else 'alerts'}"
    services = len(incident.services)
    on = f" on {incident.services[0][0]}" if services == 1 else f" on {services} services" if services else ""
    still = "all cleared" if not incident.firing_count else f"{incident.firing_count:,} firing"
    return Sketch(
        title=clean(f"{incident.ref} {incident.title}", TITLE),
        summary=clean(f"{count}{on}, {still}", 120),
        axis=axis,
        rows=tuple(_rows(lanes, cause)),
        signs=tuple(sorted(signs, key=lambda sign: sign.at)),
        more=max(0, len(changes) - SIGNS),
        resolved_at=incident.resolved_at,
    )


def _rows(lanes: Sequence[Lane], cause: str) -> list[Row]:
    """The cause first, then the worst hit; those that have no room share the last row."""
    ordered = sorted(lanes, key=lambda lane: lane.service != cause)
    shown = ordered if len(ordered) <= ROWS else ordered[: ROWS - 1]
    rows = [
        Row(
            name=clean(lane.service, NAME) or "(no service)",
            counts=tuple(lane.counts),
            worst=tuple(lane.worst),
            cause=bool(cause) and lane.service == cause,
        )
        for lane in shown
    ]
    rest = ordered[len(shown) :]
    if rest:
        counts = [sum(column) for column in zip(*(lane.counts for lane in rest), strict=True)]
        worst = [_worst(column) for column in zip(*(lane.worst for lane in rest), strict=True)]
        rows.append(Row(name=f"{len(rest)} more services", counts=tuple(counts), worst=tuple(worst), cause=False))
    return rows


def _worst(column: Sequence[Worst | None]) -> Worst | None:
    ranked: tuple[Worst, ...] = ("critical", "error", "warning", "info")
    return next((severity for severity in ranked if severity in column), None)


def _change(change: Change) -> str:
    known = " ".join(part for part in (change.kind, change.service, change.revision[:8]) if part)
    return clean(known if change.service or change.revision else f"{change.kind} {change.title}", TITLE)
