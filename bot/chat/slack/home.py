"""The App Home: what waits for somebody, what they are in, who is on call. Values in, blocks out; nothing is looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import Block
from bot.chat.slack.parts import buttons, header, paragraphs
from bot.chat.views import Button, Code, Strong, Text, text

__all__ = ["Entry", "Home", "home_view"]

PAGES, INCIDENTS, ON_CALL = 10, 20, 30  # shown; 2 blocks for a page or an incident, 1 for all who are on call
SAID, ROW, TABLE = 1_600, 1_600, 12_000  # bytes of an entry, of its buttons, of the list of people


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page or an incident: a line, what stands beneath it, and buttons."""

    said: Text
    details: tuple[Text, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What one person sees: the pages that wait for an answer, their open incidents, and who is on call (a line each).

    `others` is how many incidents are open besides.
    """

    pages: tuple[Entry, ...] = ()
    incidents: tuple[Entry, ...] = ()
    others: int = 0
    on_call: tuple[Text, ...] = ()


def home_view(
    home: Home,
    known: Callable[[str], str] = lambda _person: "",
    *,
    now: float | None = None,
) -> Block:
    """The `view` of views.publish; at most 70 blocks."""
    audience = Audience(known=known, now=now)
    blocks: list[Block] = []
    if home.pages:
        blocks += [header("Waiting for you"), *_entries(home.pages, PAGES, audience)]
        blocks += _more(len(home.pages) - PAGES, "page", audience)
    blocks.append(header("Your incidents"))
    blocks += _entries(home.incidents, INCIDENTS, audience) if home.incidents else _said(_NONE, audience)
    blocks += _more(len(home.incidents) - INCIDENTS, "incident", audience)
    if home.others > 0:
        count = "1 other incident is" if home.others == 1 else f"{home.others:,} other incidents are"
        blocks += _said(text(f"{count} open: ", Code("/incident list")), audience)
    blocks += buttons(_ALWAYS, ROW)[0]
    blocks.append(header("On call"))
    if home.on_call:
        shown, _ = paragraphs(home.on_call[:ON_CALL], audience, TABLE)
        blocks += shown
        rest = len(home.on_call) - ON_CALL
        blocks += _said((f"and {rest:,} more: ", Code("/incident oncall")), audience) if rest > 0 else []
    else:
        blocks += _said(_NOBODY, audience)
    return {"type": "home", "blocks": blocks}


_NONE: Text = ("You are in no open incident. Those you acknowledge, lead or join stand here.",)
_NOBODY: Text = (
    "Nobody: the catalogue has no schedules. With ",
    Code("schedules"),
    " in it, who is on call stands here.",
)
_ALWAYS = (
    Button(label="Declare incident", command="declare", style="primary"),
    Button(label="Open incidents", command="list"),
)


def _entries(entries: Sequence[Entry], most: int, audience: Audience) -> list[Block]:
    blocks: list[Block] = []
    for entry in entries[:most]:
        row, typed = buttons(entry.buttons, ROW)
        said, _ = paragraphs([entry.said or (Strong("Incident"),), *entry.details, *typed], audience, SAID)
        blocks += [*said, *row]
    return blocks


def _more(count: int, noun: str, audience: Audience) -> list[Block]:
    if count <= 0:
        return []
    return _said((f"and {count:,} more {noun}{'' if count == 1 else 's'}: ", Code("/incident list")), audience)


def _said(line: Text, audience: Audience) -> list[Block]:
    return paragraphs([line], audience, SAID)[0]
