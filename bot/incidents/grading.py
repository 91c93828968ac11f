"""How bad an incident is by its alerts, before a person says otherwise. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from bot.catalog.catalog import Catalog
from bot.incidents.events import SeverityLevel
from correlation.alert import Severity
from correlation.decision import GroupView

__all__ = ["SplitOff", "severity_of"]

SEVERITY_OF: dict[Severity, SeverityLevel] = {
    Severity.CRITICAL: "SEV2",
    Severity.ERROR: "SEV3",
    Severity.WARNING: "SEV4",
    Severity.INFO: "SEV4",
}
LEVELS: dict[str | None, SeverityLevel] = {level: level for level in get_args(SeverityLevel)}
WORSE: dict[SeverityLevel, SeverityLevel] = {"SEV3": "SEV2", "SEV4": "SEV3"}  # on a most important service


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitOff:
    """A group that a person split off, and what its own alerts say of it; `rest`: what the others are called, maybe anew."""

    group: str
    title: str
    severity: SeverityLevel
    private: bool = False  # by its services and severity
    rest: str = ""
    retitled: bool = False


def severity_of(view: GroupView, opens: str | None, catalog: Catalog) -> SeverityLevel:
    """The recipe's word (`opens`), else by the worst alert; a most important service makes it one step worse, SEV2 at most."""
    if opens in LEVELS:
        return LEVELS[opens]
    severity = SEVERITY_OF[view.severity]
    services = catalog.services
    important = any(name in services and services[name].tier == 1 for name, _ in view.services)
    return WORSE.get(severity, severity) if important else severity
