"""What a group counts of one service: how many fire since when, how bad, of which classes, where and saying what. Bounded.

The group decides which alert is a member; nothing is scored here.
"""

from __future__ import annotations

from math import sqrt

import msgspec

from correlation.dedup import Episode

__all__ = ["MASS", "Said", "Tally", "one_more"]

MAX_CLASSES = 6
MAX_HOSTS = 32
MAX_SAID = 64  # rules at a place
FREQUENT = 0.2  # what says less (Episode.full) is no news
MASS = (8.0, 3.0, 1.0, 0.4)  # how much an alert weighs, by its rank


def one_more(others: int) -> float:
    """What one more of the same adds: so many alike count as the square root of their number."""
    return sqrt(others + 1) - sqrt(others)


class Said(msgspec.Struct, gc=False):
    """Members that say the same at one place: how many fire, and how much the one says that says most, 0..1."""

    firing: int
    loudest: float


class Tally(msgspec.Struct, gc=False):
    """The members of one service. `worst` is a severity's rank.

    >>> tally = Tally(1, 1, 0.0, worst=0, classes={"errors": MASS[0]})
    >>> tally.unite(Tally(2, 0, 0.0, worst=2, classes={"errors": MASS[2], "latency": MASS[2]}))
    >>> tally.episodes, tally.classes
    (3, {'errors': 9.0, 'latency': 1.0})
    """

    episodes: int
    firing: int
    first_seen: float
    worst: int
    first: int = 0  # the episode that was first
    news: float = 0.0  # how much the newest of them is news, 0..1: less what is frequent, or came to nothing before
    classes: dict[str, float] = msgspec.field(default_factory=dict)  # how much of each class, worse ones more
    hosts: dict[str, None] = msgspec.field(default_factory=dict)  # where it fires
    said: dict[str, Said] = msgspec.field(default_factory=dict)  # for calling people, while they are not called

    def unite(self, other: Tally) -> None:
        """Take over all that another counted."""
        self.episodes += other.episodes
        self.firing += other.firing
        if (other.first_seen, other.first) < (self.first_seen, self.first):
            self.first_seen, self.first = other.first_seen, other.first
        self.worst = min(self.worst, other.worst)
        self.news = max(self.news, other.news)
        for class_, mass in other.classes.items():
            if class_ in self.classes or len(self.classes) < MAX_CLASSES:
                self.classes[class_] = self.classes.get(class_, 0.0) + mass
        for host in other.hosts:
            if len(self.hosts) < MAX_HOSTS:
                self.hosts[host] = None
        for what, theirs in other.said.items():
            mine = self.said.get(what)
            if mine is not None:
                mine.firing += theirs.firing
                mine.loudest = max(mine.loudest, theirs.loudest)
            elif len(self.said) < MAX_SAID:
                self.said[what] = theirs

    def add(self, episode: Episode) -> None:
        """Count what sort of alert it is and where it fires, as far as there is room."""
        class_ = episode.class_ or episode.name
        if self.news < 1.0:
            self.news = max(self.news, min(1.0, episode.full / FREQUENT) * min(1.0, episode.odds))
        if class_ in self.classes or len(self.classes) < MAX_CLASSES:
            self.classes[class_] = self.classes.get(class_, 0.0) + MASS[episode.rank]
        if episode.host and len(self.hosts) < MAX_HOSTS:
            self.hosts[episode.host] = None

    def worsens(self, episode: Episode, before: int) -> None:
        """A member that weighed as that rank does weighs more now."""
        class_ = episode.class_ or episode.name
        if class_ in self.classes:
            self.classes[class_] += MASS[episode.rank] - MASS[before]

    def says(self, episode: Episode) -> None:
        """A member fires that speaks for calling people."""
        what = _what(episode)
        said = self.said.get(what)
        if said is not None:
            episode.others = said.firing
            said.firing += 1
            said.loudest = max(said.loudest, episode.opening)
        elif len(self.said) < MAX_SAID:
            self.said[what] = Said(1, episode.opening)

    def hushed(self, episode: Episode) -> None:
        """Such a member cleared."""
        what = _what(episode)
        said = self.said.get(what)
        if said is not None:
            said.firing -= 1
            if said.firing <= 0:
                del self.said[what]

    def heard(self, episode: Episode) -> Said | None:
        """The members that say the same; None where there is none."""
        return self.said.get(_what(episode))


def _what(episode: Episode) -> str:
    return f"{episode.name}\x1f{episode.place}"
