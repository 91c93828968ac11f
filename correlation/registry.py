"""The groups: open, closed and merged; found by id and by value, closed when quiet, united and split.

Which alert goes where is the placer's to say, which groups are one the repair's; here nothing is scored.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from correlation.beats import IN_STEP
from correlation.candidates import Index, Pair
from correlation.cookbook import Cookbook
from correlation.dedup import NEVER, Dedup, Episode
from correlation.features import Features, Template
from correlation.groups import Group
from correlation.merging import absorb
from correlation.quiet import Quiet
from correlation.splitting import parted
from correlation.tuning import Tuning

__all__ = ["Registry", "UnknownGroup", "own_keys", "shared_key", "shared_keys"]

MAX_ALIASES = 100_000  # merged ids that are remembered
MAX_GROWN = 32  # groups that the next repair pass looks at, the latest ones
MAX_REINDEXED = 512  # members by which a united or split group is found


class UnknownGroup(KeyError):
    """There is no group of that id, or it is no longer remembered."""


def own_keys(episode: Episode, template: Template) -> list[Pair]:
    """What a member, of that template, makes its group findable by."""
    keys = [
        (field, value)
        for field, value in (("service", episode.service), ("host", episode.host), ("location", episode.location))
        if value
    ]
    if not episode.location:  # an empty one too: by it those are found that tell neither
        keys.append(("environment", episode.environment))
    keys.append(("name", episode.name))
    keys += [("word", word) for word in template.rare]
    return keys


def shared_keys(recipe: str, labels: Sequence[str], values: Sequence[str]) -> list[Pair]:
    """What the values that members share by their recipe make a group findable by, beside the members' own.

    By alerts of that recipe, and by others: they ask once, however many recipes group by the same.

    >>> shared_keys("pages", ["service"], ["cart"])
    [('recipe pages', 'cart'), ('by service', 'cart')]
    """
    return [(f"recipe {recipe}", "\x1f".join(values)), shared_key(labels, values)]


def shared_key(labels: Sequence[str], values: Sequence[str]) -> Pair:
    """The same for an alert of any recipe."""
    return f"by {','.join(labels)}", "\x1f".join(values)


class Registry:
    """All groups that are remembered. Event time enters by `advance`."""

    def __init__(self, tuning: Tuning, dedup: Dedup, features: Features) -> None:
        self.tuning, self.dedup, self.features = tuning, dedup, features
        self.index = Index()
        self.last = 0
        self.watermark = 0.0  # the newest event time so far
        self.open: dict[int, Group] = {}
        self.quiet = Quiet()
        self.closed: OrderedDict[int, Group] = OrderedDict()
        self.aliases: dict[int, int] = {}  # merged -> the one it went into
        self.due: list[tuple[float, int]] = []  # heap of (moment, group): when to look whether it is still open
        self.grown: dict[int, None] = {}  # open groups with members since the last repair pass, the latest last
        self.repair_at = 0.0  # when the next one is due

    def load(
        self,
        last: int,
        opened: Iterable[Group],
        closed: Iterable[Group],
        aliases: Iterable[tuple[int, int]],
        due: Iterable[tuple[float, int]],
        places: Iterable[str],
        postings: Iterable[tuple[str, str, str, list[int]]],
        values: Iterable[tuple[int, list[tuple[str, list[int]]]]],
    ) -> None:
        """What a snapshot kept of a registry."""
        self.last = last
        self.open = {group.number: group for group in opened}
        self.closed.update((group.number, group) for group in closed)
        self.aliases = dict(aliases)
        self.due = list(due)
        self.index.load(places, postings, values)

    def grew(self, number: int) -> None:
        """An open group has a member more."""
        grown = self.grown
        grown.pop(number, None)
        grown[number] = None
        if len(grown) > MAX_GROWN:
            del grown[next(iter(grown))]

    def next_number(self) -> int:
        self.last += 1
        return self.last

    def root(self, number: int) -> int:
        """The group that a number stands for now, by way of all merges.

        >>> registry = Registry(Tuning(), Dedup(), Features())
        >>> registry.aliases |= {9: 4, 4: 2}
        >>> registry.root(9), registry.root(3)
        (2, 3)
        """
        aliases = self.aliases
        if number not in aliases:
            return number
        root = number
        while root in aliases:
            root = aliases[root]
        while aliases[number] != root:
            aliases[number], number = root, aliases[number]
        return root

    def find(self, number: int) -> Group | None:
        """The group that a number stands for now, while it is remembered."""
        return self.still_open(number) or self.closed.get(self.root(number))

    def still_open(self, number: int) -> Group | None:
        """The same, if it is open."""
        return self.open.get(number) or self.open.get(self.root(number))  # what went into another is not open by itself

    def by_id(self, id: str) -> Group | None:  # noqa: A002 - the contract's word
        number = self.number(id)
        return None if number is None else self.find(number)

    def known(self, id: str) -> Group:  # noqa: A002
        group = self.by_id(id)
        if group is None:
            raise UnknownGroup(id)
        return group

    @staticmethod
    def number(id: str) -> int | None:  # noqa: A002
        """The number of a group's id; None for what is no id.

        >>> Registry.number("G7"), Registry.number("INC-7")
        (7, None)
        """
        digits = id[1:]
        return int(digits) if id[:1] == "G" and digits.isascii() and digits.isdigit() and len(digits) < 19 else None

    def add(self, group: Group) -> None:
        """A new open group; beyond the bound, the one quiet for longest closes."""
        self.open[group.number] = group
        self.quiet.add(group, len(self.open))
        self.schedule(group)
        if len(self.open) > self.tuning.open_groups:
            self.close(self.quiet.longest(self.open))

    def advance(self, at: float) -> None:
        """Event time moved: close what has been quiet for long enough."""
        self.watermark = at
        due = self.due
        while due and due[0][0] < at:
            group = self.open.get(due[0][1])
            deadline = self.deadline(group) if group is not None else NEVER
            if deadline >= at:
                heapq.heapreplace(due, (deadline, due[0][1]))
                continue
            heapq.heappop(due)
            if group is not None:
                self.close(group)

    def deadline(self, group: Group) -> float:
        """Until when a group stays open: while members fire whose end will be told, for long; or else for `quiet_for`."""
        return group.last_at + (
            max(group.quiet_for, self.tuning.linger) if group.lasting else group.quiet_for * group.reach
        )

    def schedule(self, group: Group) -> None:
        heapq.heappush(self.due, (self.deadline(group), group.number))
        if len(self.due) > 64 + 8 * len(self.open):
            # Entries out of date outnumber the groups: one each is enough. In place, since `advance` may be walking it.
            self.due[:] = [(self.deadline(one), one.number) for one in self.open.values()]
            heapq.heapify(self.due)

    def close(self, group: Group) -> None:
        group.open = False
        self.open.pop(group.number, None)
        self.index.drop(group.number)
        self.closed[group.number] = group
        self.closed.move_to_end(group.number)
        while len(self.closed) > self.tuning.closed_groups:
            self.closed.popitem(last=False)

    def over(self, group: Group) -> bool:
        """Whether a group takes no more members, however late they are told: none needs to be compared with it."""
        return group.cooked(self.watermark - self.tuning.late)

    def reopen(self, group: Group) -> None:
        """An open group takes members for another time than before, or anew, as people are called: then it is found again."""
        if not self.index.values(group.number) and not self.over(group):
            self._post(group)
        self.schedule(group)

    def unite(self, kept: Group, lost: Group) -> None:
        """`lost` goes into `kept`; the two are open if one was."""
        was_open = lost.open
        # One that takes no members is found by nothing any more: by its own ones, once they are in one that does.
        values = self.index.values(lost.number) if lost.anywhere == kept.anywhere else {}
        values = values or (self._values(lost) if kept.open else {})
        absorb(kept, lost)
        self.aliases[lost.number] = kept.number
        if len(self.aliases) > MAX_ALIASES:
            del self.aliases[next(iter(self.aliases))]
        self.index.drop(lost.number)
        self.open.pop(lost.number, None)
        self.closed.pop(lost.number, None)
        if was_open and not kept.open:
            kept.open = True
            self.closed.pop(kept.number, None)
            self.open[kept.number] = kept
            self.quiet.add(kept, len(self.open))
        if kept.open:
            self.reopen(kept)
            if self.over(kept):
                self.index.drop(kept.number)  # found by all that it has, or by nothing
            else:
                # What it was found by is its values', no longer its recipe's.
                gone = shared_keys(lost.recipe, lost.labels, lost.key)
                left = {place: [pair for pair in pairs if pair not in gone] for place, pairs in values.items()}
                self._post(kept, {place: pairs for place, pairs in left.items() if pairs})

    def split(self, old: Group, episodes: Sequence[int], cookbook: Cookbook) -> tuple[Group, Group]:
        """(what remains, what was moved); what is no member is passed over. ValueError unless some but not all members move."""
        wanted = frozenset(episodes)
        moved = [number for number in old.members if number in wanted]
        stay = [number for number in old.members if number not in wanted]
        if not moved or not stay:
            those = "none of these is one of them" if not moved else "these are all"
            raise ValueError(f"{old.id}: a split moves some of the group's episodes, neither none nor all; {those}")
        rest = parted(old, old.number, stay, self.dedup, cookbook)
        new = parted(old, self.next_number(), moved, self.dedup, cookbook)
        rest.size += old.size - len(moved) - len(stay)  # members that a large group does not list stay with it
        rest.deserved, new.deserved = old.deserved, True
        if new.called_at == NEVER:
            new.called_at = self.watermark
        rest.apart, new.apart = sorted({*old.apart, new.number}), sorted({*old.apart, rest.number})
        self.index.drop(old.number)
        self.open.pop(old.number, None)
        for one in (rest, new):
            if one.open and self.deadline(one) >= self.watermark:  # what was over when it was merged is over again
                self.open[one.number] = one
                self.quiet.add(one, len(self.open))
                self.reopen(one)
            else:
                self.close(one)
        return rest, new

    def kinds(self, group: Group) -> dict[str, int]:
        """How many members are of each kind, as far as they are remembered, the first episode's first.

        It depends on who the members are and on nothing else, so that a split takes back what a merge said.
        """
        counts: dict[str, int] = {}
        for member in sorted(group.members):
            episode = self.dedup.episode(member)
            if episode is not None:
                counts[episode.kind] = counts.get(episode.kind, 0) + 1
        return counts or group.kinds

    def compatible(self, a: Group, b: Group) -> bool:
        """Whether an alert that fits both may make them one: nothing but that alert may speak against it."""
        return (
            a.recipe == b.recipe
            and (a.labels, a.key) == (b.labels, b.key)
            and a.number not in b.apart
            and b.number not in a.apart
            and _overlap(a.locations, b.locations)
            and _overlap(a.environments, b.environments)
            and (a.rhythm.off(b.rhythm) or 0.0) <= IN_STEP
        )

    def _post(self, group: Group, values: Mapping[str, Iterable[Pair]] | None = None) -> None:
        """Make a group findable by these values at their places, or by what its members have."""
        for place, pairs in (self._values(group) if values is None else values).items():
            self.index.touch(group.number, pairs, "" if group.anywhere else place)

    def _keys(self, episode: Episode) -> list[Pair]:
        return own_keys(episode, self.features.of(episode.template))

    def _values(self, group: Group) -> dict[str, list[Pair]]:
        """What a group's members make it findable by, for each place."""
        found: dict[str, dict[Pair, None]] = {}
        if group.key:  # first: of very many values not all are kept
            found[""] = dict.fromkeys(shared_keys(group.recipe, group.labels, group.key))
        for number in list(group.members)[:MAX_REINDEXED]:
            episode = self.dedup.episode(number)
            if episode is not None:
                found.setdefault(episode.location, {}).update(dict.fromkeys(self._keys(episode)))
        return {place: list(pairs) for place, pairs in found.items()}


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return not a or not b or not a.keys().isdisjoint(b)
