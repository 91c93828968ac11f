"""Teams whose people a chat platform knows: the catalogue as written, with who is in a user group in the place of members.

Whoever asks the platform tells it here; where nobody could be asked, the members as written hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person

__all__ = ["Rosters"]


class Rosters:
    """Called, it is the catalogue in use; ask anew for each piece of work."""

    def __init__(self, written: Callable[[], Catalog]) -> None:
        self.written = written
        self._groups: Mapping[str, tuple[Person, ...]] = {}  # by group, as the catalogue names it
        self._made: tuple[Catalog, Catalog] | None = None  # as written, and with the groups

    def __call__(self) -> Catalog:
        """The catalogue with the people of the groups that are known."""
        written = self.written()
        if not self._groups:
            return written
        if self._made is None or self._made[0] is not written:
            self._made = (written, self._filled(written))
        return self._made[1]

    def tell(self, groups: Mapping[str, tuple[Person, ...]]) -> bool:
        """These are the groups' people now, all that are known; True when that is news. An empty group changes no team."""
        known = {name: people for name, people in groups.items() if people}
        if known == self._groups:
            return False
        self._groups, self._made = known, None
        return True

    def _filled(self, written: Catalog) -> Catalog:
        people, teams = dict(written.people), dict(written.teams)
        for team in written.teams.values():
            members = self._groups.get(team.slack_group, ()) if team.slack_group else ()
            if members:
                people.update({one.id: people.get(one.id, one) for one in members})
                teams[team.id] = replace(team, members=tuple(one.id for one in members))
        return replace(written, people=people, teams=teams)
