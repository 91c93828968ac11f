"""`changes` and `owner`: what changed near the onset, and whoever changed it brought into the room."""

from __future__ import annotations

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import topology
from bot.changes import nearby
from bot.chat.views import Button, Code, Link, Moment, Reply, Strong, Text, text
from bot.clock import ago, duration
from bot.commands.definition import Argument, Context, Family, Kind, Scope, Verb
from bot.commands.words import answer, author_name, change_line, cut_text, listed
from bot.errors import BadArguments
from bot.incidents import store
from bot.incidents.model import Incident
from bot.responders import owners
from bot.responders.identities import Unmapped
from bot.responders.owners import Invited, OwnerOutcome, Reason
from correlation.alert import Change

__all__ = ["VERBS"]

SUSPECTS, OTHERS = 5, 8


async def changes(context: Context) -> Reply:
    """The suspects, ranked, with their reasons; then what else changed near by."""
    catalog = context.services.catalog()
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        suspects, ranked = await owners.suspects_of(connection, catalog, incident)
        around = await nearby.near(
            connection,
            topology(catalog),
            [name for name, _ in incident.services],
            incident.first_alert_at,
            environment=incident.environment,
            limit=owners.MOST,
        )
    shown = suspects[:SUSPECTS]
    others = [one for one in around if not any(nearby.same_change(one.change.id, s.change.id) for s in shown)]
    if not shown:
        hours = duration(nearby.LOOK_BACK)
        return answer(
            f"No change is known in the {hours} before {incident.ref} began, on its services or what they depend on.",
            details=[("Changes arrive by POST /webhooks/github or /webhooks/change.",)],
        )
    lines = [_suspect(one, incident, catalog) for one in shown]
    if others:
        lines.append((f"Others near: {listed([_short(one.change, incident) for one in others], OTHERS)}",))
    lines.append(("Invite who made one: ", Code("/incident owner 1")))
    head = "Suspect changes, likeliest first:" if ranked else "Nothing stands out. Changes near the onset:"
    buttons = (Button(label="Invite owner", command=f"owner {incident.ref}"),) if incident.open else ()
    return Reply(text=text(f"{incident.ref}: {head}"), details=tuple(lines), buttons=buttons)


async def owner(context: Context) -> Reply:
    """Invite the author of the n-th suspect change, or of all of them."""
    values = context.values
    if values.flag("all") and values.integer("n") is not None:
        raise BadArguments("Either a number or --all: /incident owner 2, /incident owner --all")
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
        return ("That change is your own: you ", *about, " The room is told.")
    return ("Invited ", one.person, ": ", *about)


def _unknown(suspect: Reason, author: Unmapped) -> Text:
    what = change_line(suspect.change)
    if not author.who:
        return (f"{_sentence(author.why)} ({what}). To know: {author.how}.",)
    nobody = f'"{author.who}" is nobody here'
    why = author.why.replace(nobody, f'The change is by "{cut_text(author.who, 60)}", who is nobody here ({what})')
    return (f"{_sentence(why)}. To map people: {author.how}.",)


def _suspect(one: Reason, incident: Incident, catalog: Catalog) -> Text:
    change = one.change
    line = text(
        Strong(f"{one.rank}."),
        f" {change_line(change)} by {author_name(catalog, change)}, ",
        Moment(change.at),
        f": {owners.because(one, incident)}",
        f" [{change.status}]" if change.status != "succeeded" else "",
    )
    return (*line, " ", Link("link", change.url)) if change.url else line


def _gap(change: Change, incident: Incident) -> str:
    gap = incident.first_alert_at - change.at
    return f"{duration(abs(gap))} {'before' if gap >= 0 else 'after'}"


def _short(change: Change, incident: Incident) -> str:
    return f"{change_line(change)} {_gap(change, incident)}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


VERBS = (
    Verb(
        name="changes",
        aliases=("suspects",),
        summary="Changes near the onset, ranked, with reasons",
        family=Family.LOOK,
        scope=Scope.INCIDENT,
        examples=("changes", "changes INC-42"),
        reads=True,
        handler=changes,
    ),
    Verb(
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
    ),
)
