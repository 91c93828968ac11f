"""What to type next, as Discord's menu has it: there a verb has its place, and every value the name of its option.

Made from the verbs' definitions. What is not one of our commands stays as it is.
"""

from __future__ import annotations

from functools import lru_cache

from bot.catalog.catalog import Catalog
from bot.commands import menu
from bot.commands.definition import PREFIX, Kind, Scope, Verb
from bot.commands.forms import INCIDENT, boxes
from bot.commands.menu import Entry
from bot.commands.parsing import cut, from_the_end, take_named, take_scope
from bot.commands.registry import by_name
from bot.commands.tokens import Token
from bot.commands.values import Reader
from bot.errors import RequestError
from bot.incidents.model import MUSTER, ref

__all__ = ["as_chosen"]

_MANY = {Kind.ALERTS, Kind.KEY_VALUES}
_READER = Reader(catalog=Catalog(), actor=MUSTER, platform="", verbs={})  # of what needs no organisation


@lru_cache(maxsize=1_000)
def as_chosen(line: str) -> str:
    """The command as one chooses it.

    >>> as_chosen("/incident unsilence S3"), as_chosen("/incident retro action add TEXT")
    ('/incident silence end id:S3', '/incident retro action-add text:TEXT')
    >>> as_chosen("/incident ack INC-42"), as_chosen("/incident ack"), as_chosen("muster export INC-42")
    ('/incident ack incident:INC-42', '/incident ack', 'muster export INC-42')
    >>> as_chosen("/incident declare payments down sev1 --nopage")
    '/incident declare title:payments down severity:sev1 nopage:True'
    """
    if not line.startswith(f"{PREFIX} "):
        return line
    try:
        words = cut(line, by_name())
        number, tokens = take_scope(words.verb, words.tokens, None)
    except RequestError:
        return line
    entry = _entry(words.path, words.verb)
    if entry is None:
        return line
    values = _values(words.verb, tokens, words.line)
    if values is None:
        return line
    which = [f"{INCIDENT}:{ref(number)}"] if number is not None and words.verb.scope is not Scope.NONE else []
    return " ".join((PREFIX, entry.words, *values, *which))


def _entry(path: tuple[str, ...], verb: Verb) -> Entry | None:
    """Its place, or that of what means the same."""
    found = menu.entries(by_name().values())
    same = (one for one in found if (one.verb.handler, one.verb.arguments) == (verb.handler, verb.arguments))
    return next((one for one in found if one.path == path), None) or next(same, None)


def _values(verb: Verb, tokens: list[Token], line: str) -> list[str] | None:
    """`id:S3`, `all:True`: each value with its option; None where the menu has no place for one."""
    ticked = {flag.name for flag in boxes(verb)}
    tokens, named = take_named(verb, tokens)
    if any(token.flag is not None and token.flag not in ticked for token in tokens):
        return None
    flags = [f"{token.flag}:True" for token in tokens if token.flag is not None]
    found = [f"{name}:{token.raw}" for name, token in named.items()]
    left = [token for token in tokens if token.flag is None]
    for place, argument in enumerate(verb.positional):
        if not left:
            break
        count = len(left) if argument.rest or argument.kind in _MANY else 1
        behind: dict[str, object] = {}
        if argument.rest:  # `payments down sev1`: what follows a text may be the value of another argument
            count = len(from_the_end(verb.positional[place + 1 :], left, _READER, behind))
        found.append(f"{argument.name}:{line[left[0].start : left[count - 1].end]}")
        left = left[count:]
        if behind:
            names = [one.name for one in verb.positional if one.name in behind]
            return [*found, *(f"{name}:{token.raw}" for name, token in zip(names, left, strict=True)), *flags]
    return None if left else [*found, *flags]
