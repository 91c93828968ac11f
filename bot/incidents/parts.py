"""What an incident is made of, as values: its status, its cause and suspects, what was ruled out, the last update, a role's name.

What may be done to it stands in the model; what was done, in the events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.errors import BadArguments

__all__ = ["Cause", "Exclusion", "StatusName", "Suspect", "Update", "role_name"]

StatusName = Literal["open", "acknowledged", "mitigated", "resolved"]

ROLE_LENGTH = 40  # characters
_SHORT_ROLES = {"comms": "communications", "ops": "operations", "liaison": "customer liaison"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What is probably at the root, in words that give the reason."""

    service: str
    words: str
    score: float
    effects: int = 0  # alerts that it, or what else is known to have failed, mutes
    first_at: float = 0.0  # when it failed, if it was the first to; 0 otherwise
    reasons: tuple[str, ...] = ()  # all of them; `words` are the weightiest
    others: tuple[str, ...] = ()  # what is less likely, each with its reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A change that may be to blame, with the reasons; the first of a list is the most suspect."""

    change: str
    score: float
    reasons: tuple[str, ...]
    ruled_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A service, or a change of one, that somebody (an id) says is not the cause. `change` is its id, `service` then its words."""

    service: str
    by: str
    at: float
    reason: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What stakeholders were told last, by whom (an id) and when.

    `every` is the time from one to the next, remembered until somebody says another; `due` is when the next is expected, None when
    nothing was promised, or it is over. `overdue`: somebody was reminded of it.
    """

    text: str
    by: str
    at: float
    every: float | None = None
    due: float | None = None
    overdue: bool = False


def role_name(words: str) -> str:
    """A role as it is kept: small letters, at most 40; short forms are written out. BadArguments when it is none.

    >>> role_name("Comms"), role_name("customer  liaison")
    ('communications', 'customer liaison')
    """
    name = " ".join(words.lower().split())
    name = _SHORT_ROLES.get(name, name)
    if not re.fullmatch(r"[^\W_][\w .&/'-]*", name) or len(name) > ROLE_LENGTH:
        raise BadArguments(
            f'"{name[:ROLE_LENGTH]}" is no role; write a few letters: communications, scribe, operations, ...'
        )
    return name
