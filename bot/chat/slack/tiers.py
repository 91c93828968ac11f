"""How often each method of Slack's may be called: windows that we keep ourselves, so that Slack never has to say no.

https://docs.slack.dev/apis/web-api/rate-limits. Nothing is sent and nobody waits here.
"""

from __future__ import annotations

import time
from collections import Counter, deque

__all__ = ["Tiers"]

MINUTE = 60.0  # seconds
SHARE = 0.9  # of what a tier allows: clocks differ, and other installations of the app count too
_TIER = {1: 1, 2: 20, 3: 50, 4: 100}  # calls a minute
_METHODS = {
    **dict.fromkeys(
        (
            *("conversations.create", "conversations.archive", "conversations.unarchive", "conversations.list"),
            *("conversations.setTopic", "conversations.setPurpose", "users.list", "usergroups.list"),
            *("usergroups.users.list", "pins.add", "bookmarks.add", "bookmarks.remove"),
        ),
        2,
    ),
    **dict.fromkeys(
        (
            *("conversations.invite", "conversations.info", "conversations.open", "conversations.history"),
            *("conversations.replies", "conversations.join", "chat.update", "users.lookupByEmail"),
            *("apps.connections.open", "reactions.get", "chat.delete", "files.delete"),
            "bookmarks.list",
            "users.conversations",
        ),
        3,
    ),
}
ANY = 4  # the tier of methods that are not named here
POSTS, POST_EVERY = 3, 1.0  # chat.postMessage: one a second in a channel, with short bursts
POSTS_WORKSPACE = 300  # ... and "several hundred" a minute in the workspace


class Tiers:
    """Remembers the calls of the last minute, each from its answer on. `minute` is its length in seconds (short in tests)."""

    def __init__(self, *, minute: float = MINUTE) -> None:
        self.minute = minute
        self._calls: dict[str, deque[float]] = {}  # when they were answered
        self._flying: Counter[str] = Counter()
        self._posts: dict[str, tuple[float, float]] = {}  # by channel: tokens, when

    def wait(self, method: str, channel: str = "") -> float:
        """Seconds until the method may be called; 0.0 takes the turn, until `done`."""
        now = time.monotonic()
        if method == "chat.postMessage" and (seconds := self._post(channel, now)):
            return seconds
        calls = self._calls.setdefault(method, deque())
        while calls and now - calls[0] >= self.minute:
            calls.popleft()
        if len(calls) + self._flying[method] >= _allowed(method):
            return calls[0] + self.minute - now if calls else self.minute / MINUTE
        self._flying[method] += 1
        return 0.0

    def done(self, method: str) -> None:
        """The call was answered: Slack counted it at some time until now, so its minute begins now."""
        self._flying[method] -= 1
        self._calls.setdefault(method, deque()).append(time.monotonic())

    def refused(self, method: str, seconds: float) -> None:
        """Slack said no nevertheless: nobody calls the method before then."""
        self._calls[method] = deque([time.monotonic() + seconds - self.minute] * _allowed(method))

    def _post(self, channel: str, now: float) -> float:
        every = POST_EVERY * self.minute / MINUTE
        if len(self._posts) > 10_000:
            self._posts = {name: was for name, was in self._posts.items() if now - was[1] < self.minute}
        tokens, at = self._posts.get(channel, (float(POSTS), now))
        tokens = min(float(POSTS), tokens + (now - at) / every)
        if tokens < 1.0:
            self._posts[channel] = (tokens, now)
            return (1.0 - tokens) * every
        self._posts[channel] = (tokens - 1.0, now)
        return 0.0


def _allowed(method: str) -> int:
    """Calls a minute."""
    most = POSTS_WORKSPACE if method == "chat.postMessage" else _TIER[_METHODS.get(method, ANY)]
    return max(1, int(most * SHARE))
