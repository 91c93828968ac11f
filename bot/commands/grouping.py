"""`merge` and `split`: people correct the grouping, and the engine remembers."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, headline
from bot.errors import BadArguments
from bot.incidents.model import ref

__all__ = ["VERBS"]


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


async def split(context: Context) -> Reply:
    """Some alerts are something else: they get an incident of their own."""
    numbers = context.values.numbers("alert")
    new = await context.services.incidents.split(context.incident, numbers, context.actor)
    return answer(
        f"{counted(len(numbers), 'alert')} split off into ",
        *headline(new),
        ". The engine remembers.",
        details=[("Where it stands: ", Code(f"/incident show {new.ref}"))],
    )


VERBS = (
    Verb(
        name="merge",
        summary="Another incident was the same thing: its alerts move here",
        details="In a room the one named is merged into this one; elsewhere the second is merged into the first.",
        family=Family.FIX,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="other", kind=Kind.INCIDENT, required=True, help="the incident that ends"),),
        examples=("merge INC-43", "merge INC-42 INC-43"),
        handler=merge,
    ),
    Verb(
        name="split",
        summary="These alerts are something else: they get an incident of their own",
        family=Family.FIX,
        scope=Scope.INCIDENT,
        arguments=(
            Argument(name="alert", kind=Kind.ALERTS, required=True, help="alerts, as /incident alerts shows them"),
        ),
        examples=("split A12 A13", "split INC-42 A12"),
        handler=split,
    ),
)
