"""The card of an incident in Slack's blocks: on a phone the first screen says what is broken, how bad, who has it, what to do."""

from __future__ import annotations

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
from bot.chat.harmless import one_line
from bot.chat.lengths import clip, length
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import HEADER, Block
from bot.chat.slack.parts import buttons, header, paragraphs
from bot.chat.slack.richtext import elements, is_web, since
from bot.chat.views import Card, Text

__all__ = ["card_blocks"]

TITLE = 600  # characters of a title that a header cannot hold
ADDRESS = 300  # characters: longer ones would take the room of all the others
BEFORE, AFTER = 600, 1_000  # bytes of a line's words before and behind its moment
BUTTONS, FACTS, CAUSE, NEXT, MORE = (
    2_800,
    2_700,
    2_700,
    1_200,
    700,
)  # bytes; with the header (850) and a picture (550) less than a message


def card_blocks(card: Card, audience: Audience) -> list[Block]:
    """At most 7 blocks."""
    title = headline(card, MARKS.get(card.status, ""))
    row, typed = buttons(card.buttons, BUTTONS)
    longer: tuple[Text, ...] = (
        (("Title: ", clip(one_line(card.title, 2 * TITLE), TITLE)),) if length(title) > HEADER else ()
    )
    facts, all_facts = paragraphs(
        [
            _timed(status_line(card), audience),
            _timed(alerts_line(card), audience),
            *_said(services_line(card.services), roles_line(card.roles), labelled("Last update", card.update)),
            *longer,
        ],
        audience,
        FACTS,
    )
    why, all_why = paragraphs(cause_lines(card), audience, CAUSE)
    links = links_line(card, lambda url: is_web(url) and length(url) <= ADDRESS)
    step, all_step = paragraphs(_said(labelled("Next", card.next_step), links, *typed), audience, NEXT)
    cut = not (all_facts and all_why and all_step) or length(card.title) > TITLE
    more: list[Block] = []
    if cut:
        more, _ = paragraphs([whole_line(card, audience.whole)], audience, MORE)
    return [header(title), *facts, *why, *step, *more, *row]


def _timed(line: Timed, audience: Audience) -> list[Block]:
    before, _ = elements(line.before, audience, BEFORE)
    after, _ = elements(line.after, audience, AFTER)
    return [*before, *since(line.at, audience.now), *after]


def _said(*lines: Text) -> list[Text]:
    return [line for line in lines if line]
