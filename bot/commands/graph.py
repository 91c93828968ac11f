"""`graph`: a picture of the alerts over time by service."""

from __future__ import annotations

from bot.chat.views import Code, Notice, Picture, Reply, text
from bot.commands.definition import Context, Family, Scope, Verb
from bot.commands.words import answer
from bot.errors import NotFound, Unavailable

__all__ = ["VERB"]


async def graph(context: Context) -> Reply:
    """Alerts over time by service, changes on the same axis."""
    picture = await _picture(context)
    if not picture.png:
        again = text("It could not be drawn just now. Again: ", Code(f"/incident graph {context.ref}"))
        return Reply(text=(picture.alt,), details=(again,))
    everybody = text("For everybody in the room: ", Code(f"/incident graph share {context.ref}"))
    return Reply(text=(picture.alt,), details=(everybody,), picture=picture)


async def share(context: Context) -> Reply:
    """The same, where all who are in the room see it."""
    picture = await _picture(context)
    if not picture.png:
        raise Unavailable(f"The picture of {context.ref} could not be drawn just now. Again: /incident graph share")
    notice = Notice(text=text(f"Alerts of {context.ref} over time, shown by ", context.actor, "."), picture=picture)
    async with context.services.database.transaction() as work:
        await context.services.announcements.say(work, context.incident, notice, context.at)
    return answer(f"The picture of {context.ref} is in its room.")


async def _picture(context: Context) -> Picture:
    picture = await context.services.pictures.of(context.incident)
    if picture is None:
        raise NotFound(f"{context.ref} has no alerts: there is nothing to draw. How it stands: /incident show")
    return picture


VERB = Verb(
    name="graph",
    aliases=("picture", "chart"),
    summary="A picture: alerts over time by service",
    details="One row for each service, as high as many fire at once, coloured by the worst; changes are numbered lines.",
    family=Family.LOOK,
    scope=Scope.INCIDENT,
    examples=("graph", "graph INC-42"),
    reads=True,
    handler=graph,
    menu="more graph",
    subverbs=(
        Verb(
            name="share",
            summary="Show the picture to everybody in the room",
            family=Family.LOOK,
            scope=Scope.INCIDENT,
            examples=("graph share",),
            handler=share,
            menu="more graph-share",
        ),
    ),
)
