"""`page`: wake somebody now."""

from __future__ import annotations

from collections.abc import Sequence

from bot.catalog.model import Who
from bot.chat.views import Person, Reply, Text, people_text, text
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Target, Verb
from bot.commands.words import answer
from bot.errors import BadArguments, NotFound
from bot.incidents.reference import ref
from bot.responders.oncall import OnCall
from bot.responders.pages import MANUAL
from bot.responders.recipients import recipients

__all__ = ["VERB"]


async def page(context: Context) -> Reply:
    """Page a person, or whoever is on call for a service or a team; the room sees delivery and answer."""
    target = context.values.target("who")
    if target is None:
        raise BadArguments("Say whom to page: /incident page @robin, /incident page checkout")
    people, why = await _people(context, target)
    made = await context.services.paging.page(context.incident, people, context.actor, context.values.text("message"))
    paged = [context.services.person(one.person) for one in made]
    left = [person for person in people if all(person.id != one.id for one in paged)]
    waiting: list[Text] = [text(*people_text(left), " was paged already and has not answered yet.")] if left else []
    return answer("Paged ", *people_text(paged), f"{why}. The room shows delivery and answer.", details=waiting)


async def _people(context: Context, target: Target) -> tuple[Sequence[Person], str]:
    catalog = context.services.catalog()
    if target.person is not None:
        return (target.person,), ""
    try:
        found = OnCall.describe(catalog, target.id, context.at)[0]
    except NotFound:
        if target.kind != "team":
            raise
        members = recipients(catalog, [Who(kind="team", name=target.id)], await context.load(), context.at)
        if not members.people:
            raise NotFound(" ".join(members.gaps)) from None
        return tuple(one.person for one in members.people), f" (all of {target.id}, which has no schedule)"
    if found.person is None:
        raise NotFound(
            f"Nobody is on call for {target.id}: {found.reason}. Page somebody by name: /incident page @robin"
        )
    return (found.person,), f" (on call for {target.id})"


async def decline(context: Context) -> Reply:
    """The one who is paged cannot take it."""
    page = await context.services.paging.decline(context.values.integer("id"), context.actor)
    then = "The room is told." if page.step == MANUAL else "Whoever the escalation policy names next is paged."
    return answer(f"Noted: you cannot take {ref(page.incident)}. {then}")


VERB = Verb(
    name="page",
    summary="Page somebody now; the room sees delivery and answer",
    family=Family.PEOPLE,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(
            name="who",
            kind=Kind.TARGET,
            required=True,
            help="a person, or a service or team whose on-call is meant",
        ),
        Argument(name="message", kind=Kind.TEXT, rest=True, help="a word for the one who is woken"),
    ),
    examples=("page @robin", "page checkout need a second pair of eyes", "page INC-42 team:payments"),
    handler=page,
    subverbs=(
        Verb(
            name="decline",
            summary="I am paged and cannot take it",
            family=Family.PEOPLE,
            menu="more decline",
            arguments=(
                Argument(name="id", kind=Kind.PAGE, help="which page, such as P9; your newest where none is named"),
            ),
            examples=("page decline", "page decline P9"),
            handler=decline,
        ),
    ),
)
