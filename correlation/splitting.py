"""Some of a group's members by themselves: the group that they would be, had the others never been in it.

Which ones part is for people to say, and where the two groups are kept for the registry. What was merged and goes as it came is
what it was: of its own recipe, called when it was called.

>>> from correlation import Alert, Cookbook, Engine, Recipe
>>> engine = Engine(Cookbook([Recipe(name="mail", trigger=('service="mail"',))]))
>>> one, two = engine.ingest([Alert(at=0.0, name="Slow", service="cart"), Alert(at=5.0, name="DiskFull", service="mail")])
>>> engine.merge("G1", "G2")
>>> engine.group("G1").recipe, engine.group(engine.split("G1", [two.episode])).recipe
('default', 'mail')
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from correlation.cookbook import Cookbook
from correlation.dedup import FOREVER, NEVER, Dedup, Episode
from correlation.groups import FAINT, MAX_CHANGES, MAX_KINDS, Group
from correlation.merging import latest, part_of
from correlation.parts import Part, covering, remaining
from correlation.places import MANY

__all__ = ["parted"]


def parted(old: Group, number: int, members: Sequence[int], dedup: Dedup, cookbook: Cookbook) -> Group:
    """The group of that number, with these members in this order. Of those that are forgotten only their number is known."""
    known = [episode for episode in map(dedup.episode, members) if episode is not None]
    came = {episode.seat for episode in known}
    mine = covering(old.parts, came)
    others = [part for part in old.parts if came.isdisjoint(part.seats)]
    own = next((part for part in mine if number in part.seats), mine[-1] if mine else part_of(old))
    group = _empty(old, number, own, cookbook)
    group.bar = max([part.bar for part in mine], default=old.bar)  # before members speak: it says when they are enough
    group.parts = [part for part in old.parts if came > {*part.seats}]
    stay = {episode.seat for episode in map(dedup.episode, old.members.keys() - members) if episode is not None}
    _take_seats(group, known, came, came & stay if number != old.number else set(), own)
    _fill(group, members, dedup)
    if not known:
        group.opened_at, group.last_at, group.grown_at = old.opened_at, old.last_at, old.grown_at
    changes = remaining(old.changes, [part.changes for part in mine], [part.changes for part in others])
    group.changes = list(changes)[:MAX_CHANGES]
    if len(group.locations) >= MANY:
        kinds = remaining(old.outbreaks, [part.outbreaks for part in mine], [part.outbreaks for part in others])
        group.outbreaks = dict.fromkeys(list(kinds)[:MAX_KINDS])
    if mine:
        group.pace = min(part.pace for part in mine)
        group.recent = latest(*(part.recent for part in mine))
    group.deserved = False  # that is for those to say who part them
    group.called_at = max([part.called_at for part in mine if part.called_at > NEVER], default=old.called_at)
    return group


def _empty(old: Group, number: int, own: Part, cookbook: Cookbook) -> Group:
    """A group without members, by the recipe of that part."""
    group = Group(
        number=number,
        recipe=own.recipe,
        key=own.key,
        labels=own.labels,
        cook_for=old.cook_for,
        quiet_for=old.quiet_for,
        min_alerts=old.min_alerts,
        hops=old.hops,
        rate=old.rate,
        adaptive=old.adaptive,
        anywhere=old.anywhere,
        opened_at=FOREVER,
        last_at=NEVER,
        grown_at=NEVER,
        open=old.open,
    )
    compiled = cookbook.get(own.recipe)
    if compiled is not None:
        group.follow(compiled)
    return group


def _take_seats(
    group: Group, members: Sequence[Episode], came: AbstractSet[int], shared: AbstractSet[int], own: Part
) -> None:
    """Give the group a seat of its own number, for later members too: no two groups share one."""
    number = group.number
    if shared:  # of a part that is torn apart
        taken = shared
        group.parts = [part for part in group.parts if shared.isdisjoint(part.seats)]
    elif number not in came:
        taken = {min(came & {*own.seats} or came, default=number)}
        group.parts = [
            replace(part, seats=tuple(sorted([number if seat in taken else seat for seat in part.seats])))
            for part in group.parts
        ]
    else:
        return
    for episode in members:
        if episode.seat in taken:
            episode.seat = number


def _fill(group: Group, members: Sequence[int], dedup: Dedup) -> None:
    """Take the members, as of when they came."""
    kept = frozenset(members)
    for member in members:
        episode = dedup.episode(member)
        if episode is None:
            group.members[member] = None
            group.size += 1
            continue
        if episode.muted_by not in kept:  # a person says that it is no effect of that
            episode.muted_by = 0
        group.take(episode, episode.joined)
        group.begins(episode.sort, episode.joined)
        if episode.lasting and episode.full >= FAINT:
            turned = episode.since if episode.active else min(episode.resolved_at, episode.turned_at)
            group.spoke_at = max(group.spoke_at, turned)
