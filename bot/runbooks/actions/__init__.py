"""The actions of runbooks, one file each: put a file here that holds `ACTION`, and steps may use it. See `bot.runbooks.action`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.discovery import by_name
from bot.runbooks.action import Action

__all__ = ["discover", "parameters"]


def discover() -> dict[str, Action]:
    """Every action of this package by its name, which is its module's name."""
    return by_name(__name__, "ACTION", Action)


def parameters() -> Mapping[str, TypeAdapter[Any]]:
    """What each action's key in the catalogue holds: for whoever reads or checks a catalogue."""
    return {name: action.parameters for name, action in discover().items()}
