"""`unack`: nobody has it any more."""

from __future__ import annotations

from bot.chat.views import Reply
from bot.commands.definition import Context, Family, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def unack(context: Context) -> Reply:
    """Paging starts again from the first step."""
    await context.services.incidents.unacknowledge(context.incident, context.actor)
    return answer(f"{context.ref} is given back: nobody has it. Paging starts again.")


VERB = Verb(
    name="unack",
    aliases=("unacknowledge",),
    summary="I do not have it after all: paging starts again",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    examples=("unack", "unack INC-42"),
    handler=unack,
)
