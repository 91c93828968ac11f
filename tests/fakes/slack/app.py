"""The installed app, and one call of it as it was answered. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack.tables import ALL_SCOPES

__all__ = ["App", "Record"]


@dataclass(kw_only=True)
class App:
    """The installed app: who it is, what it may, what it hears. `token_trouble` is what Slack says of its bot token from now on."""

    id: str = "A0FAKE001"
    bot_id: str = "B0FAKE001"
    user_id: str = ""
    bot_token: str = "xoxb-0000000000-fake"
    app_token: str = "xapp-1-A0FAKE001-fake"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "verification-token"
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] | None = None  # subscribed: None is every event
    commands: set[str] | None = None  # None is every command
    token_trouble: Literal["", "token_revoked", "account_inactive", "invalid_auth"] = ""
    app_token_trouble: Literal["", "token_revoked", "account_inactive", "invalid_auth"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call as it was answered; `error` is "" when it was a success, "429" etc. when it was no answer of Slack's."""

    method: str
    args: dict[str, Any]
    at: float  # monotonic seconds
    error: str
