"""What a group counts of one service: how many fire since when, how bad, of which classes and where. Bounded.

The group decides which alert is a member; nothing is scored here.
"""

from __future__ import annotations

import msgspec

from correlation.dedup import Episode

__all__ = ["MASS", "Tally"]

MAX_CLASSES = 6
MAX_HOSTS = 32
MASS = (8.0, 3.0, 1.0, 0.4)  # how much an alert weighs, by its rank


class Tally(msgspec.Struct, gc=False):
    """The members of one service. `worst` is a severity's rank.

    >>> tally = Tally(1, 1, 0.0, 9.0, worst=0, classes={"errors": MASS[0]})
    >>> tally.unite(Tally(2, 0, 0.0, 9.0, worst=2, classes={"errors": MASS[2], "latency": MASS[2]}))
    >>> tally.classes
    {'errors': 9.0, 'latency': 1.0}
    """

    episodes: int
    firing: int
    first_seen: float
    last_seen: float
    worst: int
    first: int = 0  # the episode that was first
    classes: dict[str, float] = msgspec.field(default_factory=dict)  # how much of each class, worse ones more
    hosts: dict[str, None] = msgspec.field(default_factory=dict)  # where it fires

    def unite(self, other: Tally) -> None:
        """Take over what sort of alerts another counted, and where."""
        for class_, mass in other.classes.items():
            if class_ in self.classes or len(self.classes) < MAX_CLASSES:
                self.classes[class_] = self.classes.get(class_, 0.0) + mass
        for host in other.hosts:
            if len(self.hosts) < MAX_HOSTS:
                self.hosts[host] = None

    def add(self, episode: Episode) -> None:
        """Count what sort of alert it is and where it fires, as far as there is room."""
        class_ = episode.class_ or episode.name
        if class_ in self.classes or len(self.classes) < MAX_CLASSES:
            self.classes[class_] = self.classes.get(class_, 0.0) + MASS[episode.rank]
        if episode.host and len(self.hosts) < MAX_HOSTS:
            self.hosts[episode.host] = None
