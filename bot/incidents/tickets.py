"""The ticket of an incident, which another tool keeps: its address as people type it, and what they call it. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.catalog.fields import is_web_address
from bot.chat.views import Link
from bot.errors import BadArguments

__all__ = ["ADDRESS", "ticket_address", "ticket_link"]

ADDRESS = 2_048  # characters; Slack's bookmarks take no more (specs: bookmarks.add)
HOST = 40  # characters of a host that stands for a name
_NEVER = frozenset('\\<>"`\N{REPLACEMENT CHARACTER}')  # in an address: browsers and people read it in two ways
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}-[0-9]{1,9}")


def ticket_address(word: str) -> str:
    """The address; BadArguments when it is none that everybody in the room may open.

    >>> ticket_address("<https://tracker.example.org/browse/OPS-42>")
    'https://tracker.example.org/browse/OPS-42'
    """
    url = word.strip()
    if url.startswith("<") and url.endswith(
        ">"
    ):  # as Slack sends them, and as people type them where a preview would be in the way
        url = url[1:-1]
    if not is_web_address(url) or not _NEVER.isdisjoint(url):
        raise BadArguments(
            f'"{url[:60]}" is no web address. Like this: /incident ticket https://tracker.example.org/browse/OPS-42'
        )
    if "@" in urlsplit(url).netloc:
        raise BadArguments("A ticket's address is read by the whole room: leave out the name before the @.")
    if len(url) > ADDRESS:
        raise BadArguments(f"A ticket's address has at most {ADDRESS:,} characters; this one has {len(url):,}.")
    return url


def ticket_link(url: str) -> Link:
    """The ticket by its key or number, else by where it is kept.

    >>> [ticket_link(f"https://tracker.example.org/{path}").label for path in ("browse/OPS-42", "issues/7/", "")]
    ['Ticket OPS-42', 'Ticket #7', 'Ticket tracker.example.org']
    """
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    number = f"#{last}" if re.fullmatch(r"[0-9]{1,12}", last) else ""
    return Link(f"Ticket {last if _KEY.fullmatch(last) else number or (parts.hostname or '')[:HOST]}", url)
