"""The installed app, and one call of it as it was answered. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.tables import PRIVILEGED
from tests.fakes.discord.world import Role, User

__all__ = ["App", "Record"]


@dataclass(kw_only=True)
class App:
    """The app as it stands in the developer portal, and in the guild.

    `privileged`: the intents switched on in the portal. `role.permissions`: what it may. `token_trouble` True: 401.
    """

    id: str
    user: User
    role: Role
    token: str = "a-fake-bot-token"
    privileged: set[str] = field(default_factory=lambda: set(PRIVILEGED))
    token_trouble: bool = False
    identifies_left: int = 1000  # a day (docs: gateway, session start limit)
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the guild, by id
    global_commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[float] = field(default_factory=list)  # moments at which commands were created


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call as it was answered; `code` is 0 for a success, Discord's code for a refusal, the status when it was
    neither (429, 500 ...), -1 when the connection was broken.
    """

    method: str
    path: str
    route: str
    body: Any
    status: int
    code: int
    at: float  # monotonic seconds
    query: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
