"""What the engine's keeper asks of the engine and what it answers: plain values, one request for one answer.

Both ends are the same version of the same code, so there is nothing to negotiate.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from bot.engine.batch import Batch, Rankings
from correlation.alert import Alert, Change
from correlation.beginnings import Kind
from correlation.cookbook import Recipe
from correlation.decision import GroupView
from correlation.topology import Service
from correlation.weights import Weights

__all__ = [
    "Answer",
    "Apart",
    "Chances",
    "Configure",
    "Done",
    "Estimate",
    "Failed",
    "Find",
    "Found",
    "Hear",
    "Keep",
    "Kept",
    "Lesson",
    "Merge",
    "NumberFrom",
    "Reading",
    "Refused",
    "Reply",
    "Request",
    "Restore",
    "Restored",
    "Rules",
    "Skipped",
    "Split",
    "State",
    "Teach",
    "Tell",
    "Told",
    "Weigh",
    "Weighed",
    "decode_reply",
    "decode_request",
    "encode",
    "expect",
]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """By what the engine decides: the catalogue's recipes and service graph, and how much each kind of evidence weighs."""

    recipes: tuple[Recipe, ...]
    with_default: bool
    services: tuple[Service, ...]
    weights: Weights


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery as the engine is to see it: alerts completed by the catalogue, each with the reason that mutes it or None.

    `tick` is how late it is, when nothing but that is said.
    """

    position: int  # in the journal
    received_at: float
    alerts: list[Alert] = msgspec.field(default_factory=list)
    muted: list[str | None] = msgspec.field(default_factory=list)
    changes: list[Change] = msgspec.field(default_factory=list)
    tick: float | None = None


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """How a bad incident began: moments and kinds, and when it was over; without any, it is no example any more.

    It was learned after the delivery `position`; `id` numbers lessons in that order.
    """

    id: int
    position: int
    incident: str
    seen: tuple[tuple[float, Kind], ...]
    until: float | None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """All that later decisions and warnings depend on: the engine, compressed, the watch, and the newest lesson in that."""

    engine: bytes
    watch: bytes | None
    lesson: int


# --- requests ---------------------------------------------------------------------------------------------------------


class Restore(msgspec.Struct, frozen=True, tag=True):
    """Begin with the first of these states of which the engine can be read, else anew by the rules. Answer: Restored."""

    states: list[State]
    rules: Rules


class Configure(msgspec.Struct, frozen=True, tag=True):
    """Decide by other rules from now on. Answer: Done."""

    rules: Rules


class Tell(msgspec.Struct, frozen=True, tag=True):
    """Hear these deliveries, until so many groups were opened by them. Answer: Told."""

    readings: list[Reading]
    most_opened: int


class Hear(msgspec.Struct, frozen=True, tag=True):
    """Hear these deliveries again, of which everything is written already. Answer: Done."""

    readings: list[Reading]


class Merge(msgspec.Struct, frozen=True, tag=True):
    """A person says that two groups are one. Answer: Done or Refused."""

    into: str
    other: str


class Split(msgspec.Struct, frozen=True, tag=True):
    """A person says that these alerts do not belong to the group. Answer: Apart or Refused."""

    group: str
    episodes: list[int]


class Weigh(msgspec.Struct, frozen=True, tag=True):
    """The causes of a group and the changes to suspect when these are ruled out, from now on. Answer: Weighed."""

    group: str
    ruled_out: tuple[str, ...]


class Find(msgspec.Struct, frozen=True, tag=True):
    """As what these groups go on after merges, and whether they are remembered. Answer: Found."""

    groups: list[str]


class NumberFrom(msgspec.Struct, frozen=True, tag=True):
    """Give no number below these. Answer: Skipped."""

    episode: int
    group: int


class Keep(msgspec.Struct, frozen=True, tag=True):
    """Say all that later decisions depend on. Answer: Kept."""


class Teach(msgspec.Struct, frozen=True, tag=True):
    """Bad incidents that are over, to be warned of when such a thing begins again. Answer: Done."""

    lessons: list[Lesson]


class Estimate(msgspec.Struct, frozen=True, tag=True):
    """Say how likely each of these kinds of alert is to be there at any time. Answer: Chances."""

    kinds: list[Kind]


Request = Restore | Configure | Tell | Hear | Merge | Split | Weigh | Find | NumberFrom | Keep | Teach | Estimate


# --- answers ----------------------------------------------------------------------------------------------------------


class Done(msgspec.Struct, frozen=True, tag=True):
    """So it is."""


class Restored(msgspec.Struct, frozen=True, tag=True):
    """Which of the states it was, if any, by which weights it decided, and why those before it could not be read.

    `lesson` is the newest that the watch knows, which may have been unreadable where the engine was not.
    """

    chosen: int | None
    weights: Weights
    problems: list[str]
    lesson: int = 0
    watch_problem: str = ""


class Told(msgspec.Struct, frozen=True, tag=True):
    """What became of the first `taken` deliveries."""

    batch: Batch
    taken: int


class Apart(msgspec.Struct, frozen=True, tag=True):
    """The group that was split off, and the alerts that were muted by a cause which is no longer with them.

    `rest` is the title of what is left, and whether it is another one now.
    """

    view: GroupView
    loud: list[int]
    rest: str = ""
    retitled: bool = False


class Weighed(msgspec.Struct, frozen=True, tag=True):
    """None when the group is no longer remembered."""

    rankings: Rankings | None


class Found(msgspec.Struct, frozen=True, tag=True):
    """For each group the one as which it goes on; those of these that are remembered."""

    surviving: dict[str, str]
    remembered: set[str]


class Skipped(msgspec.Struct, frozen=True, tag=True):
    """Whether any number is left out."""

    any: bool


class Kept(msgspec.Struct, frozen=True, tag=True):
    """The state as it is."""

    state: State


class Chances(msgspec.Struct, frozen=True, tag=True):
    """0..1 for each kind, in order."""

    each: list[float]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The engine does not know what was spoken of, or it makes no sense; nothing was done."""

    reason: str


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A mistake of ours. What the engine knows now is not to be relied on."""

    trace: str


Answer = Done | Restored | Told | Apart | Weighed | Found | Skipped | Kept | Chances | Refused | Failed
_T = TypeVar("_T", bound=Answer)


class Reply(msgspec.Struct, frozen=True):
    """An answer, and the event time at which time alone may change something (None: nothing waits)."""

    answer: Answer
    waits_until: float | None


encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


def expect(answer: Answer, kind: type[_T]) -> _T:
    """The answer as what it must be. RuntimeError for a mistake of ours, with the engine's own words."""
    if isinstance(answer, kind):
        return answer
    what = answer.trace if isinstance(answer, Failed) else repr(answer)[:500]
    raise RuntimeError(f"The engine failed where {kind.__name__} was expected: {what}")
