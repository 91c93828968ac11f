"""How the console keeps a view: as JSON that is harmless to draw, and as words for transcripts and screen readers."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.chat.harmless import harmless
from bot.chat.views import Announcement, Card, Notice, Page, Text, View, encode_view, plain
from bot.clock import to_datetime

__all__ = ["describe", "stored"]

SPAN_LENGTH = 8_000  # characters of one piece of text; a screen shows about 4,000
OUTPUT_LENGTH = 64_000  # of a command's output
TRANSCRIPT_LENGTH = 100_000  # of the words of one message


def stored(view: View) -> str:
    """The view as JSON: every text neutralised and cut, links that are not http(s) left as their words.

    A picture is kept without its bytes: the browser asks for the incident's.
    """
    return msgspec.json.encode(_safe(msgspec.json.decode(encode_view(_light(view))), "")).decode()


def describe(view: View) -> str:
    """The view in words, times in UTC."""
    match view:
        case Card():
            lines = _card_lines(view)
        case Notice(text=said, details=details, output=output):
            lines = [plain(said), *(f"- {plain(detail)}" for detail in details), output]
        case Page(headline=headline, body=body):
            lines = [plain(headline), plain(body)]
        case Announcement(text=said):
            lines = [plain(said)]
    return harmless("\n".join(line for line in lines if line), TRANSCRIPT_LENGTH)


def _light(view: View) -> View:
    if isinstance(view, Announcement | Page) or view.picture is None:
        return view
    return msgspec.structs.replace(view, picture=view.picture.light)


def _card_lines(card: Card) -> list[str]:
    status = f"{card.status} since {to_datetime(card.status_since):%H:%M} UTC"
    services = ", ".join(f"{service.name} {service.count or ''}".rstrip() for service in card.services)
    return [
        f"{card.severity} {card.incident} {card.title}",
        f"{status}, led by {card.lead.name}" if card.lead else status,
        f"Roles: {', '.join(f'{one.role} {one.person.name}' for one in card.roles)}" if card.roles else "",
        _labelled("Last update", card.update),
        f"{_alerts(card.alert_count)}, {card.firing_count or 'none'} firing" if card.alert_count else "",
        f"Services: {services}" if services else "",
        f"Where: {', '.join(filter(None, (card.location, card.environment)))}" if card.location else "",
        _labelled("Probable cause", card.cause),
        *(_labelled("Suspect", suspect) for suspect in card.suspects),
        _labelled("Ruled out", card.ruled_out),
        _labelled("Next", card.next_step),
    ]


def _labelled(label: str, said: Text) -> str:
    return f"{label}: {plain(said)}" if said else ""


def _safe(value: Any, key: str) -> Any:
    match value:
        case str():
            return harmless(value, OUTPUT_LENGTH if key == "output" else SPAN_LENGTH)
        case list():
            items = (_safe(item, key) for item in value if not (key == "links" and _is_unsafe_link(item)))
            return list(items)
        case dict() if _is_unsafe_link(value):
            return harmless(str(value.get("label", "")), SPAN_LENGTH)
        case dict():
            return {name: _safe(item, name) for name, item in value.items()}
        case _:
            return value


def _is_unsafe_link(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("span") == "link"
        and not str(value.get("url", "")).lower().startswith(("https://", "http://"))
    )


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"
