"""Phrases that several verbs share: an incident in a line, counts, lists cut with a way to the rest. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.catalog.catalog import Catalog
from bot.chat.views import Code, Moment, Reply, Span, Strong, Text, text
from bot.clock import ago, duration
from bot.commands.definition import PREFIX
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.responders import identities
from correlation.alert import Change

__all__ = [
    "answer",
    "author_name",
    "change_line",
    "counted",
    "cut_text",
    "elsewhere",
    "firing",
    "headline",
    "incident_line",
    "listed",
    "refused",
    "shortened",
    "typed",
    "when",
]

LINE = 120  # characters; two lines on a phone
# A command in a sentence: up to the next one, or to the end of the sentence; what a title or a note consists of may have commas.
_COMMAND = re.compile(
    rf"(?<![^\s(]){PREFIX} [a-z].*?(?=,? (?:or )?{PREFIX} |[.;)] [A-Z]|(?:(?<!\.)[.;)])?$)", re.MULTILINE
)


def answer(*spans: Span, details: Sequence[Text] = ()) -> Reply:
    """A private reply."""
    return Reply(text=text(*spans), details=tuple(details))


def elsewhere(incident: Incident, command: str) -> Reply:
    """What an incident had is where it was merged into."""
    into = ref(incident.merged_into or 0)
    there: Text = (Code(f"{command} {into}"),)
    return answer(f"{incident.ref} was merged into {into}: its alerts are there.", details=[there])


def refused(words: str) -> Reply:
    """A private reply that says why not."""
    return Reply(text=typed(words), failed=True)


def typed(words: str) -> Text:
    """An error's words with what to type next as code, which each platform writes in its own way.

    >>> typed("Nothing to acknowledge. If it is back: /incident reopen")
    ('Nothing to acknowledge. If it is back: ', Code(text='/incident reopen'))
    >>> typed("Either: /incident owner 2, /incident owner --all. Or ask.")
    ('Either: ', Code(text='/incident owner 2'), ', ', Code(text='/incident owner --all'), '. Or ask.')
    """
    spans: list[Span] = []
    end = 0
    for found in _COMMAND.finditer(words):
        spans += [words[end : found.start()], Code(found[0])]
        end = found.end()
    return text(*spans, words[end:])


def counted(count: int, one: str, many: str = "") -> str:
    """
    >>> counted(1, "alert"), counted(1200, "alert"), counted(2, "person", "people")
    ('1 alert', '1,200 alerts', '2 people')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def cut_text(words: str, limit: int = LINE) -> str:
    """On one line, and cut where it is too long."""
    words = " ".join(words.split())
    return words if len(words) <= limit else words[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def listed(names: Sequence[str], limit: int = 4) -> str:
    """
    >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e", "f"])
    ('a, b', 'a, b, c, d and 2 more')
    """
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def shortened(lines: Sequence[Text], total: int, more: str | Strong) -> tuple[Text, ...]:
    """The lines, and how many there are besides, with what to type for them, or (strong) where they stand."""
    rest = total - len(lines)
    return (
        (*lines, (f"and {rest:,} more: ", Code(more) if isinstance(more, str) else more)) if rest > 0 else tuple(lines)
    )


def when(at: float, now: float) -> tuple[Span, ...]:
    """A time in the reader's zone and how long ago it was."""
    return Moment(at), f" ({ago(at, now)})" if at <= now else f" (in {duration(at - now)})"


def headline(incident: Incident) -> Text:
    """`SEV2 INC-42 checkout latency`."""
    return text(Strong(f"{incident.severity} {incident.ref}"), f" {cut_text(incident.title)}")


def firing(incident: Incident) -> str:
    """How many of its alerts fire: `none`, `all`, or a number."""
    count = incident.firing_count
    return "none" if not count else "all" if count == incident.alert_count > 1 else f"{count:,}"


def incident_line(incident: Incident, now: float, lead: str) -> Text:
    """An open incident in one line: how bad, what, for how long, who has it, how much still fires."""
    who = f", {lead} leads" if lead else ", nobody leads"
    alerts = ""
    if incident.alert_count:
        total = counted(incident.alert_count, "alert")
        alerts = f", {total}, {firing(incident)} firing"
    status = f": {incident.status} for {duration(now - incident.status_since)}{who}{alerts}"
    return (*headline(incident), status)


def author_name(catalog: Catalog, change: Change) -> str:
    """Who made it: the person's name where the author is somebody here, else as the change says it."""
    author = identities.author_of(catalog, change)
    if not isinstance(author, identities.Unmapped):
        return author.name
    return cut_text(change.author_name or author.who, 60) or "nobody named"


def change_line(change: Change) -> str:
    """`deploy payments-api a1b2c3d`."""
    known = " ".join(part for part in (change.kind, change.service, change.revision[:8]) if part)
    return known if change.service or change.revision else f"{change.kind} {cut_text(change.title, 60)}"
