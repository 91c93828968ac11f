"""`ruleout`: this is not it."""

from __future__ import annotations

from collections.abc import Iterable

from bot.catalog.suggestions import did_you_mean
from bot.changes.ledger import change_key
from bot.chat.views import Code, Reply, Strong, Text, text
from bot.clock import ago
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, change_line, cut_text, listed
from bot.errors import BadArguments
from bot.incidents.model import Incident
from bot.responders import owners
from correlation.alert import Change

__all__ = ["VERB"]

NAME = 100  # characters
REVISION = 5  # ... of a revision, that are enough to name it


async def ruleout(context: Context) -> Reply:
    """A service is not the cause, or may be it again; without one, what is ruled out."""
    word, incidents = context.values.text("service"), context.services.incidents
    before = await context.load()
    if not word:
        return _listed(context, before)
    if context.values.flag("undo"):
        service = next((one for one in before.ruled_out if one.casefold() == word.casefold()), cut_text(word, NAME))
        incident = await incidents.rule_in(context.incident, service, context.actor)
        return answer(Strong(service), f" may be the cause of {incident.ref} again.", details=_cause(incident))
    change = await _change(context, before, word)
    if change is not None:
        incident = await incidents.rule_out(
            context.incident, change_line(change), context.actor, context.values.text("reason"), change_key(change.id)
        )
        back: Text = ("Wrong? ", Code(f'/incident ruleout --undo "{change_line(change)}"'))
        return answer(
            Strong(change_line(change)), f" is ruled out in {incident.ref}.", details=[*_cause(incident), back]
        )
    service = _known(word, before, context.services.catalog().services)
    incident = await incidents.rule_out(context.incident, service, context.actor, context.values.text("reason"))
    undo: Text = ("Wrong? ", Code(f"/incident ruleout --undo {service}"))
    return answer(Strong(service), f" is ruled out in {incident.ref}.", details=[*_cause(incident), undo])


async def _change(context: Context, incident: Incident, word: str) -> Change | None:
    """The suspect change that a word means: its place among the suspects, or the beginning of its revision."""
    async with context.services.database.reading() as connection:
        suspects, _ = await owners.suspects_of(connection, context.services.catalog(), incident)
    for one in suspects:
        revision = one.change.revision.casefold()
        if word == str(one.rank) or (len(word) >= REVISION and revision.startswith(word.casefold())):
            return one.change
    return None


def _known(word: str, incident: Incident, services: Iterable[str]) -> str:
    """The name as it is written; anything that alerts named may be ruled out, also where no catalogue knows it."""
    name = cut_text(word, NAME)
    own = [*([incident.cause.service] if incident.cause else []), *(name for name, _ in incident.services)]
    found = next((one for one in (*own, *services, *incident.ruled_out) if one.casefold() == name.casefold()), None)
    if found is None:
        known = list(dict.fromkeys(own))
        hint = did_you_mean(name, known) if known else ""
        end = "" if hint.endswith("?") else "."
        raise BadArguments(f'{incident.ref} has nothing to do with "{name}"{hint}{end} Its alerts: /incident alerts')
    return found


def _cause(incident: Incident) -> list[Text]:
    if incident.cause is None:
        return [("What the cause is instead is not known.",)]
    lines: list[Text] = [(f"Probably {incident.cause.service}: {incident.cause.words}",)]
    if incident.cause.others:
        lines.append((f"Less likely: {listed(incident.cause.others, 2)}",))
    return lines


def _listed(context: Context, incident: Incident) -> Reply:
    if not incident.exclusions:
        return answer(
            f"Nothing is ruled out in {incident.ref}. To say what it is not: ",
            Code("/incident ruleout SERVICE why not"),
            details=_cause(incident) if incident.cause else (),
        )
    lines = [
        text(
            Strong(one.service),
            f" by {context.name(one.by)}, {ago(one.at, context.at)}",
            f": {cut_text(one.reason)}" if one.reason else "",
        )
        for one in incident.exclusions
    ]
    return answer(f"Ruled out in {incident.ref}:", details=[*lines, *_cause(incident)])


VERB = Verb(
    name="ruleout",
    aliases=("notit", "rule-out"),
    summary="This service, or this change, is not it",
    details="The card says so, and the next likeliest takes its place. Alerts of it still count and still page. "
    "A number is that of a change, as the list of changes has it.",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(name="service", kind=Kind.SUSPECT, help="what it is not, or a change's number; without one, the list"),
        Argument(name="reason", kind=Kind.TEXT, rest=True, help="why not, for the others"),
        Argument(name="undo", kind=Kind.FLAG, help="it may be this one after all"),
    ),
    examples=(
        "ruleout cart its graphs are flat",
        "ruleout 1 rolled back already",
        "ruleout --undo cart",
        "ruleout INC-42",
    ),
    handler=ruleout,
    menu="more ruleout",
)
