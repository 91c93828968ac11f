"""`resolve`: it is over."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.clock import duration
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, counted

__all__ = ["VERB"]


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


VERB = Verb(
    name="resolve",
    aliases=("resolved", "close"),
    summary="It is over",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="summary", kind=Kind.TEXT, rest=True, help="what ended it, in a sentence"),),
    examples=("resolve", "resolve rolled back payments-api", "resolve INC-42 disk replaced"),
    handler=resolve,
)
