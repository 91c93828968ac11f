"""Escalation policies as positions: which step is next, and when the policy is at its end. Pure: nobody is paged here.

Quiet hours are kept in the catalogue but not applied yet: every page goes out at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.catalog.model import Escalation, EscalationStep, Who
from bot.incidents.events import SeverityLevel

__all__ = ["FALLBACK", "Position", "after", "policy_of", "step_at", "wakes"]

FALLBACK = Escalation(
    id="", steps=(EscalationStep(page=(Who(kind="on-call"),)),)
)  # where the catalogue names no policy


WAKING = ("SEV1", "SEV2")  # where a policy does not say which severities may wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where in a policy a climb is; `step` and `turn` count from 0."""

    step: int = 0
    turn: int = 0


def policy_of(catalog: Catalog, service: str) -> Escalation:
    """The policy for a service: its own, its team's or the default one, else whoever is on call."""
    return catalog.escalation_of(service) or FALLBACK


def step_at(policy: Escalation, position: Position) -> EscalationStep | None:
    """The step at this position; None past the end (a reload may have shortened the policy)."""
    return policy.steps[position.step] if position.step < len(policy.steps) else None


def after(policy: Escalation, position: Position, *, skip_repeats: bool = False) -> Position:
    """The position that follows: the step's next turn, or the next step."""
    step = step_at(policy, position)
    if step is not None and not skip_repeats and position.turn + 1 < step.repeat:
        return Position(step=position.step, turn=position.turn + 1)
    return Position(step=position.step + 1)


def wakes(policy: Escalation, severity: SeverityLevel) -> bool:
    """Whether an incident that becomes this severe is worth waking people for: what quiet hours would not hold back."""
    if policy.quiet_hours is not None:
        return severity not in policy.quiet_hours.severities
    return severity in WAKING
