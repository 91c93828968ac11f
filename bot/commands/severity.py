"""`severity`: more or less severe than thought."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def severity(context: Context) -> Reply:
    """More or less severe than thought."""
    level = context.values.severity("level")
    before = (await context.load()).severity
    if level is None:
        return answer(f"{context.ref} is {before}. To change it: ", Code("/incident severity 2"))
    paging = context.services.paging
    climbing = await paging.climbing(context.incident)
    incident = await context.services.incidents.change_severity(context.incident, level, context.actor)
    paged = " Nobody has it: paging starts." if not climbing and await paging.climbing(context.incident) else ""
    return answer(f"{incident.ref} is {incident.severity} now; it was {before}.{paged}")


VERB = Verb(
    name="severity",
    aliases=("sev",),
    summary="Change how bad it is",
    details="Raised to one that is worth waking people for, it pages whoever is on call, if nobody has it.",
    family=Family.RESPOND,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="level", kind=Kind.SEVERITY, help="1 (worst) to 4"),),
    examples=("severity 1", "severity INC-42 3"),
    handler=severity,
)
