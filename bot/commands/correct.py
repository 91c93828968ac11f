"""`severity`, `rename`, `note`, `lead`: what people know better than the alerts, and who leads."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERBS"]


async def severity(context: Context) -> Reply:
    """More or less severe than thought."""
    level = context.values.severity("level")
    before = (await context.load()).severity
    if level is None:
        return answer(f"{context.ref} is {before}. To change it: ", Code("/incident severity 2"))
    incident = await context.services.incidents.change_severity(context.incident, level, context.actor)
    return answer(f"{incident.ref} is {incident.severity} now, before {before}.")


async def rename(context: Context) -> Reply:
    """Another title; the room's name stays where a platform cannot change it."""
    incident = await context.services.incidents.rename(context.incident, context.values.text("title"), context.actor)
    return answer(f"{incident.ref} is called: {incident.title}")


async def note(context: Context) -> Reply:
    """A line for the timeline and the retrospective."""
    await context.services.incidents.note(context.incident, context.values.text("text"), context.actor)
    return answer(f"Noted on the timeline of {context.ref}.")


async def lead(context: Context) -> Reply:
    """Take command, or give it to somebody."""
    commander = context.values.person("who") or context.actor
    await context.services.incidents.take_command(context.incident, commander, context.actor)
    if commander.id == context.actor.id:
        return answer(f"You lead {context.ref}.")
    return answer(commander, f" leads {context.ref} and is invited to its room.")


VERBS = (
    Verb(
        name="severity",
        aliases=("sev",),
        summary="Change how bad it is",
        family=Family.RESPOND,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="level", kind=Kind.SEVERITY, help="1 (worst) to 4"),),
        examples=("severity 1", "severity INC-42 3"),
        handler=severity,
    ),
    Verb(
        name="rename",
        aliases=("title",),
        summary="Change the title",
        family=Family.RESPOND,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="title", kind=Kind.TEXT, rest=True, required=True, help="what is broken, and where"),),
        examples=("rename checkout latency, eu-west-1", "rename INC-42 checkout down"),
        handler=rename,
    ),
    Verb(
        name="note",
        summary="Write a note on the timeline",
        family=Family.RESPOND,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="text", kind=Kind.TEXT, rest=True, required=True, help="what to remember"),),
        examples=("note rolled back payments-api", "note INC-42 vendor confirms an outage"),
        handler=note,
    ),
    Verb(
        name="lead",
        aliases=("command", "commander"),
        summary="Take or give incident command",
        family=Family.PEOPLE,
        scope=Scope.INCIDENT,
        arguments=(Argument(name="who", kind=Kind.PERSON, help="who leads from now on; you where nobody is named"),),
        examples=("lead", "lead @robin", "lead INC-42 @mika"),
        handler=lead,
    ),
)
