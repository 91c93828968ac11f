"""For whom something is drawn in Slack."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.chat import audience

__all__ = ["Audience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience(audience.Audience):
    """A person's id is a member's: U01ROBIN."""

    ACCOUNT = re.compile(r"[UW][A-Z0-9]{2,20}")
