"""What a recipe's own thresholds say of an alert and a group: `similar` per field, and `topology.hops`.

The operator's word, in which nothing is weighed.

>>> from correlation import Alert, Cookbook, Engine, Recipe
>>> engine = Engine(Cookbook([Recipe(name="by-place", similar={"location": 1.0, "text": 0.5})], with_default=False))
>>> decisions = engine.ingest([
...     Alert(at=0.0, name="DiskFull", location="eu", summary="disk 93 % full"),
...     Alert(at=5.0, name="DiskFull", location="eu", host="b", summary="disk 97 % full"),
...     Alert(at=6.0, name="DiskFull", location="us", summary="disk 91 % full"),
... ])
>>> [(one.group, one.code) for one in decisions]
[('G1', 'novel'), ('G1', 'by_recipe'), ('G2', 'novel')]
"""

from __future__ import annotations

from collections.abc import Collection

from correlation.cookbook import PLACES, Compiled
from correlation.features import Features, likeness
from correlation.groups import Group
from correlation.similarity import MISSING, Facts, Text, nearest

__all__ = ["accepts"]

_TEXT = Text()
_PLURALS = {
    "name": "names",
    "class": "classes",
    "service": "services",
    "host": "hosts",
    "location": "locations",
    "environment": "environments",
}


def accepts(compiled: Compiled, facts: Facts, group: Group, features: Features) -> bool | None:
    """What a recipe's own thresholds say; None where nothing could be compared (the score decides then)."""
    if compiled.recipe.group_by and not compiled.similar:
        return True if group.labels == compiled.recipe.group_by else None  # it opened before its recipe asked for that
    services = group.services
    near = facts.episode.service in services or (bool(facts.reach) and nearest(facts.reach, group) is not None)
    compared = asked_what = False
    for field, least in compiled.similar:
        if field not in PLACES:
            asked_what = True
            if near:
                compared = True
                continue
        score = _field(field, facts, group, features)
        if score >= 0.0:
            compared = True
            if score < least:
                return False
    if not asked_what and not near and facts.reach and services:
        return False
    return True if compared else None


def _field(field: str, facts: Facts, group: Group, features: Features) -> float:
    episode = facts.episode
    if field == "text":
        return _TEXT.score(facts, group, features)
    mine = episode.class_ if field == "class" else str(getattr(episode, field))
    values: Collection[str] = getattr(group, _PLURALS[field])
    if not mine or not values:
        return MISSING
    if mine in values:
        return 1.0
    return max(likeness(mine, other) for other in list(values)[:16])
