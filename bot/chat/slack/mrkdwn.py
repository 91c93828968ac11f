"""Text as mrkdwn, where Slack takes nothing else (a message's `text`: notifications, search, screen readers), and back from it.

Blocks are not drawn here: they are rich text, where nothing is parsed. See docs/decisions/0008.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.chat.harmless import harmless
from bot.chat.lengths import clip, length
from bot.chat.slack.audience import Audience
from bot.chat.slack.limits import FALLBACK
from bot.chat.views import Code, Link, Moment, Person, Room, Span, Strong, Text

__all__ = ["date_format", "date_words", "escape", "fallback", "timestamp", "unescape", "words"]

NEAR = 20 * 3_600.0  # seconds: within them a time needs no date
LATEST = 4_102_444_800  # 2100; clients show dates beyond as they like
SHORTEST_CUT = 40  # characters: less of a text is not worth its ellipsis
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPED = str.maketrans(_ENTITIES)
_TOKEN = re.compile(r"<([^<>\s|][^<>|]*)(?:\|([^<>]*))?>")


def escape(text: str) -> str:
    """`text` with the three characters that begin or end a mention, a link or a date as entities: all that Slack asks for.

    With them gone nothing rings and nothing links to elsewhere. `*bold*` and `:fire:` may still be shown bold and as an
    emoji: Slack has no escape for these, and invisible characters in between would be found by whoever copies the text.

    >>> escape("<!channel> a & b")
    '&lt;!channel&gt; a &amp; b'
    """
    return text.translate(_ESCAPED)


def unescape(text: str, name: Callable[[str], str] | None = None) -> str:
    """What somebody typed, as they saw it: links as their address, channels by name, entities as characters.

    A mention stays `<@U01ROBIN>`, which commands read; with `name` (account -> name) it becomes `@Robin Vos`.

    >>> unescape("ask <@U01ROBIN|robin> in <#C1|general> &amp; see <https://example.org|example.org> <!here>")
    'ask <@U01ROBIN> in #general & see https://example.org @here'
    """

    def plain(found: re.Match[str]) -> str:
        target, label = found[1], found[2] or ""
        match target[0]:
            case "@":
                return f"@{name(target[1:])}" if name else f"<{target}>"
            case "#":
                return f"#{label or target[1:]}"
            case "!" if target.startswith(("!date^", "!subteam^")):
                return label or "@group"
            case "!":
                return f"@{target[1:]}"
            case _:
                return label if target.startswith(("mailto:", "tel:")) and label else target

    said = _TOKEN.sub(plain, text)
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def fallback(lines: Sequence[Text], audience: Audience, limit: int = FALLBACK) -> str:
    """The words for lock screens and screen readers: no forms and no mentions, times in the reader's zone. Never empty."""
    said: list[str] = []
    left = limit
    for word in (word for line in lines for word in (*(_word(span, audience) for span in line), "\n")):
        if length(word) <= left:
            said.append(word)
            left -= length(word)
            continue
        if left >= SHORTEST_CUT and not word.startswith("<!date^"):
            said.append(_clip_escaped(word, left))
        break
    return "".join(said).strip() or "Muster"


def words(said: Text, audience: Audience) -> str:
    """The text without any form or escape, times in UTC: for headers, which take nothing else."""
    return "".join(
        date_words(span.at, audience.now)
        if isinstance(span, Moment)
        else span
        if isinstance(span, str)
        else _inner(span)
        for span in said
    )


def timestamp(at: float) -> int | None:
    """Whole seconds that Slack takes as a date; None for what is none."""
    return int(at) if math.isfinite(at) and 0 < at < LATEST else None


def date_format(at: float, now: float | None) -> str:
    """Slack's own tokens: the time, with the day where it may be another one."""
    return "{time}" if _is_near(at, now) else "{date_short_pretty} {time}"


def date_words(at: float, now: float | None) -> str:
    """The time in UTC, for what cannot show it in the reader's zone."""
    seconds = timestamp(at)
    if seconds is None:
        return "an unknown time"
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.strftime("%H:%M UTC" if _is_near(at, now) else "%Y-%m-%d %H:%M UTC")


def _is_near(at: float, now: float | None) -> bool:
    return now is not None and abs(now - at) < NEAR


def _word(span: Span, audience: Audience) -> str:
    match span:
        case Moment(at=at):
            words, seconds = date_words(at, audience.now), timestamp(at)
            return words if seconds is None else f"<!date^{seconds}^{date_format(at, audience.now)}|{words}>"
        case str():
            return escape(harmless(span, FALLBACK))
        case _:
            return escape(harmless(_inner(span), FALLBACK))


def _inner(span: Person | Room | Link | Code | Strong) -> str:
    match span:
        case Person(name=said) | Room(name=said) | Link(label=said) | Code(text=said) | Strong(text=said):
            return said


def _clip_escaped(word: str, limit: int) -> str:
    """Cut between entities, never inside one."""
    kept = clip(word, limit).removesuffix("\N{HORIZONTAL ELLIPSIS}")
    begun = kept.rfind("&")
    if begun >= 0 and ";" not in kept[begun:]:
        kept = kept[:begun]
    return f"{kept}\N{HORIZONTAL ELLIPSIS}"
