"""A group as others see it: figures, the largest first, and what is likely.

>>> from correlation import Alert, Engine
>>> engine = Engine()
>>> _ = engine.ingest([Alert(at=0.0, name="Slow", service="cart"), Alert(at=5.0, name="Slow", service="cart", host="cart-2")])
>>> one = engine.group("G1")
>>> one.title, one.size, one.services, one.hosts
('cart slow', 2, (('cart', 2),), (('cart-2', 1),))
"""

from __future__ import annotations

from correlation.decision import Cause, Flapping, GroupView, Suspect
from correlation.groups import SEVERITIES, Group
from correlation.words import largest

__all__ = ["view"]


def view(
    group: Group, causes: tuple[Cause, ...], suspects: tuple[Suspect, ...], flapping: tuple[Flapping, ...]
) -> GroupView:
    """The group as it stands."""
    return GroupView(
        id=group.id,
        number=group.number,
        recipe=group.recipe,
        opened_at=group.opened_at,
        last_at=group.last_at,
        open=group.open,
        deserves=group.deserved,
        title=group.title(),
        everywhere=group.everywhere,
        severity=SEVERITIES[group.worst],
        active=group.firing,
        size=group.size,
        alerts=group.alerts,
        episodes=tuple(sorted(group.members)),
        services=largest({name: tally.episodes for name, tally in group.services.items()}),
        classes=largest(group.classes),
        hosts=largest(group.hosts),
        locations=largest(group.locations),
        environments=largest(group.environments),
        causes=causes,
        suspects=suspects,
        effects=group.effects,
        flapping=flapping,
    )
