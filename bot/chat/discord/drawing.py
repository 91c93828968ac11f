"""Views and replies as Discord messages: components for eyes, words for what takes none, within limits whatever a view holds.

Nothing is sent from here, and no account is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot.chat.card import MARKS, card_words
from bot.chat.discord.audience import Audience
from bot.chat.discord.card import COLOURS, card_items
from bot.chat.discord.limits import CONTENT, LABEL, TEXT, weight
from bot.chat.discord.markdown import escape, markdown
from bot.chat.discord.parts import (
    DISMISS,
    RUNS,
    Attachment,
    Press,
    Sheet,
    attached,
    bullets,
    buttons,
    lines,
    output,
    picture,
)
from bot.chat.discord.shades import BAD, GOOD, WARNING
from bot.chat.harmless import one_line
from bot.chat.lengths import clip
from bot.chat.views import Announcement, Button, Card, Notice, Page, Picture, Reply, Room, Text, View

__all__ = ["Drawn", "Sheet", "draw", "draw_question", "finished"]

TONES: dict[str, tuple[str, int | None]] = {  # the sign of state at the line's start, and the colour beside it
    "info": ("", None),
    "good": ("\N{WHITE HEAVY CHECK MARK} ", GOOD),
    "warning": ("\N{LARGE ORANGE DIAMOND} ", WARNING),
    "bad": ("\N{LARGE RED CIRCLE} ", BAD),
}
PAGES: dict[str, int | None] = {"waiting": BAD, "answered": GOOD, "over": None}
SAID, BUTTONS, PRINTED = 1_600, 900, 1_600  # weight: of the sentence, of all buttons, kept free for output
MORE = 260  # weight of the line that says that something was cut


@dataclass(frozen=True, slots=True)
class Drawn:
    """What channel.send, a reply to an interaction, or an edit take to show something.

    `text` is the same in words, escaped, for what takes no components; a message has one or the other.
    """

    view: Sheet
    text: str
    attachments: tuple[Attachment, ...] = ()
    mentioned: tuple[int, ...] = ()

    @property
    def files(self) -> list[discord.File]:
        """New ones each time: a file is read once."""
        return [attachment.file() for attachment in self.attachments]

    @property
    def allowed_mentions(self) -> discord.AllowedMentions:
        """Those who are to be rung, and nobody else whatever the text says."""
        users = [discord.Object(account) for account in self.mentioned]
        return discord.AllowedMentions(everyone=False, roles=False, replied_user=False, users=users or False)


def draw(
    view: View | Reply,
    known: Callable[[str], str] = lambda _person: "",
    *,
    now: float | None = None,
    called: Collection[str] = (),
    whole: Text = ("the situation room",),
) -> Drawn:
    """How it looks in Discord. For the arguments see Audience."""
    audience = Audience(known=known, now=now, called=called, whole=whole)
    match view:
        case Card():
            items, files, colour = card_items(view, audience)
            return finished(_boxed(items, colour), card_words(view), audience, files)
        case Notice(text=said, details=details):
            mark, shade = TONES[view.tone]
            marked = (mark, *said)
            items, files = _message(marked, details, view.output, view.picture, view.buttons, audience, last=True)
            return finished(_boxed(items, shade) if shade else items, (marked, *details), audience, files)
        case Page():
            return finished(_boxed(_page(view, audience), PAGES[view.state]), (view.headline, view.body), audience)
        case Announcement(text=said):
            return finished(_boxed(_announcement(view, audience), COLOURS.get(view.status)), (said,), audience)
        case Reply(text=said, details=details):
            items, files = _message(said, details, view.output, view.picture, view.buttons, audience, last=False)
            return finished(_boxed(items, WARNING) if view.failed else items, (said, *details), audience, files)


def draw_question(press: Press, label: str = "") -> Drawn:
    """The private "Really?" of a button that asks first; `label` is the button's. What it says is done by pressing again."""
    audience = Audience()
    name = clip(one_line(label, 4 * LABEL) or press.command.split(" ", 1)[0].capitalize(), LABEL)
    asked: Text = (press.question or f"{name}: really?",)
    said, _ = lines([asked], audience, SAID)
    row: ui.ActionRow[Any] = ui.ActionRow(
        ui.Button(label=name, custom_id=f"{RUNS}{press.command}", style=discord.ButtonStyle.danger),
        ui.Button(label="Not now", custom_id=DISMISS, style=discord.ButtonStyle.secondary),
    )
    return finished(_boxed([ui.TextDisplay(said), row], WARNING), (asked,), audience)


def _boxed(items: Iterable[ui.Item[Any]], colour: int | None) -> list[ui.Item[Any]]:
    return [ui.Container(*items, accent_colour=colour)]


def finished(
    items: Iterable[ui.Item[Any]], words: Iterable[Text], audience: Audience, files: Iterable[Attachment] = ()
) -> Drawn:
    """A message of these components, which the caller has kept within limits; `words` say the same."""
    sheet = Sheet(items)
    shown = "\n".join(item.content for item in sheet.walk_children() if isinstance(item, ui.TextDisplay))
    accounts = {audience.known(person) for person in audience.called} - {""}
    rung = tuple(sorted(int(account) for account in accounts if account.isdecimal() and f"<@{account}>" in shown))
    said, _ = lines(words, Audience(now=audience.now), CONTENT - 10)
    return Drawn(sheet, said.strip() or "Muster", tuple(files), rung)


def _message(
    said: Text,
    details: tuple[Text, ...],
    printed: str,
    shown: Picture | None,
    offered: tuple[Button, ...],
    audience: Audience,
    *,
    last: bool,
) -> tuple[list[ui.Item[Any]], list[Attachment]]:
    """A sentence, a list beneath it, output, a picture and buttons."""
    rows, typed, taken = buttons(offered, BUTTONS)
    gallery, file, alt = picture(shown)
    sentence, whole = lines([said], audience, SAID)
    left = TEXT - MORE - taken - weight(sentence) - 10
    left -= weight(file.description) if file else 0
    listed = [*details, *([(alt,)] if alt else []), *typed]
    items, whole_items = bullets(listed, audience, left - (min(PRINTED, left // 2) if printed else 0))
    left -= weight(items) + 1
    prints, whole_output = output(printed, left, last=last) if printed else ("", True)
    files = [file] if file else []
    more = "" if whole and whole_items else _shortened(audience)
    told = "\n".join(text for text in (sentence, items, more) if text.strip())
    drawn = list(_texts([told, prints]))  # apart: no link of ours may look for its end in what a program printed
    if not whole_output:
        files.append(attached(printed))
        drawn.append(ui.File(f"attachment://{files[-1].name}"))
    everything = [*drawn, *([gallery] if gallery else []), *rows]
    return everything or list(_texts(["Done."])), files


def _page(page: Page, audience: Audience) -> list[ui.Item[Any]]:
    """The headline large, for it is read by somebody who just woke up."""
    rows, typed, taken = buttons(page.buttons, BUTTONS)
    left = TEXT - MORE - taken
    drawn_head, whole_head = markdown(page.headline, audience, SAID)
    head = " ".join(drawn_head.split("\n")).strip()
    if head and page.state == "waiting":
        head = f"## {head}"
    body, whole = lines([page.body, *typed], audience, left - weight(head) - 10)
    more = [] if whole and whole_head else [_shortened(audience)]
    drawn = list(_texts(["\n".join(text for text in (head, body, *more) if text.strip())]))
    return [*(drawn or _texts([f"## {escape(one_line(page.incident, 80)) or 'Page'}"])), *rows]


def _announcement(line: Announcement, audience: Audience) -> list[ui.Item[Any]]:
    """One line, with the way to the room at its end."""
    mark = MARKS.get(line.status, "")
    said, _ = markdown((f"{mark} " if mark else "", *line.text), audience, SAID)
    there, _ = markdown((Room(line.room, ""),), audience, SAID)
    told = ". ".join(part for part in (" ".join(said.split()), there) if part)
    return list(_texts([told])) or list(_texts([escape(one_line(line.incident, 80)) or "Incident"]))


def _shortened(audience: Audience) -> str:
    line, _ = markdown(("Shortened here. All of it: ", *audience.whole), audience, MORE - 10)
    return f"-# {line}".replace("\n", " ")


def _texts(said: Iterable[str]) -> Iterator[ui.Item[Any]]:
    for text in said:
        if text.strip():
            yield ui.TextDisplay(text)
