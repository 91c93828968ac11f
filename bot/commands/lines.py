"""Writes the command line that somebody would have typed, so that the parser reads back exactly what was filled in or chosen.

The inverse of `bot.commands.tokens`. No form and no block is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.chat.harmless import harmless
from bot.commands.definition import Argument, Kind, Scope, Verb
from bot.commands.tokens import straight, tokenize
from bot.incidents.reference import ref

__all__ = ["command_line", "pairs", "quoted", "word"]

LONGEST = 3_000  # characters of one text
_QUOTES = (('"', '"'), ("'", "'"), ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"))
_ESCAPED = '\\"'
_UNREADABLE = re.compile(r"\\(?=[\"]|$)")


def command_line(
    path: Sequence[str],
    verb: Verb,
    values: Mapping[str, str],
    *,
    flags: Iterable[str] = (),
    incident: int | None = None,
) -> str:
    """`retro action add INC-42 "alert on queue length" @robin`: the values by argument; blank ones are left out."""
    words = [*path]
    if incident is not None and verb.scope is not Scope.NONE:
        words.append(ref(incident))
    chosen = set(flags)
    words += [f"--{flag.name}" for flag in verb.flags if flag.name in chosen]
    for argument in (*verb.named, *verb.positional):
        value = harmless(values.get(argument.name, ""), LONGEST).strip()  # in this order: some controls count as space
        if value:
            words += [f"--{argument.name}", word(value)] if argument.named else [_written(argument, value)]
    return " ".join(words)


def quoted(text: str) -> str:
    """A text as one token whose value is the text.

    >>> quoted('it is "down"'), quoted("fine")
    ('"it is \\\\"down\\\\""', '"fine"')
    """
    clean = harmless(text, LONGEST).strip()
    # A backslash before a quote, or at the end, cannot be told from an escape: a space keeps them apart. Where every kind of quote
    # that there is closes too early, curly ones become straight.
    apart = _UNREADABLE.sub(lambda found: f"{found[0]} ", clean)
    candidates = [
        (candidate, wanted)
        for wanted in (clean, apart, straight(apart))
        for candidate in (opening + wanted.replace('"', _ESCAPED) + closing for opening, closing in _QUOTES)
    ]
    for candidate, wanted in candidates:
        tokens = tokenize(candidate)
        if len(tokens) == 1 and tokens[0].quoted and tokens[0].value == wanted:
            return candidate
    return f'"{straight(apart)}"'


def word(value: str) -> str:
    """A value that is one word by nature; quoted when it is not."""
    clean = " ".join(harmless(value, LONGEST).split())
    tokens = tokenize(clean)
    return clean if len(tokens) == 1 and tokens[0].value == clean and tokens[0].flag is None else quoted(clean)


def pairs(values: Mapping[str, str]) -> str:
    """`instance="checkout-3" force="true"`: parameters of a runbook; curly quotes are straight ones to the parser."""
    written = []
    for name, value in values.items():
        clean = straight(harmless(value, LONGEST))
        escaped = clean.replace("\\", "\\\\").replace('"', '\\"')
        written.append(f'{name}="{escaped}"')
    return " ".join(written)


def _written(argument: Argument, value: str) -> str:
    match argument.kind:
        case Kind.TEXT:
            return quoted(value) if argument.rest else word(value)
        case Kind.MATCHERS | Kind.ALERTS | Kind.KEY_VALUES:
            return " ".join(harmless(value, LONGEST).split())
        case _:
            return word(value)
