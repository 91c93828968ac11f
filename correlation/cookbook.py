"""Recipes as operators write them, compiled once: which alerts may open a group, which belong together, for how long.

Reading YAML, durations and people is the catalogue's business; values arrive here plain (seconds, matcher texts).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, get_args

import msgspec

from correlation.alert import Alert
from correlation.lookup import Lookup
from correlation.matchers import Matcher, MatcherError, Matchers, value_of
from correlation.topology import MAX_HOPS

__all__ = [
    "DEFAULT_COOKBOOK",
    "DEFAULT_RECIPE",
    "Asked",
    "Compiled",
    "Cookbook",
    "CookbookError",
    "OpensPolicy",
    "Recipe",
]

SIMILAR_FIELDS = ("text", "name", "class", "service", "host", "location", "environment")
Match = Literal["closest", "first"]
MAX_RATE = 100  # members within a minute; a group keeps the moments of so many
PLACES = ("location", "environment")  # where it is: topology never stands in for these


class CookbookError(ValueError):
    """The recipes cannot be used; `problems` lists (recipe, key, what is wrong)."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"recipe {name}: {key}: {what}" for name, key, what in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpensPolicy:
    """What an incident that this recipe opens looks like. An empty severity follows the worst alert."""

    severity: str = ""
    private: bool = False
    invite: tuple[str, ...] = ("on-call",)
    auto_resolve: float | None = None  # seconds after all is clear; None: offer it, never do it


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way in which alerts belong together.

    `trigger`: all must hold for an alert to open a group. `exclude`: any keeps an alert out. `similar`: least likeness
    per field, 0..1; likeness in what (text, name, class, service, host) is not asked for between services within `hops`;
    likeness in where (location, environment) always is; what an alert lacks is not asked for. With neither `similar` nor
    `group_by` the engine's own score decides. Times are seconds.
    """

    name: str
    trigger: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    similar: dict[str, float] = field(default_factory=dict)
    hops: int = 3
    group_by: tuple[str, ...] = ()
    cook_for: float = 2 * 3600.0
    quiet_for: float = 600.0
    min_alerts: int = 1
    rate: int = 0  # members within a minute without which it calls nobody; 0 asks for none
    match: Match = "closest"
    opens: OpensPolicy = field(default_factory=OpensPolicy)


class Compiled:
    """A recipe made ready to ask."""

    __slots__ = ("by_rule", "default", "exclude", "recipe", "similar", "trigger")

    def __init__(self, recipe: Recipe, *, default: bool = False) -> None:
        problems: list[tuple[str, str, str]] = []

        def parse(key: str, texts: Iterable[str]) -> tuple[Matchers, ...]:
            out: list[Matchers] = []
            if isinstance(texts, str):
                problems.append((recipe.name, key, f"must be several texts, not one: ({texts!r},)"))
                return ()
            for text in texts:
                try:
                    out.append(Matchers.parse(text))
                except MatcherError as error:
                    problems.append((recipe.name, key, str(error)))
            return tuple(out)

        self.recipe = recipe
        self.default = default
        self.trigger = parse("trigger", recipe.trigger) or (_NOT_INFO,)
        self.exclude = parse("exclude", recipe.exclude)
        self.similar = tuple(recipe.similar.items())
        self.by_rule = bool(recipe.similar or recipe.group_by)
        problems += [
            (recipe.name, f"similar.{key}", f"must be one of {', '.join(SIMILAR_FIELDS)}")
            for key in recipe.similar
            if key not in SIMILAR_FIELDS
        ]
        problems += [
            (recipe.name, f"similar.{key}", "must lie between 0 and 1")
            for key, least in recipe.similar.items()
            if not 0 <= least <= 1
        ]
        if not recipe.name:
            problems.append((recipe.name, "name", "is missing"))
        if recipe.match not in get_args(Match):
            problems.append((recipe.name, "match", f"must be one of {', '.join(get_args(Match))}"))
        for key, bad in (
            ("min_alerts", recipe.min_alerts < 1),
            ("rate", recipe.rate < 0),
            ("hops", recipe.hops < 0),
            ("cook_for", recipe.cook_for <= 0),
            ("quiet_for", recipe.quiet_for <= 0),
        ):
            if bad:
                problems.append((recipe.name, key, "is too small"))
        if recipe.rate > MAX_RATE:
            problems.append((recipe.name, "rate", f"must be at most {MAX_RATE}"))
        if recipe.hops > MAX_HOPS:
            problems.append((recipe.name, "hops", f"must be at most {MAX_HOPS}"))
        if problems:
            raise CookbookError(problems)

    def unmet(self, alert: Alert) -> Matchers | None:
        """The first trigger that does not hold.

        >>> str(Compiled(Recipe(name="mine", trigger=('service="cart"',))).unmet(Alert(at=0, name="x", service="web")))
        'service="cart"'
        """
        return next((matchers for matchers in self.trigger if not matchers.matches(alert)), None)

    def key(self, alert: Alert) -> tuple[str, ...]:
        """The exact values that members share; "" for what an alert lacks, as Alertmanager has it."""
        return tuple(value_of(alert, label) for label in self.recipe.group_by)


_NOT_INFO = Matchers((Matcher("severity", "!=", "info"),))
DEFAULT_RECIPE = Recipe(name="default")


class Asked(msgspec.Struct, frozen=True):
    """What the recipes say of an alert: by which it may open a group, and in whose groups it may not be."""

    opening: Compiled | None
    excluding: Collection[Compiled]


class Cookbook:
    """Recipes in order; the first that an alert triggers opens the group.

    The default recipe follows, unless told not to, or one of that name is given.

    What one of the operator's own recipes excludes, the default recipe does not take up.

    >>> book = Cookbook([Recipe(name="prod", exclude=('environment="dev"',))])
    >>> book.opening(Alert(at=0, name="x", environment="dev")) is None
    True
    >>> book.opening(Alert(at=0, name="x")).recipe.name
    'prod'
    """

    def __init__(self, recipes: Iterable[Recipe] = (), *, with_default: bool = True) -> None:
        self.recipes = tuple(recipes)
        self.with_default = with_default
        problems: list[tuple[str, str, str]] = []
        own: list[Compiled] = []
        for recipe in self.recipes:
            try:
                own.append(Compiled(recipe))
            except CookbookError as error:
                problems += error.problems
        names = [recipe.name for recipe in self.recipes]
        problems += [(name, "name", "is used twice") for name in dict.fromkeys(names) if names.count(name) > 1]
        if problems:
            raise CookbookError(problems)
        self.compiled = tuple(own)
        if with_default and "default" not in names:
            self.compiled += (Compiled(DEFAULT_RECIPE, default=True),)
        self.by_name = {compiled.recipe.name: compiled for compiled in self.compiled}
        self._opening = Lookup((chain.from_iterable(one.trigger), one) for one in self.compiled)
        self._excluding = Lookup((matchers, one) for one in self.compiled for matchers in one.exclude)
        self.groups_by = tuple(dict.fromkeys(one.recipe.group_by for one in self.compiled if one.recipe.group_by))
        self._last: tuple[Alert | None, Asked] = (None, Asked(None, ()))

    def get(self, name: str) -> Compiled | None:
        return self.by_name.get(name)

    def asked(self, alert: Alert) -> Asked:
        """What the recipes say of an alert. They are asked again and again while one is placed, and answer once."""
        if self._last[0] is not alert:
            excluding: Collection[Compiled] = ()
            if self._excluding and (own := self._excluding.meeting(alert)):
                excluding = {*own, *(compiled for compiled in self.compiled if compiled.default)}
            self._last = (alert, Asked(self._opening.first(alert, excluding), excluding))
        return self._last[1]

    def opening(self, alert: Alert) -> Compiled | None:
        """The recipe by which an alert may open a group."""
        return self.asked(alert).opening


DEFAULT_COOKBOOK = Cookbook()
