"""The words everything else speaks: Alert, Change, Severity, Status. Plain values; nothing here knows of wire formats or storage.

A moment is a float: seconds since the epoch, which is UTC by definition. There are no naive times to mistake.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

__all__ = ["Alert", "Change", "ChangeKind", "ChangeStatus", "Severity", "Status"]


class Status(StrEnum):
    """Whether the condition holds now."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How bad the monitor says it is, worst first. (An incident's own severity is SEV1-SEV4.)

    >>> Severity.CRITICAL.rank, Severity.INFO.rank
    (0, 3)
    """

    rank: int  # smaller is worse

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


for _rank, _severity in enumerate(Severity):
    _severity.rank = _rank


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One normalised condition, firing or resolved, as a source reported it.

    Every field but `name` and `at` may be empty: what an alert lacks never counts against it.
    `at` is event time. `labels` are pairs sorted by key. `dedup_key` is the sender's own identity for the condition, or "".
    Severity and status may be given by their names; ValueError for what is neither.

    >>> Alert(at=0.0, name="DiskFull", severity="critical").severity.rank
    0
    """

    at: float
    name: str
    status: Status = Status.FIRING
    class_: str = ""
    severity: Severity = Severity.WARNING
    service: str = ""
    host: str = ""
    location: str = ""
    environment: str = ""
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    dedup_key: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if type(self.severity) is not Severity:
            msgspec.structs.force_setattr(self, "severity", Severity(self.severity))
        if type(self.status) is not Status:
            msgspec.structs.force_setattr(self, "status", Status(self.status))


ChangeKind = Literal["deploy", "flag", "config", "migration"]
ChangeStatus = Literal["started", "succeeded", "failed", "rolled_back"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people or machines changed on purpose: a deploy, a flag, a configuration, a migration.

    `hosts` are the instances that it has touched so far, where that is told: alerts there and not elsewhere speak against it.
    """

    id: str
    at: float
    title: str
    service: str = ""
    kind: ChangeKind = "deploy"
    revision: str = ""
    url: str = ""
    environment: str = ""
    status: ChangeStatus = "succeeded"
    repository: str = ""
    author_name: str = ""
    author_email: str = ""
    author_login: str = ""
    source: str = ""
    hosts: tuple[str, ...] = ()
