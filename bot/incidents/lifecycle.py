"""When an incident's alerts clear, fire again, or cannot make up their minds: what is told of it, and when.

What flaps is told once and kept current; that all cleared is believed only when nothing changed for a while. How it is worded
is the announcements' business.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat.views import MUSTER
from bot.incidents import store
from bot.incidents.closing import AUTO_RESOLVE
from bot.incidents.events import Event, FiresAgain, Flapped
from bot.incidents.model import Incident
from bot.incidents.service import Incidents
from bot.scheduler import Handler
from bot.storage import timers
from bot.storage.database import Transaction
from bot.storage.timers import Timer
from correlation.decision import Flapping, GroupView
from correlation.dedup import CALM
from correlation.words import plural, span

__all__ = ["SETTLE", "follow", "settling"]

SETTLE = "settle"  # the timer that runs while something flaps
NAMED = 5  # alerts that one notice names


async def follow(
    work: Transaction, incident: Incident, view: GroupView, at: float, *, turned: bool, again: str
) -> list[Event]:
    """What is to be told after a batch; `turned`: something that flaps changed, `again`: what fires anew, in words."""
    events: list[Event] = []
    if turned and view.flapping:
        told = await timers.find(work.connection, SETTLE, incident.ref)
        alerts = tuple(_words(one) for one in view.flapping[:NAMED])
        until = max(one.until for one in view.flapping)
        events.append(Flapped(alerts=alerts, count=len(view.flapping), until=until, first=told is None))
        payload = {"incident": incident.number, "alerts": alerts, "count": len(view.flapping), "until": until}
        await timers.schedule(work, SETTLE, incident.ref, at + CALM, payload)
    if incident.firing_count:
        if incident.cleared_at is not None:
            events.append(
                FiresAgain(alerts=incident.alert_count, cleared_at=incident.cleared_at, words=f"{again} fires again")
            )
            incident.cleared_at = None
            await timers.cancel(work, AUTO_RESOLVE, incident.ref)
    elif not view.flapping and (cleared := incident.clear(at)):
        events.append(cleared)
    return events


def settling(incidents: Incidents) -> Mapping[str, Handler]:
    """The handler for what has flapped and made up its mind: all is clear, or it fires on."""

    async def handle(work: Transaction, timer: Timer, at: float) -> None:
        incident = await store.find(work.connection, timer.payload["incident"])
        if incident is None or incident.merged_into is not None:
            return
        said = timer.payload
        events: list[Event] = [
            Flapped(alerts=tuple(said["alerts"]), count=said["count"], until=said["until"], over=True)
        ]
        if incident.firing_count and not incident.open:
            events.append(incident.reopen(MUSTER, at, f"{said['alerts'][0]}. It fires on since."))
        elif not incident.firing_count and (cleared := incident.clear(at)):
            events.append(cleared)
        await store.save(work, incident)
        for event in events:
            await incidents.react(work, incident, event, at)

    return {SETTLE: handle}


def _words(one: Flapping) -> str:
    return f"{one.what} flapping: {plural(one.changes, 'change')} in {span(one.until - one.since)}"
