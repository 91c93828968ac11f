"""The card of an incident in Discord: on a phone the first screen says what is broken, how bad, who has it, what to do."""

from __future__ import annotations

from typing import Any

from discord import ui

from bot.chat.card import (
    MARKS,
    Timed,
    alerts_line,
    cause_lines,
    headline,
    labelled,
    links_line,
    roles_line,
    services_line,
    status_line,
    whole_line,
)
from bot.chat.discord.audience import Audience
from bot.chat.discord.markdown import markdown, since, web
from bot.chat.discord.parts import Attachment, buttons, lines, picture
from bot.chat.discord.shades import BAD, GOOD, MITIGATED, WARNING
from bot.chat.lengths import clip, length
from bot.chat.views import Card

__all__ = ["COLOURS", "card_items"]

COLOURS = {"open": BAD, "acknowledged": WARNING, "mitigated": MITIGATED, "resolved": GOOD}
TITLE = 300  # characters of the headline
BEFORE, AFTER = 200, 300  # weight of a line's words before and behind its moment
# Weight; with the picture's words (300) less than a message (4,000).
BUTTONS, HEAD, FACTS, CAUSE, NEXT, MORE = 700, 500, 800, 900, 500, 200


def card_items(card: Card, audience: Audience) -> tuple[list[ui.Item[Any]], list[Attachment], int]:
    """What stands in the card's box, the picture's file, and the colour at its side."""
    rows, typed, _ = buttons(card.buttons, BUTTONS)
    gallery, file, alt = picture(card.picture)
    title = clip(headline(card, MARKS.get(card.status, "")), TITLE)
    head, all_head = markdown((title,), audience, HEAD)
    facts, all_facts = lines(
        [
            _timed(status_line(card), audience),
            _timed(alerts_line(card), audience),
            services_line(card.services),
            roles_line(card.roles),
        ],
        audience,
        FACTS,
        flat=True,
    )
    why, all_why = lines([*cause_lines(card), labelled("Last update", card.update)], audience, CAUSE, flat=True)
    links = links_line(card, lambda url: web(url) is not None)
    step, all_step = lines([labelled("Next", card.next_step), links, *typed, (alt,)], audience, NEXT)
    more: list[str] = []
    if not (all_head and all_facts and all_why and all_step) or length(headline(card)) > TITLE - 4:
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


def _timed(line: Timed, audience: Audience) -> str:
    before, _ = markdown(line.before, audience, BEFORE)
    after, _ = markdown(line.after, audience, AFTER)
    return f"{before}{since(line.at, audience.now)}{after}"


def _whole(card: Card, audience: Audience) -> str:
    line, _ = markdown(whole_line(card, audience.whole), audience, MORE - 10)
    return f"-# {line}".replace("\n", " ")
