"""`reopen`: it was not over."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def reopen(context: Context) -> Reply:
    """It was not over; somebody has to take it again."""
    await context.services.incidents.reopen(context.incident, context.actor, context.values.text("why"))
    return answer(f"{context.ref} is open again, and paging starts. Take it: ", Code(f"/incident ack {context.ref}"))


VERB = Verb(
    name="reopen",
    summary="It was not over",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="why", kind=Kind.TEXT, rest=True, help="what came back"),),
    examples=("reopen", "reopen INC-42 errors are back"),
    handler=reopen,
)
