"""`resolve` and `reopen`: it is over, or it was not."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.clock import duration
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted

__all__ = ["VERBS"]


async def resolve(context: Context) -> Reply:
    """End it; what still fires is said, not held against anybody."""
    incident = await context.services.incidents.resolve(context.incident, context.actor, context.values.text("summary"))
    firing = incident.firing_count
    details = [("File the conversation: ", Code(f"/incident retro {context.ref}"))]
    if firing:
        still = f"{counted(firing, 'alert')} still {'fires' if firing == 1 else 'fire'}. If it is back: "
        details.insert(0, (still, Code(f"/incident reopen {context.ref}")))
    return answer(
        f"Resolved {context.ref}, {duration(context.at - incident.first_alert_at)} after it began.", details=details
    )


async def reopen(context: Context) -> Reply:
    """It was not over; somebody has to take it again."""
    await context.services.incidents.reopen(context.incident, context.actor, context.values.text("why"))
    return answer(f"{context.ref} is open again, and paging starts. Take it: ", Code(f"/incident ack {context.ref}"))


VERBS = (
    Verb(
        name="resolve",
        aliases=("resolved", "close"),
        summary="It is over",
        family=Family.RESPOND,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="summary", kind=Kind.TEXT, rest=True, help="what ended it, in a sentence"),),
        examples=("resolve", "resolve rolled back payments-api", "resolve INC-42 disk replaced"),
        handler=resolve,
    ),
    Verb(
        name="reopen",
        summary="It was not over",
        family=Family.RESPOND,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="why", kind=Kind.TEXT, rest=True, help="what came back"),),
        examples=("reopen", "reopen INC-42 errors are back"),
        handler=reopen,
    ),
)
