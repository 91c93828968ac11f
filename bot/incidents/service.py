"""What commands, buttons and timers may ask of incidents: each use case is one transaction, retried when somebody was faster.

What follows from a transition (timeline, chat, paging) is done by reactions inside the same transaction; they are unknown here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.chat.views import MUSTER, Person
from bot.clock import Clock
from bot.engine.batch import Rankings
from bot.errors import BadArguments, InvalidTransition
from bot.incidents import store, timeline
from bot.incidents.causes import reordered, take_rankings
from bot.incidents.events import (
    Acknowledged,
    CommanderTaken,
    Declared,
    Event,
    Merged,
    Noted,
    RoleGiven,
    SeverityLevel,
    Split,
)
from bot.incidents.grading import SplitOff
from bot.incidents.model import TITLE_LENGTH, Incident, Names
from bot.incidents.parts import StatusName
from bot.incidents.reference import ref
from bot.storage.database import Database, Transaction

__all__ = ["Acknowledgement", "Causes", "Grouping", "Incidents", "May", "Parting", "Reaction", "Weighing"]


class Reaction(Protocol):
    """Something that follows from an event, in the same transaction."""

    async def __call__(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        """Write what follows; raise nothing but storage errors."""
        ...


Causes = Callable[[Collection[str]], Awaitable[Rankings | None]]
"""The causes of an incident, the likeliest first, when some services are ruled out; None when the engine has forgotten it."""

# What is done in the transaction of a correction: refuse it before anything is done, or follow it.
May = Callable[[Transaction], Awaitable[None]]
Weighing = Callable[[Transaction, Causes], Awaitable[None]]
Parting = Callable[[Transaction, SplitOff, Causes, Causes], Awaitable[None]]


class Grouping(Protocol):
    """The engine's keeper, which people may correct."""

    async def merge(self, kept: int, lost: int, may: May, then: Weighing) -> None:
        """Move the groups of incident `lost` to `kept`, in one transaction: `may` refuses before anything is done, and
        `then` may ask for the causes of the whole."""
        ...

    async def split(self, number: int, alerts: Sequence[int], then: Parting) -> None:
        """Move alerts (ids) of an incident to a new group; `then` declares its incident in the same transaction, and may
        ask for the causes of what is left and of what is split off."""
        ...

    async def weigh(self, number: int, then: Weighing) -> None:
        """`then` runs in a transaction in which nothing else is decided; it may ask for the causes of incident `number`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has the incident: `first` when this call made it so, else somebody was faster (`by`, `at`)."""

    incident: Incident
    first: bool
    by: str
    at: float


class Incidents:
    """The use cases. `names` turns a person's id into the name that people read."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        reactions: Sequence[Reaction],
        card: Callable[[Transaction, int, float], Awaitable[None]],
        names: Names,
        grouping: Grouping,
    ) -> None:
        self._database, self._clock, self._reactions, self._names = database, clock, tuple(reactions), names
        self._grouping, self._card = grouping, card

    async def get(self, number: int) -> Incident:
        """The incident; NotFound when there is none."""
        async with self._database.reading() as connection:
            return await store.load(connection, number)

    async def open_ones(self, limit: int = 50, *, hidden: Collection[int] = ()) -> list[Incident]:
        """Incidents that are not resolved, newest first, without the hidden ones."""
        statuses: tuple[StatusName, ...] = ("open", "acknowledged", "mitigated")
        async with self._database.reading() as connection:
            found = await store.listing(connection, statuses=statuses, limit=limit + len(hidden))
        return [incident for incident in found if incident.number not in hidden][:limit]

    async def acknowledge(self, number: int, by: Person, note: str = "") -> Acknowledgement:
        """Take the incident. Of many at once exactly one is first; the others become responders."""

        def transition(incident: Incident, at: float) -> Event | None:
            if incident.status == "acknowledged":
                return None
            return incident.acknowledge(by, at, note, self._names)

        incident, event = await self._change(number, transition, joins=by)
        return Acknowledgement(
            incident=incident,
            first=event is not None,
            by=incident.acknowledged_by or by.id,
            at=incident.acknowledged_at or self._clock.now(),
        )

    async def unacknowledge(self, number: int, by: Person) -> Incident:
        """Give it back: nobody has it, paging starts again."""
        return (await self._change(number, lambda i, at: i.unacknowledge(by, at)))[0]

    async def resolve(self, number: int, by: Person, summary: str = "") -> Incident:
        """End it."""
        return (await self._change(number, lambda i, at: i.resolve(by, at, summary, self._names)))[0]

    async def reopen(self, number: int, by: Person, why: str = "") -> Incident:
        """It was not over."""
        return (await self._change(number, lambda i, at: i.reopen(by, at, why)))[0]

    async def change_severity(self, number: int, severity: SeverityLevel, by: Person) -> Incident:
        """Set the severity."""
        return (await self._change(number, lambda i, _: i.change_severity(severity, by)))[0]

    async def rename(self, number: int, title: str, by: Person) -> Incident:
        """Set the title."""
        return (await self._change(number, lambda i, _: i.rename(title, by)))[0]

    async def note(self, number: int, text: str, by: Person) -> Incident:
        """Write a note on the timeline."""
        return (await self._change(number, lambda i, _: i.note(text, by)))[0]

    async def link_ticket(self, number: int, url: str, by: Person) -> Incident:
        """It is kept as that ticket; "" for none any more."""
        return (await self._change(number, lambda i, _: i.link_ticket(url, by)))[0]

    async def pin(self, number: int, message: str, text: str, by: Person) -> bool:
        """Note what somebody pinned; `message` identifies it. Once for each, however often that is told: False after the first."""

        async def change(work: Transaction) -> bool:
            if await timeline.pinned_note(work.connection, number, message):
                return False
            incident = await store.load(work.connection, number)
            event = replace(incident.note(text, by), message=message)
            await store.save(work, incident)
            await self.react(work, incident, event, self._clock.now())
            return True

        return await self._database.attempt(change)

    async def unpin(self, number: int, message: str, by: Person) -> bool:
        """The pin was taken away, and the note with it; False when there is none."""

        async def change(work: Transaction) -> bool:
            noted = await timeline.pinned_note(work.connection, number, message)
            if noted is None:
                return False
            incident = await store.load(work.connection, number)
            event = Noted(by=by, note=noted.text, message=message, withdrawn=True)
            await store.save(work, incident)
            await self.react(work, incident, event, self._clock.now())
            return True

        return await self._database.attempt(change)

    async def take_command(self, number: int, commander: Person, by: Person) -> Incident:
        """Make `commander` the incident commander."""
        return (await self._change(number, lambda i, _: i.take_command(commander, by), joins=commander))[0]

    async def tell(
        self, number: int, text: str, by: Person, *, every: float | None = None, last: bool = False
    ) -> Incident:
        """An update for stakeholders; the next is due after `every` seconds, or as before, unless it is the `last`."""
        return (await self._change(number, lambda i, at: i.tell(text, by, at, every=every, last=last)))[0]

    async def give_role(self, number: int, role: str, person: Person, by: Person) -> Incident:
        """Somebody has a role."""
        return (await self._change(number, lambda i, _: i.give_role(role, person, by), joins=person))[0]

    async def free_role(self, number: int, role: str, by: Person) -> Incident:
        """Nobody has a role any more."""
        return (await self._change(number, lambda i, _: i.free_role(role, by)))[0]

    async def rule_out(self, number: int, service: str, by: Person, reason: str = "", change: str = "") -> Incident:
        """It is not this service, or this change: another one is the probable cause, if any is left."""
        return await self._weigh(number, lambda i, at: i.rule_out(service, by, at, reason, self._names, change))

    async def rule_in(self, number: int, service: str, by: Person) -> Incident:
        """It may be this service after all."""
        return await self._weigh(number, lambda i, _: i.rule_in(service, by))

    async def declare(
        self,
        title: str,
        by: Person,
        *,
        severity: SeverityLevel = "SEV3",
        private: bool = False,
        page: bool = False,
        services: Sequence[str] = (),
    ) -> Incident:
        """An incident without an alert; `services` are those that it is said to hit."""
        words = " ".join(title.split())[:TITLE_LENGTH]
        if not words:
            raise BadArguments("An incident needs a title: /incident declare checkout slow for some customers")
        at = self._clock.now()
        incident = Incident(
            number=0,
            title=words,
            severity=severity,
            status_since=at,
            opened_at=at,
            first_alert_at=at,
            last_alert_at=at,
            declared_by=by.id,
            private=private,
            titled_by_person=True,
            graded_by_person=True,
            services=[(service, 0) for service in services],
        )
        async with self._database.transaction() as work:
            await store.insert_incident(work, incident)
            await store.add_participant(work, incident.number, by, "declared it", at)
            await self.react(work, incident, Declared(by=by, page=page), at)
        return incident

    async def merge(self, kept: int, lost: int, by: Person) -> Incident:
        """`lost` was the same thing as `kept`: its alerts move there and it ends."""
        if kept == lost:
            raise BadArguments(f"{ref(kept)} cannot be merged into itself.")
        at = self._clock.now()
        result: list[Incident] = []

        async def may(work: Transaction) -> None:
            into = await store.load(work.connection, kept)
            other = await store.load(work.connection, lost)
            if other.merged_into is not None:
                raise InvalidTransition(f"{other.ref} was merged into {ref(other.merged_into)} already.")
            if into.merged_into is not None:
                raise InvalidTransition(f"{into.ref} was itself merged into {ref(into.merged_into)}.")

        async def then(work: Transaction, causes: Causes) -> None:
            into = await store.load(work.connection, kept)
            other = await store.load(work.connection, lost)
            await self.unite(work, into, other, by, at, causes=causes)
            result.append(into)

        await self._grouping.merge(kept, lost, may, then)
        return result[0]

    async def split(self, number: int, alerts: Sequence[int], by: Person) -> Incident:
        """Some alerts are something else: they get an incident of their own, which is returned."""
        if not alerts:
            raise BadArguments(
                "Name the alerts that are something else: /incident split A12 A13. List: /incident alerts"
            )
        at = self._clock.now()
        result: list[Incident] = []

        async def then(work: Transaction, split: SplitOff, of_rest: Causes, of_new: Causes) -> None:
            old = await store.load(work.connection, number)
            new = Incident(
                number=0,
                title=split.title,
                severity=old.severity if old.graded_by_person else split.severity,
                status_since=at,
                opened_at=at,
                first_alert_at=at,
                last_alert_at=at,
                environment=old.environment,
                declared_by=by.id,
                private=old.private or split.private,
                auto_resolve=old.auto_resolve,
                recipe=old.recipe,
            )
            await store.insert_incident(work, new)
            await store.adopt_group(work, split.group, new.number)
            began = old.first_alert_at
            for incident, causes in ((old, of_rest), (new, of_new)):
                await store.recount(work.connection, incident, began)
                await _weigh_anew(incident, causes)
            another = split.rest != old.title and (split.retitled or split.title == old.title)
            renamed = old.rename(split.rest, MUSTER) if split.rest and another and not old.titled_by_person else None
            cleared = [(incident, None if incident.firing_count else incident.clear(at)) for incident in (old, new)]
            await store.save(work, old)
            await store.save(work, new)
            await store.add_participant(work, new.number, by, "split it off", at)
            await self.react(work, new, Declared(by=by, page=False), at)
            await self.react(work, old, Split(by=by, other=new.number, alerts=len(alerts)), at)
            if renamed is not None:
                await self.react(work, old, renamed, at)
            for incident, event in cleared:
                if event is not None:
                    await self.react(work, incident, event, at)
            result.append(new)

        await self._grouping.split(number, alerts, then)
        return result[0]

    async def unite(
        self,
        work: Transaction,
        kept: Incident,
        lost: Incident,
        by: Person,
        at: float,
        why: str = "",
        causes: Causes | None = None,
    ) -> None:
        """`lost` ends in `kept`, open if either was. The caller moves the alerts, and gives `causes` of both or takes them in."""
        reopened = kept.reopen(by, at, f"{lost.ref} is the same and goes on.") if lost.open and not kept.open else None
        fires_again = kept.take_in(lost)
        inherited: Sequence[Event] = kept.inherit(lost) if by == MUSTER else ()
        if causes is not None:
            await _weigh_anew(kept, causes)
        if lost.open:
            lost.resolve(by, at, f"Merged into {kept.ref}{why and f': {why}'}.")
        lost.merged_into = kept.number
        await store.save(work, kept)
        await store.save(work, lost)
        merged = Merged(by=by, other=lost.number, into=False, why=why)
        told = [event for event in (reopened, merged, *inherited, fires_again) if event is not None]
        for event in told:
            await self.react(work, kept, event, at)
        await self.react(work, lost, Merged(by=by, other=kept.number, into=True, why=why), at)

    async def react(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        """Let everything that follows from an event follow."""
        for reaction in self._reactions:
            await reaction(work, incident, event, at)

    async def refresh(self, work: Transaction, incident: Incident, at: float) -> None:
        """Its figures changed, but nothing happened that needs words: the card follows."""
        await self._card(work, incident.number, at)

    async def _weigh(self, number: int, transition: Callable[[Incident, float], Event]) -> Incident:
        """A change of what may be the cause, which is weighed anew."""
        at, result = self._clock.now(), list[Incident]()

        async def then(work: Transaction, causes: Causes) -> None:
            incident = await store.load(work.connection, number)
            event = transition(incident, at)
            if not await _weigh_anew(incident, causes):  # too long ago for another one to be known
                if incident.cause is not None and incident.cause.service in incident.ruled_out:
                    incident.cause = None
                incident.suspects = reordered(incident)
            await store.save(work, incident)
            await self.react(work, incident, event, at)
            result.append(incident)

        await self._grouping.weigh(number, then)
        return result[-1]

    async def _change(
        self,
        number: int,
        transition: Callable[[Incident, float], Event | None],
        *,
        joins: Person | None = None,
    ) -> tuple[Incident, Event | None]:
        async def change(work: Transaction) -> tuple[Incident, Event | None]:
            at = self._clock.now()
            incident = await store.load(work.connection, number)
            event = transition(incident, at)
            if event is not None:
                await store.save(work, incident)
            if joins is not None:
                why = {Acknowledged: "acknowledged", CommanderTaken: "leads", RoleGiven: "has a role"}
                await store.add_participant(work, number, joins, why.get(type(event), "responder"), at)
            if event is not None:
                await self.react(work, incident, event, at)
            return incident, event

        return await self._database.attempt(change)


async def _weigh_anew(incident: Incident, causes: Causes) -> bool:
    """Take in what the engine thinks of an incident after people corrected something; whether it still knows it."""
    weighed = await causes(incident.ruled_out)
    if weighed is not None:
        take_rankings(incident, weighed)
    return weighed is not None
