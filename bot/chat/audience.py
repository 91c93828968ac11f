"""For whom something is drawn on a chat platform, and when. Plain values: nobody is looked up here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import ClassVar

from bot.chat.views import Person, Text

__all__ = ["Audience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """`known` answers a person's id on the platform, "" where there is none; `called` are the people for whom a mention is due:
    the platform rings them, so name few. With `now`, times of today come without their day.

    `whole` says where to read what was too long for a message.
    """

    ACCOUNT: ClassVar[re.Pattern[str]]  # what an id looks like; anything else is never written as a mention

    known: Callable[[str], str] = field(default=lambda _person: "")
    now: float | None = None
    called: Collection[str] = ()
    whole: Text = ("the situation room",)

    def mention(self, person: Person) -> str | None:
        """The account to mention; None where the name is to stand."""
        account = self.known(person.id) if person.id in self.called else ""
        return account if self.ACCOUNT.fullmatch(account) else None
