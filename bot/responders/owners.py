"""Bringing in whoever made a suspect change: finds the person, invites, tells the room why, briefs the person. It never blames.

Which change is suspect is the engine's to say; who an author is, bot.responders.identities'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.catalog.cookbook import topology
from bot.changes import ledger, nearby
from bot.chat.views import Button, Code, Link, Moment, Notice, Person, Span, Strong, Text, text
from bot.clock import Clock, ago, duration, to_datetime
from bot.errors import BadArguments, NotFound
from bot.incidents import store, timeline
from bot.incidents.announcements import Announcements
from bot.incidents.model import Incident
from bot.responders import identities
from bot.responders.identities import Unmapped
from bot.storage.database import Database, Transaction
from correlation.alert import Change

__all__ = ["Invited", "OwnerOutcome", "Owners", "Reason", "because", "done", "suspects_of"]

MOST = 20  # suspects looked at
RULED_OUT = "ruled out"  # the engine's first reason for what people say it is not
_DONE = {
    "deploy": "deployed",
    "flag": "switched a flag on",
    "config": "changed configuration of",
    "migration": "migrated",
}


_AS_SAID = {"its service fails": "on a service that fails"}  # after "deployed checkout a1b2c3d at 02:11, ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A suspect change, its place in the ranking (from 1), and why it is suspected."""

    change: Change
    rank: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Somebody and the change they made; `before` says when they had been invited already, None when it is done now."""

    person: Person
    suspect: Reason
    before: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerOutcome:
    """What became of an invitation; `nobody` are suspects whose author is nobody here, with the way to map them.

    `following` is the number of the next suspect, None when there is none.
    """

    incident: Incident
    invited: tuple[Invited, ...]
    nobody: tuple[tuple[Reason, Unmapped], ...]
    following: int | None
    ranked: bool  # the engine ranked them; else they are only near


class Owners:
    """The use case behind `owner`."""

    def __init__(
        self, database: Database, clock: Clock, catalog: Callable[[], Catalog], announcements: Announcements
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._announcements = announcements

    async def invite(self, number: int, by: Person, n: int = 1, *, everyone: bool = False) -> OwnerOutcome:
        """Invite the author of the n-th suspect, or of all. NotFound when no change is near, BadArguments beyond the last."""
        catalog, at = self._catalog(), self._clock.now()
        async with self._database.reading() as connection:
            incident = await store.load(connection, number)
            suspects, ranked = await suspects_of(connection, catalog, incident)
        if not suspects:
            raise NotFound(_nothing_near(incident))
        if n > len(suspects):
            only = "is only 1 suspect change" if len(suspects) == 1 else f"are only {len(suspects)} suspect changes"
            raise BadArguments(f"There {only} of {incident.ref}. All: /incident changes {incident.ref}")
        chosen = suspects if everyone else suspects[n - 1 : n]
        invited: list[Invited] = []
        nobody: list[tuple[Reason, Unmapped]] = []
        async with self._database.transaction() as work:
            incident = await store.load(work.connection, number)
            invited_before = await timeline.invited_owners(work.connection, number)
            before = {(one.person, ledger.change_key(one.change)): one.at for one in invited_before}
            for suspect in chosen:
                author = identities.author_of(catalog, suspect.change)
                if isinstance(author, Unmapped):
                    nobody.append((suspect, author))
                    continue
                person = Person(author.id, author.name)
                known = before.get((person.id, ledger.change_key(suspect.change.id)))
                if known is None and all(one.person != person for one in invited):
                    await self._bring_in(work, incident, person, suspect, by, at)
                invited.append(Invited(person=person, suspect=suspect, before=known))
        following = None if everyone or n >= len(suspects) else n + 1
        return OwnerOutcome(
            incident=incident, invited=tuple(invited), nobody=tuple(nobody), following=following, ranked=ranked
        )

    async def _bring_in(
        self, work: Transaction, incident: Incident, person: Person, suspect: Reason, by: Person, at: float
    ) -> None:
        change = suspect.change
        words = because(suspect, incident)
        own = person.id == by.id
        who = f"{person.name}, who {done(change)} at {to_datetime(change.at):%H:%M} UTC, {words}"
        await store.add_participant(work, incident.number, person, f"made {_name(change)}", at)
        await timeline.append(
            work,
            incident.number,
            at,
            timeline.OWNER,
            by,
            f"{who}, is in the room." if own else f"{by.name} invited {who}.",
            change=change.id,
            person=person.id,
        )
        await self._announcements.invite(work, incident.number, [person], at)
        about = change.title or "The change"
        lines: list[Text] = [(Link(about, change.url) if change.url else about,)] if change.title or change.url else []
        lines.append(text("Suspected from time and place; it may have nothing to do with it."))
        did = text(f"{done(change)} at ", Moment(change.at), f", {words}.")
        sentence = text(person, " ", *did) if own else text(by, " invited ", person, ", who ", *did)
        called = () if own else (person.id,)
        notice = Notice(text=sentence, details=tuple(lines), called=called)
        await self._announcements.say(work, incident.number, notice, at)
        await self._announcements.refresh_card(work, incident.number, at)
        if not own:
            await self._announcements.direct(
                work, person, _brief(incident, suspect, by, at), at, incident=incident.number
            )


async def suspects_of(connection: AsyncConnection, catalog: Catalog, incident: Incident) -> tuple[list[Reason], bool]:
    """The suspects in their order, each change once, and whether the engine ranked them; else changes that are near."""
    ranked = incident.suspects[:MOST]
    if ranked:
        changes = {change.id: change for change in await ledger.many(connection, [s.change for s in ranked])}
        pairs = [(changes[s.change], s.reasons) for s in ranked if s.change in changes]
        if pairs:
            return _numbered(pairs), True
    found = await nearby.near(
        connection,
        topology(catalog),
        [name for name, _ in incident.services],
        incident.first_alert_at,
        environment=incident.environment,
        limit=MOST,
    )
    return _numbered([(one.change, one.reasons) for one in found]), False


def done(change: Change) -> str:
    """What its author did: `deployed payments-api a1b2c3d`."""
    if change.kind == "flag" and change.service and change.revision:
        return f"switched the flag {change.revision[:40]} on {change.service}"
    what = (
        " ".join(part for part in (change.service, change.revision[:8]) if part)
        or f"\N{LEFT DOUBLE QUOTATION MARK}{change.title[:60]}\N{RIGHT DOUBLE QUOTATION MARK}"
    )
    return f"{_DONE[change.kind]} {what}"


def because(suspect: Reason, incident: Incident) -> str:
    """Why it is suspected: `3 min before the first alert, 1 hop upstream`."""
    what = "first alert" if incident.alert_count else "incident"
    gap = incident.first_alert_at - suspect.change.at
    when = f"{duration(abs(gap))} {'before' if gap >= 0 else 'after'} the {what}"
    # The reasons that were kept tell the time as it was known then; it is said here as it is known now.
    # Who ruled it out is said by whoever knows names.
    told = (reason for reason in suspect.reasons if "the first alert" not in reason and reason != RULED_OUT)
    reasons = (_AS_SAID.get(reason, reason) for reason in told)
    return ", ".join((when, *reasons))


def _numbered(pairs: Sequence[tuple[Change, tuple[str, ...]]]) -> list[Reason]:
    kept: list[Reason] = []
    for change, reasons in pairs:
        if not any(nearby.same_change(change.id, one.change.id) for one in kept):
            kept.append(Reason(change=change, rank=len(kept) + 1, reasons=reasons))
    return kept


def _name(change: Change) -> str:
    return " ".join(part for part in (change.kind, change.service, change.revision[:8]) if part)


def _brief(incident: Incident, suspect: Reason, by: Person, at: float) -> Notice:
    """One paragraph for somebody who knows nothing of it yet."""
    change = suspect.change
    spans: list[Span] = [Strong(f"{incident.severity} {incident.ref}"), f" {incident.title}"]
    if incident.location and incident.location not in incident.title:
        spans.append(f", {incident.location}")
    if incident.alert_count:
        count = "1 alert" if incident.alert_count == 1 else f"{incident.alert_count:,} alerts"
        many = len(incident.services)
        on = f" on {incident.services[0][0]}" if many == 1 else f" on {many} services" if many else ""
        spans += [f": {count}{on} since ", Moment(incident.first_alert_at), f" ({ago(incident.first_alert_at, at)})"]
    else:
        spans += [", since ", Moment(incident.first_alert_at), f" ({ago(incident.first_alert_at, at)})"]
    spans += [
        ". You ",
        f"{done(change)} at ",
        Moment(change.at),
        f", {because(suspect, incident)}. It may have nothing to do with it; ",
    ]
    spans += ["you know best. ", by, " asks you into the room."]
    details: list[Text] = [(Link("The change", change.url),)] if change.url else []
    details.append(("Where it stands: ", Code(f"/incident show {incident.ref}")))
    return Notice(
        text=tuple(spans),
        details=tuple(details),
        tone="warning",
        buttons=(Button(label="Open room", command=f"show {incident.ref}", style="primary"),),
    )


def _nothing_near(incident: Incident) -> str:
    names = [name for name, _ in incident.services]
    where = f" on {', '.join(names[:3])} or what they depend on" if names else ""
    return (
        f"No change is known{where} in the {duration(nearby.LOOK_BACK)} before {incident.ref} began. "
        "Changes arrive by POST /webhooks/github or /webhooks/change."
    )
