"""What the engine made of a batch, written down in one transaction: groups, alerts, and the incidents that they open and change.

When a batch is read and written, and what follows when it cannot be, is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import update

from bot.catalog.catalog import Catalog
from bot.changes import ledger
from bot.chat.views import MUSTER
from bot.clock import Clock
from bot.engine.batch import COLUMNS, Batch, Rankings, Touched
from bot.incidents import lifecycle, store, timeline
from bot.incidents.causes import take_rankings
from bot.incidents.events import Declared, Joined, SeverityLevel
from bot.incidents.grading import severity_of
from bot.incidents.grouping import Grouping, Heard
from bot.incidents.model import Incident
from bot.incidents.service import Incidents
from bot.storage import tables
from bot.storage.database import BulkUpsert, Transaction, upsert
from bot.telemetry import Metrics, get_logger
from correlation.decision import GroupView
from correlation.warning import EarlyWarning

__all__ = ["Writer"]

log = get_logger(__name__)

Warnings = Callable[[Transaction, Sequence[EarlyWarning]], Awaitable[None]]

_SEEN = ("severity", "status", "summary", "count", "last_seen", "began_at", "resolved_at", "muted")
_SETTLED = (*_SEEN, "group_id", "held", "settled_at", "reason", "evidence_json", "labels_json", "links_json")


class Writer:
    """Writes one batch after the other; what deserves it becomes an incident."""

    def __init__(
        self,
        clock: Clock,
        *,
        grouping: Grouping,
        incidents: Incidents,
        catalog: Callable[[], Catalog],
        metrics: Metrics,
        warnings: Warnings | None = None,
    ) -> None:
        self._clock, self._grouping, self._incidents, self._catalog = clock, grouping, incidents, catalog
        self._metrics, self._warnings = metrics, warnings
        self._settled = BulkUpsert(tables.alerts, "id", _SETTLED, given=COLUMNS)
        self._seen = BulkUpsert(tables.alerts, "id", _SEEN, given=COLUMNS)

    async def write(self, work: Transaction, heard: Heard) -> None:
        """All of it, and how far the journal is done with; events are told to the reactions."""
        batch = heard.batch
        if heard.changes:
            await ledger.record(work, heard.changes)
        await self._write_groups(work, batch)
        if batch.settled:
            await self._settled.write(work.connection, list(batch.settled.values()))
        if batch.seen:
            await self._seen.write(work.connection, list(batch.seen.values()))
        surviving: dict[str, Touched] = {}
        for group, touched in batch.groups.items():
            surviving.setdefault(batch.surviving[group], Touched()).take(touched)
        known = await store.of_groups(work.connection, list(surviving))
        for group, touched in surviving.items():
            if (view := batch.views.get(group)) is not None:
                incident = known.get(group)
                rankings = await self._rankings(view, incident, batch.rankings.get(group))
                await self._update_incident(work, view, touched, incident, rankings)
        if batch.warned and self._warnings is not None:
            await self._warnings(work, batch.warned)
        if "noise" in batch.decisions:
            work.announce("alerts", incident=None)
        await self._grouping.heard(work, batch.position)

    async def _rankings(self, view: GroupView, incident: Incident | None, known: Rankings | None) -> Rankings:
        """What is likely, and what people ruled out last; the engine knows that for its next view by itself."""
        ruled_out = incident.ruled_out if incident is not None else ()
        if known is not None and set(known.ruled_out) == set(ruled_out):
            return known
        asked = await self._grouping.rankings(view.id, ruled_out) if ruled_out or known is not None else None
        return asked or Rankings(ruled_out=(), causes=view.causes, suspects=view.suspects, effects=view.effects)

    async def _write_groups(self, work: Transaction, batch: Batch) -> None:
        groups = tables.groups
        # Also those that were open before: a rebuild that differs knows groups that the database does not.
        rows = [
            {"id": group, "recipe": touched.recipe, "opened_at": touched.opened_at or self._clock.now()}
            for group, touched in batch.groups.items()
        ]
        if rows:
            await work.connection.execute(upsert(work.connection, groups).on_conflict_do_nothing(), rows)
        for lost, kept in batch.merged:
            owners = await store.of_groups(work.connection, [lost, kept])
            mine, theirs = owners.get(kept), owners.get(lost)
            if mine is None and theirs is not None:
                await store.adopt_group(work, kept, theirs.number)
            elif mine is not None and theirs is not None and mine.number != theirs.number:
                why = batch.why[lost].told(mine.ref, theirs.ref) if lost in batch.why else ""
                if theirs.private and not mine.private:  # what one of them must not say, both of them do not
                    mine, theirs = theirs, mine
                await self._incidents.unite(work, mine, theirs, MUSTER, self._clock.now(), why)
                await work.connection.execute(
                    update(groups).where(groups.c.incident == theirs.number).values(incident=mine.number)
                )
            owner = mine or theirs
            await work.connection.execute(
                update(groups)
                .where((groups.c.id == lost) | (groups.c.merged_into == lost))
                .values(merged_into=kept, incident=owner.number if owner else None)
            )

    async def _update_incident(
        self,
        work: Transaction,
        view: GroupView,
        touched: Touched,
        incident: Incident | None,
        rankings: Rankings,
    ) -> None:
        at = self._clock.now()
        if incident is None:
            if view.deserves:
                await self._declare(work, view, rankings, at)
            return
        before, count = {name for name, _ in incident.services}, incident.alert_count
        _take_figures(incident, view, rankings)
        events: list[Any] = []
        if incident.merged_into is None:
            if touched.fresh and not incident.open:
                why = next(iter(touched.reasons.values()), "")
                events.append(incident.reopen(MUSTER, at, f"an alert fires again. {why}".strip()))
            quiet = touched.muted - touched.reasons.keys()
            new = tuple(name for name, _ in incident.services if name not in before and name not in quiet)
            joined = max(touched.joined, incident.alert_count - count if touched.repaired else 0)
            if new and joined:
                repaired = f"Part of it all along: {touched.repaired}." if touched.repaired else ""
                words = next((touched.reasons[name] for name in new if name in touched.reasons), repaired)
                events.append(Joined(alerts=joined, new_services=new, words=words))
            if not incident.graded_by_person and (severity := self._severity(view)) < incident.severity:
                events.append(incident.change_severity(severity, MUSTER, touched.worst[1]))
            else:
                for worse in touched.worse:
                    await timeline.append(work, incident.number, at, "worse", MUSTER, worse)
            if view.everywhere and not incident.titled_by_person and incident.title != view.title:
                events.append(incident.rename(view.title, MUSTER))
            events += await lifecycle.follow(work, incident, view, at, turned=touched.turned, again=touched.again)
        await store.save(work, incident)
        for event in events:
            await self._incidents.react(work, incident, event, at)
        if not events:
            await self._incidents.refresh(work, incident, at)
        work.announce("alerts", incident=incident.number)

    async def _declare(self, work: Transaction, view: GroupView, rankings: Rankings, at: float) -> None:
        opens, severity = self._grouping.opens(view.recipe), self._severity(view)
        incident = Incident(
            number=0,
            title=view.title,
            severity=severity,
            status_since=at,
            opened_at=at,
            first_alert_at=view.opened_at,
            last_alert_at=view.last_at,
            recipe=view.recipe,
            private=opens.private or self._catalog().is_private((name for name, _ in view.services), severity),
            auto_resolve=opens.auto_resolve,
        )
        _take_figures(incident, view, rankings)
        await store.insert_incident(work, incident)
        await work.connection.execute(
            update(tables.groups).where(tables.groups.c.id == view.id).values(incident=incident.number)
        )
        firing = incident.firing_count > 0  # what is over already, as after a downtime, wakes nobody
        await self._incidents.react(work, incident, Declared(by=MUSTER, invite=opens.invite, page=firing), at)
        if not firing and (cleared := incident.clear(at)):
            await store.save(work, incident)
            await self._incidents.react(work, incident, cleared, at)
        work.announce("alerts", incident=incident.number)
        self._metrics.incidents.labels(incident.severity).inc()
        log.info("incident_declared", incident=incident.ref, severity=incident.severity, group=view.id)

    def _severity(self, view: GroupView) -> SeverityLevel:
        return severity_of(view, self._grouping.opens(view.recipe).severity, self._catalog())


def _take_figures(incident: Incident, view: GroupView, rankings: Rankings) -> None:
    incident.services = [(name, count) for name, count in view.services if name]
    incident.alert_count, incident.firing_count = view.size, view.active
    incident.first_alert_at = min(incident.first_alert_at, view.opened_at)
    incident.last_alert_at = max(incident.last_alert_at, view.last_at)
    incident.location = view.locations[0][0] if len(view.locations) == 1 else ""
    incident.environment = view.environments[0][0] if len(view.environments) == 1 else ""
    take_rankings(incident, rankings)
