"""`help`: what one may do, and how one verb is used. All of it is read from the verbs' definitions."""

from __future__ import annotations

from bot.catalog.suggestions import did_you_mean
from bot.chat.views import Code, Reply, Strong, Text, text
from bot.commands.definition import PREFIX, Argument, Context, Family, Kind, Scope, Verb
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
    for family, head in HEADS.items():
        mine = [verb for verb in _distinct(context) if verb.family is family]
        for index, verb in enumerate(mine):
            first = (Strong(f"{head} "),) if index == 0 else ()
            lines.append(text(*first, Code(verb.usage()), f" {verb.summary}"))
    lines.append(("In an incident's room the incident is implied; elsewhere name it: ", Code(f"{PREFIX} ack INC-42")))
    return answer(f"What you may do, after {PREFIX}. One verb in full: ", Code(f"{PREFIX} help ack"), details=lines)


def _distinct(context: Context) -> list[Verb]:
    verbs = {verb.name: verb for verb in context.verbs.values()}
    return [verb for verb in verbs.values() if may((verb.name,), verb, context.permit)]


def _about(context: Context, verb: Verb, part: str = "") -> Reply:
    """The verb, or the part of it that is named: `help runbook run`."""
    lines: list[Text] = []
    path = verb.name
    for word in part.split():
        sub = verb.sub(word)
        if sub is None:
            break
        verb, path = sub, f"{path} {sub.name}"
    if not may(tuple(path.split()), verb, context.permit):
        lines.append((refusal(tuple(path.split()), context.permit),))
    if verb.details:
        lines.append((verb.details,))
    lines += [_argument(argument) for argument in verb.arguments]
    lines += _parts(context, verb, path)
    if verb.scope is not Scope.NONE:
        lines.append(("In an incident's room the incident is implied; elsewhere name it, first or last: INC-42",))
    if also := [*verb.aliases, *([verb.menu] if verb.menu else [])]:
        lines.append((f"Also: {listed(also)}",))
    lines += [("For example ", Code(f"{PREFIX} {example}")) for example in verb.examples]
    return answer(Code(verb.usage(path.removesuffix(verb.name).strip())), f" {verb.summary}", details=lines)


def _parts(context: Context, verb: Verb, before: str) -> list[Text]:
    """What may follow the verb, each with its arguments."""
    lines: list[Text] = []
    for sub in verb.subverbs:
        if may((*before.split(), sub.name), sub, context.permit):
            lines.append(text(Code(sub.usage(before)), f" {sub.summary}"))
            lines += [_argument(argument) for argument in sub.arguments]
            lines += _parts(context, sub, f"{before} {sub.name}")
    return lines


def _argument(argument: Argument) -> Text:
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
