"""`lead`: incident command, taken or given."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def lead(context: Context) -> Reply:
    """Take command, or give it to somebody."""
    commander = context.values.person("who") or context.actor
    await context.services.incidents.take_command(context.incident, commander, context.actor)
    if commander.id == context.actor.id:
        return answer(f"You lead {context.ref}.")
    return answer(commander, f" leads {context.ref} and is invited to its room.")


VERB = Verb(
    name="lead",
    aliases=("command", "commander"),
    summary="Take or give incident command",
    family=Family.PEOPLE,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="who", kind=Kind.PERSON, help="who leads from now on; you where nobody is named"),),
    examples=("lead", "lead @robin", "lead INC-42 @mika"),
    handler=lead,
)
