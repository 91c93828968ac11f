"""`changes`: what changed near the onset, ranked, with reasons."""

from __future__ import annotations

from bot.catalog.cookbook import topology
from bot.changes import nearby
from bot.changes.ledger import change_key
from bot.chat.views import Button, Code, Link, Moment, Reply, Strong, Text, text
from bot.clock import duration
from bot.commands.definition import Context, Family, Scope, Verb
from bot.commands.words import answer, author_name, change_line, cut_text, listed
from bot.incidents import store
from bot.incidents.model import Incident
from bot.responders import owners
from bot.responders.owners import Reason
from correlation.alert import Change

__all__ = ["VERB"]

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
    lines = [_suspect(one, incident, context) for one in shown]
    if others:
        lines.append((f"Others near: {listed([_short(one.change, incident) for one in others], OTHERS)}",))
    lines.append(("Invite who made one: ", Code("/incident owner 1")))
    head = "Suspect changes of {}, likeliest first:" if ranked else "Nothing stands out. Changes near the onset of {}:"
    buttons = (Button(label="Invite owner", command=f"owner {incident.ref}"),) if incident.open else ()
    return Reply(text=text(head.format(incident.ref)), details=tuple(lines), buttons=buttons)


def _suspect(one: Reason, incident: Incident, context: Context) -> Text:
    change = one.change
    said = incident.exclusion_of(change_key(change.id), change.service)
    out = ""
    if said is not None:
        out = f", ruled out by {context.name(said.by)}{f': {cut_text(said.reason)}' if said.reason else ''}"
    line = text(
        Strong(f"{one.rank}."),
        f" {change_line(change)} by {author_name(context.services.catalog(), change)}, ",
        Moment(change.at),
        f": {owners.because(one, incident)}{out}",
        f" [{change.status}]" if change.status != "succeeded" else "",
    )
    return (*line, " ", Link("link", change.url)) if change.url else line


def _gap(change: Change, incident: Incident) -> str:
    gap = incident.first_alert_at - change.at
    return f"{duration(abs(gap))} {'before' if gap >= 0 else 'after'}"


def _short(change: Change, incident: Incident) -> str:
    return f"{change_line(change)} {_gap(change, incident)}"


VERB = Verb(
    name="changes",
    aliases=("suspects",),
    summary="Changes near the onset, ranked, with reasons",
    family=Family.LOOK,
    scope=Scope.INCIDENT,
    examples=("changes", "changes INC-42"),
    reads=True,
    handler=changes,
)
