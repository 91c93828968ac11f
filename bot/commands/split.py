"""`split`: some alerts are something else; the engine remembers."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted, headline

__all__ = ["VERB"]


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


VERB = Verb(
    name="split",
    summary="These alerts are something else: they get an incident of their own",
    family=Family.FIX,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(
            name="alert", kind=Kind.ALERTS, required=True, help="which ones: A12 A13, as the list of alerts has them"
        ),
    ),
    examples=("split A12 A13", "split INC-42 A12"),
    handler=split,
)
