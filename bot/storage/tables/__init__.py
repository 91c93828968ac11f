"""The tables, as SQLAlchemy Core metadata: what is kept, and nothing about what it means.

Moments are double columns: seconds since the epoch, UTC. `*_json` columns hold JSON text that only their owner reads.
A schema change is a new migration beside `migrations/versions/`; a test holds the two against each other.
"""

from __future__ import annotations

from bot.storage.tables.base import metadata
from bot.storage.tables.chat import (
    announced,
    console_rooms,
    copies,
    effects,
    invocations,
    menus,
    messages,
    progress_messages,
    rooms,
    unmirrored,
)
from bot.storage.tables.engine import (
    alerts,
    changes,
    cursors,
    deliveries,
    engine_states,
    feedback,
    groups,
    lessons,
    silences,
    warnings,
)
from bot.storage.tables.incidents import (
    approvals,
    incidents,
    page_messages,
    pages,
    participants,
    retros,
    runs,
    timeline,
    timers,
)

__all__ = [
    "alerts",
    "announced",
    "approvals",
    "changes",
    "console_rooms",
    "copies",
    "cursors",
    "deliveries",
    "effects",
    "engine_states",
    "feedback",
    "groups",
    "incidents",
    "invocations",
    "lessons",
    "menus",
    "messages",
    "metadata",
    "page_messages",
    "pages",
    "participants",
    "progress_messages",
    "retros",
    "rooms",
    "runs",
    "silences",
    "timeline",
    "timers",
    "unmirrored",
    "warnings",
]
