"""What messages are put together from: headers, paragraphs, lists, output, buttons. Each stays in the room it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.chat.harmless import harmless, one_line
from bot.chat.lengths import clip, length
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import (
    ACTIONS,
    COMMAND,
    CONFIRM_BUTTON,
    CONFIRM_TEXT,
    CONFIRM_TITLE,
    HEADER,
    LABEL,
    Block,
    size,
    weight,
)
from bot.chat.slack.richtext import elements, preformatted, section
from bot.chat.views import Button, Code, Picture, Text

__all__ = [
    "ALT",
    "bullets",
    "buttons",
    "header",
    "image",
    "output",
    "paragraphs",
    "plain_text",
    "rich_text",
]

PRESSED = "command:"  # begins the action_id of a button; its value is the command
LINE = 1_500  # bytes of one line of a list
SHORTEST = 120  # bytes: with less left, a line is not begun
ALT = 400  # bytes of what describes a picture; Slack takes 2,000 characters
ROW = 3  # buttons beside each other, at most
CONTAINER = 80  # bytes that a block costs before anything is in it


def plain_text(words: str, limit: int) -> Block:
    """A text without any form: mentions, links and :emoji: stand as they are written."""
    return {"type": "plain_text", "text": clip(one_line(words, 4 * limit), limit) or "-", "emoji": False}


def header(words: str) -> Block:
    """The first line, in large letters."""
    return {"type": "header", "text": plain_text(words, HEADER)}


def rich_text(parts: list[Block]) -> Block:
    """A block of paragraphs, lists and output."""
    return {"type": "rich_text", "elements": parts}


def paragraphs(lines: Iterable[Text | list[Block]], audience: Audience, room: int) -> tuple[list[Block], bool]:
    """Lines beneath each other as one block or none, and whether all of them are there whole.

    A line that is drawn already (a list of elements) is taken as it is, or left out.
    """
    drawn: list[Block] = []
    left, whole = room - CONTAINER, True
    for line in lines:
        if left < SHORTEST:
            whole = False
            break
        made, complete = (line, True) if isinstance(line, list) else elements(line, audience, left - CONTAINER)
        cost = size(section(made)) + 1
        whole = whole and complete and cost <= left
        if made and cost <= left:
            drawn.append(section(made))
            left -= cost
    return ([rich_text(drawn)] if drawn else []), whole


def bullets(lines: Sequence[Text], audience: Audience, room: int) -> tuple[list[Block], bool]:
    """A list as one block or none; the lines that have no room are counted beneath it."""
    drawn: list[Block] = []
    left, whole, shown = room - 3 * CONTAINER - SHORTEST, True, 0
    for line in lines:
        if left < SHORTEST:
            break
        made, complete = elements(line, audience, min(LINE, left - CONTAINER))
        shown += 1
        whole = whole and complete
        if made:
            drawn.append(section(made))
            left -= size(section(made)) + 1
    parts: list[Block] = []
    if drawn:
        parts.append({"type": "rich_text_list", "style": "bullet", "elements": drawn})
    if shown < len(lines):
        more = f"... {_lines(len(lines) - shown)} more"
        parts.append(section([{"type": "text", "text": more}]))
    return ([rich_text(parts)] if parts else []), whole and shown == len(lines)


def output(printed: str, room: int, *, last: bool) -> tuple[list[Block], bool]:
    """What a program printed, as one block or none; cut by lines: the `last` of them are kept, or the first."""
    lines = harmless(printed, 4 * len(printed) + 80).strip("\n").split("\n")
    left = room - 3 * CONTAINER - SHORTEST
    if not any(line.strip() for line in lines) or left < SHORTEST:
        return [], not printed.strip()
    kept: list[str] = []
    for line in reversed(lines) if last else lines:
        cost = weight(line) + 2 + CONTAINER * (len(line) // 1_000)
        if cost > left:
            break
        kept.append(line)
        left -= cost
    if not kept:  # one line is longer than there is room
        kept = [_part(lines[-1] if last else lines[0], left, last=last)]
        if len(lines) == 1:
            return [rich_text([preformatted(kept[0])])], False
    rest = len(lines) - len(kept)
    if not rest:
        return [rich_text([preformatted("\n".join(lines))])], True
    shown = "\n".join(reversed(kept) if last else kept) or " "
    more = section([{"type": "text", "text": f"... {_lines(rest)} {'before' if last else 'more'}"}])
    return [rich_text([more, preformatted(shown)] if last else [preformatted(shown), more])], False


def image(picture: Picture | None, file: str) -> list[Block]:
    """A picture that Slack has, with its words for whoever cannot see it; nothing where it has none."""
    if picture is None or not file:
        return []
    alt = one_line(picture.alt, 4 * ALT)
    while weight(alt) > ALT:
        alt = clip(alt, length(alt) * 3 // 4)
    return [{"type": "image", "slack_file": {"id": file}, "alt_text": alt or f"A picture of {picture.incident}"[:80]}]


def buttons(offered: Sequence[Button], room: int) -> tuple[list[Block], tuple[Text, ...]]:
    """Buttons in even rows, and lines for those that had no place: what to type instead.

    A phone has room for two or three beside each other, and puts a fourth alone beneath them: two and two are better.
    """
    drawn: list[Block] = []
    typed: list[Text] = []
    left = room - CONTAINER * (1 + ACTIONS // ROW)
    for button in offered:
        command = harmless(button.command, 2 * COMMAND).strip()
        if not command:
            continue
        made = _button(button, command, len(drawn))
        if length(command) > COMMAND or len(drawn) == ACTIONS or size(made) + 1 > left:
            typed.append((f"{clip(one_line(button.label, 300), LABEL)}: ", Code(clip(f"/incident {command}", 200))))
            continue
        drawn.append(made)
        left -= size(made) + 1
    rows = -(-len(drawn) // ROW)
    each, more = divmod(len(drawn), rows) if rows else (0, 0)
    made_rows: list[Block] = []
    for number in range(rows):
        count = each + (number < more)
        made_rows.append({"type": "actions", "elements": drawn[:count]})
        drawn = drawn[count:]
    return made_rows, tuple(typed)


def _button(button: Button, command: str, index: int) -> Block:
    label = plain_text(button.label if button.label.strip() else command, LABEL)
    made: Block = {"type": "button", "text": label, "action_id": f"{PRESSED}{index}", "value": command}
    if button.style != "default":
        made["style"] = button.style
    if button.confirm.strip():
        made["confirm"] = {
            "title": plain_text(f"{clip(label['text'], CONFIRM_TITLE - 1)}?", CONFIRM_TITLE),
            "text": plain_text(button.confirm, CONFIRM_TEXT),
            "confirm": plain_text(label["text"], CONFIRM_BUTTON),
            "deny": plain_text("Not now", CONFIRM_BUTTON),
        }
        if button.style == "danger":
            made["confirm"]["style"] = "danger"
    return made


def _part(line: str, room: int, *, last: bool) -> str:
    """What of one long line has room; four bytes and an entity are the most that a character costs."""
    count = max(1, room // 6)
    ellipsis = "\N{HORIZONTAL ELLIPSIS}"
    return ellipsis + line[-count:] if last else line[:count] + ellipsis


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count:,} lines"
