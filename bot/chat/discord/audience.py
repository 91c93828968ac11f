"""For whom something is drawn in Discord."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.chat import audience

__all__ = ["Audience"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience(audience.Audience):
    """A person's id is a snowflake."""

    ACCOUNT = re.compile(r"[1-9][0-9]{14,19}")
