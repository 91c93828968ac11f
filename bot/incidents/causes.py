"""From the engine's ranking to the one cause that people are told, without what they ruled out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.incidents.model import Cause
from correlation.cause import FIRST
from correlation.decision import Cause as Ranked

__all__ = ["probable"]

REASONS = 3  # of a probable cause, that fit on a phone


def probable(ranked: Sequence[Ranked], *, effects: int, ruled_out: Collection[str] = ()) -> Cause | None:
    """The likeliest that nobody ruled out, with what else it may be; None when nothing is left."""
    likely = [one for one in ranked if one.name not in ruled_out]
    if not likely:
        return None
    cause, *others = likely
    return Cause(
        service=cause.name,
        words=", ".join(cause.reasons[:REASONS]),
        score=cause.score,
        effects=effects,
        first_at=cause.first_seen if FIRST in cause.reasons else 0.0,
        reasons=cause.reasons,
        others=tuple(f"{other.name} ({', '.join(other.reasons[:REASONS])})" for other in others),
    )
