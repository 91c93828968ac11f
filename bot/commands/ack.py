"""`ack`: somebody has the incident."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.clock import ago, duration
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def ack(context: Context) -> Reply:
    """Of many at once one is first; the others are added as responders."""
    taken = await context.services.incidents.acknowledge(context.incident, context.actor, context.values.text("note"))
    incident = taken.incident
    if taken.first:
        after = (
            f", {duration(taken.at - incident.first_alert_at)} after the first alert" if incident.alert_count else ""
        )
        return answer(f"Acknowledged by {context.actor.name}{after}. Paging stopped.")
    await context.services.paging.answer(context.incident, context.actor)
    since, noted = ago(taken.at, context.at), ""
    if note := context.values.text("note"):  # the acknowledgement has another's note, or none; this one is not lost
        await context.services.incidents.note(context.incident, note, context.actor)
        noted = " Your note is on the timeline."
    if taken.by == context.actor.id:
        return answer(f"You acknowledged this {since}.{noted} To give it back: ", Code("/incident unack"))
    first = context.services.person(taken.by).name
    return answer(f"{first} acknowledged this {since}. You are added as a responder.{noted}")


VERB = Verb(
    name="ack",
    aliases=("acknowledge",),
    summary="I have it: stops paging",
    details="The first one leads unless somebody does already. A second one is told who was first, and joins.",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="note", kind=Kind.TEXT, rest=True, help="a word for the room"),),
    examples=("ack", "ack INC-42 looking at the database"),
    handler=ack,
)
