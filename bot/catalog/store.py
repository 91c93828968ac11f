"""The catalogue in use. A reload swaps it whole, or keeps the old one and says why; nothing reads files but through here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load, read
from bot.catalog.runbook_schema import DEFAULT_ACTIONS, Actions
from bot.errors import Problem

__all__ = ["CatalogStore", "Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a reload did: `changed` is false when the content is the same, or bad; `problems` says what is bad."""

    changed: bool
    problems: tuple[Problem, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the files are bad, so that the old catalogue stays."""
        return bool(self.problems)


class CatalogStore:
    """Holds the catalogue of `path` (none: the empty one) until another takes its place.

    Raises ConfigError when the first reading finds problems: at the start there is no old one to keep.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        actions: Actions = DEFAULT_ACTIONS,
        verbs: Collection[str] | None = None,
    ) -> None:
        self.path = path
        self._actions, self._verbs = actions, verbs
        self._current = load(path, actions=actions, verbs=verbs)

    @property
    def current(self) -> Catalog:
        """The catalogue in use; ask anew for each piece of work."""
        return self._current

    def reload(self) -> Outcome:
        """Read the files again."""
        loaded = read(self.path, actions=self._actions, verbs=self._verbs)
        if loaded.catalog is None:
            return Outcome(changed=False, problems=loaded.problems)
        if loaded.catalog.digest == self._current.digest:
            return Outcome(changed=False)
        self._current = loaded.catalog
        return Outcome(changed=True)
