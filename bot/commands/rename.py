"""`rename`: a title that somebody wrote."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def rename(context: Context) -> Reply:
    """Another title; the room's name stays where a platform cannot change it."""
    incident = await context.services.incidents.rename(context.incident, context.values.text("title"), context.actor)
    return answer(f'{incident.ref} is now called "{incident.title}".')


VERB = Verb(
    name="rename",
    aliases=("title",),
    summary="Change the title",
    family=Family.RESPOND,
    menu="more rename",
    scope=Scope.INCIDENT,
    arguments=(Argument(name="title", kind=Kind.TEXT, rest=True, required=True, help="what is broken, and where"),),
    examples=("rename checkout latency, eu-west-1", "rename INC-42 checkout down"),
    handler=rename,
)
