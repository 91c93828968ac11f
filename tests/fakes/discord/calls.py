"""One REST call: what it asks, who may, and how Discord says no. Also the register of routes. No effects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.limits import Verdict
from tests.fakes.discord.permissions import permissions, sees
from tests.fakes.discord.tables import ERRORS, PERMISSIONS
from tests.fakes.discord.world import Channel, Message, World, iso

if TYPE_CHECKING:
    from tests.fakes.discord.app import App
    from tests.fakes.discord.server import FakeDiscord

__all__ = ["ROUTES", "Call", "Refusal", "Route", "TooFast", "Upload", "find", "invalid", "route"]


class Refusal(Exception):
    """Discord says no: a code, its status and message, and for 50035 what is wrong with which field."""

    def __init__(self, code: int, *, wrong: list[str] | None = None) -> None:
        self.code, self.wrong = code, wrong or []
        self.status, message = ERRORS[code]
        super().__init__(message)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        body: dict[str, Any] = {"message": str(self), "code": self.code}
        if self.wrong:
            body["errors"] = _tree(self.wrong)
        return body


class TooFast(Exception):
    """A limit that only the effect knows of was hit."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__("too fast")
        self.verdict = verdict


def _tree(wrong: list[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for line in wrong:
        path, _, what = line.partition(": ")
        node = tree
        for part in path.strip("/").split("/"):
            node = node.setdefault(part, {}) if part else node
        node.setdefault("_errors", []).append({"code": "INVALID", "message": what or path})
    return tree


def invalid(*wrong: str) -> Refusal:
    """50035: `field/path: what is wrong`, for each."""
    return Refusal(50035, wrong=list(wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


@dataclass(kw_only=True)
class Call:
    """One call: path parameters, query, JSON and files."""

    server: FakeDiscord
    method: str
    path: str
    route: Route
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    files: dict[int, Upload] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The guild and all that."""
        return self.server.world

    @property
    def app(self) -> App:
        """Who calls."""
        return self.server.app

    @property
    def me(self) -> str:
        """The app's user id."""
        return self.server.app.user.id

    def channel(self, *, key: str = "channel_id", view: bool = True) -> Channel:
        """The channel of the path: unknown 10003, unseen 50001."""
        channel = self.world.channels.get(self.params[key])
        if channel is None:
            raise Refusal(10003)
        if channel.is_thread:
            self.server.effects.let_rest(channel)
        if view and not sees(self.world, self.me, channel):
            raise Refusal(50001)
        return channel

    def message(self, channel: Channel) -> Message:
        """The message of the path."""
        message = channel.find(self.params["message_id"])
        if message is None:
            raise Refusal(10008)
        return message

    def may(self, channel: Channel | None, *names: str) -> bool:
        """Whether the app has these permissions."""
        have = permissions(self.world, self.me, channel)
        return all(have & PERMISSIONS[name] for name in names)

    def require(self, channel: Channel | None, *names: str) -> None:
        """50013 unless the app has these permissions; `server.lacked` keeps what was missing."""
        missing = [name for name in names if not self.may(channel, name)]
        if missing:
            self.server.lacked.update(missing)
            raise Refusal(50013)

    def guild(self) -> None:
        """10004 unless the guild of the path is the one there is."""
        if self.params["guild_id"] != self.world.guild.id:
            raise Refusal(10004)

    def number(self, key: str, default: int, most: int, least: int = 1) -> int:
        """A number of the query."""
        text = self.query.get(key)
        if text is None:
            return default
        if not text.isdigit() or not least <= int(text) <= most:
            raise invalid(f"{key}: int value should be between {least} and {most}")
        return int(text)

    def before(self, at: float) -> bool:
        """Whether a moment is before the one of the query, to the microsecond that Discord writes; yes when there is none."""
        text = self.query.get("before")
        try:
            return not text or datetime.fromisoformat(iso(at)) < datetime.fromisoformat(text)
        except (ValueError, TypeError):
            raise invalid(f"before: Could not parse {text}. Should be ISO8601.") from None


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route as the reference writes it. `token` "bot" wants the bot's token, "none" carries its own in the path."""

    method: str
    template: str
    pattern: re.Pattern[str]
    handler: Handler
    status: int
    bot: bool

    @property
    def name(self) -> str:
        """Method and template."""
        return f"{self.method} {self.template}"


ROUTES: list[Route] = []


def route(method: str, template: str, *, status: int = 200, bot: bool = True) -> Callable[[Handler], Handler]:
    """Register what answers a route."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)) + "$")
        ROUTES.append(Route(method=method, template=template, pattern=pattern, handler=handler, status=status, bot=bot))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path: literal parts win over parameters (`/messages/pins` over `/messages/{message_id}`)."""
    found = [(r, m.groupdict()) for r in ROUTES if r.method == method and (m := r.pattern.match(path))]
    return min(found, key=lambda pair: len(pair[1]), default=None)
