"""The actions of runbooks, one file each: put a file here that holds `ACTION`, and steps may use it. See `bot.runbooks.action`."""

from __future__ import annotations

import importlib
import pkgutil

from bot.runbooks.action import Action

__all__ = ["discover"]


def discover() -> dict[str, Action]:
    """Every action of this package by its name, which is its module's name."""
    actions: dict[str, Action] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        action = importlib.import_module(f"{__name__}.{module.name}").ACTION
        if not isinstance(action, Action) or action.name != module.name:
            raise TypeError(f"{__name__}.{module.name} must hold ACTION, an Action named {module.name!r}")
        actions[action.name] = action
    return actions
