"""The App Home of one person: looks up what home.py draws, each time they open it. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.chat.slack.accounts import Accounts
from bot.chat.slack.client import SlackClient
from bot.chat.slack.home import Entry, Home, home_view
from bot.chat.views import Button, Moment, Person, Strong, Text, text
from bot.commands.services import Services
from bot.commands.words import headline, incident_line
from bot.incidents import store
from bot.incidents.model import Incident
from bot.responders import pages
from bot.responders.oncall import OnCall

__all__ = ["Tab"]

MOST = 200  # open incidents that are looked at


class Tab:
    """Publishes the home tab."""

    def __init__(self, client: SlackClient, accounts: Accounts, services: Services) -> None:
        self._client, self._accounts, self._services = client, accounts, services

    async def open(self, event: Mapping[str, Any]) -> None:
        """Somebody opened the app."""
        if event.get("tab", "home") != "home":
            return
        account = str(event["user"])
        person = await self._accounts.person(account)
        shown = home_view(await self.of(person), self._accounts.known, now=self._services.clock.now())
        await self._client.call("views.publish", user_id=account, view=shown)

    async def of(self, person: Person) -> Home:
        """What they should see."""
        now = self._services.clock.now()
        found = await self._services.incidents.open_ones(MOST)
        async with self._services.database.reading() as connection:
            waiting = await pages.open_of(connection, person.id)
            paged = {one.number: one for one in await store.numbered(connection, [page.incident for page in waiting])}
            mine = {one.number for one in found if one.commander == person.id}
            mine |= await store.taken_part(connection, person.id, [one.number for one in found])
        seen = [one for one in found if one.number in mine or not one.private]
        return Home(
            pages=tuple(_page(page, paged[page.incident]) for page in waiting if page.incident in paged),
            incidents=tuple(self._incident(one, now) for one in seen if one.number in mine),
            others=sum(one.number not in mine for one in seen),
            on_call=tuple(_on_call(one) for one in OnCall.describe(self._services.catalog(), None, now)),
        )

    def _incident(self, incident: Incident, now: float) -> Entry:
        lead = self._services.person(incident.commander).name if incident.commander else ""
        taken = () if incident.status != "open" else (_button("Acknowledge", f"ack {incident.ref}", primary=True),)
        return Entry(
            said=incident_line(incident, now, lead),
            buttons=(*taken, _button("Resolve", f"resolve {incident.ref}"), _button("Look", f"show {incident.ref}")),
        )


def _page(page: pages.PageRecord, incident: Incident) -> Entry:
    return Entry(
        said=headline(incident),
        details=(text("Paged ", Moment(page.created_at), f": {page.why}" if page.why else "", "."),),
        buttons=(
            _button("Acknowledge", f"ack {incident.ref}", primary=True),
            _button("I can't", f"page decline {page.ref}"),
        ),
    )


def _button(label: str, command: str, *, primary: bool = False) -> Button:
    return Button(label=label, command=command, style="primary" if primary else "default")


def _on_call(one: OnCall) -> Text:
    if one.person is None:
        return text(Strong(one.schedule), f": nobody, {one.reason}.")
    until: Text = (", until ", Moment(one.until)) if one.until is not None else ()
    return text(Strong(one.schedule), ": ", one.person, *until, ".")
