"""`owner`: whoever made a suspect change is brought into the room."""

from __future__ import annotations

from bot.chat.views import Code, Moment, Reply, Text
from bot.clock import ago
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import change_line, cut_text
from bot.errors import BadArguments
from bot.responders import owners
from bot.responders.identities import Unmapped
from bot.responders.owners import Invited, OwnerOutcome, Reason

__all__ = ["VERB"]


async def owner(context: Context) -> Reply:
    """Invite the author of the n-th suspect change, or of all of them."""
    values = context.values
    if values.flag("all") and values.integer("n") is not None:
        raise BadArguments("Either a number or all: /incident owner 2, /incident owner --all")
    outcome = await context.services.owners.invite(
        context.incident, context.actor, values.integer("n") or 1, everyone=values.flag("all")
    )
    lines: list[Text] = [_told(one, outcome, context) for one in outcome.invited]
    lines += [_unknown(suspect, author) for suspect, author in outcome.nobody]
    if not outcome.ranked:
        lines.append(("No change stands out; this one is only near in time.",))
    if outcome.following:
        lines.append(("Next suspect: ", Code(f"/incident owner {outcome.following}")))
    return Reply(text=lines[0], details=tuple(lines[1:]), failed=not outcome.invited)


def _told(one: Invited, outcome: OwnerOutcome, context: Context) -> Text:
    change = one.suspect.change
    about = (f"{owners.done(change)} at ", Moment(change.at), f", {owners.because(one.suspect, outcome.incident)}.")
    if one.before is not None:
        return (one.person, f" was invited {ago(one.before, context.at)}: ", *about)
    if one.person.id == context.actor.id:
        return ("That change is yours: you ", *about, " The room is told.")
    return ("Invited ", one.person, ": ", *about)


def _unknown(suspect: Reason, author: Unmapped) -> Text:
    what = change_line(suspect.change)
    if not author.who:
        return (f"{_sentence(author.why)} ({what}). To know: {author.how}.",)
    nobody = f'"{author.who}" is nobody here'
    why = author.why.replace(nobody, f'The change is by "{cut_text(author.who, 60)}", who is nobody here ({what})')
    return (f"{_sentence(why)}. To map people: {author.how}.",)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


VERB = Verb(
    name="owner",
    summary="Invite whoever made the suspect change",
    details="The most suspect one, the n-th, or all. The room is told why; the person gets a short brief.",
    family=Family.PEOPLE,
    scope=Scope.INCIDENT,
    arguments=(
        Argument(name="n", kind=Kind.INTEGER, help="which suspect, 1 is the likeliest"),
        Argument(name="all", kind=Kind.FLAG, help="all suspects"),
    ),
    examples=("owner", "owner 2", "owner --all", "owner INC-42"),
    handler=owner,
)
