"""What a delivery says to the engine: parsed, completed by the catalogue, muted by silences. Nothing is decided or kept here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from bot.catalog.catalog import Catalog
from bot.errors import MalformedPayload
from bot.incidents.muting import Muting
from bot.intake.journal import Delivery
from bot.intake.source import Source
from correlation.alert import Alert, Change

__all__ = ["TICK", "Reading", "read"]

TICK = "muster"  # the source of deliveries of our own that say nothing but how late it is; no webhook has that name


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One delivery as the engine is to see it: alerts completed by the catalogue, each with the reason that mutes it or None."""

    alerts: list[Alert] = field(default_factory=list)
    muted: list[str | None] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    tick: float | None = None  # how late it is, when nothing but that is said


def read(delivery: Delivery, sources: Mapping[str, Source], catalog: Catalog, muting: Muting) -> Reading:
    """What the delivery says. MalformedPayload when this version of its source no longer understands it."""
    if delivery.source == TICK:
        return Reading(tick=delivery.received_at)
    source = sources.get(delivery.source)
    if source is None:
        raise MalformedPayload(f"no source {delivery.source!r} any more")
    parsed = source.parse(delivery.body, delivery.headers, delivery.received_at)
    alerts = [catalog.complete(alert) for alert in parsed.alerts]
    return Reading(
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
