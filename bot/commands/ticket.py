"""`ticket`: where the incident is kept in the team's tracker."""

from __future__ import annotations

from bot.chat.views import Code, Reply
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer
from bot.incidents.tickets import ticket_address, ticket_link

__all__ = ["VERB"]

NONE = "-"  # typed for no ticket


async def ticket(context: Context) -> Reply:
    """Link the ticket, another one, or none any more; without an address, the one that is linked."""
    word = context.values.text("url")
    if not word:
        url = (await context.load()).ticket
        if not url:
            return answer(f"{context.ref} has no ticket. To link one: ", Code("/incident ticket URL"))
        return answer(f"{context.ref} is kept as ", ticket_link(url), ". To take it off: ", Code("/incident ticket -"))
    url = "" if word == NONE else ticket_address(word)
    incident = await context.services.incidents.link_ticket(context.incident, url, context.actor)
    if not url:
        return answer(f"{incident.ref} has no ticket any more.")
    return answer(ticket_link(url), f" is linked to {incident.ref}.")


VERB = Verb(
    name="ticket",
    summary="Link the ticket where the incident is kept",
    details="The card leads to it; so does a bookmark of the room in Slack. It stands in the retrospective.",
    family=Family.AFTERWARDS,
    scope=Scope.INCIDENT,
    menu="more ticket",
    arguments=(Argument(name="url", kind=Kind.WORD, help="its web address; - takes it off"),),
    examples=("ticket https://tracker.example.org/browse/OPS-42", "ticket", "ticket INC-42 -"),
    handler=ticket,
)
