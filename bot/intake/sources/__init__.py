"""The sources, one file each: put a file here that holds `SOURCE`, and it is served. See `bot.intake.source`."""

from __future__ import annotations

from bot.discovery import by_name
from bot.intake.source import Source

__all__ = ["discover"]


def discover() -> dict[str, Source]:
    """Every source of this package by its name, which is its module's name."""
    return by_name(__name__, "SOURCE", Source)
