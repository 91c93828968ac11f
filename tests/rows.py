"""Rows as the pipeline would have written them, for tests of what reads them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from bot.incidents import store
from bot.incidents.model import Incident
from bot.storage import tables
from bot.storage.database import Transaction


async def keep_incident(work: Transaction, at: float, **fields: Any) -> Incident:
    """An incident with a group of its own, `G<number>`."""
    defaults: dict[str, Any] = {
        "number": 0,
        "title": "checkout latency, eu-west-1",
        "severity": "SEV2",
        "status_since": at,
        "opened_at": at,
        "first_alert_at": at,
        "last_alert_at": at,
    }
    incident = await store.insert_incident(work, Incident(**{**defaults, **fields}))
    group = {"id": f"G{incident.number}", "incident": incident.number, "opened_at": at}
    await work.connection.execute(insert(tables.groups).values(group))
    return incident


def alert_row(number: int, at: float, **fields: Any) -> dict[str, Any]:
    """A row of the alerts; firing and in no group unless said otherwise."""
    return {
        "id": number,
        "fingerprint": f"f{number}",
        "source": "generic",
        "name": "DiskFull",
        "class": "",
        "severity": "error",
        "status": "firing",
        "service": "cart",
        "host": "cart-1",
        "location": "",
        "environment": "",
        "summary": f"disk {number} full",
        "labels_json": "[]",
        "links_json": "[]",
        "dedup_key": "",
        "count": 1,
        "first_seen": at,
        "last_seen": at,
        "began_at": at,
        "settled_at": at,
        "resolved_at": None,
        "group_id": None,
        "held": "",
        **fields,
    }


async def keep_alert(work: Transaction, number: int, at: float, **fields: Any) -> None:
    """One alert."""
    await work.connection.execute(insert(tables.alerts).values(alert_row(number, at, **fields)))


def message_row(room: str, at: float, text: str, **fields: Any) -> dict[str, Any]:
    """Something said in a room of the console platform, by Mika unless said otherwise."""
    return {
        "room": room,
        "at": at,
        "author": "mika",
        "author_name": "Mika Laine",
        "author_kind": "person",
        "text": text,
        "view_json": None,
        "nonce": None,
        "edited_at": None,
        "pinned": False,
        **fields,
    }
