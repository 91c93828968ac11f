"""Which person of the catalogue somebody is: by handle, e-mail address, name, chat account or forge login.

An answer is certain or it is `Unmapped` with the reason and the way to map; nobody is guessed. Nothing here asks a platform.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person
from correlation.alert import Change

__all__ = ["Unmapped", "author_of", "by_chat", "by_email", "by_login", "find"]

LONGEST_NAME = 254  # characters of whoever is meant: an address has no more, https://www.rfc-editor.org/errata/eid1690

# GitHub's and GitLab's private commit addresses carry the login: 1234+rvos@users.noreply.github.com.
_NOREPLY = re.compile(r"(?:\d+[+-])?([^@+]+)@users\.noreply\.(github|gitlab)\.com", re.IGNORECASE)
_MENTION = re.compile(r"<@!?([A-Za-z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """Nobody for certain: `who` as it was written, `why`, and `how` to map them. `candidates` are people it may be."""

    who: str
    why: str
    how: str
    candidates: tuple[Person, ...] = ()


def find(catalog: Catalog, text: str, *, platform: str = "") -> Person | Unmapped:
    """The person meant by `@robin`, `robin`, an address, `Robin Vos`, a login, or a mention such as `<@U01ROBIN>`.

    `platform` says whose chat ids are meant; without it any platform's count.
    """
    wanted = text.strip()[:LONGEST_NAME]
    mention = _MENTION.fullmatch(wanted)
    if mention:
        people = [p for p in catalog.people.values() if _has_account(p, mention[1], platform)]
        return _only(
            people,
            wanted,
            f"nobody here has the {platform or 'chat'} account {mention[1]}",
            _how_chat(platform, mention[1]),
        )
    wanted = wanted.removeprefix("@").strip()
    if not wanted:
        return Unmapped(who=text, why="no name was given", how="name a person: @robin")
    folded = wanted.casefold()
    ways: tuple[Callable[[Person], bool], ...] = (  # a surer way that finds somebody ends the search
        lambda p: p.id.casefold() == folded,
        lambda p: folded in map(str.casefold, p.emails),
        lambda p: p.name.casefold() == folded,
        lambda p: _has_account(p, wanted, platform),
        lambda p: folded in map(str.casefold, p.logins.values()),
        lambda p: folded in p.name.casefold().split(),
    )
    for fits in ways:
        people = [person for person in catalog.people.values() if fits(person)]
        if people:
            return _only(people, wanted, "", "write the handle instead")
    return Unmapped(who=wanted, why=f'nobody here is called "{wanted}"', how="to add somebody: catalogue, people")


def by_chat(catalog: Catalog, platform: str, user: str) -> Person | None:
    """The person who has this account on this platform."""
    return next((p for p in catalog.people.values() if user and p.chat.get(platform) == user), None)


def by_email(catalog: Catalog, email: str) -> Person | None:
    """The person who has this address."""
    folded = email.strip().casefold()
    return next((p for p in catalog.people.values() if folded and folded in map(str.casefold, p.emails)), None)


def by_login(catalog: Catalog, login: str, forge: str = "") -> Person | Unmapped:
    """The person of this login on this forge, or on any where none is named."""
    folded = login.strip().removeprefix("@").casefold()
    people = [
        person
        for person in catalog.people.values()
        if any(folded == known.casefold() and forge in ("", name) for name, known in person.logins.items())
    ]
    return _only(people, login, f'nobody here has the {forge or "forge"} login "{login}"', _how_login(forge, login))


def author_of(catalog: Catalog, change: Change) -> Person | Unmapped:
    """Who made the change, by e-mail address or login. A name alone maps to nobody: it only says whom it may be."""
    who = change.author_login or change.author_email or change.author_name
    if not who:
        return Unmapped(
            who="", why="the change does not say who made it", how="send author.email or author.login with it"
        )
    found: dict[str, tuple[Person, str]] = {}
    email = change.author_email.strip()
    noreply = _NOREPLY.fullmatch(email)
    forge = _forge(catalog, change.source)
    logins = [(change.author_login, forge)] if change.author_login else []
    if noreply:
        logins.append((noreply[1], noreply[2].lower()))
    if email and (person := by_email(catalog, email)):
        found[person.id] = (person, f"the address {email}")
    for login, on in logins:
        mapped = by_login(catalog, login, on)
        if isinstance(mapped, Person):
            found.setdefault(mapped.id, (mapped, f'the login "{login}"'))
        elif mapped.candidates:
            return mapped
    if len(found) == 1:
        return next(iter(found.values()))[0]
    if found:
        people = tuple(person for person, _ in found.values())
        ways = " and ".join(f"{way} is {person.name}'s" for person, way in found.values())
        return Unmapped(
            who=who,
            why=f"{ways}: that cannot both be right",
            how="correct it in the catalogue, people",
            candidates=people,
        )
    return _nobody(catalog, change, who, logins[0] if logins else None, "" if noreply else email)


def _nobody(catalog: Catalog, change: Change, who: str, login: tuple[str, str] | None, email: str) -> Unmapped:
    name = change.author_name.strip().casefold()
    namesakes = tuple(p for p in catalog.people.values() if name and p.name.casefold() == name)
    ways = [f'people.NAME.{login[1] or "github"}: "{login[0]}"'] if login else []
    if email:
        ways.append(f'people.NAME.email (or emails): "{email}"')
    how = "in the catalogue set " + " or ".join(ways) if ways else "send author.email or author.login with the change"
    why = f'"{who}" is nobody here'
    if namesakes:
        how = how.replace("NAME", namesakes[0].id if len(namesakes) == 1 else "NAME")
        why += f"; {' and '.join(person.handle for person in namesakes)} has that name, which proves nothing"
    return Unmapped(who=who, why=why, how=how, candidates=namesakes)


def _only(people: list[Person], who: str, why: str, how: str) -> Person | Unmapped:
    if len(people) == 1:
        return people[0]
    if people:
        handles = ", ".join(person.handle for person in people)
        return Unmapped(
            who=who, why=f'"{who}" may be {handles}', how="write the handle instead", candidates=tuple(people)
        )
    return Unmapped(who=who, why=why, how=how)


def _has_account(person: Person, user: str, platform: str) -> bool:
    return any(user == known and platform in ("", name) for name, known in person.chat.items())


def _forge(catalog: Catalog, source: str) -> str:
    """The forge whose logins a source means: its own name where somebody has a login of that name, else any."""
    return source if any(source in person.logins for person in catalog.people.values()) else ""


def _how_chat(platform: str, user: str) -> str:
    return f'in the catalogue set people.NAME.{platform or "slack"}: "{user}"'


def _how_login(forge: str, login: str) -> str:
    return f'in the catalogue set people.NAME.{forge or "github"}: "{login}"'
