"""`help`: what one may do, and how one verb is used. All of it is read from the verbs' definitions, and written as one
types it, or chooses it where commands are chosen from a menu."""

from __future__ import annotations

from typing import NamedTuple

from bot.catalog.suggestions import did_you_mean
from bot.chat.views import Code, Reply, Strong, Text, text
from bot.commands import chosen
from bot.commands.definition import PREFIX, Argument, Context, Family, Kind, Scope, Verb
from bot.commands.menu import WHICH, entries
from bot.commands.permissions import may, refusal
from bot.commands.words import answer, cut_text, listed
from bot.errors import BadArguments

__all__ = ["VERB"]

HEADS = {
    Family.RESPOND: "Respond",
    Family.LOOK: "Look",
    Family.PEOPLE: "People",
    Family.FIX: "Fix",
    Family.NOISE: "Noise",
    Family.AFTERWARDS: "Afterwards",
    Family.HELP: "Help",
}


async def show_help(context: Context) -> Reply:
    """One verb where it is named; else all that the asker may use, by family."""
    name = context.values.text("verb")
    if name:
        return _about(context, context.verbs[name], context.values.text("part"))
    if unknown := context.values.text("part"):
        hint = did_you_mean(unknown, context.verbs)
        ending = "" if hint.endswith("?") else "."
        raise BadArguments(f'No verb "{cut_text(unknown, 60)}"{hint}{ending} All verbs: {PREFIX} help')
    lines: list[Text] = []
    known = _known(context)
    for family, head in HEADS.items():
        mine = [one for one in known if one.verb.family is family]
        for index, one in enumerate(mine):
            first = (Strong(head), " ") if index == 0 else ()
            lines.append(text(*first, Code(one.usage), f" {one.verb.summary}"))
    lines.append(("In an incident's room the incident is implied; elsewhere name it: ", Code(f"{PREFIX} ack INC-42")))
    return answer(f"What you may do, after {PREFIX}. One verb in full: ", Code(f"{PREFIX} help ack"), details=lines)


class _Form(NamedTuple):
    """One way to ask for something, as the asker's platform has it: `usage` is written out."""

    path: tuple[str, ...]
    verb: Verb
    usage: str


def _known(context: Context) -> list[_Form]:
    """What the asker may use: the verbs where they are typed, their places where they are chosen."""
    if context.menu:
        found = [_Form(one.path, one.verb, chosen.usage(one)) for one in entries(context.verbs.values())]
    else:
        verbs = {verb.name: verb for verb in context.verbs.values()}.values()
        found = [_Form((verb.name,), verb, verb.usage()) for verb in verbs]
    return [one for one in found if may(one.path, one.verb, context.permit)]


def _about(context: Context, verb: Verb, part: str = "") -> Reply:
    """The verb, or the part of it that is named: `help runbook run`."""
    lines: list[Text] = []
    path: tuple[str, ...] = (verb.name,)
    for word in part.split():
        sub = verb.sub(word)
        if sub is None:
            break
        verb, path = sub, (*path, sub.name)
    if not may(path, verb, context.permit):
        lines.append((refusal(path, context.permit),))
    if verb.details:
        lines.append((verb.details,))
    lines += [_argument(context, argument) for argument in verb.arguments]
    head, parts = _parts(context, verb, path)
    for one in parts:
        lines.append(text(Code(one.usage), f" {one.verb.summary}"))
        lines += [_argument(context, argument) for argument in one.verb.arguments]
    if verb.scope is not Scope.NONE:
        how = (": ", Code(f"{WHICH.name}:INC-42")) if context.menu else (", first or last: INC-42",)
        lines.append(("In an incident's room the incident is implied; elsewhere name it", *how))
    if not context.menu and (also := [*verb.aliases, *([verb.menu] if verb.menu else [])]):
        lines.append((f"Also: {listed(also)}",))
    lines += [("For example ", Code(f"{PREFIX} {example}")) for example in verb.examples]
    return answer(Code(head), f" {verb.summary}", details=lines)


def _parts(context: Context, verb: Verb, path: tuple[str, ...]) -> tuple[str, list[_Form]]:
    """How the verb is written, and what else begins with it, as far as the asker may use it."""
    if context.menu:
        place = chosen.place_of(path, verb)
        found = [
            one for one in _known(context) if one.path[: len(path)] == path and (not place or one.path != place.path)
        ]
        return (chosen.usage(place) if place else " ".join(path)), found
    before = " ".join(path)
    return verb.usage(" ".join(path[:-1])), [
        one for sub in verb.subverbs for one in _typed(sub, before) if may(one.path, one.verb, context.permit)
    ]


def _typed(verb: Verb, before: str) -> list[_Form]:
    """A subverb and those of it."""
    whole = f"{before} {verb.name}"
    own = _Form(tuple(whole.split()), verb, verb.usage(before))
    return [own, *(form for sub in verb.subverbs for form in _typed(sub, whole))]


def _argument(context: Context, argument: Argument) -> Text:
    if context.menu:
        label = f"{argument.name}:"
    else:
        label = argument.usage[1:-1] if argument.kind is Kind.FLAG or argument.named else argument.name
    return text(
        "  ",
        Code(label),
        f" {argument.help}",
        "" if argument.required or argument.kind is Kind.FLAG or argument.named else " (may be left out)",
    )


VERB = Verb(
    name="help",
    aliases=("verbs",),
    summary="What you may do, or how one verb is used",
    family=Family.HELP,
    arguments=(
        Argument(name="verb", kind=Kind.VERB, help="the verb to explain"),
        Argument(name="part", kind=Kind.TEXT, rest=True, help="a part of it, such as run of runbook"),
    ),
    examples=("help", "help ack", "help runbook run"),
    reads=True,
    handler=show_help,
)
