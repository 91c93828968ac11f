"""How long it took, each figure with exactly what it measures. Pure: moments in, figures out.

A mean over incidents (MTTA, MTTR) is the mean of these; one incident has times, not means.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.retros.model import Figure

__all__ = ["Moments", "figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What happened when. `first_alert_at` is None for an incident without alerts; `resolved_at` is the end that stands.

    `acknowledged_at` is the FIRST acknowledgement, even if it was given back; `cleared_at` is when no alert fired any more.
    """

    declared_at: float
    first_alert_at: float | None = None
    acknowledged_at: float | None = None
    mitigated_at: float | None = None
    cleared_at: float | None = None
    resolved_at: float | None = None
    reopened: int = 0  # times


def figures(moments: Moments) -> tuple[Figure, ...]:
    """The figures in the order in which things happen.

    >>> [(f.key, f.seconds) for f in figures(Moments(declared_at=160, first_alert_at=100, acknowledged_at=340))]
    [('time_to_declare', 60), ('time_to_acknowledge', 240), ('time_to_resolve', None)]
    """
    alerted = moments.first_alert_at is not None
    start = moments.first_alert_at if moments.first_alert_at is not None else moments.declared_at
    origin = (
        "the first alert (the monitoring's own time)" if alerted else "the declaration, since no alert came before it"
    )
    again = "" if not moments.reopened else f" It was reopened {_times(moments.reopened)}; the last end counts."
    found = []
    if alerted:
        found.append(
            Figure(
                key="time_to_declare",
                name="Time to declare",
                seconds=_between(start, moments.declared_at),
                definition=f"From {origin} to the incident with its room.",
            )
        )
    found.append(
        Figure(
            key="time_to_acknowledge",
            name="Time to acknowledge (MTTA)",
            seconds=_between(start, moments.acknowledged_at),
            definition=f"From {origin} to the first acknowledgement by a person.",
        )
    )
    if moments.mitigated_at is not None:
        found.append(
            Figure(
                key="time_to_mitigate",
                name="Time to mitigate",
                seconds=_between(start, moments.mitigated_at),
                definition=f"From {origin} until people no longer felt it.",
            )
        )
    if alerted and moments.cleared_at is not None:
        found.append(
            Figure(
                key="time_to_clear",
                name="Time to clear",
                seconds=_between(start, moments.cleared_at),
                definition=f"From {origin} until none of its alerts fired any more.",
            )
        )
    found.append(
        Figure(
            key="time_to_resolve",
            name="Time to resolve (MTTR)",
            seconds=_between(start, moments.resolved_at),
            definition=f"From {origin} until the incident was resolved.{again}",
        )
    )
    return tuple(found)


def _between(start: float, end: float | None) -> float | None:
    return None if end is None else max(0.0, end - start)  # clocks of two machines may disagree by a little


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
