"""The engine's own numbers: bounds on memory, patience, and how much evidence it asks for. The operator's numbers are recipes'."""

from __future__ import annotations

import msgspec

__all__ = ["Tuning"]


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, counts and log odds.

    >>> from correlation import Alert, Engine
    >>> engine = Engine(tuning=Tuning(open_groups=2))
    >>> _ = engine.ingest([Alert(at=float(n), name=f"Rule{n}", location=f"place-{n}") for n in range(3)])
    >>> [engine.group(f"G{n}").open for n in (1, 2, 3)]  # the one quiet for longest made room
    [False, True, True]
    """

    remembered: int = 50_000  # fingerprints
    series: int = 20_000  # that the gate follows
    open_groups: int = 4_096
    closed_groups: int = 1_024  # that people may still merge, split and look at
    linger: float = (
        24 * 3600.0
    )  # an alert that says nothing more is believed to fire this long, if its source tells ends
    trust: int = 50  # alerts of a source without one end after which it is believed never to tell ends
    held_for: float = 3600.0  # a held alert that fires again within this is a repeat
    ask_again: float = 60.0  # a held alert that goes on firing is weighed again this often
    persists: float = 900.0  # however familiar, an alert that fires on for so long deserves people
    late: float = 600.0  # an alert older than the newest by more than this is placed as if it were this old
    join_at: float = 0.0  # log odds to join
    dull: float = 0.7  # log odds more that a wholly familiar alert needs
    merge_at: float = 1.2  # log odds to each of two groups
    merge_rooms_at: float = 2.0  # the same where both already deserve people
    fleeting: float = 0.2  # share of a rule's conditions that clear within minutes above which one waits for company
    confirmed: float = 300.0  # seconds after which it needs none
