"""Who somebody of the catalogue is on Slack, and the other way round: by the catalogue's word, else by e-mail address."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bot.catalog.catalog import Catalog
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.views import Person
from bot.responders.identities import by_chat, by_email

__all__ = ["GUEST", "Accounts"]

PLATFORM = "slack"
GUEST = "guest:"  # people whom the catalogue does not know
KEPT = 12 * 3600.0  # seconds that an answer of Slack's is believed
MISSED = 600.0  # ... that somebody has no account, or cannot be seen
MOST = 20_000  # answers kept


class Accounts:
    """Finds accounts by people and people by accounts; asks Slack where the catalogue does not say."""

    def __init__(self, client: SlackClient, catalog: Callable[[], Catalog]) -> None:
        self._client, self._catalog = client, catalog
        self._accounts: dict[str, tuple[float, str]] = {}  # by person: until, the account or ""
        self._people: dict[str, tuple[float, Person]] = {}  # by account

    def known(self, person: str) -> str:
        """The account, without asking anybody; "" where it is not known yet."""
        member = self._catalog().people.get(person)
        if member is not None and (account := member.chat.get(PLATFORM)):
            return account
        until, account = self._accounts.get(person, (0.0, ""))
        return account if until > time.monotonic() else ""

    async def account(self, person: str) -> str:
        """Their account, "" where they have none. DeliveryErrors as calls have them."""
        if account := self.known(person):
            return account
        until, _ = self._accounts.get(person, (0.0, ""))
        member = self._catalog().people.get(person)
        if until > time.monotonic() or member is None:
            return ""
        for address in member.emails:
            try:
                user = (await self._client.call("users.lookupByEmail", email=address))["user"]
            except Refused as error:
                if error.error not in {"users_not_found", "missing_scope"}:
                    raise
                continue
            if not user.get("deleted"):
                return self._remember(person, str(user["id"]))
        return self._remember(person, "")

    async def person(self, account: str) -> Person:
        """Who this account is: somebody of the catalogue, else a guest by the name that Slack shows."""
        member = by_chat(self._catalog(), PLATFORM, account)
        if member is not None:
            return Person(member.id, member.name)
        until, known = self._people.get(account, (0.0, Person("", "")))
        if until > time.monotonic():
            return known
        try:
            user: dict[str, Any] = (await self._client.call("users.info", user=account))["user"]
        except Refused:
            user = {}
        profile = user.get("profile") or {}
        member = by_email(self._catalog(), str(profile.get("email") or ""))
        if member is not None:
            found = Person(member.id, member.name)
            self._remember(member.id, account)
        else:
            name = str(profile.get("display_name") or profile.get("real_name") or user.get("name") or account)
            found = Person(GUEST + name, name)
        if len(self._people) >= MOST:
            self._people.clear()
        self._people[account] = (time.monotonic() + KEPT, found)
        return found

    def _remember(self, person: str, account: str) -> str:
        if len(self._accounts) >= MOST:
            self._accounts.clear()
        self._accounts[person] = (time.monotonic() + (KEPT if account else MISSED), account)
        return account
