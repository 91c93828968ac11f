"""Text as Slack's rich text: a tree whose texts are never parsed, so that what an alert wrote stands there letter by letter.

Only typed spans become mentions, links and dates. What a message consists of is not decided here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.chat.harmless import harmless
from bot.chat.lengths import clip, length
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import ELEMENT_TEXT, URL, Block, size, weight
from bot.chat.slack.mrkdwn import date_format, date_words, timestamp
from bot.chat.views import Code, Link, Moment, Person, Room, Span, Strong, Text

__all__ = ["elements", "is_web", "preformatted", "section", "since"]

SPAN = 3_000  # characters of one span, before it is measured
NAME = 80  # characters of a person's name
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")  # a channel's id
CUT: Block = {"type": "text", "text": "\N{HORIZONTAL ELLIPSIS}"}


def elements(said: Text, audience: Audience, room: int) -> tuple[list[Block], bool]:
    """The text in at most `room` bytes of JSON (see `limits.size`), and whether it is whole. May be empty."""
    drawn: list[Block] = []
    left = room - size(CUT) - 1
    for span in _joined(said):
        for element in _drawn(span, audience):
            cost = size(element) + 1
            if cost > left:
                if _is_text(element) and (part := _fitting(element["text"], left - (cost - weight(element["text"])))):
                    drawn.append({**element, "text": part})
                return [*drawn, CUT], False
            drawn.append(element)
            left -= cost
    return drawn, True


def section(drawn: list[Block]) -> Block:
    """A paragraph."""
    return {"type": "rich_text_section", "elements": drawn or [{"type": "text", "text": " "}]}


def preformatted(output: str) -> Block:
    """Lines as a program printed them, in pieces that no limit on one text can hit."""
    pieces = [output[start : start + ELEMENT_TEXT // 2] for start in range(0, len(output), ELEMENT_TEXT // 2)]
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": piece} for piece in pieces]}


def since(at: float, now: float | None) -> list[Block]:
    """A time and how long ago it was: `02:14 (3 minutes ago)`, counted by the reader's client."""
    seconds, words = timestamp(at), date_words(at, now)
    if seconds is None:
        return [{"type": "text", "text": words}]
    return [{"type": "date", "timestamp": seconds, "format": f"{date_format(at, now)} ({{ago}})", "fallback": words}]


def is_web(url: str) -> bool:
    """Whether it is an address that a button or a link may have: http(s), a host, nothing that hides."""
    if not url.isprintable() or " " in url or length(url) > URL or harmless(url, URL) != url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _joined(said: Text) -> Iterator[Span]:
    """Neighbouring strings as one: hostile texts come in thousands of pieces, and each costs its container."""
    pending: list[str] = []
    for span in said:
        if isinstance(span, str):
            pending.append(span)
            continue
        if pending:
            yield "".join(pending)
            pending = []
        yield span
    if pending:
        yield "".join(pending)


def _drawn(span: Span, audience: Audience) -> list[Block]:
    """None or one element; empty texts are refused by Slack."""
    match span:
        case Moment(at=at):
            seconds, words = timestamp(at), date_words(at, audience.now)
            if seconds is None:
                return _text(words)
            form = date_format(at, audience.now)
            return [{"type": "date", "timestamp": seconds, "format": form, "fallback": words}]
        case Person(name=name):
            account = audience.mention(span)
            return [{"type": "user", "user_id": account}] if account else _text(name or span.id, NAME, bold=True)
        case Link(label=label, url=url) if is_web(url):
            return [{"type": "link", "url": url, "text": words}] if (words := _clean(label)) else [_bare(url)]
        case Link(label=label):
            return _text(label)
        case Room(id=channel) if _CHANNEL.fullmatch(channel):
            return [{"type": "channel", "channel_id": channel}]
        case Room(name=name):
            return _text(name, NAME)
        case Code(text=inner):
            return _text(inner, code=True)
        case Strong(text=inner):
            return _text(inner, bold=True)
        case str():
            return _text(span)


def _text(words: str, limit: int = SPAN, **style: bool) -> list[Block]:
    clean = _clean(words, limit)
    if not clean:
        return []
    return [{"type": "text", "text": clean, "style": style} if style else {"type": "text", "text": clean}]


def _clean(words: str, limit: int = SPAN) -> str:
    clean = clip(harmless(words, max(limit, 80)), limit)
    return clean if clean.strip() or clean == " " * len(clean) else ""


def _bare(url: str) -> Block:
    return {"type": "link", "url": url}


def _is_text(element: Block) -> bool:
    return bool(element["type"] == "text")


def _fitting(words: str, room: int) -> str:
    """As much of the beginning as has room."""
    count = bisect_right(range(1, len(words) + 1), max(0, room), key=lambda end: weight(words[:end]))
    return words[:count].rstrip("\u200d\ufe0f ")
