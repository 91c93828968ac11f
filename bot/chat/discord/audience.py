"""For whom something is drawn in Discord."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat import audience
from bot.chat.discord.limits import ID

__all__ = ["Audience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience(audience.Audience):
    """A person's id is a snowflake."""

    ACCOUNT = ID
