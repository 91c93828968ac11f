"""The engine's state as bytes and back. Plain data only.

A new version reads the snapshots of the ones before, as far as `UPGRADES` goes: an upgrade goes on in the incidents that are
open. What is older or newer is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zlib import crc32

import msgspec

from correlation.alert import Change
from correlation.beats import Marks, Pulse
from correlation.breadth import Breadth
from correlation.candidates import MAX_POSTINGS
from correlation.cookbook import Recipe
from correlation.dedup import Episode, Key
from correlation.gate import Burst, Rule, Series, Site
from correlation.groups import Group
from correlation.lift import Onsets
from correlation.outbreaks import Start
from correlation.parts import Part
from correlation.records import Record
from correlation.topology import Service
from correlation.tuning import Tuning
from correlation.usual import Pace
from correlation.weights import Weights

__all__ = ["OLDEST", "UPGRADES", "VERSION", "SnapshotError", "State", "decode", "encode"]

# Raise it whenever a field of State, or of what it holds, changes its meaning; and say below what becomes of it.
VERSION = 23

_MARK = b"\xc1"  # what MessagePack never begins with
_pack = msgspec.msgpack.Encoder().encode


class SnapshotError(ValueError):
    """The snapshot is damaged or of another version: rebuild from the journal."""


class State(msgspec.Struct, kw_only=True):
    """All that later decisions depend on. Lists keep the order of their tables."""

    version: int = VERSION
    recipes: list[Recipe]
    with_default: bool
    services: list[Service]
    tuning: Tuning
    weights: Weights
    watermark: float
    last_episode: int
    last_group: int
    episodes: list[Episode]
    series: list[tuple[tuple[str, str, str], Series]]
    bursts: list[tuple[str, Burst]]
    breadths: list[tuple[tuple[str, str], Breadth]]
    rules: list[tuple[str, Rule]]
    site: Site
    sites: list[tuple[str, Site]]
    critical: list[tuple[str, str]]
    words: list[tuple[str, list[float]]]
    kinds: list[tuple[str, Record]]
    record: Record
    paces: list[tuple[str, Pace]]
    sources: list[tuple[str, list[int]]]
    pulses: list[tuple[str, Pulse]]
    marks: list[tuple[Key, Marks]]
    open: list[Group]
    closed: list[Group]
    aliases: list[tuple[int, int]]
    due: list[tuple[float, int]]
    waiting: list[tuple[float, int]]
    grown: list[int]
    repair_at: float
    places: list[str]
    postings: list[tuple[str, str, str, list[int]]]
    values: list[tuple[int, list[tuple[str, list[int]]]]]
    changes: list[Change]
    last_changes: list[tuple[str, float, str]]
    feedback: dict[str, dict[str, int]]
    follows: list[tuple[str, Onsets]]
    outbreaks: list[tuple[tuple[str, str, str], dict[str, Start]]]
    untold: list[int] = []  # since 22


def encode(state: State) -> bytes:
    """A mark, the checksum of what follows, and the state."""
    data = _pack(state)
    return _MARK + crc32(data).to_bytes(4) + data


def decode(data: bytes) -> State:
    """The state; SnapshotError.

    >>> decode(b"what a disk leaves behind")
    Traceback (most recent call last):
    correlation.snapshot.SnapshotError: the snapshot is damaged: Expected `object`, got `int`
    """
    if data[:1] == _MARK:  # older ones have none
        if crc32(data[5:]) != int.from_bytes(data[1:5]):
            raise SnapshotError("the snapshot is damaged: its checksum is another")
        data = data[5:]
    try:
        version = msgspec.msgpack.decode(data, type=_Head).version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"the snapshot is damaged: {error}") from error
    if not OLDEST <= version <= VERSION:
        raise SnapshotError(f"the snapshot is of version {version}, this engine reads {OLDEST} to {VERSION}")
    try:
        state = msgspec.msgpack.decode(data, type=State)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(f"the snapshot is damaged: {error}") from error
    for old in range(version, VERSION):
        UPGRADES[old](state)
    state.version = VERSION
    return state


def _who_came_where(state: State) -> None:
    """Members did not say as of when they joined, and to which group they came. Who was held joined when it opened, or later."""
    opened = {group.number: group.opened_at for group in (*state.open, *state.closed)}
    for episode in state.episodes:
        if episode.group:
            episode.seat = episode.group
            episode.joined = max(episode.first_seen, opened.get(episode.group, episode.first_seen))


def _since_when_and_by_which_labels(state: State) -> None:
    """Every pause of what fires again counted. Groups knew the values that members share, but not of which labels; and were
    found by them for their own recipe only.
    """
    for episode in state.episodes:
        episode.began = episode.since
    labels = {recipe.name: recipe.group_by for recipe in state.recipes}
    for group in (*state.open, *state.closed):
        group.labels = _labels(labels, group)
        group.parts = [msgspec.structs.replace(part, labels=_labels(labels, part)) for part in group.parts]
    shared: dict[tuple[str, str, str], list[int]] = {}
    for field, value, place, groups in state.postings:
        _, found, recipe = field.partition("recipe ")
        if found and recipe in labels:
            shared.setdefault((f"by {','.join(labels[recipe])}", value, place), []).extend(groups)
    values = dict(state.values)
    for (field, value, place), found_by in shared.items():
        groups = found_by[-MAX_POSTINGS:]
        for number in groups:
            dict(values[number])[place].append(len(state.postings))
        state.postings.append((field, value, place, groups))


def _labels(known: Mapping[str, tuple[str, ...]], keyed: Group | Part) -> tuple[str, ...]:
    """Of which labels the values are by which a group was kept apart; nothing is where the recipe is gone, or another."""
    labels = known.get(keyed.recipe, ())
    return labels if len(labels) == len(keyed.key) else ()


# From each version to the next. What is new in a State has a default, or else no older one could be read at all.
UPGRADES: dict[int, Callable[[State], None]] = {21: _who_came_where, 22: _since_when_and_by_which_labels}
OLDEST = min(UPGRADES)


class _Head(msgspec.Struct):
    version: int
