"""Reads Discord's markdown as its clients do, as far as their rules are known: a small reader that shares nothing with what draws.

Clients differ in the order in which they try their rules; what reads the same in every order reads the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["ORDERS", "Node", "kinds", "read", "shown"]

Node = tuple[Any, ...]  # (kind, ...): what stands inside is a str or a list of nodes
_Rule = tuple[str, re.Pattern[str], Callable[[re.Match[str], bool], Node]]

_LINE_RULES = ("quote", "heading", "small", "item")


def _inner(kind: str, group: int = 1) -> Callable[[re.Match[str], bool], Node]:
    return lambda found, start: (kind, _nodes(found[group], start))


def _line(kind: str, group: int = 1) -> Callable[[re.Match[str], bool], Node]:
    return lambda found, _start: (kind, _nodes(found[group].strip(), start=True))


def _same(kind: str, group: int = 1) -> Callable[[re.Match[str], bool], Node]:
    return lambda found, _start: (kind, found[group])


_RULES: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str], bool], Node]]] = {
    "escape": (re.compile(r"\\([^0-9A-Za-z\s])", re.ASCII), _same("text")),
    "block": (re.compile(r"```(?:[\w+\-.#]+\n)?\n*(.*?[^\n].*?|[^\n])\n*```", re.DOTALL | re.ASCII), _same("block")),
    "quote": (re.compile(r" *(?:>>> (.+)|> [^\n]*\n?)", re.DOTALL), _same("quote", 0)),
    "heading": (re.compile(r" *(#{1,3})\s+([^\n]+?)#*(?:\n|$)"), _line("heading", 2)),
    "small": (re.compile(r" *-# +([^\n]+)(?:\n|$)"), _line("small", 1)),
    "item": (
        re.compile(r" *(?:[-*+]|\d+\.) +([^\n]+(?:\n {2}[^\n]+)*)(?:\n|$)", re.ASCII),
        _line("item", 1),
    ),
    "mention": (re.compile(r"<@!?(\d+)>", re.ASCII), _same("mention")),
    "role": (re.compile(r"<@&(\d+)>", re.ASCII), _same("role")),
    "channel": (re.compile(r"<#(\d+)>", re.ASCII), _same("channel")),
    "command": (re.compile(r"</[^>]+:\d+>", re.ASCII), _same("command", 0)),
    "guide": (re.compile(r"<id:\w+>", re.ASCII), _same("guide", 0)),
    "custom emoji": (re.compile(r"<a?:\w+:\d+>", re.ASCII), _same("emoji", 0)),
    "time": (re.compile(r"<t:(-?\d+(?::[tTdDfFR])?)>", re.ASCII), _same("time")),
    "everyone": (re.compile(r"@(?:everyone|here)"), _same("everyone", 0)),
    "autolink": (
        re.compile(r"<([^: >\s]+:/[^ >\s]+)>"),
        lambda found, _start: ("link", found[1], [("text", found[1])]),
    ),
    "url": (re.compile(r"(?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s]"), _same("url", 0)),
    "link": (
        re.compile(
            r"\[((?:\[[^\]]*\]|[^\[\]]|\](?=[^\[]*\]))*)\]\(\s*<?((?:\([^)]*\)|[^\s\\()]|\\.)*?)>?\s*\)", re.DOTALL
        ),
        lambda found, _start: ("link", found[2], _nodes(found[1], None)),
    ),
    "bold": (re.compile(r"\*\*(.+?)\*\*(?!\*)", re.DOTALL), _inner("bold")),
    "underline": (re.compile(r"__(.+?)__(?!_)", re.DOTALL), _inner("underline")),
    "italic": (
        re.compile(
            r"_((?:__|\\.|[^\\_])+?)_\b|\*(?=\S)((?:\*\*|\\.|\s+(?:\\.|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)", re.DOTALL
        ),
        _same("italic", 0),
    ),
    "strike": (re.compile(r"~~(.+?)~~", re.DOTALL), _inner("strike")),
    "spoiler": (re.compile(r"\|\|(.+?)\|\|", re.DOTALL), _inner("spoiler")),
    "code": (re.compile(r"(`+)(.*?[^`])\1(?!`)", re.DOTALL), _same("code", 2)),
    "emoji": (re.compile(r":[^\s:]+:"), _same("emoji", 0)),
}
_BLOCKS = ("quote", "heading", "small", "item", "block")
_REST = tuple(name for name in _RULES if name not in {"escape", *_BLOCKS})
ORDERS = {  # desktop: blocks first; others: emphasis, code or links before all else
    "blocks first": ("escape", *_BLOCKS, *_REST),
    "emphasis first": ("escape", "bold", "underline", "italic", "strike", "spoiler", *_BLOCKS, *_REST),
    "code first": ("escape", "block", "code", *_BLOCKS, *_REST),
    "links first": ("escape", "link", "url", "autolink", *_BLOCKS, *_REST),
}
_SPECIAL = re.compile(r"[\\`*_~|\[<@#:>+\-\d]|https?://|steam://", re.ASCII)
_order: list[tuple[str, ...]] = [ORDERS["blocks first"]]


def read(text: str, order: str = "blocks first") -> list[Node]:
    """What a client shows of it."""
    _order.append(ORDERS[order])
    try:
        return _nodes(text, start=True)
    finally:
        _order.pop()


def _nodes(text: str, start: bool | None) -> list[Node]:
    """`start`: whether the first character begins a line; None in a link, where nothing of a line's start counts."""
    found: list[Node] = []
    position, begins = 0, bool(start)
    while position < len(text):
        rest = None
        if begins or _SPECIAL.match(text, position):
            rest = _match(text, position, begins and start is not None)
        if rest is None:
            _say(found, text[position])
            begins = start is not None and (text[position] == "\n" or (begins and text[position].isspace()))
            position += 1
            continue
        node, position = rest
        begins = start is not None and text[position - 1] == "\n"
        if node[0] == "text":
            _say(found, node[1])
        else:
            found.append(node)
    return found


def _match(text: str, position: int, begins: bool) -> tuple[Node, int] | None:
    for name in _order[-1]:
        if name in _LINE_RULES and not begins:
            continue
        pattern, made = _RULES[name]
        matched = pattern.match(text, position)
        if matched and matched.end() > position:
            return made(matched, begins), matched.end()
    return None


def _say(found: list[Node], words: str) -> None:
    if found and found[-1][0] == "text":
        found[-1] = ("text", found[-1][1] + words)
    else:
        found.append(("text", words))


def kinds(nodes: list[Node]) -> set[str]:
    """All kinds, however deep."""
    seen = set()
    for node in nodes:
        seen.add(node[0])
        for part in node[1:]:
            if isinstance(part, list):
                seen |= kinds(part)
    return seen


def shown(nodes: list[Node]) -> str:
    """The words that somebody reads."""
    return "".join(
        shown(node[-1])
        if isinstance(node[-1], list)
        else f"<{node[1]}>"
        if node[0] in {"time", "mention"}
        else node[-1]
        for node in nodes
    )
