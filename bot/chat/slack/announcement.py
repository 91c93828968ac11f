"""The line of an incident in a channel where others talk: one block that is kept current, with the way to the room at its end."""

from __future__ import annotations

from bot.chat.card import MARKS
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import Block
from bot.chat.slack.richtext import elements, section
from bot.chat.views import Announcement, Room

__all__ = ["announcement_blocks"]

ROOM = 200  # bytes of the way to the room
LINE = 3_000  # bytes; a phone shows two lines of it


def announcement_blocks(line: Announcement, audience: Audience) -> list[Block]:
    """One block."""
    mark = MARKS.get(line.status, "")
    drawn, _ = elements((f"{mark} " if mark else "", *line.text), audience, LINE)
    there, _ = elements((". ", Room(line.room, "")) if line.room else (), audience, ROOM)
    drawn += there if len(there) > 1 else []
    return [{"type": "rich_text", "elements": [section(drawn)]}]
