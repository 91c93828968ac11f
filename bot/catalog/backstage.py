"""Backstage's entity files as entries of a catalogue: Component, Resource, System, Group and User; other kinds are passed over.

https://backstage.io/docs/features/software-catalog/descriptor-format. What our own files say wins, key by key; references to
entities that no file holds are dropped, since a team's files are rarely the whole of its Backstage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.catalog.fields import is_web_address
from bot.catalog.reading import Document, Place

__all__ = ["add_entities"]

_SLUGS = ("github.com/project-slug", "gitlab.com/project-slug", "bitbucket.org/project-slug")
_LOGINS = {"github": "github.com/user-login", "gitlab": "gitlab.com/user-login"}

Entries = dict[str, dict[str, dict[str, Any]]]


def add_entities(ours: Document, entities: Iterable[Document]) -> None:
    """Put what the entities say beneath our own entries."""
    found = [entity for entity in map(_Entity, entities) if entity.name]
    known_people = _people_known_by(ours.data.get("people"))
    users = {e.name: known_people.get(_identity(e), _handle(e.name)) for e in found if e.kind == "user"}
    groups = {e.name for e in found if e.kind == "group"}
    services = {e.name for e in found if e.kind in ("component", "resource")}
    system_owners = {e.name: e.owner for e in found if e.kind == "system"}
    places: dict[tuple[str, str], Place] = {}
    entries: Entries = {"people": {}, "teams": {}, "services": {}}

    for entity in found:
        match entity.kind:
            case "user":
                section, name, entry = "people", users[entity.name], _person(entity)
            case "group":
                section, name, entry = "teams", entity.name, _team(entity, users)
            case "component" | "resource":
                section, name, entry = "services", entity.name, _service(entity, services, groups, system_owners)
            case _:
                continue
        entries[section][name] = entry
        places[section, name] = entity.place
    _join_members(found, users, entries)
    _join_dependents(found, entries)
    for section, by_name in entries.items():
        _merge(ours, section, by_name, places)


class _Entity:
    """What one document says about itself; empty where it does not."""

    def __init__(self, document: Document) -> None:
        data = _mapping(document.data)
        self.kind = str(data.get("kind", "")).lower()
        self.metadata = _mapping(data.get("metadata"))
        self.spec = _mapping(data.get("spec"))
        self.profile = _mapping(self.spec.get("profile"))
        self.name = _text(self.metadata.get("name"))
        self.place = document.place(("metadata", "name"))
        self.owner = _text(self.spec.get("owner"))

    def annotation(self, name: str) -> str:
        return _text(_mapping(self.metadata.get("annotations")).get(name))


def _person(user: _Entity) -> dict[str, Any]:
    entry = {"name": _text(user.profile.get("displayName")), "email": _text(user.profile.get("email"))}
    return _filled(entry | {forge: user.annotation(name) for forge, name in _LOGINS.items()})


def _team(group: _Entity, users: Mapping[str, str]) -> dict[str, Any]:
    members = [users[name] for _, name in _references(group.spec.get("members"), "user") if name in users]
    return _filled({"name": _text(group.profile.get("displayName")), "members": members})


def _service(entity: _Entity, services: set[str], groups: set[str], system_owners: Mapping[str, str]) -> dict[str, Any]:
    system = next((name for _, name in _references(entity.spec.get("system"), "system")), "")
    owners = [*_references(entity.owner, "group"), *_references(system_owners.get(system, ""), "group")]
    links = {
        _text(link.get("title")) or _text(link.get("url")): _text(link.get("url"))
        for link in map(_mapping, _list(entity.metadata.get("links")))
        if is_web_address(_text(link.get("url")))  # Backstage also has relative ones, which lead nowhere from a chat
    }
    return _filled(
        {
            "name": _text(entity.metadata.get("title")),
            "description": _text(entity.metadata.get("description")),
            "team": next((name for kind, name in owners if kind == "group" and name in groups), ""),
            "system": system,
            "depends_on": [
                name for _, name in _references(entity.spec.get("dependsOn"), "component") if name in services
            ],
            "repositories": [slug for slug in map(entity.annotation, _SLUGS) if "/" in slug],
            "links": links,
        }
    )


def _join_members(found: list[_Entity], users: Mapping[str, str], entries: Entries) -> None:
    for user in found:
        for _, group in _references(user.spec.get("memberOf"), "group") if user.kind == "user" else ():
            if group in entries["teams"]:
                members = entries["teams"][group].setdefault("members", [])
                if users[user.name] not in members:
                    members.append(users[user.name])


def _join_dependents(found: list[_Entity], entries: Entries) -> None:
    for entity in found:
        for _, dependent in _references(entity.spec.get("dependencyOf"), "component"):
            if dependent in entries["services"] and entity.name in entries["services"]:
                depends_on = entries["services"][dependent].setdefault("depends_on", [])
                if entity.name not in depends_on:
                    depends_on.append(entity.name)


def _merge(
    ours: Document, section: str, entries: Mapping[str, dict[str, Any]], places: Mapping[tuple[str, str], Place]
) -> None:
    mine = ours.data.setdefault(section, {})
    if not isinstance(mine, dict):
        return  # said by validation
    for name, entry in entries.items():
        if name not in mine:
            mine[name] = entry
            ours.places[section, name] = places[section, name]
        elif isinstance(mine[name], dict):
            for key in entry.keys() - mine[name].keys():
                ours.places[section, name, key] = places[section, name]
            mine[name] = entry | mine[name]


def _people_known_by(people: Any) -> dict[str, str]:
    """Our own people by e-mail address and GitHub login, so that a Backstage user of another name is still the same person."""
    known: dict[str, str] = {}
    for name, entry in _mapping(people).items():
        for key in ("email", "github"):
            if isinstance(entry, Mapping) and _text(entry.get(key)):
                known[_text(entry[key]).lower()] = name
    return known


def _identity(user: _Entity) -> str:
    return (_text(user.profile.get("email")) or user.annotation(_LOGINS["github"])).lower()


def _references(value: Any, default_kind: str) -> Iterator[tuple[str, str]]:
    """(kind, name) of `[kind:][namespace/]name`, alone or in a list."""
    for text in value if isinstance(value, list) else [value]:
        kind, colon, rest = _text(text).partition(":")
        name = (rest if colon else kind).rpartition("/")[2]
        if name:
            yield (kind.lower() if colon else default_kind), name


def _handle(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).lstrip("._-") or "unnamed"


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
