"""What the engine takes from the catalogue: its recipes as a cookbook, its services as a topology. The engine knows no YAML."""

from __future__ import annotations

from typing import Any

from bot.catalog.catalog import Catalog
from bot.catalog.model import RecipeSpec
from correlation.cookbook import Cookbook, OpensPolicy, Recipe
from correlation.topology import DEFAULT_TIER, Service, Topology

__all__ = ["cookbook", "topology"]


def cookbook(catalog: Catalog) -> Cookbook:
    """The catalogue's recipes in order, followed by the engine's default one."""
    return Cookbook(map(_recipe, catalog.recipes))


def topology(catalog: Catalog) -> Topology:
    """The service graph."""
    return Topology(
        tuple(
            Service(name=service.id, depends_on=service.depends_on, tier=service.tier or DEFAULT_TIER)
            for service in catalog.services.values()
        )
    )


def _recipe(spec: RecipeSpec) -> Recipe:
    opens = spec.opens
    said: dict[str, Any] = {
        "hops": spec.hops,
        "cook_for": spec.cook_for,
        "quiet_for": spec.quiet_for,
        "min_alerts": spec.min_alerts,
        "rate": spec.rate,
        "match": spec.match,
    }
    return Recipe(
        name=spec.name,
        trigger=tuple(map(str, spec.trigger)),
        exclude=tuple(map(str, spec.exclude)),
        similar=dict(spec.similar),
        group_by=spec.group_by,
        opens=OpensPolicy(
            severity=opens.severity or "",
            private=opens.private,
            invite=tuple(map(str, opens.invite)),
            auto_resolve=opens.auto_resolve,
        ),
        **{key: value for key, value in said.items() if value is not None},
    )
