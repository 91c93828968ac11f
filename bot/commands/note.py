"""`note`: a line for the timeline and the retrospective."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def note(context: Context) -> Reply:
    """A line for the timeline and the retrospective."""
    await context.services.incidents.note(context.incident, context.values.text("text"), context.actor)
    return answer(f"Noted on the timeline of {context.ref}.")


VERB = Verb(
    name="note",
    summary="Write a note on the timeline",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="text", kind=Kind.TEXT, rest=True, required=True, help="what to remember"),),
    examples=("note rolled back payments-api", "note INC-42 vendor confirms an outage"),
    handler=note,
)
