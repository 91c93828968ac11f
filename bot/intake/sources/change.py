"""Muster's own format for changes: what a deploy script, a flag service or a migration job posts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from bot.errors import MalformedPayload
from bot.intake import fields
from bot.intake.signatures import Scheme
from bot.intake.source import Example, Parsed, Source
from correlation.alert import Change, ChangeKind, ChangeStatus

__all__ = ["SOURCE"]

Text = str | int | float | None
_KINDS: dict[str, ChangeKind] = {kind: kind for kind in get_args(ChangeKind)}
MAX_HOSTS = 256
_STATUSES: dict[str, ChangeStatus] = {status: status for status in get_args(ChangeStatus)}


class _Author(msgspec.Struct):
    name: Text = None
    email: Text = None
    login: Text = None


class _Item(msgspec.Struct):
    title: Text
    id: Text = None
    at: str | int | float | None = None
    service: Text = None
    kind: str | None = None
    revision: Text = None
    url: Any = None
    environment: Text = None
    status: str | None = None
    repository: Text = None
    author: _Author | None = None
    hosts: list[Text] | None = None  # the instances that it has touched so far


_decode_one = msgspec.json.Decoder(_Item).decode
_decode_list = msgspec.json.Decoder(list[_Item]).decode


def parse(body: bytes, _headers: Mapping[str, str], received_at: float) -> Parsed:
    """One change or a list of them. Only `title` is required."""
    if body.lstrip()[:1] == b"[":
        items = fields.decoded(_decode_list, body)
        return Parsed(changes=[_change(item, f"[{index}].", received_at) for index, item in enumerate(items)])
    return Parsed(changes=[_change(fields.decoded(_decode_one, body), "", received_at)])


def _change(item: _Item, path: str, received_at: float) -> Change:
    title = fields.text_field(item.title, path + "title")
    try:
        at = fields.moment(item.at)
    except ValueError:
        raise MalformedPayload(f"`{path}at` is no RFC 3339 time.", path=path + "at") from None
    author = item.author or _Author()
    kind = _one_of(_KINDS, item.kind, "deploy", path + "kind")
    status = _one_of(_STATUSES, item.status, "succeeded", path + "status")
    change = Change(
        id="",
        at=fields.bounded(at, received_at),
        title=title,
        service=fields.word(item.service),
        kind=kind,
        revision=fields.word(item.revision),
        url=next(iter(fields.links_of((item.url,))), ""),
        environment=fields.word(item.environment),
        status=status,
        repository=fields.word(item.repository),
        author_name=fields.word(author.name),
        author_email=fields.word(author.email),
        author_login=fields.word(author.login),
        source="change",
        hosts=tuple([name for one in (item.hosts or [])[:MAX_HOSTS] if (name := fields.word(one))]),
    )
    return msgspec.structs.replace(change, id=f"change:{fields.word(item.id) or _identity(change, at)}")


def _one_of(words: Mapping[str, Any], given: str | None, default: str, path: str) -> Any:
    word = (given or "").strip().lower() or default
    if word not in words:
        raise MalformedPayload(f"`{path}` must be one of {', '.join(words)}.", path=path)
    return words[word]


def _identity(change: Change, at: float | None) -> str:
    """What makes two posts one change whose status moves: its revision where it names one, else its title and time."""
    own = (change.kind, change.service, change.repository, change.environment, change.revision)
    parts = own if change.revision else (*own, change.title, repr(change.at if at is None else at))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


_STARTED = Change(
    id="change:9d6bc1f1",
    at=1_767_603_300.0,
    title="Retry the payment once",
    service="checkout",
    kind="deploy",
    revision="4f2c9e1",
    url="https://git.example.org/checkout/commit/4f2c9e1",
    environment="production",
    status="started",
    author_name="Robin Vos",
    author_email="robin@example.org",
    author_login="rvos",
    source="change",
)
_PAYLOAD = {
    "id": "9d6bc1f1",
    "at": "2026-01-05T08:55:00Z",
    "service": "checkout",
    "kind": "deploy",
    "title": "Retry the payment once",
    "revision": "4f2c9e1",
    "url": "https://git.example.org/checkout/commit/4f2c9e1",
    "environment": "production",
    "status": "started",
    "author": {"name": "Robin Vos", "email": "robin@example.org", "login": "rvos"},
}

SOURCE = Source(
    name="change",
    authentication=Scheme.TOKEN,
    parse=parse,
    delivery_header="idempotency-key",
    examples=(
        Example(title="a deploy starts", payload=_PAYLOAD, changes=(_STARTED,)),
        Example(
            title="the same deploy failed",
            payload=_PAYLOAD | {"status": "FAILED"},
            changes=(msgspec.structs.replace(_STARTED, status="failed"),),
        ),
        Example(
            title="only the title",
            payload={"id": 7, "title": "Dark mode for all", "kind": "flag"},
            changes=(
                Change(id="change:7", at=1_767_603_600.0, title="Dark mode for all", kind="flag", source="change"),
            ),
        ),
    ),
)
