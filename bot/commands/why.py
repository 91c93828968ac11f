"""`why`: the evidence that grouped an incident's alerts."""

from __future__ import annotations

from bot.chat.views import MUSTER, Code, Moment, Reply, Span, Strong, Text, text
from bot.commands import alert_rows
from bot.commands.definition import Context, Family, Scope, Verb
from bot.commands.words import answer, counted, cut_text, elsewhere, shortened
from bot.incidents import early, store, timeline
from bot.incidents.early_words import Warned, record, share
from bot.incidents.parts import Cause
from correlation.cause import FIRST

__all__ = ["TERMS", "VERB"]

JOINS = 6
WARNINGS = 2
PARTED = 4  # merges and splits, the latest
EXCLUSIONS = 5
TERMS = {  # how people call what the engine weighs
    "beat": "told in step",
    "change": "after the same change",
    "class": "same kind of trouble",
    "domain": "same domain",
    "environment": "same environment",
    "feedback": "grouped so by people before",
    "host": "same host",
    "inhibition": "effect of a known cause",
    "location": "same place",
    "outbreak": "the same at many places",
    "service": "same service",
    "text": "alike in words",
    "time": "close in time",
    "topology": "services that depend on each other",
}


async def why(context: Context) -> Reply:
    """How it began, what joined and why, and which kinds of evidence carried it."""
    async with context.services.database.reading() as connection:
        incident = await store.load(connection, context.incident)
        total, _ = await alert_rows.counts(connection, context.incident)
        rows = await alert_rows.reasons(connection, context.incident, JOINS)
        strong, joined = await alert_rows.terms(connection, context.incident)
        parted = await timeline.read(connection, context.incident, "merged", "split")
        warned = [one for one in await early.listing(connection, incident=context.incident) if one.told_at is not None]
    if not rows and incident.merged_into is not None:
        return elsewhere(incident, "/incident why")
    if not rows:
        by = context.services.person(incident.declared_by).name
        return answer(f"{incident.ref} was declared by {by}; no alerts were grouped.")
    recipe = f" by recipe {incident.recipe}" if incident.recipe else ""
    lines: list[Text] = []
    for row in rows:
        told = row.why or "it came first"
        lines.append(text(Strong(row.ref), f" {alert_rows.what(row)}, ", Moment(row.settled_at), f": {told}"))
    details = list(shortened(lines, total, f"/incident alerts {incident.ref} all"))
    if joined:
        shares = ", ".join(f"{TERMS.get(term, term)} {count}" for term, count in strong.most_common(6))
        details.append((f"Why {counted(joined, 'alert')} joined: {shares}.",))
    for entry in parted[-PARTED:]:
        by = context.name(entry.actor)
        details.append(text(Moment(entry.at), f" {entry.text}{f', says {by}' if entry.actor != MUSTER.id else ''}."))
    if muted := incident.cause.effects if incident.cause else 0:
        details.append(
            (f"{counted(muted, 'effect')} of a known cause muted: they joined, and nobody was told of each.",)
        )
    if incident.cause:
        details.append(_cause(incident.cause))
        if incident.cause.others:
            details.append((f"Less likely: {'; '.join(incident.cause.others)}.",))
    if incident.exclusions:
        shown = incident.exclusions[-EXCLUSIONS:]
        said = "; ".join(
            f"{one.service}, says {context.name(one.by)}{f': {cut_text(one.reason)}' if one.reason else ''}"
            for one in shown
        )
        details.append((f"Ruled out: {said}.",))
    details += [_warned(one) for one in warned[:WARNINGS]]
    details.append(
        ("Grouped wrongly? ", Code(f"/incident split {rows[-1].ref}"), " or ", Code("/incident merge INC-n"))
    )
    return answer(f"{incident.ref}: {counted(total, 'alert')} grouped{recipe}.", details=details)


def _cause(cause: Cause) -> Text:
    """`Probable cause: payments-api, first to fail at 02:14, 3 depend on it.`"""
    reasons = cause.reasons or (cause.words,)
    spans: list[Span] = [f"Probable cause: {cause.service}"]
    for reason in reasons:
        spans.append(f", {reason}")
        if reason == FIRST and cause.first_at:
            spans += [" at ", Moment(cause.first_at)]
    return text(*spans, ".")


def _warned(one: Warned) -> Text:
    """`Warned at 02:14 (W3): the first 4 kinds of alerts that came before INC-12 are here, in the same order. Seen once before.`"""
    followed = share(one)
    return text(
        "Warned at ",
        Moment(one.told_at or one.at),
        f" ({one.ref}): {followed[:1].lower()}{followed[1:]}. {record(one)}",
    )


VERB = Verb(
    name="why",
    aliases=("evidence",),
    summary="Why these alerts are one incident",
    family=Family.LOOK,
    scope=Scope.INCIDENT,
    examples=("why", "why INC-42"),
    reads=True,
    handler=why,
)
