"""`role`: who does what beside leading."""

from __future__ import annotations

from bot.chat.views import Code, Reply, Strong, Text, text
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.lead import lead
from bot.commands.words import answer
from bot.errors import BadArguments
from bot.incidents.model import Incident
from bot.incidents.parts import role_name

__all__ = ["VERB"]

LEADS = {"commander", "lead", "leader", "incident commander", "incident lead", "ic"}  # other words for who leads
USUAL = ("communications", "scribe", "operations", "liaison", "commander")


async def role(context: Context) -> Reply:
    """Give a role to somebody, to oneself where nobody is named; without a role, who has which."""
    word = context.values.text("role")
    if not word:
        return _listed(context, await context.load())
    name, person, incidents = role_name(word), context.values.person("who"), context.services.incidents
    if context.values.flag("nobody"):
        if person is not None:
            raise BadArguments(f"Either somebody or nobody: /incident role {name} --nobody")
        if name in LEADS:
            raise BadArguments("Somebody else may lead: /incident lead @robin. To give it back: /incident unack")
        await incidents.free_role(context.incident, name, context.actor)
        return answer(f"Nobody is {name} of {context.ref} any more.")
    holder = person or context.actor
    if name in LEADS:
        return await lead(context)  # `who` is its word, too
    await incidents.give_role(context.incident, name, holder, context.actor)
    if holder.id == context.actor.id:
        return answer("You are ", Strong(name), f" of {context.ref}.")
    return answer(holder, " is ", Strong(name), f" of {context.ref}, and is invited to its room.")


def _listed(context: Context, incident: Incident) -> Reply:
    people = context.services.person
    lines: list[Text] = [("lead: ", people(incident.commander) if incident.commander else "nobody")]
    lines += [text(f"{name}: ", people(who)) for name, who in incident.roles]
    lines.append(("To give one: ", Code("/incident role communications @robin")))
    return answer(f"Roles of {incident.ref}:", details=lines)


VERB = Verb(
    name="role",
    aliases=("roles",),
    summary="Give a role, or see who has which",
    details="Any word is a role, up to 12 of them: communications, scribe, operations ... The commander is who leads.",
    family=Family.PEOPLE,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(name="role", kind=Kind.WORD, offers=USUAL, help="which: communications, scribe, operations ..."),
        Argument(name="who", kind=Kind.PERSON, help="who has it from now on; you where nobody is named"),
        Argument(name="nobody", kind=Kind.FLAG, help="nobody has it any more"),
    ),
    examples=("role communications @robin", "role scribe", "role scribe --nobody", "role INC-42"),
    handler=role,
    menu="more role",
)
