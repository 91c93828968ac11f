"""The body of `muster check`: everything that is wrong with settings and catalogue, as compilers say it, and what is defined."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TextIO

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import cookbook
from bot.catalog.loader import read
from bot.catalog.runbook_schema import DEFAULT_ACTIONS, Actions
from bot.catalog.schema import schema
from bot.errors import ConfigError, Problem
from bot.settings import Settings

__all__ = ["check", "print_schema"]


def check(
    settings: Settings | ConfigError,
    catalog_path: Path | None,
    out: TextIO,
    *,
    actions: Actions = DEFAULT_ACTIONS,
    verbs: Collection[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Print all problems, or what is defined; 0 when both are good, else 1.

    `settings` are what `load_settings` returned or raised. Without a path the settings' catalogue is checked. With
    `environment`, secrets that the catalogue will ask for and that are not set are told, without failing for them.
    """
    problems: list[Problem] = settings.problems if isinstance(settings, ConfigError) else []
    if catalog_path is None and isinstance(settings, Settings):
        catalog_path = settings.catalog
    loaded = read(catalog_path, actions=actions, verbs=verbs)
    problems = [*problems, *loaded.problems]
    for problem in problems:
        print(problem, file=out)
    missing = [name for name in loaded.secrets if environment is not None and not environment.get(name)]
    if missing:
        print(f"note: {catalog_path} will ask for {', '.join(missing)}, which {_is(missing)} not set here", file=out)
    if problems or loaded.catalog is None:
        print(f"{_count(len(problems), 'problem')}.", file=out)
        return 1
    for doubt in loaded.doubts:
        print(f"note: {doubt}", file=out)
    for note in _not_yet(loaded.catalog):
        print(f"note: {catalog_path} {note}", file=out)
    print(_summary(loaded.catalog, catalog_path), file=out)
    return 0


def print_schema(out: TextIO, *, actions: Actions = DEFAULT_ACTIONS) -> int:
    """Print the JSON Schema of the catalogue: `muster check --schema`."""
    json.dump(schema(actions), out, indent=2, ensure_ascii=False)
    out.write("\n")
    return 0


def _not_yet(catalog: Catalog) -> Iterator[str]:
    """What is written there and means nothing to this version yet: better told now than found out in the night."""
    waiting = [policy.id for policy in catalog.escalations.values() if policy.quiet_hours]
    if waiting:
        yield f"gives {', '.join(waiting)} quiet hours, which are not kept yet: every page goes out at once"
    unread = [schedule.id for schedule in catalog.schedules.values() if schedule.ical and not schedule.layers]
    if unread:
        yield f"names a calendar for {', '.join(unread)}, which is not read yet: nobody is on call there"


def _summary(catalog: Catalog, path: Path | None) -> str:
    if path is None:
        return "Settings are good. There is no catalogue (MUSTER_CATALOG or --catalog): the defaults hold."
    counts = (
        (len(catalog.services), "service"),
        (len(catalog.people), "person"),
        (len(catalog.teams), "team"),
        (len(catalog.schedules), "schedule"),
        (len(catalog.escalations), "escalation policy"),
        (len(cookbook(catalog).recipes), "recipe"),
        (len(catalog.runbooks), "runbook"),
        (len(catalog.silences), "silence"),
    )
    defined = ", ".join(_count(number, noun) for number, noun in counts if number) or "nothing yet"
    return f"Settings and {path} are good: {defined}."


def _count(number: int, noun: str) -> str:
    plurals = {"person": "people", "escalation policy": "escalation policies"}
    return f"{number} {noun if number == 1 else plurals.get(noun, noun + 's')}"


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
