"""`update`: a word for stakeholders, and when the next one is due."""

from __future__ import annotations

from bot.chat.views import Code, Moment, Reply, Text, text
from bot.clock import ago, duration
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer
from bot.incidents.model import Incident

__all__ = ["VERB"]


async def update(context: Context) -> Reply:
    """Tell how it stands, in the room and on the card; without words, the last one and when the next is due."""
    values = context.values
    said, every, last = values.text("text"), values.seconds("next"), values.flag("last")
    if not said and every is None and not last:
        return _shown(context, await context.load())
    incident = await context.services.incidents.tell(context.incident, said, context.actor, every=every, last=last)
    return answer(f"Update of {incident.ref} posted. ", *_next(incident))


def _next(incident: Incident) -> Text:
    told = incident.update
    if told is not None and told.due is not None and told.every is not None:
        return text("The next is due at ", Moment(told.due), f" (every {duration(told.every)}).")
    if told is None or told.every is None:
        return text("No next one is promised. To promise one: ", Code("/incident update --next 30m TEXT"))
    return text(f"{incident.ref} is {incident.status}: no next one is due.")


def _shown(context: Context, incident: Incident) -> Reply:
    told = incident.update
    if told is None:
        return answer(
            f"{incident.ref} has no update for stakeholders yet. To post one: ",
            Code("/incident update TEXT"),
            ", and when the next is due: ",
            Code("/incident update --next 30m TEXT"),
        )
    due: Text = ()
    if told.due is not None:
        late = told.due < context.at
        how = f"{ago(told.due, context.at)}" if late else f"in {duration(told.due - context.at)}"
        due = text("The next was due at " if late else "The next is due at ", Moment(told.due), f" ({how}).")
    return answer(
        f"Last update of {incident.ref} at ",
        Moment(told.at),
        f" ({ago(told.at, context.at)}) by {context.name(told.by)}: {told.text}",
        details=[due or _next(incident)],
    )


VERB = Verb(
    name="update",
    summary="An update for stakeholders, and when the next is due",
    details=(
        "The room and the card show it. When the next is due is remembered: later updates promise one after the same time. "
        "When one is overdue, who leads is reminded once."
    ),
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(name="text", kind=Kind.TEXT, rest=True, help="how it stands, for people who do not work on it"),
        Argument(name="next", kind=Kind.DURATION, named=True, help="when the next one is due: 30m, 1h"),
        Argument(name="last", kind=Kind.FLAG, help="no further one is promised"),
    ),
    examples=("update errors are falling since the rollback --next 30m", "update", "update INC-42 --last all is well"),
    handler=update,
)
