"""The line of an incident in a channel where others talk: one block that is kept current, with the way to the room at its end."""

from __future__ import annotations

import re

from bot.chat.card import MARKS
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import Block
from bot.chat.slack.richtext import elements, section
from bot.chat.views import Announcement

__all__ = ["announcement_blocks"]

LINE = 3_000  # bytes; a phone shows two lines of it
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")  # a channel's id


def announcement_blocks(line: Announcement, audience: Audience) -> list[Block]:
    """One block."""
    mark = MARKS.get(line.status, "")
    drawn, _ = elements((f"{mark} " if mark else "", *line.text), audience, LINE)
    if _CHANNEL.fullmatch(line.room):
        drawn += [{"type": "text", "text": ". "}, {"type": "channel", "channel_id": line.room}]
    return [{"type": "rich_text", "elements": [section(drawn)]}]
