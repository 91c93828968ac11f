"""Text as Discord's markdown: what an alert wrote is escaped, so that it stands there letter by letter and does nothing.

Only typed spans become mentions, links and times. What a message consists of is not decided here.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

from bot.chat.discord.audience import Audience
from bot.chat.discord.limits import ID, weight
from bot.chat.harmless import harmless, one_line
from bot.chat.lengths import clip, length
from bot.chat.views import Code, Link, Moment, Person, Room, Strong, Text
from bot.commands.chosen import as_chosen

__all__ = ["code", "escape", "fence", "markdown", "since", "web"]

NEAR = 20 * 3_600.0  # seconds: within them a time needs no date
LATEST = 4_102_444_800  # 2100; clients show dates beyond as they like
SPAN = 4_000  # characters of one span, before it is measured
NAME, CODE = 80, 300  # characters of a person's name, of something to type
ADDRESS = 1_000  # characters of a link: a message has room for few longer ones
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# Before any of these a backslash is not shown and takes away what they do: emphasis, code, spoilers, links, mentions, times,
# emoji (<), @everyone, headings, and the colon of addresses and of :emoji:, which a space behind it makes harmless. Clients that
# look for the end of a link take the last "](" there is, however far behind and whatever is before the bracket.
_ACTING = re.compile(r"[\\`*_~|\[\]<@#]|:(?!\s)|(?<=\])\(")
_BEGINNING = re.compile(
    r"^([^\S\n]*)([-+>])", re.MULTILINE
)  # a list, small print or a quotation, at a line's start only
_NUMBERED = re.compile(r"^([^\S\n]*[0-9]+)(?=[.)])", re.MULTILINE)
_BRACKETS = str.maketrans("[]", "()")
_BACKTICKS = re.compile("`{3,}")


def escape(text: str) -> str:
    """The text so that Discord shows exactly it. What it may ring is decided by `allowed_mentions`, never by this.

    >>> print(escape("# <@&1> **now** [ok](https://evil.example) :fire: 12:30"))
    \\# \\<\\@&1> \\*\\*now\\*\\* \\[ok\\]\\(https\\://evil.example) \\:fire: 12\\:30
    """
    escaped = _ACTING.sub(r"\\\g<0>", text)
    return _NUMBERED.sub(r"\1\\", _BEGINNING.sub(r"\1\\\2", escaped))


def markdown(said: Text, audience: Audience, room: int) -> tuple[str, bool]:
    """The text with at most `room` of weight, and whether it is whole. May be empty."""
    drawn: list[str] = []
    left = room
    for kind, raw in _merged(_kinds(said, audience), room):
        form = _FORMS[kind]
        made = form(raw)
        if drawn and drawn[-1].endswith("`") and made.startswith("`"):
            made = f" {made}"  # two codes, or a code behind a back-tick, would be read as one
        if weight(made) > left:
            if kind in _CUTTABLE and (part := _fitting(raw, left - weight(ELLIPSIS), form)):
                return "".join((*drawn, form(part), ELLIPSIS)), False
            while drawn and weight("".join(drawn)) + weight(ELLIPSIS) > room:
                drawn.pop()
            return "".join(drawn) + ELLIPSIS, False
        drawn.append(made)
        left -= weight(made)
    return "".join(drawn), True


def since(at: float, now: float | None) -> str:
    """A time and how long ago it was, counted by the reader's client: `02:14 (3 minutes ago)`."""
    seconds = _timestamp(at)
    return _time(at, now) if seconds is None else f"{_time(at, now)} (<t:{seconds}:R>)"


def fence(output: str) -> str:
    """What a program printed, letter by letter; only three back-ticks in a row, which would end it, become quotes.

    >>> print(fence("ok\\n``````@everyone"))
    ```
    ok
    ''''''@everyone
    ```
    """
    return f"```\n{_BACKTICKS.sub(lambda found: chr(39) * len(found[0]), output)}\n```"


def code(text: str) -> str:
    """Something to type, on one line. What could end the code, or a link before it, is not drawn as code.

    >>> code("/incident ack"), code("a`b")
    ('`/incident ack`', 'a\\\\`b')
    """
    line = clip(one_line(text, 4 * CODE), CODE)
    return "" if not line else escape(line) if "`" in line or "](" in line else f"`{line}`"


def web(url: str, limit: int = ADDRESS) -> str | None:
    """The address as a link may have it: http(s), a host, ASCII, nobody's name before the host; None where it is none."""
    if not url.isprintable() or " " in url or length(url) > limit or harmless(url, limit) != url:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            return None
        if not parts.netloc.isascii() or not _HOST.fullmatch(parts.netloc):
            return None
    except ValueError:
        return None
    written = quote(url, safe=_ADDRESS)
    if written[-1] in _CLOSING:  # clients leave it out of an address, and then do not take it for one
        written = f"{written[:-1]}%{ord(written[-1]):02X}"
    return written if len(written) <= limit else None


_HOST = re.compile(r"[A-Za-z0-9.\-_]+(:[0-9]{1,5})?")
_CLOSING = ".,:;'"
_ADDRESS = "%:/?#@!$&'*+,;=~-._"  # kept; brackets and parentheses would end a link, and are written as their numbers


def _kinds(said: Text, audience: Audience) -> Iterator[tuple[str, str]]:
    """What each span is to become: a kind, and the text that the kind's form is given."""
    for span in said:
        match span:
            case str():
                yield "text", harmless(span, SPAN)
            case Strong(text=inner):
                yield _bold(harmless(inner, SPAN))
            case Code(text=inner):
                if one_line(inner, CODE):  # else two neighbours of one kind would not be seen as such
                    yield "code", as_chosen(inner)
            case Moment(at=at):
                yield "done", _time(at, audience.now)
            case Person(name=name, id=person):
                account = audience.mention(span)
                yield ("done", f"<@{account}>") if account else _bold(clip(one_line(name or person, 4 * NAME), NAME))
            case Room(id=channel) if ID.fullmatch(channel):
                yield "done", f"<#{channel}>"
            case Room(name=name):
                yield "text", clip(one_line(name, 4 * NAME), NAME)
            case Link(label=label, url=url):
                yield from _link(label, url)


def _link(label: str, url: str) -> Iterator[tuple[str, str]]:
    address, shown = web(url), one_line(label, SPAN)
    if address is None:
        yield "text", shown
    elif "://" in shown or not shown:  # clients distrust a label that looks like an address, and show all of it raw
        if shown and shown not in {url, address}:
            yield "text", f"{shown} "
        yield "done", f"<{address}>"
    else:
        yield "done", f"[{escape(clip(shown, CODE).translate(_BRACKETS))}]({address})"


def _bold(words: str) -> tuple[str, str]:
    return ("bold" if words.strip() else "text"), words


def _merged(pieces: Iterator[tuple[str, str]], room: int) -> Iterator[tuple[str, str]]:
    """Neighbours of one kind as one, for `**a****b**` is not bold; of hostile thousands no more than can have room."""
    pending: list[str] = []
    kind, left = "", room
    for found, raw in pieces:
        if not raw:
            continue
        if pending and (found != kind or found not in _CUTTABLE):
            yield kind, "".join(pending)
            pending = []
        kind = found
        pending.append(raw)
        left -= len(raw) if kind in _CUTTABLE else 0  # it weighs as much at least
        if left < 0:
            break
    if pending:
        yield kind, "".join(pending)


_FORMS: dict[str, Callable[[str], str]] = {
    "text": escape,
    "bold": lambda raw: f"**{escape(raw)}**",
    "code": code,
    "done": lambda raw: raw,
}
_CUTTABLE = frozenset({"text", "bold"})


def _fitting(raw: str, room: int, form: Callable[[str], str]) -> str:
    """As much of the beginning as has room once it is drawn."""
    longest = raw[: max(0, room)]
    count = bisect_right(range(1, len(longest) + 1), room, key=lambda end: weight(form(longest[:end])))
    return longest[:count].rstrip("\u200d\ufe0f ")


def _timestamp(at: float) -> int | None:
    return int(at) if math.isfinite(at) and 1 <= at < LATEST else None


def _time(at: float, now: float | None) -> str:
    seconds = _timestamp(at)
    near = now is not None and abs(now - at) < NEAR
    return "an unknown time" if seconds is None else f"<t:{seconds}:{'t' if near else 'f'}>"
