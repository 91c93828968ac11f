"""From the engine's ranking to the one cause and the few changes that people are told; what they ruled out is never first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.changes.ledger import change_key
from bot.engine.batch import Rankings
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Suspect
from correlation.cause import FIRST
from correlation.decision import Cause as Ranked
from correlation.decision import Suspect as Suspected

__all__ = ["reordered", "take_rankings"]

REASONS = 3  # of a probable cause, that fit on a phone
SUSPECTS = 3  # changes that an incident names
PLAUSIBLE = 0.4  # of the likeliest one's score: what is far behind it would only distract


def take_rankings(incident: Incident, rankings: Rankings) -> None:
    """What the engine thinks of an incident now, as people are told it."""
    if rankings.causes:
        incident.cause = _probable(rankings.causes, effects=rankings.effects, ruled_out=incident.ruled_out)
    incident.suspects = _suspected(rankings.suspects, incident)


def _probable(ranked: Sequence[Ranked], *, effects: int, ruled_out: Collection[str] = ()) -> Cause | None:
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


def _suspected(ranked: Sequence[Suspected], incident: Incident) -> list[Suspect]:
    """The changes that an incident names; those that people ruled out stand last, whatever the engine thinks of them."""
    out = [s for s in ranked if incident.exclusion_of(change_key(s.change), s.service) is not None]
    others = [s for s in ranked if s not in out]
    likely = [s for s in others if s.score >= PLAUSIBLE * others[0].score][:SUSPECTS]
    return [
        *(Suspect(change=s.change, score=s.score, reasons=s.reasons) for s in likely),
        *(
            Suspect(change=s.change, score=s.score, reasons=_once("ruled out", s.reasons), ruled_out=True)
            for s in out[:SUSPECTS]
        ),
    ]


def reordered(incident: Incident) -> list[Suspect]:
    """The changes that it names already, those that people ruled out by themselves last; for when the engine has forgotten."""
    marked = [
        replace(s, ruled_out=incident.exclusion_of(change_key(s.change), "") is not None) for s in incident.suspects
    ]
    return sorted(marked, key=lambda s: s.ruled_out)


def _once(word: str, reasons: tuple[str, ...]) -> tuple[str, ...]:
    return reasons if word in reasons else (word, *reasons)
