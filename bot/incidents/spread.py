"""An incident that spreads from service to service within seconds is told as one notice, which is kept current. Pure but for
reading the timeline: it says what has joined, so no state is kept here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.views import Notice, Strong, Text, text
from bot.clock import duration
from bot.incidents import timeline
from bot.incidents.model import Incident
from bot.incidents.timeline import Entry

__all__ = ["Burst", "newest"]

WINDOW = 120.0  # seconds from the first of a burst; what joins later is news again
NAMED = 6  # services in the sentence; a phone shows two lines of it
REASONS = 5  # lines beneath it


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What to say, and the key of the message that says it."""

    key: str
    notice: Notice


async def newest(connection: AsyncConnection, incident: Incident) -> Burst | None:
    """The burst of the newest line of the timeline that tells of a spread; None when there is none."""
    lines = [entry for entry in await timeline.read(connection, incident.number, timeline.SPREAD) if entry.data]
    if not lines:
        return None
    burst = [lines[0]]
    for line in lines[1:]:
        if line.at > burst[0].at + WINDOW:
            burst.clear()
        burst.append(line)
    return Burst(key=f"spread:{burst[0].id}", notice=_notice(burst, incident))


def _notice(burst: Sequence[Entry], incident: Incident) -> Notice:
    services = list(dict.fromkeys(str(service) for line in burst for service in line.data["services"]))
    joined = max(1, incident.alert_count - int(burst[0].data["before"]))
    count = "1 more alert" if joined == 1 else f"{joined:,} more alerts"
    to = text("Spread to ", Strong(_named(services)))
    if len(burst) == 1:
        return Notice(text=text(*to, f": {count}. {burst[0].data['words']}".rstrip()), tone="warning")
    took = duration(burst[-1].at - burst[0].at)
    within = f" within {took}" if took != "0 s" else ""
    reasons: list[Text] = [
        (f"{_named(line.data['services'])}: {str(line.data['words']).removeprefix('Joined: ')}",)
        for line in burst
        if line.data["words"]
    ]
    more: list[Text] = [(f"and {len(reasons) - REASONS:,} more: see why",)] if len(reasons) > REASONS else []
    return Notice(text=text(*to, f"{within}: {count}."), details=(*reasons[:REASONS], *more), tone="warning")


def _named(services: Sequence[str]) -> str:
    """
    >>> _named(["cart"]), _named(list("abcdefgh"))
    ('cart', 'a, b, c, d, e, f and 2 more services')
    """
    rest = len(services) - NAMED
    shown = ", ".join(services[:NAMED])
    return shown if rest <= 0 else f"{shown} and {rest} more service{'s' if rest > 1 else ''}"
