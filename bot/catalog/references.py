"""What needs two entries to be wrong: names that nothing has, and identities that two people claim.

It reads the data as written, so that a mistake elsewhere in an entry does not hide its dangling references.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bot.catalog import secrets
from bot.catalog.model import Who
from bot.catalog.reading import Document, Where, show, texts
from bot.catalog.suggestions import did_you_mean
from bot.errors import Problem

__all__ = ["reference_problems"]

_WHO = "who"
_NOUNS = {
    "people": "person",
    "teams": "team",
    "services": "service",
    "schedules": "schedule",
    "escalations": "escalation policy",
}
_ANY = "*"  # any key or index

REFERENCES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("defaults", "team"), "teams"),
    (("defaults", "escalation"), "escalations"),
    (("teams", _ANY, "members", _ANY), "people"),
    (("teams", _ANY, "schedule"), "schedules"),
    (("teams", _ANY, "escalation"), "escalations"),
    (("services", _ANY, "team"), "teams"),
    (("services", _ANY, "depends_on", _ANY), "services"),
    (("services", _ANY, "escalation"), "escalations"),
    (("schedules", _ANY, "layers", _ANY, "people", _ANY), "people"),
    (("schedules", _ANY, "overrides", _ANY, "person"), "people"),
    (("silences", _ANY, "by"), "people"),
    (("escalations", _ANY, "steps", _ANY, "page"), _WHO),
    (("escalations", _ANY, "steps", _ANY, "page", _ANY), _WHO),
    (("recipes", _ANY, "opens", "invite"), _WHO),
    (("recipes", _ANY, "opens", "invite", _ANY), _WHO),
    (("runbooks", _ANY, "run_by"), _WHO),
    (("runbooks", _ANY, "run_by", _ANY), _WHO),
    (("runbooks", _ANY, "approve", "by"), _WHO),
    (("runbooks", _ANY, "approve", "by", _ANY), _WHO),
    (("permissions", _ANY), _WHO),
    (("permissions", _ANY, _ANY), _WHO),
)
_WHO_WORDS = ("on-call", "team", "commander", "anyone")
_IDENTITIES = ("email", "emails", "slack", "discord", "github", "gitlab", "chat", "logins")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9._-]*")

# What a template in a runbook may name besides the runbook's parameters.
_CONTEXT = ("alert", "incident", "service", "actor", "room", "change")
_TEMPLATE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)")
_HOST = re.compile(
    r"\s*(?:https?://[^/?#]*|\{\{.*)", re.IGNORECASE
)  # of an address; the whole, where it begins with a template


def reference_problems(document: Document, verbs: Collection[str] | None = None) -> Iterator[Problem]:
    """Everything that is wrong between entries. `verbs` are those that there are, for permissions; None: not checked."""
    for pattern, kind in REFERENCES:
        for where, name in _at(document.data, pattern):
            if isinstance(name, str) and name.strip():
                yield from _who(document, where, name) if kind == _WHO else _named(document, where, kind, name)
    yield from _handles(document)
    yield from _identities(document)
    yield from _recipe_names(document)
    yield from _permissions(document, verbs)
    yield from _templates(document)
    yield from _secrets_sent_anywhere(document)


def _at(data: Any, pattern: tuple[str, ...], where: Where = ()) -> Iterator[tuple[Where, Any]]:
    """The values at the paths that fit the pattern."""
    if not pattern:
        yield where, data
        return
    head, rest = pattern[0], pattern[1:]
    if isinstance(data, Mapping):
        for key in data if head == _ANY else (head,) if head in data else ():
            yield from _at(data[key], rest, (*where, key))
    elif isinstance(data, list) and head == _ANY:
        for index, item in enumerate(data):
            yield from _at(item, rest, (*where, index))


def _section(document: Document, kind: str) -> Mapping[str, Any]:
    section = document.data.get(kind)
    return section if isinstance(section, Mapping) else {}


def _named(document: Document, where: Where, kind: str, name: str) -> Iterator[Problem]:
    known = _section(document, kind)
    if name not in known:
        yield document.problem(where, f'no {_NOUNS[kind]} "{name}"{did_you_mean(name, known)}')


def _who(document: Document, where: Where, text: str) -> Iterator[Problem]:
    who = Who.parse(text)
    if not who.name:
        return
    if who.kind == "person":
        people = _section(document, "people")
        if who.name not in people:
            yield document.problem(
                where, f'nobody is called "{who.name}"{did_you_mean(who.name, [*people, *_WHO_WORDS])}'
            )
    else:
        yield from _named(document, where, f"{who.kind}s", who.name)


def _handles(document: Document) -> Iterator[Problem]:
    for name in _section(document, "people"):
        where = ("people", name)
        if name in _WHO_WORDS:
            yield document.problem(where, f'"{name}" has a meaning of its own in policies; call the person otherwise')
        elif not _HANDLE.fullmatch(name):
            yield document.problem(
                where, "people are mentioned by this key: small letters, digits, dots, dashes and underscores only"
            )


def _identities(document: Document) -> Iterator[Problem]:
    claimed: dict[tuple[str, str], Where] = {}
    for where, kind, value in _claims(_section(document, "people")):
        first = claimed.setdefault((kind, value.lower()), where)
        if first[1] != where[1]:
            place = document.place(first)
            yield document.problem(where, f"{first[1]} has the same {kind} already ({show(first)}, {place})")


def _claims(people: Mapping[str, Any]) -> Iterator[tuple[Where, str, str]]:
    for person, entry in people.items():
        for key in _IDENTITIES if isinstance(entry, Mapping) else ():
            value, where = entry.get(key), ("people", person, key)
            if isinstance(value, Mapping):
                yield from (((*where, name), str(name), str(item)) for name, item in value.items())
            elif isinstance(value, list):
                yield from (((*where, index), "e-mail address", str(item)) for index, item in enumerate(value))
            elif value:
                yield where, "e-mail address" if key == "email" else key, str(value)


def _recipe_names(document: Document) -> Iterator[Problem]:
    seen: dict[str, Where] = {}
    for where, name in _at(document.data, ("recipes", _ANY, "name")):
        first = seen.setdefault(str(name), where)
        if first is not where:
            yield document.problem(where, f'two recipes are called "{name}"; the first is at {document.place(first)}')


def _permissions(document: Document, verbs: Collection[str] | None) -> Iterator[Problem]:
    """A verb that does not exist would protect nothing; whoever an incident decides about cannot be asked before it is named."""
    for name, written in _section(document, "permissions").items():
        if verbs is not None and name not in verbs:
            yield document.problem(("permissions", name), f'no verb "{name}"{did_you_mean(str(name), verbs)}')
        for who in written if isinstance(written, list) else [written]:
            if isinstance(who, str) and who.strip() in {"team", "commander"}:
                advice = "name it, team:payments" if who.strip() == "team" else "name people, team:payments or on-call"
                yield document.problem(
                    ("permissions", name), f'"{who}" depends on the incident, and a verb may have none; {advice}'
                )


def _templates(document: Document) -> Iterator[Problem]:
    for name, runbook in _section(document, "runbooks").items():
        if not isinstance(runbook, Mapping):
            continue
        parameters = runbook.get("parameters")
        known = [*(parameters if isinstance(parameters, Mapping) else ()), *_CONTEXT]
        for where, text in texts(runbook.get("steps"), ("runbooks", name, "steps")):
            for word in dict.fromkeys(_TEMPLATE.findall(text)):
                if word not in known:
                    yield document.problem(where, f'the runbook has no parameter "{word}"{did_you_mean(word, known)}')


def _secrets_sent_anywhere(document: Document) -> Iterator[Problem]:
    """A secret goes to a host that the catalogue names, not to one that an alert, or whoever runs the runbook, makes up."""
    for where, step in _at(document.data, ("runbooks", _ANY, "steps", _ANY, "http")):
        address = step.get("url") if isinstance(step, Mapping) else None
        host = _HOST.match(address) if isinstance(address, str) else None
        if host is None or not any(secrets.names(step)):
            continue
        parameters = _section(document, "runbooks")[str(where[1])].get("parameters")
        checked = [
            name
            for name, parameter in (parameters.items() if isinstance(parameters, Mapping) else ())
            if isinstance(parameter, Mapping) and (parameter.get("pattern") or parameter.get("choices"))
        ]
        for name in dict.fromkeys(_TEMPLATE.findall(host[0])):
            if name not in checked:
                yield document.problem(
                    (*where, "url"),
                    f'"{name}" decides which host gets the secret; let it be a parameter with a pattern or choices',
                )
