"""What people may ask of runbooks: which fit, what one would do, to run it, to agree, to stop it. Running is the runner's.

Who may do what is the catalogue's word: `run_by` asks, `approve.by` agrees, and whoever asks never counts as agreeing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.catalog.model import Runbook, Who
from bot.chat.views import MUSTER, Notice, Person, text
from bot.clock import Clock, ago, duration
from bot.errors import BadArguments, InvalidTransition, NotAllowed
from bot.incidents import store as incident_store
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.model import Incident
from bot.runbooks import context, run_words, store
from bot.runbooks.action import Action
from bot.runbooks.model import Plan, Run, RunState
from bot.runbooks.preparing import Policies, Prepared, Preparing
from bot.runbooks.runner import INTERVAL, VERIFY, Runner
from bot.storage import timers
from bot.storage.database import Database, Transaction
from bot.storage.timers import Timer
from bot.telemetry import Metrics

__all__ = ["Runbooks"]

EXPIRES = "run.expires"  # the timer of a question that nobody answers
MOST_RUNNING = 20  # at once, over all incidents


class Runbooks:
    """The use cases, the handlers of their timers, and the life of what runs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Callable[[], Catalog],
        announcements: Announcements,
        person: Callable[[str], Person],
        policies: Policies,
        actions: Mapping[str, Action],
        environment: Mapping[str, str],
        metrics: Metrics,
        interval: float = INTERVAL,
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._announcements, self._person, self._policies = announcements, person, policies
        self._environment, self._metrics = environment, metrics
        self._preparing = Preparing(catalog, policies, actions)
        self._runner = Runner(
            database,
            clock,
            announcements=announcements,
            person=person,
            actions=actions,
            environment=environment,
            metrics=metrics,
            interval=interval,
        )

    async def start(self) -> None:
        """Settle what a crash left behind. Runs that were under way are told as interrupted, not run again."""
        await self._runner.recover()

    async def stop(self) -> None:
        """Stop what runs, and wait for it for some seconds."""
        await self._runner.stop()

    def handlers(self) -> Mapping[str, Callable[[Transaction, Timer, float], Awaitable[None]]]:
        """What the scheduler should know."""
        return {EXPIRES: self._expire, VERIFY: self._verify}

    # --- looking --------------------------------------------------------------------------------------------------

    async def fitting(self, number: int) -> list[Runbook]:
        """The runbooks that fit the incident's alerts: those made for them first, then those for anything."""
        async with self._database.reading() as connection:
            await incident_store.load(connection, number)
            alerts = await context.alerts_of(connection, number)
        found = [runbook for runbook in self._catalog().runbooks.values() if context.fits(runbook, alerts)]
        return sorted(found, key=lambda runbook: not runbook.match)

    async def plan(
        self, number: int, name: str, values: Mapping[str, str], by: Person, teams: Collection[str] = ()
    ) -> Plan:
        """The dry run: what would be done, and what stands before it. BadArguments when a parameter is missing or wrong.

        Here and elsewhere `teams` are those that `by` counts as of by roles on their platform, besides those they are members of.
        """
        async with self._database.reading() as connection:
            prepared = await self._preparing.prepare(connection, number, name, values, by)
            obstacle = await self._obstacle(connection, prepared, by, teams)
        runbook = prepared.runbook
        return Plan(
            runbook=runbook,
            incident=number,
            parameters=prepared.parameters,
            steps=prepared.plan,
            needs_approval=runbook.approve is not None,
            reason=self._reason(prepared),
            obstacle=obstacle,
        )

    async def runs(self, number: int) -> list[Run]:
        """The incident's runs, oldest first."""
        async with self._database.reading() as connection:
            return await store.of_incident(connection, number)

    async def run(self, run_id: int) -> Run:
        """One run. NotFound when there is none."""
        async with self._database.reading() as connection:
            return await store.get(connection, run_id)

    async def wait(self, run_id: int) -> Run:
        """The run once it no longer runs here."""
        await self._runner.wait(run_id)
        return await self.run(run_id)

    # --- doing ----------------------------------------------------------------------------------------------------

    async def request(
        self,
        number: int,
        name: str,
        values: Mapping[str, str],
        by: Person,
        teams: Collection[str] = (),
        *,
        confirmed: bool = False,
    ) -> Run:
        """Run it: at once, or after somebody else has agreed. One of high risk wants `confirmed`, unless others must agree.

        NotAllowed for who may not, BadArguments for parameters, InvalidTransition for a cooldown or an incident that is over.
        """
        at = self._clock.now()
        async with self._database.transaction() as work:
            prepared = await self._preparing.prepare(work.connection, number, name, values, by)
            runbook = prepared.runbook
            self._check_permission(prepared, by, at, teams)
            await self._check_time(work.connection, prepared, at)
            if _needs_confirmation(runbook) and not confirmed:
                raise BadArguments(
                    f"{runbook.id} is of high risk. To run it: /incident runbook run {runbook.id} ... --yes"
                )
            if missing := [name for step in prepared.steps for name in step.missing(self._environment)]:
                raise InvalidTransition(f"{runbook.id} cannot run: the environment variable {missing[0]} is not set.")
            approve = runbook.approve
            run = await store.add(
                work,
                incident=number,
                runbook=runbook.id,
                parameters=prepared.parameters,
                by=by.id,
                at=at,
                state="waiting" if approve else "running",
                plan=prepared.plan,
                expires_at=at + approve.expires if approve else None,
            )
            words = f"{by.name} {'asked to run' if approve else 'ran'} {run.what}"
            await timeline.append(work, number, at, "runbook", by, words, run=run.id, steps=list(prepared.plan))
            if approve:
                await timers.schedule(work, EXPIRES, run.ref, at + approve.expires, {"run": run.id})
                await self._ask(work, run, prepared, at)
        if not approve:
            self._runner.begin(run, runbook, prepared.steps)
        return run

    async def approve(self, run_id: int, by: Person, teams: Collection[str] = ()) -> Run:
        """Agree. With enough people it starts; what is run is what was asked for, or it is not run at all."""
        at = self._clock.now()
        async with self._database.transaction() as work:
            run, prepared = await self._question(work, run_id)
            if run.requested_by == by.id:
                raise NotAllowed(f"You asked for {run.ref}; someone else must approve it.")
            self._check_approver(run, prepared, by, at, teams)
            if not await store.decide(work, run, by.id, at, approved=True):
                raise InvalidTransition(f"You approved {run.ref} already.")
            if prepared.plan != run.plan:
                words = "what it does has changed since it was asked for"
                await self._close(work, run, "cancelled", words, MUSTER, at)
                changed = True
            else:
                changed = False
                run = await self._agreed(work, run, prepared, by, at)
        if changed:
            raise InvalidTransition(
                f"{run.ref} is off: what it would do has changed since it was asked for. Ask again."
            )
        if run.state == "running":
            self._runner.begin(run, prepared.runbook, prepared.steps)
        return run

    async def decline(self, run_id: int, by: Person, teams: Collection[str] = ()) -> Run:
        """Say no: for those who may approve, and for whoever asked."""
        at = self._clock.now()
        async with self._database.transaction() as work:
            run = await self._waiting(work.connection, run_id)
            incident = await incident_store.load(work.connection, run.incident)
            self._check_concern(run, incident, by, at, teams)
            await store.decide(work, run, by.id, at, approved=False)
            return await self._close(work, run, "declined", f"declined by {by.name}", by, at)

    async def cancel(self, run_id: int, by: Person, teams: Collection[str] = ()) -> Run:
        """Stop it: a question is withdrawn, what runs is stopped halfway and its processes ended."""
        at = self._clock.now()
        async with self._database.transaction() as work:
            run = await store.get(work.connection, run_id)
            incident = await incident_store.load(work.connection, run.incident)
            self._check_concern(run, incident, by, at, teams)
            if run.over:
                raise InvalidTransition(f"{run.ref} {run.state} {ago(run.finished_at or at, at)}. Nothing to cancel.")
            if run.state == "waiting":
                return await self._close(work, run, "cancelled", f"withdrawn by {by.name}", by, at)
        self._runner.cancel(run_id, by)
        return await self.wait(run_id)

    # --- timers ---------------------------------------------------------------------------------------------------

    async def _expire(self, work: Transaction, timer: Timer, at: float) -> None:
        run = await store.get(work.connection, timer.payload["run"])
        if run.state != "waiting":
            return
        waited = duration(at - run.requested_at)
        await self._close(work, run, "expired", f"nobody approved within {waited}", MUSTER, at)
        view = Notice(
            text=text(f"{run.ref} expired: nobody approved {run.what} within {waited}. It did not run."), tone="warning"
        )
        await self._announcements.say(work, run.incident, view, at)

    async def _verify(self, work: Transaction, timer: Timer, at: float) -> None:
        run = await store.get(work.connection, timer.payload["run"])
        incident = await incident_store.find(work.connection, run.incident)
        if incident is None or run.finished_at is None or not incident.alert_count:
            return
        if incident.cleared_at is not None and incident.cleared_at < (run.started_at or 0.0):
            return  # there was nothing left to clear
        helped = incident.firing_count == 0
        within = float(timer.payload["within"])
        await store.keep_verdict(work, run, helped=helped)
        view = run_words.verdict(run, incident.firing_count, helped=helped, within=within)
        await self._announcements.say(work, run.incident, view, at)
        words = f"{run.what} {'helped: all alerts cleared' if helped else f'did not help within {duration(within)}'}"
        await timeline.append(work, run.incident, at, "runbook", MUSTER, words, run=run.id, helped=helped)

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _question(self, work: Transaction, run_id: int) -> tuple[Run, Prepared]:
        run = await self._waiting(work.connection, run_id)
        asker = self._person(run.requested_by)
        return run, await self._preparing.prepare(work.connection, run.incident, run.runbook, run.parameters, asker)

    async def _waiting(self, connection: AsyncConnection, run_id: int) -> Run:
        run = await store.get(connection, run_id)
        if run.state != "waiting":
            raise InvalidTransition(f"{run.ref} is {run.state}: there is nothing to decide.")
        return run

    async def _agreed(self, work: Transaction, run: Run, prepared: Prepared, by: Person, at: float) -> Run:
        """One more has agreed: start when that is enough, else go on asking."""
        run = await store.get(work.connection, run.id)
        words = f"{by.name} approved {run.what}"
        await timeline.append(work, run.incident, at, "runbook", by, words, run=run.id)
        needed = prepared.runbook.approve.people if prepared.runbook.approve else 1
        if sum(decision.approved for decision in run.decisions) < needed:
            await self._ask(work, run, prepared, at)
            return run
        if not prepared.incident.open:
            raise InvalidTransition(f"{prepared.incident.ref} is resolved. If it is back: /incident reopen")
        self._check_load()
        if not await store.change(work, run, "running", states=("waiting",), started_at=at):
            raise InvalidTransition(f"{run.ref} is decided already.")
        await timers.cancel(work, EXPIRES, run.ref)
        run = await store.get(work.connection, run.id)
        await self._announcements.progress(work, run.incident, run.ref, run_words.decided(run, self._person), at)
        return run

    async def _close(self, work: Transaction, run: Run, to: RunState, words: str, by: Person, at: float) -> Run:
        """End a question without a run."""
        if not await store.change(work, run, to, states=("waiting",), finished_at=at, outcome=words):
            raise InvalidTransition(f"{run.ref} is decided already.")
        await timers.cancel(work, EXPIRES, run.ref)
        self._metrics.runs.labels(to).inc()
        line = f"{run.what} did not run: {words}"
        await timeline.append(work, run.incident, at, "runbook", by, line, run=run.id, state=to)
        run = await store.get(work.connection, run.id)
        await self._announcements.progress(work, run.incident, run.ref, run_words.decided(run, self._person), at)
        return run

    async def _ask(self, work: Transaction, run: Run, prepared: Prepared, at: float) -> None:
        approve = prepared.runbook.approve
        approvers = self._whom(approve.by, prepared.incident) if approve else ""
        notice = run_words.asked(run, prepared.runbook, approvers, self._person)
        await self._announcements.progress(work, run.incident, run.ref, notice, at)

    def _check_permission(self, prepared: Prepared, by: Person, at: float, teams: Collection[str]) -> None:
        if not self._is_one_of(prepared.runbook.run_by, prepared.incident, by, at, teams):
            whom = self._whom(prepared.runbook.run_by, prepared.incident)
            raise NotAllowed(f"Only {whom} may run {prepared.runbook.id}.")

    def _check_approver(self, run: Run, prepared: Prepared, by: Person, at: float, teams: Collection[str]) -> None:
        """Guests go by names that they can change: by a role alone, one may not agree with what another asked for or approved."""
        approve = prepared.runbook.approve
        if approve is None or self._is_one_of(approve.by, prepared.incident, by, at):
            return
        if not self._is_one_of(approve.by, prepared.incident, by, at, teams):
            whom = self._whom(approve.by, prepared.incident)
            raise NotAllowed(f"{run.what} is approved by {whom}. Ask one of them.")
        known = self._catalog().people
        before = (run.requested_by, *(decision.person for decision in run.decisions if decision.approved))
        if by.id not in known and any(person not in known for person in before):
            raise NotAllowed(
                "The catalogue knows neither you nor who asked or agreed before, and names can be changed. "
                "Somebody whom it knows must approve; to be known: catalogue, people."
            )

    def _check_concern(self, run: Run, incident: Incident, by: Person, at: float, teams: Collection[str]) -> None:
        """Whoever asked, may run it or may approve it may also say no."""
        runbook = self._catalog().runbooks.get(run.runbook)
        whos = (*runbook.run_by, *(runbook.approve.by if runbook.approve else ())) if runbook else ()
        if by.id != run.requested_by and not self._is_one_of(whos, incident, by, at, teams):
            raise NotAllowed(f"{run.ref} is not yours: {self._whom(whos, incident) or 'whoever asked'} may stop it.")

    async def _check_time(self, connection: AsyncConnection, prepared: Prepared, at: float) -> None:
        incident, runbook = prepared.incident, prepared.runbook
        if not incident.open:
            raise InvalidTransition(f"{incident.ref} is resolved. If it is back: /incident reopen")
        for run in await store.of_incident(connection, incident.number, states=("waiting", "running")):
            if run.runbook == runbook.id and run.parameters == prepared.parameters:
                state = "waits for approval" if run.state == "waiting" else "is running"
                raise InvalidTransition(f"{run.ref} {run.what} {state} already: /incident runbook status {run.ref}")
        last = await store.last_start(connection, runbook.id)
        if last is not None and at < last + runbook.cooldown:
            left = duration(last + runbook.cooldown - at)
            raise InvalidTransition(f"{runbook.id} ran {ago(last, at)}; it may run again in {left}.")
        self._check_load()

    def _check_load(self) -> None:
        if self._runner.under_way >= MOST_RUNNING:
            raise InvalidTransition(f"{MOST_RUNNING} runbooks run already; wait for one to end.")

    async def _obstacle(
        self, connection: AsyncConnection, prepared: Prepared, by: Person, teams: Collection[str]
    ) -> str:
        at = self._clock.now()
        try:
            self._check_permission(prepared, by, at, teams)
            await self._check_time(connection, prepared, at)
        except (NotAllowed, InvalidTransition) as error:
            return error.public
        return ""

    def _reason(self, prepared: Prepared) -> str:
        approve = prepared.runbook.approve
        if approve is not None:
            others = "Someone else" if approve.people == 1 else f"{approve.people} others"
            whom = self._whom(approve.by, prepared.incident)
            return f"{others}{'' if whom == run_words.ANYONE else f' of {whom}'} must approve."
        return "It is of high risk: it runs when you say yes." if _needs_confirmation(prepared.runbook) else ""

    def _is_one_of(
        self, whos: Sequence[Who], incident: Incident, by: Person, at: float, teams: Collection[str] = ()
    ) -> bool:
        return self._policies.is_one_of(self._catalog(), whos, by.id, incident, at, teams)

    def _whom(self, whos: Sequence[Who], incident: Incident) -> str:
        return self._policies.whom(self._catalog(), whos, incident)


def _needs_confirmation(runbook: Runbook) -> bool:
    return runbook.risk == "high" and runbook.approve is None
