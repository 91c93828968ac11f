"""Repeats fold into one episode: count, first and last seen. Which group an episode is in is the engine's to decide.

The table is bounded: beyond its capacity the fingerprint not heard of for longest is forgotten.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal

import msgspec

from correlation.alert import Alert
from correlation.decision import Code
from correlation.places import domain
from correlation.words import plural, span

__all__ = ["CALM", "FOREVER", "NEVER", "Beat", "Dedup", "Episode", "Key", "fingerprint", "identity"]

Key = tuple[str, ...]

NEVER, FOREVER = float("-inf"), float("inf")
CALM = 600.0  # seconds without a change after which a condition has made up its mind
FLAPPING = 5  # changes with less than that between two: the third clearing is one too many
MAX_LABEL_SETS = 16_384

# Labels that say how bad it is or when, not what it is.
_VOLATILE = frozenset(
    {
        "value",
        "current_value",
        "timestamp",
        "ts",
        "time",
        "z",
        "score",
        "count",
        "duration",
        "severity",
        "level",
        "priority",
    }
)
_MEASURED = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?%?|\d{9,}")


class Beat(msgspec.Struct, frozen=True, gc=False):
    """When a monitor looks (beats.py): every `interval` seconds, `phase` seconds into it; `which` of its fingerprint's beats."""

    interval: float
    phase: float
    which: int = 0


class Episode(msgspec.Struct, gc=False, kw_only=True):
    """One fingerprint's stay in one group (`group` 0: held). `rank` is the worst severity's: 0 critical to 3 info.

    It fires and clears, and fires again as the same episode while its group takes members or has been quiet for less than
    the recipe's `quiet_for`; a held one within the hour. After that the same fingerprint is a new episode.
    """

    id: int
    key: Key
    fingerprint: str
    source: str
    name: str
    class_: str
    service: str
    host: str
    location: str
    environment: str
    template: str
    rank: int
    first_seen: float
    last_seen: float
    since: float = 0.0  # when it last began to fire ...
    began: float = 0.0  # ... not counting pauses of a few minutes
    opening: float = 0.0  # how much it speaks for a room, 0..1 (gate.py)
    full: float = 0.0  # how much it will, once it has not cleared within minutes
    group: int = 0
    seat: int = 0  # the group that it came to, before merges and splits ...
    joined: float = NEVER  # ... and as of when
    count: int = 1
    active: bool = True
    lasting: bool = True  # its source says when it clears
    resolved_at: float = NEVER
    odds: float = 1.0  # that such an alert is part of something serious, against what is usual (records.py)
    doubt: float = 1.0  # how many times as long as others it has to fire before that alone calls people
    held: Code | Literal[""] = ""  # the reason, while no group has it
    asked_at: float = NEVER  # when a held one was last weighed
    look_at: float = FOREVER  # when to look whether it has fired for long (waiting.py)
    others: int = 0  # members of its group that said the same when it came
    present: int = 3  # the rank it was last told to have
    turns: int = 0  # changes between firing and cleared, one soon after the other ...
    turning: float = NEVER  # ... since then
    turned_at: float = NEVER  # the last of them
    muted_by: int = 0  # the episode whose effect it is (inhibition.py)
    interval: float = 0.0  # seconds between two looks of its monitor; 0 where that is not known
    beat: Beat | None = None  # where nothing else says which of several monitors told it

    @property
    def place(self) -> str:
        """Where it is: the location, or else what its host's name says of that."""
        return self.location or domain(self.host)

    @property
    def spot(self) -> str:
        """The place, or where that is not told, which of its beats it is on."""
        return self.place or (f"#{self.beat.which}" if self.beat is not None else "")

    @property
    def part(self) -> str:
        """What is broken: the service, or else the host, or else the alert's name."""
        return self.service or self.host or self.name

    @property
    def sort(self) -> str:
        """What is broken, and how: what usually follows what is learned by this."""
        return f"{self.part}/{self.class_ or self.name}"

    @property
    def kind(self) -> str:
        """What sort of alert it is, wherever it fires."""
        return f"{self.service}/{self.name}"

    def resume(self, at: float) -> None:
        """It fires again."""
        if at - self.resolved_at > CALM:
            self.began = at
        self.active, self.since = True, at

    def turn(self, at: float) -> None:
        """It cleared, or fires again."""
        if at - self.turned_at > CALM:
            self.turns, self.turning = 0, at
        self.turns += 1
        self.turned_at = max(self.turned_at, at)

    def flapping(self, at: float) -> bool:
        """Whether nobody can say yet if it fires or not."""
        return self.turns >= FLAPPING and at - self.turned_at <= CALM

    def flaps(self) -> str:
        """`flapping: 14 changes in 10 min`."""
        return f"flapping: {plural(self.turns, 'change')} in {span(self.turned_at - self.turning)}"


def identity(labels: Iterable[tuple[str, str]]) -> Key:
    """The labels that tell one condition from another, flat and sorted: no measured values, no moments.

    >>> identity([("zone", "b"), ("value", "17"), ("disk", "sda"), ("load", "0.93")])
    ('disk', 'sda', 'zone', 'b')
    """
    kept = sorted([pair for pair in labels if pair[0] not in _VOLATILE and not _measured(pair[1])])
    return tuple([text for pair in kept for text in pair])


def _measured(value: str) -> bool:
    return not value[:1].isalpha() and _MEASURED.fullmatch(value) is not None  # most begin with a letter


def fingerprint(key: Key) -> str:
    """A short stable name for a key. UnicodeEncodeError for text that no encoding can carry."""
    return blake2b("\x1f".join(key).encode(), digest_size=8).hexdigest()


class Dedup:
    """Fingerprint -> its latest episode, in order of last use.

    >>> table = Dedup(capacity=2)
    >>> a, b = (Alert(at=0, name="DiskFull", labels=labels) for labels in ((("a", "1"), ("b", "2")), (("b", "2"), ("a", "1"))))
    >>> table.key(a) == table.key(b)
    True
    """

    __slots__ = ("_by_id", "_by_key", "_identities", "capacity")

    def __init__(self, capacity: int = 50_000) -> None:
        self.capacity = capacity
        self._by_key: OrderedDict[Key, Episode] = OrderedDict()
        self._by_id: dict[int, Episode] = {}
        self._identities: dict[tuple[tuple[str, str], ...], Key] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def key(self, alert: Alert) -> Key:
        """What makes two reports the same condition: the sender's own key, or what is broken and where."""
        if alert.dedup_key:
            return ("", alert.source, alert.dedup_key)
        labels = alert.labels
        if not labels:
            return (alert.name, alert.service, alert.host, alert.location, alert.environment)
        known = self._identities.get(labels)
        if known is None:
            if len(self._identities) >= MAX_LABEL_SETS:
                self._identities.clear()
            known = self._identities[labels] = identity(labels)
        return (alert.name, alert.service, alert.host, alert.location, alert.environment, *known)

    def get(self, key: Key) -> Episode | None:
        """The fingerprint's latest episode, which becomes the most recently used."""
        episode = self._by_key.get(key)
        if episode is not None:
            self._by_key.move_to_end(key)
        return episode

    def put(self, episode: Episode) -> list[Episode]:
        """Remember an episode; returns those that left the table for it."""
        left: list[Episode] = []
        before = self._by_key.pop(episode.key, None)
        if before is not None:
            left.append(before)
        self._by_key[episode.key] = episode
        self._by_id[episode.id] = episode
        while len(self._by_key) > self.capacity:
            left.append(self._by_key.popitem(last=False)[1])
        for old in left:
            self._by_id.pop(old.id, None)
        return left

    def episode(self, number: int) -> Episode | None:
        """An episode by its number, while it is remembered."""
        return self._by_id.get(number)

    def all(self) -> list[Episode]:
        """Every remembered episode, least recently used first."""
        return list(self._by_key.values())
