"""Two groups are one from now on: sketch into sketch, whatever they hold. What each was is kept for a split to find again.

Which ones are one is for people to say, for the alert that fits both, and for the repair pass.

>>> from correlation import Alert, Engine
>>> engine = Engine()
>>> _ = engine.ingest([Alert(at=0.0, name="Slow", service="cart"), Alert(at=5.0, name="DiskFull", service="mail")])
>>> engine.merge("G1", "G2")
>>> engine.group("G2").services
(('cart', 1), ('mail', 1))
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from correlation.groups import MAX_KINDS, MAX_MEMBERS, MAX_RECENT, MAX_RESTLESS, MAX_SERVICES, MOST, Group
from correlation.parts import MAX_PARTS, Part

__all__ = ["absorb", "latest", "part_of"]


def absorb(group: Group, other: Group) -> None:
    """Take over all of another group, which is used no more."""
    group.parts = [*group.parts, *other.parts, part_of(group), part_of(other)][-MAX_PARTS:]
    group.opened_at = min(group.opened_at, other.opened_at)
    if other.last_at > group.last_at:
        group.endless = other.endless
    group.last_at = max(group.last_at, other.last_at)
    group.grown_at = max(group.grown_at, other.grown_at)
    group.pace = min(group.pace, other.pace)
    group.weight += other.weight
    group.faded += other.faded
    group.bar = max(group.bar, other.bar)
    # The few go to the many: uniting two storms must not cost what both of them hold.
    few, many = sorted((group.members, other.members), key=len)
    for member in islice(few, MAX_MEMBERS - len(many)):
        many[member] = None
    group.members = many
    group.size += other.size
    group.alerts += other.alerts
    group.firing += other.firing
    group.lasting += other.lasting
    group.loud += other.loud
    group.spoke_at = max(group.spoke_at, other.spoke_at)
    group.called_at = max(group.called_at, other.called_at)
    group.joins = sorted([*group.joins, *other.joins])[-group.rate :] if group.rate else []
    group.news += other.news
    group.novel_at = max(group.novel_at, other.novel_at)
    group.worst = min(group.worst, other.worst)
    for mine, theirs in ((group.services, other.services), (group.others, other.others)):
        for name, tally in theirs.items():
            have = mine.get(name)
            if have is not None:
                have.unite(tally)
            elif len(mine) < MAX_SERVICES:
                mine[name] = tally
    for ours, values, most in zip(group.values(), other.values(), MOST, strict=True):
        for value, count in values.items():
            if value in ours or len(ours) < most:
                ours[value] = ours.get(value, 0) + count
    group.recent = latest(group.recent, other.recent)
    group.effects += other.effects
    group.rhythm.unite(other.rhythm)
    group.restless = dict.fromkeys(sorted({*group.restless, *other.restless})[-MAX_RESTLESS:])
    for change in other.changes:
        group.touch(change)
    group.apart = sorted({*group.apart, *other.apart} - {group.number, other.number})
    a, b = group.telling, other.telling
    if (b.rank, -b.opening, b.at, b.episode) < (a.rank, -a.opening, a.at, a.episode):
        group.telling = b
    group.outbreaks = dict(islice({**group.outbreaks, **other.outbreaks}.items(), MAX_KINDS))
    group.deserved = group.deserved or other.deserved
    group.weigh(group.last_at)


def part_of(group: Group) -> Part:
    """The group as it is, for a split to find again."""
    seats = {group.number, *(seat for part in group.parts for seat in part.seats)}
    return Part(
        seats=tuple(sorted(seats)),
        recipe=group.recipe,
        key=group.key,
        labels=group.labels,
        bar=group.bar,
        pace=group.pace,
        called_at=group.called_at,
        changes=tuple(group.changes),
        outbreaks=tuple(group.outbreaks),
        recent=dict(group.recent),
    )


def latest(*recent: Mapping[str, float]) -> dict[str, float]:
    """The sorts of alerts that began last in any of several groups."""
    began = sorted([one for group in recent for one in group.items()], key=lambda one: (one[1], one[0]))
    return dict(list(dict(began).items())[-MAX_RECENT:])
