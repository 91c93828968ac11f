"""The actions of runbooks, one file each: put a file here that holds `ACTION`, and steps may use it. See `bot.runbooks.action`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.runbooks.action import Action

__all__ = ["discover", "parameters"]


def discover() -> dict[str, Action]:
    """Every action of this package by its name, which is its module's name."""
    actions: dict[str, Action] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        action = importlib.import_module(f"{__name__}.{module.name}").ACTION
        if not isinstance(action, Action) or action.name != module.name:
            raise TypeError(f"{__name__}.{module.name} must hold ACTION, an Action named {module.name!r}")
        actions[action.name] = action
    return actions


def parameters() -> Mapping[str, TypeAdapter[Any]]:
    """What each action's key in the catalogue holds: for whoever reads or checks a catalogue."""
    return {name: action.parameters for name, action in discover().items()}
