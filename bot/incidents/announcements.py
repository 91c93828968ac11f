"""From what happened to what is said: events become chat effects in the outbox, in the words of the product.

Nothing is sent here, and no platform is known but by its name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

import msgspec

from bot.catalog.catalog import Catalog
from bot.chat.outbox import enqueue, person_lane, room_lane
from bot.chat.views import MUSTER, Button, Code, Moment, Notice, Page, Person, Strong, Text, encode_view, text
from bot.clock import ago, duration
from bot.incidents import spread, store
from bot.incidents.events import (
    Acknowledged,
    Cleared,
    CommanderTaken,
    Declared,
    Event,
    FiresAgain,
    Flapped,
    Joined,
    Merged,
    Noted,
    Renamed,
    Reopened,
    Resolved,
    RoleFreed,
    RoleGiven,
    RuledIn,
    RuledOut,
    SeverityChanged,
    Split,
    TicketLinked,
    Unacknowledged,
    Updated,
)
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.incidents.tickets import ticket_link
from bot.storage import tables
from bot.storage.database import Transaction, upsert

__all__ = ["Announcements", "marker", "room_name"]

ROOM_NAME_LENGTH = 80  # Slack's; the shortest of the platforms


def marker(number: int) -> str:
    """What identifies an incident's room on every platform, however it is named."""
    return f"muster-incident-{number}"


def room_name(template: str, incident: Incident) -> str:
    """The room's name: lower case, digits and dashes, at most 80 characters, never empty.

    The number is always in it, so that no two incidents want the same name; what is too long is cut from the title.
    """
    folded = unicodedata.normalize("NFKD", incident.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    room = max(0, ROOM_NAME_LENGTH + 1 - len(_filled(template, incident, "x")))
    name = _filled(template, incident, slug[:room].strip("-"))
    # A severity or a title may hold the same digits: only the number itself, standing alone, tells incidents apart.
    told_apart = "{number}" in template and re.search(rf"(?<![0-9]){incident.number}(?![0-9])", name)
    return name if told_apart and len(name) <= ROOM_NAME_LENGTH else f"inc-{incident.number}"


def _filled(template: str, incident: Incident, slug: str) -> str:
    name = template.replace("{number}", str(incident.number)).replace("{slug}", slug)
    name = name.replace("{severity}", incident.severity.lower())
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")


class Announcements:
    """A reaction to events, and the way for everything else to say something in an incident's room."""

    def __init__(
        self, platforms: Sequence[str], catalog: Callable[[], Catalog], person: Callable[[str], Person]
    ) -> None:
        self._platforms, self._catalog, self._person = tuple(platforms), catalog, person

    async def __call__(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        """Say what follows from an event; the card follows every event."""
        if isinstance(event, Declared | Reopened):  # an archived room is opened again
            await self._open_rooms(work, incident, at)
        notice = self._words(incident, event, at)
        over = isinstance(event, Resolved) or (isinstance(event, Merged) and event.into)
        if over and incident.cleared_at is not None:  # the question is answered
            asked = Notice(text=_cleared(incident.alert_count, incident.cleared_at), tone="good")
            await self.progress(work, incident.number, "cleared", asked, at)
        if isinstance(event, Cleared | FiresAgain) and notice is not None:  # one question, kept true
            await self.progress(work, incident.number, "cleared", notice, at)
        elif isinstance(event, Flapped) and notice is not None:  # what flaps is told once, and kept true
            await self.progress(work, incident.number, "flapping", notice, at)
        elif notice is not None:
            await self.say(work, incident.number, notice, at)
        match event:
            case Joined(new_services=services) if services:
                await self._each(work, incident.number, at, kind="links", payload={}, subject="links")
                known = self._catalog().services
                secret = [name for name in services if name in known and known[name].private]
                await self._warn_of_secrets(work, incident, secret, at)
                if (burst := await spread.newest(work.connection, incident)) is not None:
                    await self.progress(work, incident.number, burst.key, burst.notice, at)
            case Declared(by=by) if by != MUSTER:
                await self.invite(work, incident.number, [by], at)
            case Acknowledged(by=by):
                await self.invite(work, incident.number, [by], at)
            case CommanderTaken(commander=commander):
                await self.invite(work, incident.number, [commander], at)
            case RoleGiven(person=person):
                await self.invite(work, incident.number, [person], at)
            case Merged(other=other, into=False):
                lost = await store.find(work.connection, other)
                await self._warn_of_secrets(work, incident, [lost.ref] if lost and lost.private else [], at)
            case Renamed():
                await self._each(work, incident.number, at, kind="retitle", payload={}, subject="retitle")
        await self.refresh_card(work, incident.number, at)
        if isinstance(event, Declared | Merged | TicketLinked):
            await self._each(work, incident.number, at, kind="links", payload={}, subject="links")
        if isinstance(event, Merged) and event.into:
            await self.archive(work, incident.number, at)

    async def _warn_of_secrets(self, work: Transaction, incident: Incident, what: Sequence[str], at: float) -> None:
        """A room stays what it was when it was opened: what must not be read by all has to leave it."""
        if what and not incident.private:
            should = "should be private" if len(what) == 1 else "should all be private"
            said = f"{', '.join(what)} {should}, and this room is not."
            away: Text = ("What not everybody may read belongs elsewhere: ", Code("/incident split ALERT"))
            await self.say(work, incident.number, Notice(text=(said,), details=(away,), tone="warning"), at)

    async def say(self, work: Transaction, incident: int, view: Notice, at: float) -> None:
        """One post in the incident's room, on every platform."""
        await self._each(work, incident, at, kind="post", payload={"view": encode_view(view)})

    async def progress(self, work: Transaction, incident: int, key: str, view: Notice, at: float) -> None:
        """Posted the first time, edited afterwards: one message for each `key`, updates coalesce."""
        payload = {"view": encode_view(view), "key": key}
        await self._each(work, incident, at, kind="progress", payload=payload, subject=f"progress:{key}")

    async def refresh_card(self, work: Transaction, incident: int, at: float) -> None:
        """Make the card show the present state; however often it is asked for, one edit is sent."""
        await self._each(work, incident, at, kind="card", payload={}, subject="card")

    async def invite(self, work: Transaction, incident: int, people: Sequence[Person], at: float) -> None:
        """Bring people into the room; the executor names those who could not be invited."""
        if people:
            payload = {"people": msgspec.to_builtins(list(people))}
            await self._each(work, incident, at, kind="invite", payload=payload)

    async def archive(self, work: Transaction, incident: int, at: float) -> None:
        """Close the incident's room; it stays readable."""
        await self._each(work, incident, at, kind="archive", payload={}, subject="archive")

    async def direct(self, work: Transaction, person: Person, view: Notice | Page, at: float, *, incident: int) -> None:
        """Say something to one person alone, on every platform."""
        for platform in self._platforms:
            await enqueue(
                work,
                platform=platform,
                lane=person_lane(platform, person.id),
                kind="direct",
                payload={"person": msgspec.to_builtins(person), "view": encode_view(view)},
                at=at,
                incident=incident,
            )

    async def _each(
        self,
        work: Transaction,
        incident: int,
        at: float,
        *,
        kind: str,
        payload: Mapping[str, object],
        subject: str | None = None,
    ) -> None:
        for platform in self._platforms:
            await enqueue(
                work,
                platform=platform,
                lane=room_lane(platform, incident),
                kind=kind,
                payload=dict(payload),
                at=at,
                subject=subject,
                incident=incident,
            )

    async def _open_rooms(self, work: Transaction, incident: Incident, at: float) -> None:
        name = room_name(self._catalog().rooms.name, incident)
        for platform in self._platforms:
            row = {"incident": incident.number, "platform": platform, "name": name, "state": "wanted"}
            statement = upsert(work.connection, tables.rooms).values(row).on_conflict_do_nothing()
            await work.connection.execute(statement)
        await self._each(work, incident.number, at, kind="open_room", payload={}, subject="open_room")

    def _words(self, incident: Incident, event: Event, at: float) -> Notice | None:
        """What the room is told; None where the card says enough."""
        match event:
            case Declared(by=by):
                declared = f" declared by {by.name}" if by != MUSTER else " declared"
                return Notice(
                    text=text(Strong(f"{incident.severity} {incident.ref}"), f"{declared}: {incident.title}"),
                    details=_situation(incident, at),
                    tone="bad",
                )
            case Acknowledged(by=by, note=note):
                said = (
                    f", {duration(at - incident.first_alert_at)} after the first alert" if incident.alert_count else ""
                )
                return Notice(
                    text=text("Acknowledged by ", by, f"{said}. Paging stopped."),
                    details=((note,),) if note else (),
                    tone="good",
                )
            case Unacknowledged(by=by):
                return Notice(text=text(by, " gave it back: nobody has it. Paging starts again."), tone="warning")
            case Cleared(alerts=alerts):
                if incident.auto_resolve is not None:
                    after = f" It resolves by itself in {duration(incident.auto_resolve)}."
                else:
                    after = " Resolve?"
                return Notice(
                    text=text(*_cleared(alerts, at), after),
                    tone="good",
                    buttons=(
                        Button(label="Resolve", command=f"resolve {incident.ref}", style="primary"),
                        Button(label="Keep open", command=f"note {incident.ref} Kept open after the alerts cleared"),
                    ),
                )
            case FiresAgain(alerts=alerts, cleared_at=cleared_at, words=words):
                since = text(*_cleared(alerts, cleared_at)[:-1], ", but since ", Moment(at), f" {words}.")
                return Notice(text=since, tone="warning")
            case Flapped():
                return _flapped(event)
            case Resolved(by=by, summary=summary):
                took = duration(at - incident.first_alert_at)
                resolved: Text = ("Resolved by ", by) if by != MUSTER else ("Resolved: the alerts stayed clear",)
                firing = incident.firing_count
                still = (
                    f"{'1 alert' if firing == 1 else f'{firing:,} alerts'} still {'fires' if firing == 1 else 'fire'}."
                )
                return Notice(
                    text=text(*resolved, f", {took} after it began."),
                    details=(
                        *(((summary,),) if summary else ()),
                        *(((still,),) if firing else ()),
                        ("File the conversation: ", Code("/incident retro")),
                    ),
                    tone="good",
                )
            case Reopened(by=by, why=why):
                reopened: Text = (by, " reopened it") if by != MUSTER else ("Reopened",)
                return Notice(text=text(*reopened, f": {why}" if why else "."), tone="bad")
            case SeverityChanged(by=by, before=before, why=why):
                because = f": {why}." if why else "."
                return Notice(
                    text=text(by, f" changed the severity from {before} to ", Strong(incident.severity), because)
                )
            case Renamed(by=by, before=before):
                return Notice(text=text(by, " renamed it to ", Strong(incident.title), f". It was {before}."))
            case Noted(by=by, withdrawn=True):  # not said again: it may have been taken back for what it said
                gone: Text = (by, " took a pin away") if by != MUSTER else ("A pinned message is gone, or its pin",)
                return Notice(text=text(*gone, ", and its note is off the timeline."))
            case Noted(by=by, note=note):
                return Notice(text=text("Note by ", by, f": {note}"))
            case TicketLinked(by=by, url=url, before=before):
                was: Text = text(" It was ", ticket_link(before), ".") if before and url else ()
                if not url:
                    return Notice(text=text(by, " took the ticket off: ", ticket_link(before), "."))
                return Notice(text=text(by, " linked the ticket: ", ticket_link(url), ".", *was))
            case CommanderTaken(by=by, commander=commander):
                if by == commander:
                    return Notice(text=text(commander, " leads this incident."))
                return Notice(text=text(commander, " leads this incident, asked by ", by, "."))
            case Updated(by=by, text=words, due=due):
                next_due: tuple[Text, ...] = (text("Next update due ", Moment(due), "."),) if due is not None else ()
                return Notice(text=text(Strong("Update"), " by ", by, f": {words}"), details=next_due)
            case RoleGiven(by=by, role=role, person=person):
                asked: Text = (", asked by ", by) if by != person else ()
                return Notice(text=text(person, " has the role ", Strong(role), *asked, "."))
            case RoleFreed(by=by, role=role):
                return Notice(text=text(by, " freed the role ", Strong(role), ": nobody has it."))
            case RuledOut(by=by, service=service, reason=reason):
                ruled_out = text(by, " ruled out ", Strong(service), f": {reason}" if reason else ".")
                return Notice(text=ruled_out, details=_instead(incident))
            case RuledIn(by=by, service=service):
                return Notice(
                    text=text(by, " says that ", Strong(service), " may be it after all."), details=_instead(incident)
                )
            case Merged(by=by, other=other, into=into, why=why):
                shown: tuple[Text, ...] = (text(f"Why: {why}."),) if why else ()
                if into:
                    return Notice(text=text(by, f" merged this into {ref(other)}. It goes on there."), details=shown)
                return Notice(text=text(by, f" merged {ref(other)} into this: its alerts are here now."), details=shown)
            case Split(by=by, other=other, alerts=alerts):
                count = "1 alert" if alerts == 1 else f"{alerts} alerts"
                return Notice(text=text(by, f" split {count} off into {ref(other)}."))
            case _:
                return None


def _instead(incident: Incident) -> tuple[Text, ...]:
    """What the cause probably is, now that people said what it is not."""
    if incident.cause is None:
        return (("What the cause is instead is not known.",),) if incident.exclusions else ()
    return ((f"Probable cause now: {incident.cause.service} ({incident.cause.words}).",),)


def _cleared(alerts: int, at: float) -> Text:
    """`All 37 alerts cleared at 02:31.`"""
    return text("The one alert" if alerts == 1 else f"All {alerts:,} alerts", " cleared at ", Moment(at), ".")


def _flapped(event: Flapped) -> Notice:
    """`checkout high latency flapping: 14 changes in 10 min, the last at 02:31.`"""
    first, *others = event.alerts
    last: Text = (", the last at ", Moment(event.until), ". It has made up its mind since." if event.over else ".")
    more: list[Text] = [(line,) for line in others]
    if event.count > len(event.alerts):
        more.append((f"and {event.count - len(event.alerts):,} more",))
    if not event.over:
        more.append(("This is kept current here; the room is told when it stays clear.",))
    return Notice(text=text(first, *last), details=tuple(more), tone="info" if event.over else "warning")


def _situation(incident: Incident, at: float) -> tuple[Text, ...]:
    """How much, since when and probably why, for someone who was asleep."""
    if not incident.alert_count:
        return ()
    count = "1 alert" if incident.alert_count == 1 else f"{incident.alert_count:,} alerts"
    services = [name for name, _ in incident.services]
    on = ""
    if services:
        on = f" on {services[0]}" if len(services) == 1 else f" on {len(services)} services"
    lines: list[Text] = [(f"{count}{on}, the first {ago(incident.first_alert_at, at)}.",)]
    if incident.cause and len(services) > 1:  # of one service nobody has to be told that it is the one
        lines.append((f"Probable cause: {incident.cause.service} ({incident.cause.words}).",))
    return tuple(lines)  # what to do next stands on the card, right beneath
