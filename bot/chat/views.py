"""What is said, never how: each platform draws these values its own way, and all of them pass through the outbox as JSON.

Text is a tuple of spans. A plain `str` span is always literal: whatever an alert wrote stands there as it is, and the platform
that draws it escapes it. Only the typed spans may become a mention, a link or a time in the reader's zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import msgspec

from bot.clock import to_datetime

__all__ = [
    "MUSTER",
    "Announcement",
    "Button",
    "Card",
    "Code",
    "Link",
    "Moment",
    "Notice",
    "Page",
    "Person",
    "Picture",
    "Reply",
    "RoleHolder",
    "ServiceCount",
    "Span",
    "Strong",
    "Text",
    "Tone",
    "View",
    "decode_view",
    "encode_view",
    "people_text",
    "plain",
    "text",
]


class Moment(msgspec.Struct, frozen=True, tag_field="span", tag="moment"):
    """A time that each reader sees in their own zone, e.g. 02:14."""

    at: float


class Person(msgspec.Struct, frozen=True, tag_field="span", tag="person"):
    """Somebody of the catalogue (or a guest); only platforms turn it into a mention, and only where one is due."""

    id: str
    name: str


MUSTER = Person("muster", "Muster")  # who acts when nobody did


class Link(msgspec.Struct, frozen=True, tag_field="span", tag="link"):
    """A link; platforms refuse anything but http and https."""

    label: str
    url: str


class Code(msgspec.Struct, frozen=True, tag_field="span", tag="code"):
    """Something to type, or a name to read letter by letter."""

    text: str


class Strong(msgspec.Struct, frozen=True, tag_field="span", tag="strong"):
    """The part of a sentence to see first."""

    text: str


class Room(msgspec.Struct, frozen=True, tag_field="span", tag="room"):
    """A room on the platform where this is read, which opens it from here: the platform's `id` of it, and its name."""

    id: str
    name: str


Span = str | Moment | Person | Link | Code | Strong | Room
Text = tuple[Span, ...]
Tone = Literal["info", "good", "warning", "bad"]


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A command that can be pressed. Everything that can be clicked can be typed: `command` is what one would type."""

    label: str
    command: str
    style: Literal["default", "primary", "danger"] = "default"
    confirm: str = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing of an incident; its background is its own, so that it reads on any. `alt` says in words what it shows.

    A platform that keeps pictures elsewhere may drop `png` (the situation room asks for it by incident) but never `alt`.
    """

    incident: str  # INC-42
    name: str  # of the file, ends in .png
    alt: str
    png: bytes = b""
    digest: str = ""  # the same for the same bytes: what stands there already need not be sent again

    @classmethod
    def of(cls, png: bytes, *, incident: str, name: str, alt: str) -> Picture:
        """A picture with its digest."""
        return cls(incident=incident, name=name, alt=alt, png=png, digest=hashlib.sha256(png).hexdigest()[:16])

    @property
    def light(self) -> Picture:
        """The same without its bytes."""
        return msgspec.structs.replace(self, png=b"")


class RoleHolder(msgspec.Struct, frozen=True):
    """Who has a role in an incident beside leading it: communications, scribe, operations ..."""

    role: str
    person: Person


class ServiceCount(msgspec.Struct, frozen=True):
    """How many alerts of an incident are on one service."""

    name: str
    count: int


class Card(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="card"):
    """The one message that shows an incident's state."""

    incident: str
    title: str
    severity: str
    status: str
    status_since: float
    opened_at: float
    first_alert_at: float | None = None  # None: it was declared without an alert
    resolved_at: float | None = None
    lead: Person | None = None
    alert_count: int = 0
    firing_count: int = 0
    services: tuple[ServiceCount, ...] = ()
    location: str = ""
    environment: str = ""
    cause: Text = ()
    suspects: tuple[Text, ...] = ()
    ruled_out: Text = ()  # services that it is not, by whom and why
    roles: tuple[RoleHolder, ...] = ()  # beside the lead
    update: Text = ()  # the last one for stakeholders, and when the next is due
    next_step: Text = ()
    buttons: tuple[Button, ...] = ()
    links: tuple[Link, ...] = ()
    picture: Picture | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="notice"):
    """Something the room is told: a sentence, details beneath it, perhaps output, a picture and buttons.

    `called` are people of its texts whose phones should ring, by id: those who are paged and cannot be reached otherwise.
    """

    text: Text
    tone: Tone = "info"
    details: tuple[Text, ...] = ()
    output: str = ""
    buttons: tuple[Button, ...] = ()
    picture: Picture | None = None
    called: tuple[str, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="page"):
    """A direct message that wants somebody to act."""

    incident: str
    headline: Text
    body: Text
    state: Literal["waiting", "answered", "over"] = "waiting"
    buttons: tuple[Button, ...] = ()


class Announcement(msgspec.Struct, frozen=True, kw_only=True, tag_field="view", tag="announcement"):
    """One line about an incident where others talk: how bad, what, who has it, where it goes on.

    `room` is the platform's id of its room, "" where it has none (yet); a platform mentions it so that one press leads there.
    """

    incident: str
    status: str
    text: Text
    room: str = ""


View = Card | Notice | Page | Announcement


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a command, for the one who typed it unless `private` is False."""

    text: Text
    details: tuple[Text, ...] = ()
    output: str = ""
    buttons: tuple[Button, ...] = ()
    picture: Picture | None = None
    private: bool = True
    failed: bool = False


_decoder: msgspec.json.Decoder[View] = msgspec.json.Decoder(View)
_encoder = msgspec.json.Encoder()


def text(*spans: Span) -> Text:
    """Spans as a Text, leaving out the empty ones."""
    return tuple(span for span in spans if span != "")


def people_text(people: Sequence[Person]) -> Text:
    """Robin Vos, Mika Laine and Sam Okafor.

    >>> plain(people_text([Person("a", "Ann"), Person("b", "Bo"), Person("c", "Cy")]))
    'Ann, Bo and Cy'
    """
    spans: list[Span] = []
    for index, person in enumerate(people):
        if index:
            spans.append(" and " if index == len(people) - 1 else ", ")
        spans.append(person)
    return tuple(spans)


def plain(spans: Text) -> str:
    """The text without any form, times in UTC: for logs, exports and screen readers.

    >>> plain(("Acknowledged by ", Person("mika", "Mika Laine"), " at ", Moment(0.0)))
    'Acknowledged by Mika Laine at 00:00 UTC'
    """
    parts: list[str] = []
    for span in spans:
        match span:
            case str():
                parts.append(span)
            case Moment(at=at):
                parts.append(to_datetime(at).strftime("%H:%M UTC"))
            case Person(name=name) | Room(name=name):
                parts.append(name)
            case Link(label=label, url=url):
                parts.append(f"{label} ({url})" if label != url else url)
            case Code(text=inner) | Strong(text=inner):
                parts.append(inner)
    return "".join(parts)


def encode_view(view: View) -> str:
    """The view as JSON."""
    return _encoder.encode(view).decode()


def decode_view(data: str | bytes) -> View:
    """The view that `encode_view` wrote."""
    return _decoder.decode(data)
