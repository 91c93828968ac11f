"""The card: an incident's present state as one view. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.changes.ledger import change_key
from bot.chat.views import (
    Button,
    Card,
    Code,
    Link,
    Moment,
    Person,
    Picture,
    RoleHolder,
    ServiceCount,
    Span,
    Text,
    people_text,
    text,
)
from bot.clock import duration
from bot.incidents.model import Incident
from bot.incidents.parts import Cause, Exclusion, Update
from correlation.alert import Change
from correlation.cause import FIRST
from correlation.words import clean

__all__ = ["card"]

SUSPECTS_SHOWN = 2
EXCLUSIONS_SHOWN = 5
REASON, UPDATE = 80, 240  # characters of a reason and of an update; the whole stands on the timeline


def card(
    incident: Incident,
    person: Callable[[str], Person],
    changes: Mapping[str, Change],
    author: Callable[[Change], str],
    invited: Mapping[str, Person] | None = None,
    links: Sequence[Link] = (),
    picture: Picture | None = None,
) -> Card:
    """Draw nothing, say everything: what is broken, who has it, why probably, what to do next.

    `changes` holds the suspects' changes by id; a suspect whose change is gone is left out. `author` names who made one,
    `invited` who was brought in for which of them, `links` what people want to open.
    """
    asked = invited or {}
    standing = [suspect.change for suspect in incident.suspects if not suspect.ruled_out]  # the others: `ruled_out`
    suspects = _distinct([changes[change] for change in standing if change in changes])
    return Card(
        incident=incident.ref,
        title=incident.title,
        severity=incident.severity,
        status=incident.status,
        status_since=incident.status_since,
        opened_at=incident.opened_at,
        first_alert_at=incident.first_alert_at if incident.alert_count else None,
        resolved_at=incident.resolved_at,
        lead=person(incident.commander) if incident.commander else None,
        alert_count=incident.alert_count,
        firing_count=incident.firing_count,
        services=tuple(ServiceCount(name, count) for name, count in incident.services),
        location=incident.location,
        environment=incident.environment,
        cause=_cause(incident.cause) if incident.cause else (),
        ruled_out=_ruled_out(incident.exclusions, person),
        roles=tuple(RoleHolder(role, person(who)) for role, who in incident.roles),
        update=_update(incident.update, person) if incident.update else (),
        suspects=tuple(_suspect(change, incident, author, asked) for change in suspects[:SUSPECTS_SHOWN]),
        next_step=_next_step(incident, suspects, asked),
        buttons=_buttons(incident, ask=bool(suspects) and not asked),
        links=tuple(links),
        picture=picture,
    )


def _distinct(changes: Sequence[Change]) -> list[Change]:
    """Each change once, in their order: the n-th is what `owner n` means."""
    return list({change_key(change.id): change for change in reversed(changes)}.values())[::-1]


def _suspect(
    change: Change, incident: Incident, author: Callable[[Change], str], invited: Mapping[str, Person]
) -> Text:
    what = " ".join(part for part in (change.kind, change.service, change.revision[:8]) if part)
    gap = incident.first_alert_at - change.at
    when = f"{duration(gap)} before" if gap >= 0 else f"{duration(-gap)} after the first alert"
    came = ", invited" if change_key(change.id) in invited else ""
    return text(f"{what} by {author(change) or 'nobody named'}, ", Moment(change.at), f" ({when}){came}")


def _cause(cause: Cause) -> Text:
    """`payments-api: first at 02:14, 3 depend on it, 9 alerts muted as effects`."""
    words = cause.words.split(", ") if cause.words else []
    muted = []
    if cause.effects:
        muted = ["1 alert muted as an effect" if cause.effects == 1 else f"{cause.effects:,} alerts muted as effects"]
    if not cause.first_at or FIRST not in words:
        return text(f"{cause.service}: {', '.join([*words, *muted])}")
    rest = [word for word in words if word != FIRST] + muted
    return text(f"{cause.service}: first at ", Moment(cause.first_at), "".join(f", {word}" for word in rest))


def _ruled_out(exclusions: Sequence[Exclusion], person: Callable[[str], Person]) -> Text:
    """`cart (Mika Laine: its graphs are flat), web (Robin Vos)`"""
    spans: list[Span] = []
    for one in exclusions[-EXCLUSIONS_SHOWN:]:
        reason = f": {clean(one.reason, REASON)}" if one.reason else ""
        spans += [", " if spans else "", f"{one.service} (", person(one.by), f"{reason})"]
    rest = len(exclusions) - EXCLUSIONS_SHOWN
    return text(*spans, f" and {rest} more" if rest > 0 else "")


def _update(update: Update, person: Callable[[str], Person]) -> Text:
    """`02:31 by Mika Laine: errors are falling; next due 03:01`"""
    said = text(Moment(update.at), " by ", person(update.by), f": {clean(update.text, UPDATE)}")
    if update.due is None:
        return said
    return (*said, "; next was due " if update.overdue else "; next due ", Moment(update.due))


def _next_step(incident: Incident, suspects: Sequence[Change], invited: Mapping[str, Person]) -> Text:
    if incident.merged_into is not None:
        return text(f"Merged into INC-{incident.merged_into}: it goes on there.")
    match incident.status:
        case "open" if incident.cleared_at is not None:
            return text("All alerts cleared. Over? ", Code("/incident resolve"))
        case "open" if incident.commander is not None:  # leading it stops no pages
            return text("Led, but not acknowledged yet: ", Code("/incident ack"))
        case "open":
            return text("Nobody has it yet. Take it: ", Code("/incident ack"))
        case "resolved":
            return text("File the conversation: ", Code("/incident retro"))
        case _ if incident.cleared_at is not None:
            return text("All alerts cleared. Over? ", Code("/incident resolve"))
        case _ if suspects and not invited:
            return text("Ask who changed it: ", Code("/incident owner"))
        case _:
            people = list(dict.fromkeys(invited.values()))
            came = (*people_text(people), f" {'was' if len(people) == 1 else 'were'} invited. ") if people else ()
            following = next((n for n, one in enumerate(suspects, 1) if change_key(one.id) not in invited), None)
            if following is not None:
                return text(*came, "Next suspect: ", Code(f"/incident owner {following}"))
            return text(*came, "What could help: ", Code("/incident runbook"))


def _buttons(incident: Incident, *, ask: bool) -> tuple[Button, ...]:
    name = incident.ref
    if incident.merged_into is not None:
        return ()
    more = Button(label="More", command=f"show {name}")  # answered with the other verbs to press
    if incident.status == "resolved":
        return (
            Button(label="Retrospective", command=f"retro {name}", style="primary"),
            Button(label="Reopen", command=f"reopen {name}"),
            more,
        )
    buttons = []
    if incident.status == "open":
        buttons.append(Button(label="Acknowledge", command=f"ack {name}", style="primary"))
    if ask:
        buttons.append(Button(label="Invite owner", command=f"owner {name}"))
    buttons.append(Button(label="Runbooks", command=f"runbook list {name}"))
    done = incident.cleared_at is not None
    firing = incident.firing_count
    still = "1 alert still fires" if firing == 1 else f"{firing:,} alerts still fire"
    confirm = "" if done else f"{still}. Resolve {name} all the same?"
    buttons.append(
        Button(
            label="Resolve",
            command=f"resolve {name}",
            style="primary" if done and incident.status != "open" else "default",
            confirm=confirm if firing else "",
        )
    )
    return (*buttons, more)
