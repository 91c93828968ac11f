"""What deliveries say to the engine: parsed, completed by the catalogue, muted by silences. Nothing is decided or kept here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from bot.catalog.catalog import Catalog
from bot.engine.messages import Reading
from bot.errors import MalformedPayload
from bot.incidents.muting import Muting
from bot.intake.journal import Delivery
from bot.intake.source import Source
from bot.storage.database import Announcement, Database
from bot.telemetry import get_logger
from bot.turns import Turns
from correlation.alert import Change

__all__ = ["TICK", "Reader", "read"]

log = get_logger(__name__)

TICK = "muster"  # the source of deliveries of our own that say nothing but how late it is; no webhook has that name
BREATH = 0.001  # seconds after which webhooks and commands have their turn


class Reader:
    """Reads deliveries by the catalogue and the silences as they are now.

    Whoever asks holds the engine, so that no silence begins or ends between what is read and what is told.
    """

    def __init__(
        self, database: Database, *, sources: Mapping[str, Source], catalog: Callable[[], Catalog], turns: Turns
    ) -> None:
        self._database, self._sources, self._catalog, self._turns = database, sources, catalog, turns
        self._muting: Muting | None = None
        self._breath_at = 0.0
        database.subscribe(self._hear)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.topic == "silence":
            self._muting = None

    async def read_all(self, deliveries: Sequence[Delivery]) -> list[Reading]:
        """What deliveries say, in order; nothing, where this version no longer understands one."""
        if self._muting is None:
            async with self._database.reading() as connection:
                self._muting = await Muting.load(connection)
        muting, found = self._muting, list[Reading]()
        for delivery in deliveries:
            try:
                found.append(self.read(delivery, muting))
            except MalformedPayload as error:
                log.warning("delivery_no_longer_understood", delivery=delivery.id, reason=str(error))
                found.append(Reading(position=delivery.id, received_at=delivery.received_at))
            if time.perf_counter() >= self._breath_at:
                await self._turns.give()
                self._breath_at = time.perf_counter() + BREATH
        return found

    def read(self, delivery: Delivery, muting: Muting) -> Reading:
        """As the function, by what holds now."""
        return read(delivery, self._sources, self._catalog(), muting)


def read(delivery: Delivery, sources: Mapping[str, Source], catalog: Catalog, muting: Muting) -> Reading:
    """What one delivery says. MalformedPayload when this version of its source no longer understands it."""
    if delivery.source == TICK:
        return Reading(position=delivery.id, received_at=delivery.received_at, tick=delivery.received_at)
    source = sources.get(delivery.source)
    if source is None:
        raise MalformedPayload(f"no source {delivery.source!r} any more")
    parsed = source.parse(delivery.body, delivery.headers, delivery.received_at)
    alerts = [catalog.complete(alert) for alert in parsed.alerts]
    return Reading(
        position=delivery.id,
        received_at=delivery.received_at,
        alerts=alerts,
        muted=[muting.muted(alert, delivery.id, delivery.received_at) for alert in alerts],
        changes=[owned for change in parsed.changes for owned in _owned(change, catalog)],
    )


def _owned(change: Change, catalog: Catalog) -> list[Change]:
    """The change for each service whose repository it is in; itself when it names its service, or nobody claims it."""
    if change.service or not change.repository:
        return [change]
    services = catalog.services_of_repository(change.repository)
    if len(services) < 2:
        return [msgspec.structs.replace(change, service=s.id) for s in services] or [change]
    return [msgspec.structs.replace(change, id=f"{change.id}#{s.id}", service=s.id) for s in services]
