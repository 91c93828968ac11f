"""What messages are put together from: lines, lists, output, pictures, buttons. Each stays in the room that it is given.

A button's custom_id is what it does, so that it works after a restart and nothing needs to be kept for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import discord
from discord import ui

from bot.chat.discord.audience import Audience
from bot.chat.discord.limits import (
    BUTTONS_OF_A_ROW,
    CUSTOM_ID,
    LABEL,
    MENU_PLACEHOLDER,
    OPTION_LABEL,
    OPTIONS,
    fit,
    weight,
)
from bot.chat.discord.markdown import fence, markdown
from bot.chat.harmless import harmless, one_line
from bot.chat.lengths import clip, length
from bot.chat.views import Button, Code, Picture, Text

__all__ = [
    "DISMISS",
    "MORE",
    "RUNS",
    "Attachment",
    "Press",
    "Sheet",
    "attached",
    "bullets",
    "buttons",
    "custom_id",
    "lines",
    "output",
    "picture",
    "pressed",
    "small",
]

RUNS, ASKS = "m:", "c"  # begin the custom_id of a button that runs a command; that asks first
DISMISS = "x:"  # of the button that takes a private answer away
MORE = "s:more"  # of the menu whose values are custom_ids of buttons that had no place
IN_ROWS = 10  # buttons; more are a row and a menu
ALT = 300  # weight of what describes a picture; Discord takes 1,024 characters
LINE = 1_200  # weight of one line of a list
LINES, SCREEN = 24, 14  # lines of output that are shown whole; of more, as many as a phone shows beside the rest
SHORTEST = 60  # weight: with less left, a line is not begun
QUESTION = 12  # characters: with less room, a question is not begun
FRAME = 24  # weight that a button or an option costs beside its words
STYLES = {
    "default": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}
_ASKS = re.compile(r"c([0-9]{1,3}):", re.ASCII)
_INDENTED = re.compile(r"\s*\n\s*")
_FILE_NAME = re.compile(r"[^A-Za-z0-9.\-]+")  # Discord writes others anew, and the picture would not be found
FILE = 1_000_000  # characters of an attached output; a server takes 10 MiB


class Sheet(ui.LayoutView):
    """A message of components that discord.py sends and forgets: what is pressed says itself what it does."""

    def __init__(self, items: Iterable[ui.Item[Any]]) -> None:
        super().__init__(timeout=None)
        for item in items:
            self.add_item(item)

    def is_finished(self) -> bool:
        """discord.py keeps views that are not finished, for ever."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a message shows."""

    name: str
    data: bytes = field(repr=False)
    description: str = ""

    def file(self) -> discord.File:
        """As discord.py sends it, once."""
        return discord.File(BytesIO(self.data), filename=self.name, description=self.description or None)


@dataclass(frozen=True, slots=True)
class Press:
    """What somebody pressed: a command, and, where it is to be asked first, the question ("" where it had no room)."""

    command: str
    asks: bool = False
    question: str = ""


def lines(said: Iterable[Text | str], audience: Audience, room: int, *, flat: bool = False) -> tuple[str, bool]:
    """Lines beneath each other, and whether all of them are there whole; `flat` ones have no line ends of their own.

    A `str` is markdown already: all of it, or nothing.
    """
    drawn: list[str] = []
    left, whole = room, True
    for line in said:
        if not line:
            continue
        if left < SHORTEST:
            return "\n".join(drawn), False
        made, complete = (line, True) if isinstance(line, str) else markdown(line, audience, left - 1)
        made = made.replace("\n", " ") if flat else made
        whole = whole and complete and weight(made) < left
        if made.strip() and weight(made) < left:
            drawn.append(made)
            left -= weight(made) + 1
    return "\n".join(drawn), whole


def bullets(said: Sequence[Text], audience: Audience, room: int) -> tuple[str, bool]:
    """A list; the lines that have no room are counted beneath it. A line that begins with two spaces belongs to the one above."""
    drawn: list[str] = []
    left, whole, shown = room - SHORTEST, True, 0
    for line in said:
        if left < SHORTEST:
            break
        made, complete = markdown(line, audience, min(LINE, left - SHORTEST // 2))
        inner = "  " if line[:1] == ("  ",) and drawn else ""
        item = f"{inner}- {_INDENTED.sub(chr(10) + '  ' + inner, made.strip())}"  # an empty line would end the list
        if weight(item) >= left:
            break
        shown += 1
        whole = whole and complete
        if made.strip():
            drawn.append(item)
            left -= weight(item) + 1
    if shown < len(said):
        drawn.append(small(f"{_lines(len(said) - shown)} more"))
    return "\n".join(drawn), whole and shown == len(said)


def output(printed: str, room: int, *, last: bool) -> tuple[str, bool]:
    """What a program printed; cut by lines: the `last` of them are kept, or the first. What is cut is to be attached."""
    rows = harmless(printed, 4 * len(printed) + 80).strip("\n").split("\n")
    left = room - SHORTEST
    if not any(row.strip() for row in rows) or left < SHORTEST:
        return "", not printed.strip()
    kept: list[str] = []
    most = len(rows) if len(rows) <= LINES else SCREEN
    for row in reversed(rows) if last else rows:
        if weight(row) + 1 > left or len(kept) == most:
            break
        kept.append(row)
        left -= weight(row) + 1
    if not kept:  # one line is longer than there is room
        kept = [_part(rows[-1] if last else rows[0], left // 2, last=last)]
    rest = len(rows) - len(kept)
    shown = fence("\n".join(reversed(kept) if last else kept))
    if not rest:
        return shown, len(rows) > 1 or kept[0] == rows[0]
    more = small(f"{_lines(rest)} {'before' if last else 'more'}")
    return (f"{more}\n{shown}" if last else f"{shown}\n{more}"), False


def attached(printed: str) -> Attachment:
    """All of the output, to read beside the message."""
    return Attachment(name="output.txt", data=harmless(printed, FILE).encode())


def picture(shown: Picture | None) -> tuple[ui.MediaGallery[Any] | None, Attachment | None, str]:
    """A picture as a gallery and its file, and its words where there is no picture to show."""
    if shown is None:
        return None, None, ""
    alt = fit(one_line(shown.alt, 4 * ALT), ALT)
    if not shown.png:
        return None, None, alt
    name = _FILE_NAME.sub("-", one_line(shown.name, 200).removesuffix(".png")).strip("-.")[:60] or "picture"
    file = Attachment(name=f"{name}.png", data=shown.png, description=alt)
    item = discord.MediaGalleryItem(f"attachment://{file.name}", description=alt or None)
    return ui.MediaGallery(item), file, ""


def small(words: str) -> str:
    """A line of small print."""
    return f"-# ... {words}"


def custom_id(button: Button) -> str:
    """What a button is to say when it is pressed; "" where its command is too long for that.

    >>> custom_id(Button(label="Ack", command="ack INC-42"))
    'm:ack INC-42'
    >>> custom_id(Button(label="Resolve", command="resolve INC-42", confirm="2 alerts fire."))
    'c14:resolve INC-42 2 alerts fire.'
    """
    command = harmless(button.command, 2 * CUSTOM_ID).strip()
    if not command:
        return ""
    if not button.confirm.strip():
        made = f"{RUNS}{command}"
    else:
        made = f"{ASKS}{len(command)}:{command}"
        room = CUSTOM_ID - length(made) - 1
        made += f" {clip(one_line(button.confirm, 4 * CUSTOM_ID), room)}" if room >= QUESTION else ""
    return made if length(made) <= CUSTOM_ID else ""


def pressed(said: str) -> Press | None:
    """What a custom_id of ours (or a value of the menu MORE) means; None where it is none of these.

    >>> pressed("m:ack INC-42")
    Press(command='ack INC-42', asks=False, question='')
    >>> pressed("c14:resolve INC-42 2 alerts fire.")
    Press(command='resolve INC-42', asks=True, question='2 alerts fire.')
    """
    if said.startswith(RUNS):
        return Press(said.removeprefix(RUNS))
    if found := _ASKS.match(said):
        rest, count = said[found.end() :], int(found[1])
        return Press(rest[:count], asks=True, question=rest[count + 1 :])
    return None


def buttons(offered: Sequence[Button], room: int) -> tuple[list[ui.ActionRow[Any]], tuple[Text, ...], int]:
    """Rows of buttons, lines for those that had no place (what to type instead), and how much room they take.

    Up to ten stand in rows; of more the first five do, and the others in a menu.
    """
    drawn: list[ui.Button[Any]] = []
    typed: list[Text] = []
    left, seen = room, set[str]()
    most = IN_ROWS if len(offered) <= IN_ROWS else BUTTONS_OF_A_ROW
    options: list[discord.SelectOption] = []
    for button in offered:
        command = harmless(button.command, 4 * CUSTOM_ID).strip()
        if not command or command in seen:
            continue
        seen.add(command)
        label = clip(one_line(button.label if button.label.strip() else command, 4 * LABEL), LABEL)
        said = custom_id(button)
        cost = weight(label) + weight(said) + FRAME
        if said and cost <= left and len(drawn) < most:
            drawn.append(ui.Button(label=label, custom_id=said, style=STYLES[button.style]))
            left -= cost
        elif said and cost <= left and len(options) < OPTIONS:
            options.append(discord.SelectOption(label=clip(label, OPTION_LABEL), value=said))
            left -= cost
        else:
            typed.append((f"{label}: ", Code(f"/incident {command}")))
    return [*_rows(drawn), *_menu(options)], tuple(typed), room - left


def _rows(drawn: Sequence[ui.Button[Any]]) -> list[ui.ActionRow[Any]]:
    """As even as can be: six are twice three."""
    count = -(-len(drawn) // BUTTONS_OF_A_ROW)
    size = -(-len(drawn) // count) if count else 1
    return [ui.ActionRow(*drawn[start : start + size]) for start in range(0, len(drawn), size)]


def _menu(options: list[discord.SelectOption]) -> list[ui.ActionRow[Any]]:
    if not options:
        return []
    hint = clip(f"{len(options)} more", MENU_PLACEHOLDER)
    return [ui.ActionRow(ui.Select(custom_id=MORE, placeholder=hint, options=options))]


def _part(line: str, room: int, *, last: bool) -> str:
    """What of one long line has room; two is the most that a character weighs."""
    count = max(1, room - 2)
    ellipsis = "\N{HORIZONTAL ELLIPSIS}"
    return ellipsis + line[-count:] if last else line[:count] + ellipsis


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
