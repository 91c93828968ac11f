"""An early warning as a value, and what is said of it. Pure: nothing is read or decided here."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat.views import Button, Code, Moment, Notice, Strong, Text, text
from bot.clock import duration
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from correlation.beginnings import Step
from correlation.warning import told
from correlation.words import clean

__all__ = ["Warned", "notice", "place", "record", "share"]

NAMED = 5  # kinds of alerts that a notice names
TIMES = {1: "once", 2: "twice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A row of the table `warnings`."""

    id: int
    at: float
    told_at: float | None
    kept: str
    environment: str
    location: str
    past: int
    score: float
    matched: int
    expected: int
    taken: tuple[Step, ...]
    ahead: tuple[Step, ...]
    lead: float | None
    remains: float
    until: float
    reasons: tuple[str, ...]
    times: int
    without: int
    came: bool | None
    incident: int | None

    @property
    def ref(self) -> str:
        """How it is called."""
        return f"W{self.id}"


def notice(warned: Warned, past: Incident, incident: Incident | None) -> Notice:
    """What is told. `incident` is what is open already, or what it became; None where there is none, or not all may know."""
    what: Text = (Strong(place(warned.environment, warned.location, "Something")),)
    if incident is not None:
        what = (Strong(incident.ref), f" ({incident.title})")
    like: Text = (" begins like ", Strong(past.ref), f" ({past.severity} {past.title})")
    if warned.lead is not None:
        ahead = f", which had its room {duration(warned.lead)} after this point."
    else:
        ahead = f", which went on for {duration(warned.remains)} from here."
    details: tuple[Text, ...] = (
        (f"{share(warned)}: {_named(warned.taken)}.",),
        *(((f"Then came {told(warned.ahead[0])}.",),) if warned.ahead else ()),
        (f"{record(warned)} {warned.reasons[-1][:1].upper()}{warned.reasons[-1][1:]}.",),
    )
    if warned.came is None:
        end: Text = ("Whether it goes on so, nobody knows. How it ended then: ", Code(f"/incident show {past.ref}"))
        return Notice(
            text=text("Early warning: ", *what, *like, ahead),
            details=(*details, end),
            tone="warning",
            buttons=(Button(label=f"Show {past.ref}", command=f"show {past.ref}"),),
        )
    said = text("Warned at ", Moment(warned.told_at or warned.at), ": ")
    if not warned.came:
        here = Strong(place(warned.environment, warned.location, "Something"))
        nothing = text("Nothing came of this by ", Moment(warned.until), ". ")
        return Notice(text=text(*nothing, *said, here, " began", *_began(like), "."), details=details, tone="info")
    if incident is None:
        return Notice(text=text("It came. ", *said, *what, " began", *_began(like), "."), details=details, tone="info")
    since = incident.opened_at - (warned.told_at or warned.at)
    when = f" was declared {duration(since)} later. " if since > 0 else f" is {incident.severity} now. "
    came = text(Strong(incident.ref), when, *said, "it began", *_began(like), ".")
    return Notice(
        text=came,
        details=details,
        tone="info",
        buttons=(Button(label=f"Show {incident.ref}", command=f"show {incident.ref}"),),
    )


def place(environment: str, location: str, otherwise: str = "this place") -> str:
    """Where, in words.

    >>> place("prod", "eu"), place("", "", "here")
    ('prod, eu', 'here')
    """
    return ", ".join(clean(one, 40) for one in (environment, location) if one) or otherwise


def share(warned: Warned) -> str:
    """`The first 4 of its 6 ...`: how far it follows the known one."""
    past, kinds = ref(warned.past), f"{warned.expected} kinds of alerts"
    came = f"came before {past}" if warned.lead is not None else f"{past} began with"
    if warned.matched == warned.expected:
        return f"The first {kinds} that {came} are here, in the same order"
    return f"{warned.matched} of the first {kinds} that {came} are here, in the same order"


def record(warned: Warned) -> str:
    """How often this was seen, and what came of it."""
    seen = f"Seen {TIMES.get(warned.times, f'{warned.times} times')} before"
    if warned.times == 1:
        return f"{seen}."
    if not warned.without:
        return f"{seen}, each time with an incident."
    return f"{seen}, {TIMES.get(warned.without, f'{warned.without} times')} without an incident."


def _named(steps: tuple[Step, ...]) -> str:
    names = [told(step) for step in steps]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _began(like: Text) -> Text:
    """` begins like INC-12` without its verb."""
    return (" like ", *like[1:])
