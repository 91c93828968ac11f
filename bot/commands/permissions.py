"""Who may use a verb: the verb's own word and the catalogue's `permissions`. Everybody may everything that neither restricts.

Pure. Which verbs there are, how one asks and how a refusal is told are not here, but for its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.catalog.catalog import Catalog
from bot.catalog.model import Who
from bot.commands.definition import PREFIX, Permit, Verb
from bot.responders import schedules

__all__ = ["may", "refusal"]


def may(path: Sequence[str], verb: Verb, permit: Permit) -> bool:
    """Whether they may use the verb of this path, `("runbook", "run")`; what is said of the longest part of it holds."""
    whos = _whos(path, permit.catalog)
    return verb.may(permit) and (whos is None or any(_is(who, permit) for who in whos))


def refusal(path: Sequence[str], permit: Permit) -> str:
    """Why not, and who may."""
    whos = _whos(path, permit.catalog)
    who = f": {' or '.join(_said(one, permit.catalog) for one in whos)} may" if whos else ""
    return f"You may not use {' '.join(path)} here{who}. What you may: {PREFIX} help"


def _whos(path: Sequence[str], catalog: Catalog) -> tuple[Who, ...] | None:
    parts = (" ".join(path[:count]) for count in range(len(path), 0, -1))
    return next((catalog.permissions[part] for part in parts if part in catalog.permissions), None)


def _is(who: Who, permit: Permit) -> bool:
    catalog, person = permit.catalog, permit.actor.id
    match who.kind:
        case "anyone":
            return True
        case "person":
            return who.name == person
        case "team":
            return who.name in permit.teams or any(team.id == who.name for team in catalog.teams_of(person))
        case "schedule" | "on-call":
            asked = [name for name in catalog.schedules if who.kind == "on-call" or name == who.name]
            return any(person == _on_call(catalog, name, permit.at) for name in asked)
        case "commander":  # the catalogue refuses it: no incident is known yet
            return False


def _on_call(catalog: Catalog, schedule: str, at: float) -> str:
    shift = schedules.on_call(catalog.schedules[schedule], at)
    return "" if isinstance(shift, schedules.Nobody) else shift.person


def _said(who: Who, catalog: Catalog) -> str:
    match who.kind:
        case "person":
            known = catalog.people.get(who.name)
            return known.name if known else who.name
        case "team":
            team = catalog.teams.get(who.name)
            return f"team {team.name if team else who.name}"
        case "schedule":
            return f"whoever is on call in {who.name}"
        case "on-call":
            return "whoever is on call"
        case _:
            return who.kind
