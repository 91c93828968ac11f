"""The shapes of the API that more than one noun uses. Moments are RFC 3339 in UTC, to the millisecond."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from bot.catalog.catalog import Catalog
from bot.chat.harmless import one_line
from bot.chat.views import Person
from bot.clock import to_iso
from bot.errors import MalformedPayload, NotFound
from bot.incidents.reference import ref

__all__ = ["INCIDENT_WORDS", "Time", "actor", "incident_number", "maybe", "reference", "utc"]

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
PERSON_LENGTH = 64  # characters of a guest's name
INCIDENT_WORDS = {"incident": "an incident's id: INC-42"}

utc = to_iso


def maybe(at: float | None) -> Time | None:
    """The moment, if there is one."""
    return None if at is None else to_iso(at)


def reference(number: int | None) -> str | None:
    """INC-42, if there is one."""
    return None if number is None else ref(number)


def incident_number(text: str) -> int:
    """The number in INC-42; NotFound when it is no incident's id."""
    head, _, digits = text.upper().partition("-")
    if head != "INC" or not digits.isdecimal() or not digits.isascii() or len(digits) > 15:
        raise NotFound(f"{text[:80]!r} is no incident's id. They look like INC-42.")
    return int(digits)


def actor(catalog: Catalog, given: str, *, path: str = "as") -> Person:
    """Who speaks: a person of the catalogue by id, anybody else as a guest who says so in the name."""
    person = catalog.people.get(given)
    if person is not None:
        return Person(person.id, person.name)
    name = one_line(given.removeprefix("guest:"), 1000)
    if not name:
        raise MalformedPayload("Say who you are: a person's id of the catalogue, or a name.", path=path)
    if len(name) > PERSON_LENGTH:
        raise MalformedPayload(f"A name has at most {PERSON_LENGTH} characters.", path=path)
    return Person(f"guest:{name}", f"{name} (guest)" if _is_taken(catalog, name) else name)


def _is_taken(catalog: Catalog, name: str) -> bool:
    """Whether somebody of the catalogue is called so, or Muster is: a guest must not pass for them."""
    wanted = name.casefold()
    return wanted == "muster" or any(
        wanted in {person.id.casefold(), person.name.casefold()} for person in catalog.people.values()
    )


class Author(msgspec.Struct, kw_only=True):
    """Who made a change, as the forge knows them."""

    name: str = ""
    email: str = ""
    login: str = ""
