"""What the engine answers: a decision per alert with its evidence, and views of its groups. Values only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from correlation.alert import Severity

__all__ = ["Cause", "Code", "Decision", "Evidence", "Flapping", "GroupView", "Kind", "Suspect"]

Kind = Literal["opened", "joined", "repeat", "noise", "resolved"]
Code = Literal[
    # it opens a group, or may not
    "severe", "novel", "widespread", "waiting", "familiar", "harmless", "fleeting", "periodic", "below_trigger", "excluded",
    # it joins one
    "alike", "by_recipe", "inhibited", "bridged", "outbreak",
    # it is known, or not wanted
    "still_firing", "worse", "milder", "fired_again", "late", "held_again", "flapping", "silenced",
    # it is over
    "cleared", "cleared_again", "cleared_unknown",
]  # fmt: skip


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One term of a join: how much it speaks for it (0..1; 0.5 is neither for nor against) and the same in words."""

    term: str
    score: float
    words: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of one alert.

    >>> from correlation import Alert, Engine
    >>> (held,) = Engine().ingest([Alert(at=0.0, name="BackupDone", severity=Severity.INFO)])
    >>> held.kind, held.group, held.code, held.count, held.active
    ('noise', None, 'below_trigger', 1, True)

    `episode` numbers one fingerprint's stay in one group (or among the held); repeats carry the number of the first.
    `code` is the named reason. `deserves`: the group deserves people now; a group may open before it does. `merged`:
    (lost, kept) groups that this alert bridged; before these, those that a look at whole groups showed to be one,
    which has nothing to do with this alert: `repaired` says why, in words, for each of them, and `fits` for those after
    them what speaks for the kept and for the lost one, where the alert fits both. `called`: other groups
    that came to deserve people by the passing of time: they waited for company, and fire on all alone. A held alert
    that fires again may be "joined" or "opened" later, with its old episode number. `began`: when it began to fire this
    time, where pauses of a few minutes do not count. `severity` is the one last told
    while it fired; `before` what it was when this alert changed it. `muted`: it is an effect of a known cause, so
    nobody needs to be told of it by itself.
    """

    kind: Kind
    episode: int
    fingerprint: str
    group: str | None
    reason: str
    code: Code
    count: int
    first_seen: float
    last_seen: float
    began: float
    active: bool
    resolved_at: float | None = None  # when it last cleared; None while it fires
    was_active: bool = False
    deserves: bool = False
    recipe: str | None = None
    evidence: tuple[Evidence, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()
    repaired: tuple[str, ...] = ()
    fits: tuple[tuple[str, str], ...] = ()
    called: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    before: Severity | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """A member that fires and clears and fires: how often it changed, from when until when."""

    episode: int
    what: str
    changes: int
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A service (or host, or alert name where there is none) that may be where it began. Scores are 0..1."""

    name: str
    score: float
    reasons: tuple[str, ...]
    first_seen: float
    is_service: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A change that may have caused it. `before` is seconds from the change to the group's first alert."""

    change: str
    score: float
    reasons: tuple[str, ...]
    service: str
    before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group as it stands. Counts are of episodes, largest first; `episodes` lists at most 10,000, as far as
    the engine remembers them; `size` counts all, `effects` those that a known cause mutes; `flapping` are those that
    changed within the last ten minutes, most changes first; `everywhere`: what its title says is so at many places."""

    id: str
    number: int
    recipe: str
    opened_at: float
    last_at: float
    open: bool
    deserves: bool
    title: str
    severity: Severity
    active: int
    size: int
    alerts: int
    episodes: tuple[int, ...]
    services: tuple[tuple[str, int], ...]
    classes: tuple[tuple[str, int], ...]
    hosts: tuple[tuple[str, int], ...]
    locations: tuple[tuple[str, int], ...]
    environments: tuple[tuple[str, int], ...]
    causes: tuple[Cause, ...]
    suspects: tuple[Suspect, ...]
    effects: int = 0
    flapping: tuple[Flapping, ...] = ()
    everywhere: bool = False
