"""The sources, one file each: put a file here that holds `SOURCE`, and it is served. See `bot.intake.source`."""

from __future__ import annotations

import importlib
import pkgutil

from bot.intake.source import Source

__all__ = ["discover"]


def discover() -> dict[str, Source]:
    """Every source of this package by its name, which is its module's name."""
    sources: dict[str, Source] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        source = importlib.import_module(f"{__name__}.{module.name}").SOURCE
        if not isinstance(source, Source) or source.name != module.name:
            raise TypeError(f"{__name__}.{module.name} must hold SOURCE, a Source named {module.name!r}")
        sources[source.name] = source
    return sources
