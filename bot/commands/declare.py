"""`declare`: an incident without an alert."""

from __future__ import annotations

from bot.chat.views import Code, Reply, Text
from bot.commands.definition import Argument, Context, Family, Kind, Verb
from bot.commands.words import answer, headline

__all__ = ["VERB"]


async def declare(context: Context) -> Reply:
    """Open the room and invite the one who declares; page only when asked to, for nobody else may be needed."""
    values = context.values
    severity = values.severity("severity") or "SEV3"
    private = values.flag("private") or context.services.catalog().is_private((), severity)
    incident = await context.services.incidents.declare(
        values.text("title"),
        context.actor,
        severity=severity,
        private=private,
        page=values.flag("page"),
    )
    to_page: Text = ("Nobody is paged yet. To page: ", Code(f"/incident page NAME {incident.ref}"))
    details: list[Text] = [("Paging starts; the room shows who is paged.",) if values.flag("page") else to_page]
    if private:
        details.append(
            ("Private: on chat platforms by invitation only. The situation room shows it to all who may open it.",)
        )
    return answer("Declared ", *headline(incident), ". Its room opens now.", details=details)


VERB = Verb(
    name="declare",
    aliases=("new",),
    summary="An incident without an alert",
    family=Family.RESPOND,
    arguments=(
        Argument(name="title", kind=Kind.TEXT, rest=True, required=True, help="what is broken, and where"),
        Argument(name="severity", kind=Kind.SEVERITY, help="sev1 (worst) to sev4; sev3 where none is given"),
        Argument(name="page", kind=Kind.FLAG, help="page whoever is on call"),
        Argument(name="private", kind=Kind.FLAG, help="a room by invitation only, on chat platforms"),
    ),
    examples=("declare checkout slow for some customers", "declare payments down sev1 --page"),
    handler=declare,
)
