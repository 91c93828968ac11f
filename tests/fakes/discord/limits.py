"""How often a route may be called: buckets by route and major parameter, the changes of a name or topic, fifty a second in
all, and the ban of those who never learn. Nothing about contents.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Rates", "Verdict"]

GLOBAL = 50  # a second and bot; interactions are exempt (docs: rate limits)
INVALID, INVALID_SPAN = 10_000, 600.0  # answers 401, 403 and 429 within these seconds: banned (docs: rate limits)
RENAMES, RENAME_SPAN = 2, 600.0  # changes of name or topic by channel and seconds (api-docs #1900, #2208: undocumented)

LIMITS: dict[str, tuple[int, float]] = {
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
    "DELETE /channels/{channel_id}/messages/{message_id}": (5, 1.0),
    "GET /channels/{channel_id}/messages": (5, 5.0),
    "PUT /channels/{channel_id}/messages/pins/{message_id}": (5, 5.0),
    "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me": (1, 0.25),
    "POST /guilds/{guild_id}/channels": (10, 15.0),
    "PATCH /channels/{channel_id}": (5, 15.0),
    "DELETE /channels/{channel_id}": (5, 15.0),
    "POST /channels/{channel_id}/threads": (10, 30.0),
    "PUT /channels/{channel_id}/permissions/{overwrite_id}": (10, 15.0),
    "POST /users/@me/channels": (10, 10.0),
    "PUT /applications/{application_id}/guilds/{guild_id}/commands": (2, 60.0),
    "POST /webhooks/{webhook_id}/{webhook_token}": (5, 5.0),
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (5, 5.0),
}
"""Calls and seconds by route. Discord publishes none and asks to read the headers; those of messages, reactions and webhooks
are what its headers have said for years, the others a guess on the severe side."""
USUAL = (10, 5.0)
EXEMPT = ("/interactions/", "/webhooks/")  # from the global limit (docs: interactions, receiving and responding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a call may pass, and the headers that say how it stands."""

    wait: float
    headers: dict[str, str]
    scope: str = "user"


class Rates:
    """Fixed windows by bucket, as Discord counts. `speed` shortens every window. Off when `enabled` is False.

    `limits[route]` may be changed; `refused` counts 429s by route.
    """

    def __init__(self, now: Callable[[], float], *, speed: float = 1.0, enabled: bool = True) -> None:
        self._now, self.speed, self.enabled = now, speed, enabled
        self.limits = dict(LIMITS)
        self.per_second = GLOBAL
        self.refused: Counter[str] = Counter()
        self._windows: dict[tuple[str, str], tuple[int, float]] = {}  # used, until
        self._all: deque[float] = deque()
        self._renames: dict[str, deque[float]] = {}
        self._invalid: deque[float] = deque()

    def take(self, route: str, major: str) -> Verdict:
        """One call of a route; `major` is the channel, guild, webhook or interaction of its path."""
        if not self.enabled:
            return Verdict(wait=0.0, headers={})
        now = self._now()
        _, _, template = route.partition(" ")
        if not template.startswith(EXEMPT) and self._beyond(self._all, self.per_second, 1.0 / self.speed, now):
            wait = self._all[0] + 1.0 / self.speed - now
            return self._no(route, wait, "global", {"X-RateLimit-Global": "true"})
        limit, span = self.limits.get(route, USUAL)
        used, until = self._windows.get((route, major), (0, 0.0))
        if now >= until:
            used, until = 0, now + span / self.speed
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used - 1)),
            "X-RateLimit-Reset": f"{now + until - now:.3f}",
            "X-RateLimit-Reset-After": f"{until - now:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(route.encode(), usedforsecurity=False).hexdigest(),
        }
        if used >= limit:
            return self._no(route, until - now, "user", headers)
        self._windows[route, major] = (used + 1, until)
        if not template.startswith(EXEMPT):
            self._all.append(now)
        return Verdict(wait=0.0, headers=headers)

    def rename(self, channel: str) -> Verdict:
        """One change of a channel's name or topic: the limit that no header tells of."""
        times = self._renames.setdefault(channel, deque())
        now, span = self._now(), RENAME_SPAN / self.speed
        if self.enabled and self._beyond(times, RENAMES, span, now):
            return self._no("PATCH /channels/{channel_id} (name or topic)", times[0] + span - now, "user", {})
        times.append(now)
        return Verdict(wait=0.0, headers={})

    def _no(self, route: str, wait: float, scope: str, headers: dict[str, str]) -> Verdict:
        self.refused[route] += 1
        more = {"Retry-After": str(max(1, round(wait))), "X-RateLimit-Scope": scope}
        return Verdict(wait=max(wait, 0.001), headers=headers | more, scope=scope)

    @staticmethod
    def _beyond(times: deque[float], most: int, span: float, now: float) -> bool:
        while times and times[0] <= now - span:
            times.popleft()
        return len(times) >= most

    def spoiled(self, status: int) -> None:
        """An answer that counts against the address."""
        if status in (401, 403, 429):
            self._invalid.append(self._now())

    @property
    def banned(self) -> bool:
        """Whether the address has been shut out."""
        return self._beyond(self._invalid, INVALID, INVALID_SPAN, self._now())
