"""`merge`: another incident was the same thing; the engine remembers."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted
from bot.errors import BadArguments
from bot.incidents.reference import ref

__all__ = ["VERB"]


async def merge(context: Context) -> Reply:
    """The other incident was the same thing: its alerts move here, and it ends."""
    other = context.values.integer("other")
    if other is None:
        raise BadArguments("Which incident was the same thing? /incident merge INC-43")
    incident = await context.services.incidents.merge(context.incident, other, context.actor)
    return answer(
        f"{ref(other)} is merged into {incident.ref}, which has {counted(incident.alert_count, 'alert')} now. ",
        "The engine remembers.",
    )


VERB = Verb(
    name="merge",
    summary="Another incident was the same thing: its alerts move here",
    details="In a room the one named is merged into this one; elsewhere the second is merged into the first.",
    family=Family.FIX,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="other", kind=Kind.INCIDENT, required=True, help="the incident that ends in this one"),),
    examples=("merge INC-43", "merge INC-42 INC-43"),
    handler=merge,
)
