"""An incident from its first alert to its end, told through the real services, for tests of retrospectives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import insert, update

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person as CatalogPerson
from bot.changes import ledger
from bot.chat.views import MUSTER, Card, Person, encode_view
from bot.clock import ManualClock
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.events import Declared
from bot.incidents.parts import Cause, Suspect
from bot.incidents.service import Causes, Incidents
from bot.responders.naming import authors, people
from bot.retros.service import Retros
from bot.storage import tables
from bot.storage.database import Database, Transaction
from correlation.alert import Change
from tests.rows import keep_alert, keep_incident, message_row

MIKA, ROBIN = Person("mika", "Mika Laine"), Person("robin", "Robin Vos")
CATALOG = Catalog(
    people={
        person.id: CatalogPerson(id=person.id, name=person.name, email=f"{person.id}@example.org")
        for person in (MIKA, ROBIN)
    }
)
HOSTILE = "<script>alert(1)</script> @everyone [free](javascript:alert(1)) | # not a heading"


class NoGrouping:
    """Nobody merges or splits here, and no engine knows of another cause."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def weigh(self, number: int, then: Callable[[Transaction, Causes], Awaitable[None]]) -> None:
        async def forgotten(_: object) -> None:
            return None

        async with self.database.transaction() as work:
            await then(work, forgotten)

    async def merge(self, *_: object) -> None:
        raise NotImplementedError

    async def split(self, *_: object) -> None:
        raise NotImplementedError


def person(key: str) -> Person:
    known = CATALOG.people.get(key)
    return MUSTER if key == MUSTER.id else Person(key, known.name if known else key.removeprefix("guest:"))


class Story:
    """The people and services of the story; `tell` plays it."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.announcements = Announcements(("console",), lambda: CATALOG, person)
        self.incidents = Incidents(
            database,
            clock,
            reactions=(timeline.record, self.announcements),
            card=self.announcements.refresh_card,
            names=lambda key: person(key).name,
            grouping=NoGrouping(database),
        )
        self.retros = Retros(
            database, clock, self.announcements, person=people(lambda: CATALOG), author=authors(lambda: CATALOG)
        )
        self.number = 0

    async def say(self, by: Person, text: str, **fields: object) -> None:
        async with self.database.transaction() as work:
            row = message_row(
                "inc-1-checkout-latency", self.clock.now(), text, author=by.id, author_name=by.name, **fields
            )
            await work.connection.execute(insert(tables.messages).values(row))

    async def opens(self) -> None:
        """Four services fail after a deploy; the incident opens a minute after the first alert."""
        start = self.clock.now()
        async with self.database.transaction() as work:
            change = Change(
                id="github:d1",
                at=start - 180,
                title="Retry | payments *twice*",
                service="payments-api",
                revision="a1b2c3d4e5",
                url="https://forge.example.org/payments/commit/a1b2c3d4e5",
                author_name="Robin Vos",
            )
            await ledger.record(work, [change])
            self.clock.advance(60)
            incident = await keep_incident(
                work,
                self.clock.now(),
                title="checkout latency, eu-west-1",
                first_alert_at=start,
                alert_count=4,
                firing_count=4,
                services=[("checkout", 3), ("payments-api", 1)],
                location="eu-west-1",
                environment="production",
                cause=Cause(service="payments-api", words="first to fail, 3 depend on it", score=1.0),
                suspects=[
                    Suspect(
                        change="github:d1", score=0.9, reasons=("3 min before the first alert", "on the probable cause")
                    ),
                    Suspect(change="github:gone", score=0.1, reasons=()),
                ],
            )
            self.number = incident.number
            await keep_alert(work, 1, start, group_id="G1", service="payments-api", severity="critical", count=6)
            for n in (2, 3, 4):
                await keep_alert(work, n, start + n, group_id="G1", service="checkout", summary=HOSTILE)
            await self.incidents.react(work, incident, Declared(by=MUSTER), self.clock.now())
            room = {
                "id": "inc-1-checkout-latency",
                "marker": "muster-incident-1",
                "kind": "incident",
                "incident": incident.number,
                "title": incident.title,
                "archived": False,
                "created_at": self.clock.now(),
            }
            await work.connection.execute(insert(tables.console_rooms).values(room))
        card = Card(incident="INC-1", title="t", severity="SEV2", status="open", status_since=0.0, opened_at=0.0)
        await self.say(MUSTER, "SEV2 INC-1 checkout latency", author_kind="muster", view_json=encode_view(card))
        await self.say(MUSTER, "Probable cause: payments-api.\n- upstream of 3", author_kind="muster")

    async def is_worked_on(self) -> None:
        """Mika takes it, talks with Robin, runs a runbook."""
        async with self.database.transaction() as work:
            page = {
                "incident": self.number,
                "person": "mika",
                "why": "on call for payments",
                "note": "",
                "step": 0,
                "state": "acknowledged",
                "created_at": self.clock.now(),
                "sent_at": self.clock.now() + 1,
                "answered_at": self.clock.now() + 181,
            }
            await work.connection.execute(insert(tables.pages).values(page))
        self.clock.advance(180)
        await self.incidents.acknowledge(self.number, MIKA)
        await self.say(MIKA, "I have it.\n# looks like the deploy\n\n    indented | piped")
        self.clock.advance(60)
        await self.say(ROBIN, HOSTILE, edited_at=self.clock.now())
        async with self.database.transaction() as work:
            run = {
                "incident": self.number,
                "runbook": "restart-checkout",
                "parameters_json": '{"instance":"checkout-3"}',
                "requested_by": "mika",
                "requested_at": self.clock.now(),
                "state": "succeeded",
                "started_at": self.clock.now() + 30,
                "finished_at": self.clock.now() + 50,
                "outcome": "2 steps done",
                "output": "stopping\n```\n# not a heading <b>\n",
                "helped": True,
            }
            result = await work.connection.execute(insert(tables.runs).values(run))
            approval = {
                "run": result.inserted_primary_key[0],
                "person": "robin",
                "approved": True,
                "at": self.clock.now(),
            }
            await work.connection.execute(insert(tables.approvals).values(approval))
        self.clock.advance(60)
        await self.incidents.give_role(self.number, "scribe", ROBIN, MIKA)
        await self.incidents.rule_out(self.number, "cart", ROBIN, "its graphs are flat")
        await self.incidents.rule_out(self.number, "web", MIKA)
        await self.incidents.tell(self.number, f"Checkout is slow, we roll back.\n{HOSTILE}", MIKA, every=1800.0)
        self.clock.advance(240)
        await self.incidents.note(self.number, "Rolled back payments-api | <img src=x>", MIKA)

    async def ends(self) -> None:
        """The alerts clear; Mika resolves it, five minutes later again."""
        self.clock.advance(600)
        async with self.database.transaction() as work:
            await work.connection.execute(update(tables.incidents).values(cleared_at=self.clock.now(), firing_count=0))
        await self.incidents.resolve(self.number, MIKA, "Rolled back.")
        self.clock.advance(60)
        await self.incidents.reopen(self.number, ROBIN, "one customer still sees it")
        self.clock.advance(240)
        await self.incidents.resolve(self.number, MIKA, "Rolled back payments-api; retries now have a budget.")

    async def tell(self) -> None:
        """All of it."""
        await self.opens()
        await self.is_worked_on()
        await self.ends()
