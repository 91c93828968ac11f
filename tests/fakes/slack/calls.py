"""One call of a method: its arguments in Slack's loose types, who calls, and the ways to refuse. No state of
its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.slack import lengths
from tests.fakes.slack.judging import wrong_blocks, wrong_files, wrong_view
from tests.fakes.slack.shapes import named_blocks
from tests.fakes.slack.tables import RULES
from tests.fakes.slack.world import Channel, Message, View

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["METHODS", "Call", "Handler", "Refusal", "method"]

METADATA_BYTES = 16_000  # metadata_too_large exists [ref]; the size is not published

Item = TypeVar("Item")


class Refusal(Exception):
    """Slack says no: `{"ok": false, "error": ...}` and what goes with it."""

    def __init__(self, error: str, *, messages: Iterable[str] = (), **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.body: dict[str, Any] = {"ok": False, "error": error, **more}
        if messages:
            self.body["response_metadata"] = {"messages": list(messages)}


class Call:
    """What a method's handler gets."""

    def __init__(self, slack: FakeSlack, name: str, args: dict[str, Any]) -> None:
        self.slack, self.name, self.args = slack, name, args
        self.world = slack.world
        self.me = slack.app.user_id
        self.warnings: list[str] = []

    # ── arguments

    def text(self, key: str, default: str = "") -> str:
        """A text; numbers become one."""
        value = self.args.get(key)
        return default if value is None else str(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A boolean in any of the ways Slack takes it."""
        value = self.args.get(key)
        return default if value in (None, "") else str(value).lower() in ("true", "1")

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        value = self.text(key)
        if not value:
            return default
        try:
            return int(float(value))
        except ValueError:
            raise Refusal("invalid_arguments", messages=[f"[ERROR] must be a number [json-pointer:/{key}]"]) from None

    def json(self, key: str, kind: type[Item], error: str) -> Item | None:
        """A value that came as JSON text, or in a JSON body as itself."""
        value = self.args.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise Refusal(error) from None
        if value is None:
            return None
        if not isinstance(value, kind):
            raise Refusal(error)
        return value

    def page(self, items: list[Item], default: int, most: int) -> tuple[list[Item], str]:
        """The part of `items` that limit and cursor name, and the next cursor."""
        limit = self.number("limit", default)
        if limit < 0 or limit > most:
            raise Refusal("invalid_limit" if "limit" in self.name else "invalid_arguments", messages=["[ERROR] limit"])
        start = 0
        if self.text("cursor"):
            if not self.text("cursor").removeprefix("next:").isdigit():
                raise Refusal("invalid_cursor")
            start = int(self.text("cursor").removeprefix("next:"))
        limit = limit or default
        more = start + limit < len(items)
        return items[start : start + limit], f"next:{start + limit}" if more else ""

    # ── permissions and things

    def need(self, scopes: Iterable[str]) -> None:
        """Refuse when the app has none of the scopes."""
        scopes = list(scopes)
        if scopes and not self.slack.app.scopes.intersection(scopes):
            raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(sorted(self.slack.app.scopes)))

    def channel(
        self, key: str = "channel", *, member: bool = False, alive: bool = False, kinds: tuple[str, ...] = ()
    ) -> Channel:
        """The conversation that an argument names, if the app may know of it."""
        channel = self.world.channels.get(self.text(key))
        if channel is None or (channel.kind != "public" and self.me not in channel.members):
            raise Refusal("channel_not_found")
        if kinds and channel.kind not in kinds:
            raise Refusal("method_not_supported_for_channel_type")
        self.need(RULES[self.name].kinds.get(channel.kind, ()))
        if member and self.me not in channel.members:
            raise Refusal("not_in_channel")
        if alive and channel.archived:
            raise Refusal("is_archived")
        return channel

    def message(self, channel: Channel, key: str) -> Message:
        """The message that an argument names."""
        ts = self.text(key)
        if key == "timestamp" and not ts:
            raise Refusal("no_item_specified")
        if key == "timestamp" and not ts.replace(".", "", 1).isdigit():
            raise Refusal("bad_timestamp")
        message = channel.find(ts)
        if message is None or message.get("subtype") == "tombstone":
            raise Refusal("message_not_found")
        return message

    def blocks(self, key: str = "blocks") -> list[dict[str, Any]] | None:
        """The blocks, if they are what Slack takes."""
        blocks = self.json(key, list, "invalid_blocks_format")
        if blocks is None:
            return None
        wrong = wrong_blocks(blocks) or wrong_files(self.world, blocks)
        if wrong:
            raise Refusal("invalid_blocks", errors=[w.removeprefix("[ERROR] ") for w in wrong], messages=wrong)
        return named_blocks(blocks)

    def metadata(self) -> dict[str, Any] | None:
        """The metadata; an empty object is one, too."""
        metadata = self.json("metadata", dict, "invalid_metadata_format")
        if metadata:
            payload = metadata.get("event_payload")
            if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
                raise Refusal("invalid_metadata_format")
            if not isinstance(payload, dict) or set(metadata) - {"event_type", "event_payload", "entities"}:
                raise Refusal("invalid_metadata_format")
            if len(json.dumps(metadata).encode()) > METADATA_BYTES:
                raise Refusal("metadata_too_large")
        return metadata

    def view(self, kind: str) -> dict[str, Any]:
        """The view, if it is what Slack takes."""
        view = self.json("view", dict, "invalid_arguments")
        if view is None:
            raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: view"])
        if lengths.view_bytes(view) > lengths.VIEW_BYTES:
            raise Refusal("view_too_large")
        wrong = wrong_view(view)
        if view.get("type") != kind:
            wrong.append(f"[ERROR] must be a valid enum value [json-pointer:/view/type] ({kind})")
        if wrong:
            raise Refusal("invalid_arguments", messages=wrong)
        return view

    def trigger(self) -> str:
        """The user whose trigger this is: three seconds, once."""
        return self.slack.interactions.exchange(self.text("trigger_id"))

    def remember(self, view: View) -> View:
        """Keep a view by its id."""
        self.world.views[view["id"]] = view
        return view


Handler = Callable[[Call], dict[str, Any]]
METHODS: dict[str, Handler] = {}


def method(name: str) -> Callable[[Handler], Handler]:
    """Register the handler of a method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = handler
        return handler

    return register
