"""Where each verb stands in a menu of two levels, for platforms whose commands are chosen: direct, or in a group.

Made from the verbs' definitions, and read by the parser too: what stands in a menu can be typed that way everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.commands.definition import Argument, Kind, Scope, Verb

__all__ = ["GROUPS", "WHICH", "Entry", "arguments", "entries", "find", "group_summary"]

GROUPS = {"more": "What is asked for less often"}  # groups that bear no verb's name
WHICH = Argument(name="incident", kind=Kind.INCIDENT, help="which one: INC-42; in its room it is understood")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: `silence add`, with `group` "" where it stands direct. `path` is the verb's own: ("silence",)."""

    group: str
    name: str
    path: tuple[str, ...]
    verb: Verb

    @property
    def words(self) -> str:
        """How it is typed after the prefix."""
        return f"{self.group} {self.name}".lstrip()


def entries(verbs: Iterable[Verb]) -> tuple[Entry, ...]:
    """Every verb and subverb that has a place, direct ones first."""
    found = [entry for verb in {verb.name: verb for verb in verbs}.values() for entry in _of(verb, ())]
    return tuple(sorted(found, key=lambda entry: (bool(entry.group), entry.words)))


def arguments(verb: Verb) -> tuple[Argument, ...]:
    """What may be given with it, in the menu's order: values, flags, and the incident where there has to be one."""
    return (*verb.valued, *verb.flags, *((WHICH,) if verb.scope is not Scope.NONE else ()))


def find(verbs: Mapping[str, Verb], group: str, name: str) -> Entry | None:
    """The entry of that name in the group."""
    return next((one for one in entries(verbs.values()) if one.group == group and one.name == name), None)


def group_summary(group: str, verbs: Mapping[str, Verb]) -> str:
    """What a group holds."""
    return GROUPS.get(group) or verbs[group].summary


def _of(verb: Verb, before: tuple[str, ...]) -> Iterator[Entry]:
    path = (*before, verb.name)
    words = " ".join((path[0], "-".join(path[1:]))).rstrip() if verb.menu is None else verb.menu
    if words:
        group, _, name = words.rpartition(" ")
        yield Entry(group=group, name=name, path=path, verb=verb)
    for sub in verb.subverbs:
        yield from _of(sub, path)
