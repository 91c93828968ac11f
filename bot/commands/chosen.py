"""How a command is written where it is chosen from a menu: there a verb has its place, and every value the name of its option.

Made from the verbs' definitions, for whichever platform has such a menu. What is not one of our commands stays as it is.
"""

from __future__ import annotations

from functools import lru_cache

from bot.catalog.catalog import Catalog
from bot.chat.views import MUSTER
from bot.commands import menu
from bot.commands.definition import PREFIX, Kind, Verb
from bot.commands.menu import WHICH, Entry, arguments
from bot.commands.parsing import cut, from_the_end, take_named, take_scope, until
from bot.commands.registry import by_name
from bot.commands.tokens import Token
from bot.commands.values import Reader
from bot.errors import RequestError
from bot.incidents.reference import ref

__all__ = ["as_chosen", "place_of", "usage"]

HERE = -1  # the number of no incident: stands for that of the room where a hint is read
ANY, _ANY = "INC-n", "INC-987654321"  # whichever incident is meant, as hints write it and as the parser reads it
_MANY = {Kind.ALERTS, Kind.KEY_VALUES}
_READER = Reader(catalog=Catalog(), actor=MUSTER, platform="", verbs={})  # of what needs no organisation


def usage(entry: Entry) -> str:
    """`silence add matcher: duration: [reason:]`, as the help writes it; that the incident may be named is said elsewhere."""
    named = [one for one in arguments(entry.verb) if one is not WHICH]
    return " ".join([entry.words, *(f"{one.name}:" if one.required else f"[{one.name}:]" for one in named)])


def place_of(path: tuple[str, ...], verb: Verb) -> Entry | None:
    """Its place in the menu, or that of what means the same."""
    found = menu.entries(by_name().values())
    same = (one for one in found if (one.verb.handler, one.verb.arguments) == (verb.handler, verb.arguments))
    return next((one for one in found if one.path == path), None) or next(same, None)


@lru_cache(maxsize=1_000)
def as_chosen(line: str) -> str:
    """The command as one chooses it.

    >>> as_chosen("/incident unsilence S3"), as_chosen("/incident retro action add TEXT")
    ('/incident silence end id:S3', '/incident retro action-add text:TEXT')
    >>> as_chosen("/incident ack INC-42"), as_chosen("/incident ack"), as_chosen("muster export INC-42")
    ('/incident ack incident:INC-42', '/incident ack', 'muster export INC-42')
    >>> as_chosen("/incident declare payments down sev1 --nopage"), as_chosen("/incident show INC-n")
    ('/incident declare title:payments down severity:sev1 nopage:True', '/incident show incident:INC-n')
    """
    if not line.startswith(f"{PREFIX} "):
        return line
    try:
        words = cut(line.replace(ANY, _ANY), by_name())
        entry = place_of(words.path, words.verb)
        if entry is None:
            return line
        of_the_room = (
            words.tokens[:1] and words.tokens[0].raw.isdecimal()
        )  # `ruleout 1`: hints name incidents as INC-42
        of_the_room = of_the_room or any(
            argument.kind is Kind.INCIDENT for argument in words.verb.positional
        )  # `merge INC-43`
        for room in (HERE, None) if of_the_room else (None,):
            number, tokens = take_scope(words.verb, words.tokens, room)
            values = _values(words.verb, tokens, words.line)
            if values is not None:
                which = [] if number in {None, HERE} else [f"{WHICH.name}:{ref(number)}"]
                return " ".join((PREFIX, entry.words, *values, *which)).replace(_ANY, ANY)
    except RequestError:
        return line
    return line


def _values(verb: Verb, tokens: list[Token], line: str) -> list[str] | None:
    """`id:S3`, `all:True`: each value with its option; None where there are more than options for them."""
    ticked = {flag.name for flag in verb.flags}
    tokens, named = take_named(verb, tokens)
    if any(token.flag is not None and token.flag not in ticked for token in tokens):
        return None
    flags = [f"{token.flag}:True" for token in tokens if token.flag is not None]
    found = [f"{name}:{token.raw}" for name, token in named.items()]
    left = [token for token in tokens if token.flag is None]
    for place, argument in enumerate(verb.positional):
        if not left:
            break
        later = verb.positional[place + 1 :]
        count = len(left) if argument.rest or argument.kind in _MANY else 1
        if argument.kind is Kind.MATCHERS:
            count = until(later, left, _READER)
        behind: dict[str, object] = {}
        if argument.rest:  # `payments down sev1`: what follows a text may be the value of another argument
            count = len(from_the_end(later, left, _READER, behind))
        found.append(f"{argument.name}:{line[left[0].start : left[count - 1].end]}")
        left = left[count:]
        if behind:
            names = [one.name for one in later if one.name in behind]
            return [*found, *(f"{name}:{token.raw}" for name, token in zip(names, left, strict=True)), *flags]
    return None if left else [*found, *flags]
