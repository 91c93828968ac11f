"""`mirror`: whether what is said in one room of an incident is read in its others."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer

__all__ = ["VERB"]


async def mirror(context: Context) -> Reply:
    """How it is, or another way from now on."""
    await context.load()
    wish, mirroring = context.values.text("state"), context.services.mirroring
    _, places = await mirroring.state(context.incident)
    if not places:
        return answer(f"{context.ref} has one room, the situation room: nothing to mirror.")
    if wish:
        await mirroring.switch(context.incident, context.actor, on=wish == "on")
    on, _ = await mirroring.state(context.incident)
    others = f"{', '.join(places)} or the situation room"
    if on:
        return answer(
            f"What is said about {context.ref} in {others} is read in all of them. To keep it apart: ",
            Code("/incident mirror off"),
        )
    return answer(
        f"What is said about {context.ref} in {others} stays there, though the situation room and the retrospective "
        "show all of it. To mirror it: ",
        Code("/incident mirror on"),
    )


VERB = Verb(
    name="mirror",
    summary="Whether what is said in one room is read in the others",
    details="People's words go to the incident's rooms on the other platforms, with their names; edits and deletions follow. "
    "Off: what is said from then on stays in its room. What stands elsewhere already still follows its edits and deletions.",
    family=Family.PEOPLE,
    scope=Scope.INCIDENT,
    arguments=(Argument(name="state", kind=Kind.CHOICE, choices=("on", "off"), help="mirror it, or keep it apart"),),
    examples=("mirror off", "mirror on INC-42", "mirror"),
    handler=mirror,
    menu="more mirror",
)
