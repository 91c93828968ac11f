"""The card of an incident in Discord: on a phone the first screen says what is broken, how bad, who has it, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.chat.discord.audience import Audience
from bot.chat.discord.limits import clip, length
from bot.chat.discord.markdown import markdown, since
from bot.chat.discord.parts import Attachment, buttons, lines, picture
from bot.chat.discord.shades import BAD, GOOD, MITIGATED, WARNING
from bot.chat.harmless import one_line
from bot.chat.views import Card, Code, Link, RoleHolder, ServiceCount, Strong, Text, text
from bot.clock import duration

__all__ = ["COLOURS", "MARKS", "card_items", "card_words"]

MARKS = {  # state by shape as well as by colour; one, at the line's start
    "open": "\N{LARGE RED CIRCLE}",
    "acknowledged": "\N{LARGE ORANGE DIAMOND}",
    "mitigated": "\N{LARGE BLUE DIAMOND}",
    "resolved": "\N{WHITE HEAVY CHECK MARK}",
}
COLOURS = {"open": BAD, "acknowledged": WARNING, "mitigated": MITIGATED, "resolved": GOOD}
SERVICES = 12  # named, the worst hit first
SUSPECTS = 5
LINKS = 8
ROLES = 6
NAME = 60  # characters of a service
TITLE = 300  # characters of the headline
# Weight; with the picture's words (300) less than a message (4,000).
BUTTONS, HEAD, FACTS, CAUSE, NEXT, MORE = 700, 500, 800, 900, 500, 200


def card_items(card: Card, audience: Audience) -> tuple[list[ui.Item[Any]], list[Attachment], int]:
    """What stands in the card's box, the picture's file, and the colour at its side."""
    rows, typed, _ = buttons(card.buttons, audience, BUTTONS)
    gallery, file, alt = picture(card.picture)
    title = clip(_headline(card, MARKS.get(card.status, "")), TITLE)
    head, all_head = markdown((title,), audience, HEAD)
    facts, all_facts = lines(
        [_status(card, audience), _alerts(card, audience), _services(card.services), _roles(card.roles)],
        audience,
        FACTS,
        flat=True,
    )
    causes: list[Text] = [
        _labelled("Probably", card.cause),
        *(_labelled("Suspect", one) for one in card.suspects[:SUSPECTS]),
    ]
    if len(card.suspects) > SUSPECTS:
        causes.append(text(f"and {len(card.suspects) - SUSPECTS:,} more suspects: ", Code("/incident changes")))
    causes += [_labelled("Ruled out", card.ruled_out), _labelled("Last update", card.update)]
    why, all_why = lines(causes, audience, CAUSE, flat=True)
    step, all_step = lines([_labelled("Next", card.next_step), _links(card.links), *typed, (alt,)], audience, NEXT)
    more: list[str] = []
    if not (all_head and all_facts and all_why and all_step) or length(_headline(card)) > TITLE - 4:
        more = [_whole(card, audience)]
    items: list[ui.Item[Any]] = [ui.TextDisplay(f"### {head}\n{facts}")]
    if why:
        items += [ui.Separator(), ui.TextDisplay(why)]
    if step or more:
        items += [ui.Separator(), ui.TextDisplay("\n".join(part for part in (step, *more) if part))]
    items += rows
    if gallery and file:
        items.append(gallery)
    return items, [file] if file else [], COLOURS.get(card.status, BAD)


def card_words(card: Card) -> tuple[Text, ...]:
    """The card in words."""
    who = f", {card.lead.name} leads" if card.lead else ", nobody leads"
    alerts = f", {_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else ""
    where = ", ".join(part for part in (card.location, card.environment) if part)
    return (
        (_headline(card),),
        text(f"{card.status}{who}{alerts}{f', {where}' if where else ''}"),
    )


def _headline(card: Card, mark: str = "") -> str:
    return one_line(f"{mark} {card.severity} {card.incident} {card.title}", 2_000)


def _status(card: Card, audience: Audience) -> str:
    lead, _ = markdown((", led by ", card.lead) if card.lead else (", nobody leads",), audience, 200)
    if card.status == "resolved" and card.resolved_at is not None:
        began = card.first_alert_at if card.first_alert_at is not None else card.opened_at
        after = "the first alert" if card.first_alert_at is not None else "it was declared"
        took = f", {duration(card.resolved_at - began)} after {after}" if _finite(card.resolved_at - began) else ""
        return f"**Resolved** at {since(card.resolved_at, audience.now)}{took}{lead if card.lead else ''}"
    status = one_line(card.status, 80)
    first, _ = markdown((Strong(status[:1].upper() + status[1:]), " since "), audience, 200)
    return f"{first}{since(card.status_since, audience.now)}{lead}"


def _alerts(card: Card, audience: Audience) -> str:
    where = ", ".join(clip(one_line(part, 400), NAME) for part in (card.location, card.environment) if part.strip())
    place, _ = markdown((f", {where}" if where else "",), audience, 300)
    if card.first_alert_at is None:
        return f"Declared at {since(card.opened_at, audience.now)}{place}"
    count = f"{_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else "No alerts any more"
    return f"**{count}**, since {since(card.first_alert_at, audience.now)}{place}"


def _services(services: Sequence[ServiceCount]) -> Text:
    if not services:
        return ()
    shown = [
        f"{clip(one_line(one.name, 400), NAME)}{f' {one.count:,}' if one.count else ''}" for one in services[:SERVICES]
    ]
    rest = services[SERVICES:]
    alerts = sum(one.count for one in rest)
    more = f" and {len(rest):,} more with {_counted(alerts)}" if rest else ""
    return (Strong("Services"), f" {', '.join(shown)}{more}")


def _roles(roles: Sequence[RoleHolder]) -> Text:
    said: Text = ()
    for one in roles[:ROLES]:
        role = clip(one_line(one.role, 200), NAME)
        said += (", " if said else "", f"{role[:1].upper()}{role[1:]}: ", one.person)
    return (*said, f" and {len(roles) - ROLES} more") if len(roles) > ROLES else said


def _links(links: Sequence[Link]) -> Text:
    shown: list[str | Link] = []
    for link in links[:LINKS]:
        shown += [", " if shown else "", Link(clip(one_line(link.label, 400), NAME), link.url)]
    return text(*shown)


def _labelled(label: str, said: Text) -> Text:
    return (Strong(label), " ", *said) if said else ()


def _whole(card: Card, audience: Audience) -> str:
    command = f"/incident show {one_line(card.incident, 80)}"
    line, _ = markdown(("Shortened here. All of it: ", Code(command), " or ", *audience.whole), audience, MORE - 10)
    return f"-# {line}".replace("\n", " ")


def _firing(card: Card) -> str:
    return "all" if card.firing_count == card.alert_count else f"{card.firing_count:,}" if card.firing_count else "none"


def _counted(count: int) -> str:
    return "1 alert" if count == 1 else f"{count:,} alerts"


def _finite(seconds: float) -> bool:
    return 0 <= seconds < 1e9
