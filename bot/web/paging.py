"""Cursors: opaque to clients, and no more than where the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from bot.errors import MalformedPayload

__all__ = ["Cursor", "Listing", "Paged", "after", "cursor"]

T = TypeVar("T")

Cursor = Annotated[str, Meta(max_length=200, description="`next` of the page before")]
Limit = Annotated[int, Meta(ge=1, le=500, description="items on a page")]


class Listing(msgspec.Struct, Generic[T], kw_only=True):
    """A page of a list; `next` is the cursor of the following page, null on the last."""

    items: list[T]
    next: str | None = None


class Paged(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The query of a paged list."""

    cursor: Cursor | msgspec.UnsetType = msgspec.UNSET
    limit: Limit = 100


def cursor(*key: float | str) -> str:
    """The cursor that stands after the item with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def after(text: str | msgspec.UnsetType, key: type[T]) -> T | None:
    """The key that a cursor holds, of the given tuple type; None for the first page."""
    if text is msgspec.UNSET:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(f"{text}=="), type=key)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise MalformedPayload(
            "That is no cursor of this list; use `next` of the page before.", path="cursor"
        ) from error
