"""The card of an incident in Slack's blocks: on a phone the first screen says what is broken, how bad, who has it, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.harmless import one_line
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import HEADER, Block, clip, length
from bot.chat.slack.parts import buttons, header, paragraphs
from bot.chat.slack.richtext import elements, is_web, since
from bot.chat.views import Card, Code, Link, RoleHolder, ServiceCount, Span, Strong, Text, text
from bot.clock import duration

__all__ = ["MARKS", "card_blocks", "card_words"]

MARKS = {  # state by shape as well as by colour; one, at the line's start
    "open": "\N{LARGE RED CIRCLE}",
    "acknowledged": "\N{LARGE ORANGE DIAMOND}",
    "mitigated": "\N{LARGE BLUE DIAMOND}",
    "resolved": "\N{WHITE HEAVY CHECK MARK}",
}
SERVICES = 12  # named, the worst hit first
SUSPECTS = 5
ROLES = 6
LINKS = 8
NAME = 60  # characters of a service
TITLE = 600  # characters of a title that a header cannot hold
BUTTONS, FACTS, CAUSE, NEXT, MORE = (
    2_800,
    2_700,
    2_700,
    1_200,
    700,
)  # bytes; with the header (850) and a picture (550) less than a message


def card_blocks(card: Card, audience: Audience) -> list[Block]:
    """At most 7 blocks."""
    title = _headline(card, MARKS.get(card.status, ""))
    row, typed = buttons(card.buttons, audience, BUTTONS)
    longer: tuple[Text, ...] = (
        (("Title: ", clip(one_line(card.title, 2 * TITLE), TITLE)),) if length(title) > HEADER else ()
    )
    facts, all_facts = paragraphs(
        [
            _status(card, audience),
            _alerts(card, audience),
            _services(card.services),
            *([_roles(card.roles)] if card.roles else ()),
            *([_labelled("Last update", card.update)] if card.update else ()),
            *longer,
        ],
        audience,
        FACTS,
    )
    causes = [_labelled("Probably", card.cause), *(_labelled("Suspect", one) for one in card.suspects[:SUSPECTS])]
    causes.append(_labelled("Ruled out", card.ruled_out))
    if len(card.suspects) > SUSPECTS:
        causes.append(text(f"and {len(card.suspects) - SUSPECTS:,} more suspects: ", Code("/incident changes")))
    why, all_why = paragraphs([line for line in causes if line], audience, CAUSE)
    step, all_step = paragraphs(
        [line for line in (_labelled("Next", card.next_step), _links(card.links), *typed) if line], audience, NEXT
    )
    cut = not (all_facts and all_why and all_step) or length(card.title) > TITLE
    more: list[Block] = []
    if cut:
        more, _ = paragraphs([_whole(card, audience)], audience, MORE)
    return [header(title), *facts, *why, *step, *more, *row]


def card_words(card: Card) -> tuple[Text, ...]:
    """The card for a lock screen."""
    who = f", {card.lead.name} leads" if card.lead else ", nobody leads"
    alerts = f", {_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else ""
    where = ", ".join(part for part in (card.location, card.environment) if part)
    return (
        (_headline(card),),
        text(f"{card.status}{who}{alerts}{f', {where}' if where else ''}"),
    )


def _headline(card: Card, mark: str = "") -> str:
    return one_line(f"{mark} {card.severity} {card.incident} {card.title}", 2_000)


def _status(card: Card, audience: Audience) -> list[Block]:
    lead: Text = text(", led by ", card.lead) if card.lead else (", nobody leads",)
    if card.status == "resolved" and card.resolved_at is not None:
        began = card.first_alert_at if card.first_alert_at is not None else card.opened_at
        after = "the first alert" if card.first_alert_at is not None else "it was declared"
        took = f", {duration(card.resolved_at - began)} after {after}" if _finite(card.resolved_at - began) else ""
        ended, _ = elements(text(took, *(lead if card.lead else ())), audience, 800)
        first, _ = elements((Strong("Resolved"), " at "), audience, 400)
        return [*first, *since(card.resolved_at, audience.now), *ended]
    status = one_line(card.status, 80)
    first, _ = elements((Strong(status[:1].upper() + status[1:]), " since "), audience, 600)
    last, _ = elements(lead, audience, 800)
    return [*first, *since(card.status_since, audience.now), *last]


def _alerts(card: Card, audience: Audience) -> list[Block]:
    where = ", ".join(clip(one_line(part, 400), NAME) for part in (card.location, card.environment) if part)
    if card.first_alert_at is None:
        drawn, _ = elements(("Declared at ",), audience, 400)
        place, _ = elements((f", {where}" if where else "",), audience, 1_000)
        return [*drawn, *since(card.opened_at, audience.now), *place]
    count = f"{_counted(card.alert_count)}, {_firing(card)} firing" if card.alert_count else "No alerts any more"
    drawn, _ = elements((Strong(count), ", since "), audience, 400)
    place, _ = elements((f", {where}" if where else "",), audience, 1_000)
    return [*drawn, *since(card.first_alert_at, audience.now), *place]


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
    spans: list[Span] = []
    for one in roles[:ROLES]:
        spans += [", " if spans else " ", f"{clip(one_line(one.role, 400), NAME)} ", one.person]
    more = f" and {len(roles) - ROLES:,} more" if len(roles) > ROLES else ""
    return (Strong("Roles"), *spans, more)


def _links(links: Sequence[Link]) -> Text:
    shown: list[str | Link] = []
    for link in links[:LINKS]:
        if is_web(link.url) and length(link.url) <= 300:
            shown += [", " if shown else "", Link(clip(one_line(link.label, 400), NAME), link.url)]
    return text(*shown)


def _labelled(label: str, said: Text) -> Text:
    return (Strong(label), " ", *said) if said else ()


def _whole(card: Card, audience: Audience) -> Text:
    command = f"/incident show {one_line(card.incident, 80)}"
    return ("Shortened here. All of it: ", Code(command), " or ", *audience.whole)


def _firing(card: Card) -> str:
    return "all" if card.firing_count == card.alert_count else f"{card.firing_count:,}" if card.firing_count else "none"


def _counted(count: int) -> str:
    return "1 alert" if count == 1 else f"{count:,} alerts"


def _finite(seconds: float) -> bool:
    return 0 <= seconds < 1e9
