"""Views and replies as Slack messages: words for lock screens, blocks for eyes, within Slack's limits whatever a view holds.

Nothing is sent from here, and no account is looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.card import card_words
from bot.chat.harmless import one_line
from bot.chat.lengths import length
from bot.chat.slack.announcement import announcement_blocks
from bot.chat.slack.audience import Audience
from bot.chat.slack.card import card_blocks
from bot.chat.slack.limits import HEADER, MESSAGE, Block, size
from bot.chat.slack.mrkdwn import fallback, words
from bot.chat.slack.parts import ALT, bullets, buttons, header, image, output, paragraphs
from bot.chat.views import Announcement, Button, Card, Notice, Page, Picture, Reply, Text, View

__all__ = ["ALT", "Drawn", "draw"]

TONES = {  # a sign of state at the start of the line, as shape and colour; what is merely told has none
    "good": "\N{WHITE HEAVY CHECK MARK} ",
    "warning": "\N{LARGE ORANGE DIAMOND} ",
    "bad": "\N{LARGE RED CIRCLE} ",
}
SAID, BUTTONS, PRINTED = 3_000, 4_000, 5_000  # bytes: of the sentence, of all buttons, kept free for output
MORE = 800  # bytes of the line that says that something was cut


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chat.postMessage, chat.postEphemeral, chat.update and a response_url take to show something.

    Send them with unfurl_links and unfurl_media off, and without `parse` and `link_names`.
    """

    text: str
    blocks: list[Block]


def draw(
    view: View | Reply,
    known: Callable[[str], str] = lambda _person: "",
    *,
    now: float | None = None,
    whole: Text = ("the situation room",),
    file: str = "",
) -> Drawn:
    """How it looks in Slack. For the arguments see Audience; `file` is Slack's id of the view's picture, where it has it."""
    called = view.called if isinstance(view, Notice) else ()
    audience = Audience(known=known, now=now, called=called, whole=whole)
    match view:
        case Card():
            graph = image(view.picture, file)  # beneath the buttons, which belong on a phone's first screen
            return Drawn(text=fallback(card_words(view), audience), blocks=[*card_blocks(view, audience), *graph])
        case Notice(text=said, details=details, output=printed):
            marked = (TONES.get(view.tone, ""), *said)
            seen, read = _picture(view.picture, file)
            return _message(marked, (*details, *read), printed, seen, view.buttons, audience, last=True)
        case Page():
            return _page(view, audience)
        case Announcement():
            return Drawn(text=fallback((view.text,), audience), blocks=announcement_blocks(view, audience))
        case Reply(text=said, details=details, output=printed):
            seen, read = _picture(view.picture, file)
            return _message(said, (*details, *read), printed, seen, view.buttons, audience, last=False)


def _picture(picture: Picture | None, file: str) -> tuple[list[Block], tuple[Text, ...]]:
    """The picture, or its words where Slack does not have it."""
    if picture is None or file:
        return image(picture, file), ()
    words = one_line(picture.alt, 2 * ALT)
    return [], ((words,),) if words.strip() else ()


def _message(
    said: Text,
    details: tuple[Text, ...],
    printed: str,
    seen: list[Block],
    offered: tuple[Button, ...],
    audience: Audience,
    *,
    last: bool,
) -> Drawn:
    """A sentence, a list beneath it, output, a picture and buttons."""
    row, typed = buttons(offered, BUTTONS)
    sentence, whole = paragraphs([said], audience, SAID)
    left = MESSAGE - MORE - size([*row, *sentence, *seen])
    items, whole_items = bullets([*details, *typed], audience, left - (min(PRINTED, left // 2) if printed else 0))
    prints, whole_output = output(printed, left - size(items), last=last) if printed else ([], True)
    more: list[Block] = []
    if not (whole and whole_items and whole_output):
        more, _ = paragraphs([("Shortened here. All of it: ", *audience.whole)], audience, MORE)
    blocks = [*sentence, *items, *prints, *more, *seen, *row] or paragraphs([("Done.",)], audience, SAID)[0]
    return Drawn(text=fallback((said, *details), audience), blocks=blocks)


def _page(page: Page, audience: Audience) -> Drawn:
    """The headline large, for it is read by somebody who just woke up."""
    row, typed = buttons(page.buttons, BUTTONS)
    title = one_line(words(page.headline, audience), 20_000)
    head = [header(title)] if title.strip() and page.state == "waiting" else []
    first: list[Text] = [] if head and length(title) <= HEADER else [page.headline]
    body, whole = paragraphs([*first, page.body, *typed], audience, MESSAGE - MORE - size([*row, *head]))
    more: list[Block] = []
    if not whole:
        more, _ = paragraphs([("Shortened here. All of it: ", *audience.whole)], audience, MORE)
    blocks = [*head, *body, *more, *row] or [header(page.incident or "Page")]
    return Drawn(text=fallback((page.headline, page.body), audience), blocks=blocks)
