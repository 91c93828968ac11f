"""What must work, or should, for Muster to call itself ready: each part's own word on how it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.catalog.store import CatalogStore
from bot.errors import ConfigError, StorageUnavailable
from bot.incidents.pipeline import Pipeline
from bot.intake.journal import Journal
from bot.storage.database import Database
from bot.storage.room import check_room
from bot.web.parts import HealthCheck

__all__ = ["checks"]


def checks(
    database: Database,
    journal: Journal,
    pipeline: Pipeline,
    catalog: CatalogStore,
    reload_problems: Callable[[], str],
    platforms: Mapping[str, Callable[[], Awaitable[str]]],
) -> tuple[HealthCheck, ...]:
    """The checks of a running Muster. A chat platform that is away degrades it: alerts are taken in, and told elsewhere."""

    async def written() -> str:
        if journal.trouble:
            raise StorageUnavailable(journal.trouble)
        return f"{journal.waiting} waiting"

    async def processed() -> str:
        if pipeline.trouble:
            raise StorageUnavailable(pipeline.trouble)
        return f"{pipeline.behind().deliveries} behind"

    async def catalogue() -> str:
        if problems := reload_problems():
            raise ConfigError(f"the last reload failed, the old catalogue is in use: {problems}")
        return "loaded" if catalog.current.digest else "none: defaults are in use"

    return (
        HealthCheck(name="journal", check=written),
        HealthCheck(name="pipeline", check=processed),
        HealthCheck(name="catalog", check=catalogue, essential=False),
        HealthCheck(name="disk", check=partial(check_room, database), essential=False),
        *(HealthCheck(name=name, check=check, essential=False) for name, check in platforms.items()),
    )
