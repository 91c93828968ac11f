"""A retrospective as plain values that are kept as JSON: everything it tells is a copy, so that it outlives what is forgotten.

How it is gathered and how it looks does not enter here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

__all__ = [
    "MOODS",
    "Action",
    "Excluded",
    "Figure",
    "Line",
    "Mood",
    "Paged",
    "Participant",
    "Retro",
    "Run",
    "Said",
    "ServiceAlerts",
    "SuspectChange",
    "decode_retro",
    "encode_retro",
    "mood_counts",
]

MOODS = ("great", "good", "mixed", "hard", "bad")  # how it was for those who took part, best first


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A duration in seconds and exactly what it measures; `seconds` is None while there is nothing to measure."""

    key: str
    name: str
    seconds: float | None
    definition: str


class ServiceAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """A service's alerts; `firings` counts repeats too. `worst` and the moments are missing where the alerts are forgotten."""

    service: str
    alerts: int
    firings: int = 0
    worst: str = ""
    first_at: float | None = None
    last_at: float | None = None


class SuspectChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that may be to blame, with the reasons; the first is the most suspect."""

    id: str
    at: float | None = None
    kind: str = ""
    service: str = ""
    title: str = ""
    revision: str = ""
    url: str = ""
    author: str = ""
    reasons: tuple[str, ...] = ()


class Excluded(msgspec.Struct, frozen=True, kw_only=True):
    """A service that somebody said it was not; `by` is a name."""

    service: str
    by: str
    reason: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline; `actor` is a name."""

    at: float
    kind: str
    actor: str
    text: str


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who took part: since when, and how they came in."""

    id: str
    name: str
    role: str
    joined_at: float
    why: str = ""


class Paged(msgspec.Struct, frozen=True, kw_only=True):
    """A page and what became of it."""

    number: int
    name: str
    why: str
    state: str
    created_at: float
    sent_at: float | None = None
    answered_at: float | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook that was asked for: by whom, who agreed, what came out, and whether the alerts cleared in time."""

    number: int
    runbook: str
    parameters: dict[str, str]
    requested_by: str
    requested_at: float
    approved_by: tuple[str, ...] = ()
    state: str
    started_at: float | None = None
    finished_at: float | None = None
    outcome: str = ""
    output: str = ""
    helped: bool | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the room, in words."""

    id: int
    at: float
    name: str
    by_person: bool
    text: str
    edited_at: float | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do so that it does not happen again."""

    number: int
    text: str
    owner: str = ""
    by: str
    at: float
    done: bool = False


class Mood(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody found it; `mood` is one of MOODS."""

    person: str
    name: str
    mood: str
    note: str = ""
    at: float


def mood_counts(moods: Sequence[Mood]) -> str:
    """How it was for how many, best first: `1 great, 2 mixed`."""
    counts = {mood: sum(one.mood == mood for one in moods) for mood in MOODS}
    return ", ".join(f"{count} {mood}" for mood, count in counts.items() if count)


class Retro(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it. `drafted_by` is a name, empty while nobody has drafted it."""

    number: int
    title: str
    status: str
    severity: str
    environment: str = ""
    location: str = ""
    summary: str = ""
    ticket: str = ""  # its address
    opened_at: float
    first_alert_at: float
    acknowledged_at: float | None = None
    resolved_at: float | None = None
    commander: str = ""
    alert_count: int = 0
    cause: str = ""
    cause_words: str = ""
    ruled_out: tuple[Excluded, ...] = ()
    merged: tuple[int, ...] = ()  # incidents that were found to be the same
    figures: tuple[Figure, ...] = ()
    services: tuple[ServiceAlerts, ...] = ()
    suspects: tuple[SuspectChange, ...] = ()
    timeline: tuple[Line, ...] = ()
    people: tuple[Participant, ...] = ()
    pages: tuple[Paged, ...] = ()
    runs: tuple[Run, ...] = ()
    transcript: tuple[Said, ...] = ()
    actions: tuple[Action, ...] = ()
    moods: tuple[Mood, ...] = ()
    drafted_by: str = ""
    drafted_at: float | None = None
    updated_at: float

    @property
    def ref(self) -> str:
        """INC-42."""
        return f"INC-{self.number}"

    @property
    def over(self) -> bool:
        """What has not happened by now has not happened at all."""
        return self.status == "resolved"


_decoder = msgspec.json.Decoder(Retro)
_encoder = msgspec.json.Encoder()


def encode_retro(retro: Retro) -> str:
    """The retrospective as JSON."""
    return _encoder.encode(retro).decode()


def decode_retro(data: str) -> Retro:
    """The retrospective that `encode_retro` wrote."""
    return _decoder.decode(data)
