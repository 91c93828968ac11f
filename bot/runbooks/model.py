"""A runbook's run and what it would do, as values. No database, no chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.catalog.model import Runbook

__all__ = ["ENDED", "Decision", "Plan", "Run", "RunState", "target"]

RunState = Literal["waiting", "running", "succeeded", "failed", "cancelled", "declined", "expired", "interrupted"]
ENDED: tuple[RunState, ...] = ("succeeded", "failed", "cancelled", "declined", "expired", "interrupted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Somebody agreed to a run, or did not."""

    person: str
    approved: bool
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do, one line for each step; nothing has happened yet.

    `reason` says in whole sentences what comes before it runs ("" when nothing does), `obstacle` why this person may not
    run it now ("" when they may).
    """

    runbook: Runbook
    incident: int
    parameters: Mapping[str, str]
    steps: tuple[str, ...]
    needs_approval: bool
    reason: str
    obstacle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a runbook, from the request on. `plan` is what was asked for: nothing else is run."""

    id: int
    incident: int
    runbook: str
    parameters: Mapping[str, str]
    requested_by: str
    requested_at: float
    expires_at: float | None
    state: RunState
    plan: tuple[str, ...]
    started_at: float | None
    finished_at: float | None
    outcome: str
    output: str
    helped: bool | None
    decisions: tuple[Decision, ...] = ()

    @property
    def ref(self) -> str:
        """R5."""
        return f"R{self.id}"

    @property
    def over(self) -> bool:
        """Nothing will happen to it any more."""
        return self.state in ENDED

    @property
    def what(self) -> str:
        """`restart-checkout on checkout-3`."""
        return target(self.runbook, self.parameters)


def target(runbook: str, parameters: Mapping[str, str]) -> str:
    """A runbook with its parameters, as one says it.

    >>> target("restart", {"instance": "checkout-3"}), target("drain", {"node": "a", "force": "true"})
    ('restart on checkout-3', 'drain (node=a, force=true)')
    """
    if not parameters:
        return runbook
    if len(parameters) == 1:
        [(name, value)] = parameters.items()
        if value.isdecimal() or value in ("true", "false"):  # how many or whether, not where
            return f"{runbook} ({name}={value})"
        return f"{runbook} on {value}" if value else runbook
    return f"{runbook} ({', '.join(f'{name}={value}' for name, value in parameters.items())})"
