"""The line by which an incident is announced elsewhere says in one sentence where it stands."""

from __future__ import annotations

from typing import Any

from bot.chat.views import Person, plain
from bot.incidents.lines import line
from bot.incidents.model import Incident
from bot.incidents.parts import Update


def said(**fields: Any) -> str:
    values: dict[str, Any] = {
        "number": 42,
        "title": "checkout  latency",
        "severity": "SEV2",
        "status": "open",
        "status_since": 8_040.0,
        "opened_at": 8_040.0,
        "first_alert_at": 8_000.0,
        "last_alert_at": 8_100.0,
    }
    return plain(line(Incident(**(values | fields)), lambda key: Person(key, key.title()), "C1").text)


def test_it_says_how_bad_what_since_when_and_who_leads() -> None:
    assert said() == "SEV2 INC-42 checkout latency: open since 02:14 UTC, nobody leads"
    assert said(commander="mika") == "SEV2 INC-42 checkout latency: open since 02:14 UTC, Mika leads"


def test_stakeholders_read_the_last_update_where_it_is_announced_until_it_is_over() -> None:
    update = Update(text="rolled back;\n errors fall " + "x" * 500, by="mika", at=9_060.0)
    told = said(commander="mika", update=update)
    assert told.startswith(
        "SEV2 INC-42 checkout latency: open since 02:14 UTC, Mika leads. 02:31 UTC: rolled back; errors fall x"
    )
    assert len(told) < 300
    assert said(update=update, status="resolved", resolved_at=9_100.0, status_since=9_100.0).endswith(
        "resolved at 02:31 UTC"
    )
