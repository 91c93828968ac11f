"""What a card says on a chat platform, line by line; how a line is drawn, and how long it may be, is the platform's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.chat.harmless import one_line
from bot.chat.lengths import clip
from bot.chat.views import Card, Code, Link, RoleHolder, ServiceCount, Span, Strong, Text, text
from bot.clock import duration

__all__ = [
    "MARKS",
    "Timed",
    "alerts_line",
    "card_words",
    "cause_lines",
    "headline",
    "labelled",
    "links_line",
    "roles_line",
    "services_line",
    "status_line",
    "whole_line",
]

MARKS = {  # state by shape as well as by colour; one, at the line's start
    "open": "\N{LARGE RED CIRCLE}",
    "acknowledged": "\N{LARGE ORANGE DIAMOND}",
    "mitigated": "\N{LARGE BLUE DIAMOND}",
    "resolved": "\N{WHITE HEAVY CHECK MARK}",
}
SERVICES = 8  # named, the worst hit first: a phone has no room for more before the cause
SUSPECTS = 5
ROLES = 6
LINKS = 3  # more would be rows of them on a phone
NAME = 60  # characters of a service, a place, a role, a link's words


@dataclass(frozen=True, slots=True)
class Timed:
    """A line with a moment in it that is drawn with how long ago it was: `Open since 02:14 (3 min ago), nobody leads`."""

    before: Text
    at: float
    after: Text = ()


def headline(card: Card, mark: str = "") -> str:
    """How bad, which incident, what is broken."""
    return one_line(f"{mark} {card.severity} {card.incident} {card.title}", 2_000)


def card_words(card: Card) -> tuple[Text, ...]:
    """The card for a lock screen."""
    who = f", {card.lead.name} leads" if card.lead else ", nobody leads"
    alerts = f", {_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else ""
    where = ", ".join(part for part in (card.location, card.environment) if part)
    return (
        (headline(card),),
        text(f"{card.status}{who}{alerts}{f', {where}' if where else ''}"),
    )


def status_line(card: Card) -> Timed:
    """Where it stands since when, and who leads."""
    if card.status == "resolved" and card.resolved_at is not None:
        began = card.first_alert_at if card.first_alert_at is not None else card.opened_at
        after = "the first alert" if card.first_alert_at is not None else "it was declared"
        took = card.resolved_at - began
        told = f", {duration(took)} after {after}" if 0 <= took < 1e9 else ""
        led = (", led by ", card.lead) if card.lead else ()
        return Timed((Strong("Resolved"), " at "), card.resolved_at, text(told, *led))
    status = one_line(card.status, 80)
    lead: Text = (", led by ", card.lead) if card.lead else (", nobody leads",)
    return Timed((Strong(status[:1].upper() + status[1:]), " since "), card.status_since, lead)


def alerts_line(card: Card) -> Timed:
    """How many alerts since when, and where."""
    where = ", ".join(clip(one_line(part, 400), NAME) for part in (card.location, card.environment) if part.strip())
    place = text(f", {where}" if where else "")
    if card.first_alert_at is None:
        return Timed(("Declared at ",), card.opened_at, place)
    count = f"{_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else "No alerts any more"
    return Timed((Strong(count), ", since " if card.firing_count else ", the first at "), card.first_alert_at, place)


def services_line(services: Sequence[ServiceCount]) -> Text:
    """Which services, the worst hit first, with their alerts; the rest counted."""
    if not services:
        return ()
    shown = [
        f"{clip(one_line(one.name, 400), NAME)}{f' {one.count:,}' if one.count else ''}" for one in services[:SERVICES]
    ]
    rest = services[SERVICES:]
    alerts = sum(one.count for one in rest)
    more = f" and {len(rest):,} more with {_counted(alerts)}" if rest else ""
    return (Strong("Services"), f" {', '.join(shown)}{more}")


def roles_line(roles: Sequence[RoleHolder]) -> Text:
    """Who has which role beside leading it."""
    spans: list[Span] = []
    for one in roles[:ROLES]:
        spans += [", " if spans else " ", f"{clip(one_line(one.role, 400), NAME)} ", one.person]
    more = f" and {len(roles) - ROLES:,} more" if len(roles) > ROLES else ""
    return (Strong("Roles"), *spans, more) if spans else ()


def cause_lines(card: Card) -> list[Text]:
    """What it probably is, which changes are suspect, and what it is not."""
    lines = [labelled("Probably", card.cause), *(labelled("Suspect", one) for one in card.suspects[:SUSPECTS])]
    if len(card.suspects) > SUSPECTS:
        lines.append(text(f"and {len(card.suspects) - SUSPECTS:,} more suspects: ", Code("/incident changes")))
    return [line for line in (*lines, labelled("Ruled out", card.ruled_out)) if line]


def links_line(card: Card, drawable: Callable[[str], bool]) -> Text:
    """What people want to open, the best first, of what the platform can draw as a link; the rest is counted."""
    links = [link for link in card.links if drawable(link.url)]
    shown: list[Span] = []
    for link in links[:LINKS]:
        shown += [", " if shown else " ", Link(clip(one_line(link.label, 400), NAME), link.url)]
    if (rest := len(links) - LINKS) > 0:
        shown += [f" and {rest} more: ", Code(f"/incident show {one_line(card.incident, 80)}")]
    return (Strong("Links"), *shown) if shown else ()


def whole_line(card: Card, whole: Text) -> Text:
    """Where to read what a message had no room for."""
    return ("Shortened here. All of it: ", Code(f"/incident show {one_line(card.incident, 80)}"), " or ", *whole)


def labelled(label: str, said: Text) -> Text:
    """`Probably payments-api: first at 02:14`; nothing where nothing is said."""
    return (Strong(label), " ", *said) if said else ()


def _firing(card: Card) -> str:
    return "all" if card.firing_count == card.alert_count else f"{card.firing_count:,}" if card.firing_count else "none"


def _counted(count: int) -> str:
    return "1 alert" if count == 1 else f"{count:,} alerts"
