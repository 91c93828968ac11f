"""Updates for stakeholders: when one was promised and does not come, whoever leads is reminded, once.

A reaction that sets the timer, and its handler. What an update is, the incident knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.chat.views import Code, Moment, Notice, Person, text
from bot.clock import duration
from bot.incidents import store
from bot.incidents.announcements import Announcements
from bot.incidents.events import Event, Merged, Resolved, Updated
from bot.incidents.model import Incident
from bot.scheduler import Handler
from bot.storage import timers
from bot.storage.database import Transaction
from bot.storage.timers import Timer

__all__ = ["UPDATE_DUE", "follow_updates", "overdue_updates"]

UPDATE_DUE = "update_due"


async def follow_updates(work: Transaction, incident: Incident, event: Event, at: float) -> None:  # noqa: ARG001 - a reaction
    """The reaction: the time until the next update runs from the last one, while the incident is open."""
    if not isinstance(event, Updated | Resolved | Merged):
        return
    due = incident.update.due if incident.update is not None else None
    if due is not None and incident.open:
        await timers.schedule(work, UPDATE_DUE, incident.ref, due, {"incident": incident.number})
    else:
        await timers.cancel(work, UPDATE_DUE, incident.ref)


def overdue_updates(announcements: Announcements, person: Callable[[str], Person]) -> Mapping[str, Handler]:
    """The handler: a direct message to whoever leads, else to who has it, else a word in the room."""

    async def handle(work: Transaction, timer: Timer, at: float) -> None:
        incident = await store.find(work.connection, timer.payload["incident"])
        last = incident.update if incident is not None and incident.open else None
        if incident is None or last is None or last.due is None:
            return
        incident.update = replace(last, overdue=True)
        await store.save(work, incident)
        notice = _reminder(incident, last.due, last.at, at)
        responsible = incident.commander or incident.acknowledged_by
        if responsible is not None:
            await announcements.direct(work, person(responsible), notice, at, incident=incident.number)
        else:
            await announcements.say(work, incident.number, notice, at)
        await announcements.refresh_card(work, incident.number, at)

    return {UPDATE_DUE: handle}


def _reminder(incident: Incident, due: float, told_at: float, at: float) -> Notice:
    return Notice(
        text=text(f"{incident.severity} {incident.ref} {incident.title}: an update was due at ", Moment(due), "."),
        details=(
            (
                f"The last one was {duration(at - told_at)} ago. Say how it stands: ",
                Code(f"/incident update {incident.ref} TEXT"),
            ),
            ("No more are needed? ", Code(f"/incident update {incident.ref} --last TEXT")),
        ),
        tone="warning",
    )
