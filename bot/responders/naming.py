"""The names that people read for ids and authors. Who somebody is, identities.py decides."""

from __future__ import annotations

from collections.abc import Callable

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person as Member
from bot.chat.views import MUSTER, Person
from bot.responders.identities import author_of
from correlation.alert import Change

__all__ = ["authors", "people"]


def people(catalog: Callable[[], Catalog]) -> Callable[[str], Person]:
    """Who is behind an id: somebody of the catalogue, Muster itself, or a guest (`guest:Name`)."""

    def person(key: str) -> Person:
        known = catalog().people.get(key)
        if known is not None:
            return Person(key, known.name)
        return MUSTER if key == MUSTER.id else Person(key, key.removeprefix("guest:"))

    return person


def authors(catalog: Callable[[], Catalog]) -> Callable[[Change], str]:
    """The name of who made a change."""

    def author(change: Change) -> str:
        found = author_of(catalog(), change)
        return (
            found.name
            if isinstance(found, Member)
            else change.author_name or change.author_login or change.author_email
        )

    return author
