"""Who somebody of the catalogue is on Discord, and the other way round. Discord finds nobody by address: the catalogue says it."""

from __future__ import annotations

from collections.abc import Callable

import discord

from bot.catalog.catalog import Catalog
from bot.chat.discord.limits import ID
from bot.chat.views import Person
from bot.responders.identities import by_chat

__all__ = ["GUEST", "PLATFORM", "Accounts"]

PLATFORM = "discord"
GUEST = "guest:"  # people whom the catalogue does not know


class Accounts:
    """Finds accounts by people and people by accounts, without asking Discord."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._catalog = catalog

    def known(self, person: str) -> str:
        """Their user id; "" where the catalogue says none, or one that cannot be."""
        member = self._catalog().people.get(person)
        account = member.chat.get(PLATFORM, "") if member is not None else ""
        return account if ID.fullmatch(account) else ""

    def person(self, user: discord.abc.User) -> Person:
        """Who this is: somebody of the catalogue, else a guest by the name that Discord shows."""
        member = by_chat(self._catalog(), PLATFORM, str(user.id))
        if member is not None:
            return Person(member.id, member.name)
        return Person(GUEST + user.display_name, user.display_name)
