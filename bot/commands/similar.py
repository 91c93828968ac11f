"""`similar`: past incidents like this one, how they ended, and which runbooks fixed them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.views import MUSTER, Button, Code, Moment, Reply, Strong, Text, text
from bot.clock import ago, duration
from bot.commands.definition import PREFIX, Context, Family, Scope, Verb
from bot.commands.words import answer, counted, cut_text, listed
from bot.incidents import history, store
from bot.incidents.history import Ran
from bot.incidents.model import Incident
from bot.incidents.reference import number_of
from correlation.precedents import Precedent

__all__ = ["VERB"]

SHOWN = 5  # two lines each: a phone's screen
HARDLY = 0.1  # below, not even the nearest is worth a line


async def similar(context: Context) -> Reply:
    """The most alike first, with the reason; under each, how it ended."""
    services = context.services
    incident = await context.load()
    hidden = await context.hidden()
    found = await services.history.similar(incident, hidden=hidden, limit=SHOWN)
    if not found:
        return await _nothing(context, incident, hidden)
    numbers = [number_of(one.id) or 0 for one in found]
    async with services.database.reading() as connection:
        past = {one.number: one for one in await store.numbered(connection, numbers)}
        runs = await history.ran(connection, numbers)
    lines: list[Text] = []
    for number, one in zip(numbers, found, strict=True):
        if number in past:
            lines.append(_what(past[number], one, context.at))
            lines.append(_ending(context, past[number], runs.get(number, [])))
    lines += _advice(context, incident, [run for number in numbers for run in runs.get(number, [])])
    count = "One past incident is" if len(found) == 1 else f"{len(found)} past incidents are"
    best = found[0].id
    return Reply(
        text=text(f"{count} like {incident.ref}{', the most alike first' if len(found) > 1 else ''}:"),
        details=tuple(lines),
        buttons=(Button(label=f"Show {best}", command=f"show {best}"),),
    )


def _what(past: Incident, one: Precedent, now: float) -> Text:
    alike = f": {one.score:.0%} alike" + (f": {'; '.join(one.reasons)}" if one.reasons else "")
    began = past.first_alert_at
    return text(
        Strong(past.ref),
        f" {past.severity} {cut_text(past.title, 80)}, ",
        Moment(began),
        f" ({ago(began, now)}){alike}",
    )


def _ending(context: Context, past: Incident, runs: Sequence[Ran]) -> Text:
    """`Resolved by Mika Laine after 41 min: rolled back payments-api. Robin Vos led. restart-checkout ran and helped.`"""
    if past.resolved_at is None:
        return ("Open again.",)
    by = "by itself" if past.resolved_by in {None, MUSTER.id} else f"by {context.name(past.resolved_by)}"
    took = duration(past.resolved_at - past.first_alert_at)
    summary = cut_text(past.summary, 200).rstrip(".")
    parts = [f"Resolved {by} after {took}{f': {summary}' if summary else ', without a summary'}."]
    if past.commander:
        parts.append(f"{context.name(past.commander)} led.")
    helped = [run.runbook for run in runs if run.helped]
    others = [run.runbook for run in runs if not run.helped]
    if helped:
        parts.append(f"Ran and the alerts cleared: {listed(helped)}.")
    if others:
        parts.append(f"Ran: {listed(others)}.")
    return (" ".join(parts),)


def _advice(context: Context, incident: Incident, runs: Sequence[Ran]) -> list[Text]:
    """What to type next, where one of the runbooks that helped is still there."""
    known = context.services.catalog().runbooks
    name = next((run.runbook for run in runs if run.helped and run.runbook in known), "")
    if not name or not incident.open:
        return []
    return [("What it would do now: ", Code(f"{PREFIX} runbook run {name}"))]


async def _nothing(context: Context, incident: Incident, hidden: set[int]) -> Reply:
    past = context.services.history
    count = past.count(hidden | {incident.number})
    if not count:
        return answer(
            f"Nothing to compare {incident.ref} with yet.",
            details=[
                text(
                    "What is resolved is found here the next time. A summary tells how it ended: ",
                    Code(f"{PREFIX} resolve SUMMARY"),
                )
            ],
        )
    details: list[Text] = []
    if not incident.alert_count:
        details.append(("It has no alerts, so only the words of its title could be compared.",))
    nearest = await past.similar(incident, hidden=hidden, limit=1, least=HARDLY)
    details += [(f"The nearest is {one.id}, {one.score:.0%} alike: {'; '.join(one.reasons)}",) for one in nearest]
    details.append(("What it is made of: ", Code(f"{PREFIX} alerts {incident.ref} all")))
    return answer(f"Nothing like {incident.ref} among {counted(count, 'past incident')}.", details=details)


VERB = Verb(
    name="similar",
    aliases=("like", "precedents"),
    summary="Past incidents like this one, how they ended, which runbooks fixed them",
    family=Family.LOOK,
    menu="more similar",
    scope=Scope.INCIDENT,
    examples=("similar", "similar INC-42"),
    reads=True,
    handler=similar,
)
