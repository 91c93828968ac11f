"""What a page says: to the one who is paged, and to the room that waits for an answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.chat.views import MUSTER, Button, Moment, Notice, Page, Person, Span, Strong, Text, Tone, people_text, text
from bot.clock import ago, duration
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.responders.pages import Delivery, PageRecord

__all__ = ["page_view", "room_notice", "status"]

Names = Callable[[str], Person]


def page_view(page: PageRecord, incident: Incident, names: Names, at: float) -> Page:
    """The direct message as it should look now: a question while it may be answered, afterwards what became of it."""
    where = f", {incident.location}" if incident.location and incident.location not in incident.title else ""
    headline = text(Strong(f"{incident.severity} {incident.ref}"), f" {incident.title}{where}")
    room = Button(label="Open room", command=f"show {incident.ref}")
    if page.open and incident.open:
        return Page(
            incident=incident.ref,
            headline=headline,
            body=(*_situation(incident, at), *_reason(page)),
            buttons=(
                Button(label="Acknowledge", command=f"ack {incident.ref}", style="primary"),
                Button(label="I can't", command=f"page decline {page.ref}"),
                room,
            ),
        )
    return Page(
        incident=incident.ref,
        headline=headline,
        body=_outcome(page, incident, names),
        state="answered" if page.state in ("acknowledged", "declined") else "over",
        buttons=(room,),
    )


def room_notice(
    pages: Sequence[PageRecord],
    deliveries: Callable[[int], Sequence[Delivery]],
    names: Names,
    *,
    waited: float | None = None,
    turn: int = 1,
) -> Notice:
    """Who was paged together, and what became of each; `waited` seconds without an answer is said when it is given.

    `turn` counts from 1: how often they were asked.
    """
    people = [names(page.person) for page in pages]
    note: tuple[Text, ...] = ((pages[0].note,),) if pages[0].note else ()
    states = {page.state for page in pages}
    tone: Tone
    if "acknowledged" in states:
        tone = "good"
    elif waited is not None or states & {"declined", "failed"}:
        tone = "warning"
    else:
        tone = "info"
    whys = {page.why for page in pages}
    why = f" ({pages[0].why})" if len(whys) == 1 else ""
    paged = "Paged " if turn == 1 else f"Paged {turn} times: "
    if len(pages) == 1:
        told = text(paged, people[0], f"{why}: ", *status(pages[0], deliveries(pages[0].id), waited=waited), ".")
        return Notice(text=told, details=note, tone=tone)
    lines = [
        text(person, f" ({page.why})" if not why else "", ": ", *status(page, deliveries(page.id), waited=waited))
        for page, person in zip(pages, people, strict=True)
    ]
    return Notice(text=text(paged, *people_text(people), f"{why}."), details=(*note, *lines), tone=tone)


def status(page: PageRecord, deliveries: Sequence[Delivery] = (), *, waited: float | None = None) -> Text:
    """What became of a page, as the end of a sentence."""
    trouble = "; ".join(f"not on {d.platform}: {d.error.rstrip('.')}" for d in deliveries if d.error)
    took = duration((page.answered_at or page.created_at) - page.created_at)
    match page.state:
        case "pending" if waited is not None:
            return text(f"not delivered in {duration(waited)}")
        case "pending":
            return text("on its way")
        case "sent":
            answer = f"no answer after {duration(waited)}" if waited is not None else "no answer yet"
            arrived: tuple[Span, ...] = ("delivered at ", Moment(page.sent_at)) if page.sent_at else ("delivered",)
            return text(*arrived, f", {answer}", f" ({trouble})" if trouble else "")
        case "acknowledged":
            return text(f"answered after {took}" if took != "0 s" else "answered at once")
        case "declined":
            return text(f"cannot take it (said {f'after {took}' if took != '0 s' else 'at once'})")
        case "failed":
            return text(f"could not be reached ({trouble})" if trouble else "could not be reached")
        case "over" if page.answered_at is None:
            return text("no answer")
        case "over":
            return text("not needed any more")


def _situation(incident: Incident, at: float) -> Text:
    if not incident.alert_count:
        return text("Declared at ", Moment(incident.opened_at), f" ({ago(incident.opened_at, at)}).")
    count = "1 alert" if incident.alert_count == 1 else f"{incident.alert_count} alerts"
    names = [name for name, _ in incident.services]
    on = f" on {names[0]}" if len(names) == 1 else f" on {len(names)} services" if names else ""
    first = incident.first_alert_at
    cause = f" Probable cause: {incident.cause.service} ({incident.cause.words})." if incident.cause else ""
    spans: list[Span] = [f"{count}{on} since ", Moment(first), f" ({ago(first, at)})"]
    if incident.cleared_at is not None:
        spans += [", cleared at ", Moment(incident.cleared_at)]
    return text(*spans, f".{cause}")


def _reason(page: PageRecord) -> Text:
    return text(f" Paged: {page.why}.", f" {page.note}" if page.note else "")


def _outcome(page: PageRecord, incident: Incident, names: Names) -> Text:
    took = duration((page.answered_at or page.created_at) - page.created_at)
    match page.state:
        case "acknowledged":
            return text(f"You answered after {took}." if took != "0 s" else "You answered at once.")
        case "declined":
            return text(f"You said that you cannot, after {took}.")
        case "over" if page.answered_at is None:
            return text("No answer; you were paged again.")
    if incident.merged_into is not None:
        return text(f"Merged into {ref(incident.merged_into)}: it goes on there.")
    if incident.status == "resolved" and incident.resolved_at is not None:
        by = (" by ", names(incident.resolved_by)) if incident.resolved_by not in (None, MUSTER.id) else ()
        return text("Resolved", *by, " at ", Moment(incident.resolved_at), ".")
    if incident.acknowledged_by is not None and incident.acknowledged_at is not None:
        return text(names(incident.acknowledged_by), " has it since ", Moment(incident.acknowledged_at), ".")
    return text("Not needed any more.")
