"""How often a method may be called: Slack's tiers, counted over a window that tests may shorten. Nothing about
contents.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable

from tests.fakes.slack.tables import RULES

__all__ = ["TIERS", "Rates"]

MINUTE = 60.0  # seconds
TIERS = {"t1": 1, "t2": 20, "t3": 50, "t4": 100, "t5": 600}
"""Calls a minute, for each method, workspace and app (docs: rate limits). "Special" has no figure: "hundreds"."""
POSTS_BURST = (
    4  # "short bursts" over one message a second and channel are let pass (docs: rate limits); no figure given
)
POSTS_WORKSPACE = 300  # messages a minute, "several hundred" (docs: rate limits)


class Rates:
    """A sliding minute for each method; one message a second for each channel.

    `speed` shortens every window: at 60 a minute is a second. `limits` may be changed by method. Off when `enabled` is False.
    """

    def __init__(self, now: Callable[[], float], *, speed: float = 1.0, enabled: bool = True) -> None:
        self._now = now
        self.speed = speed
        self.enabled = enabled
        self.limits: dict[str, int] = {method: TIERS[rule.tier] for method, rule in RULES.items()}
        self.limits["chat.postMessage"] = POSTS_WORKSPACE
        self.refused: Counter[str] = Counter()
        self._taken: dict[str, deque[float]] = {}
        self._posts: dict[str, tuple[float, float]] = {}  # by channel: messages saved up, since when

    def take(self, method: str, channel: str = "") -> int | None:
        """None when the call may pass, else the seconds of Retry-After."""
        if not self.enabled:
            return None
        now, window = self._now(), MINUTE / self.speed
        taken = self._taken.setdefault(method, deque())
        while taken and taken[0] <= now - window:
            taken.popleft()
        wait = taken[-self.limits[method]] + window - now if len(taken) >= self.limits[method] else 0.0
        if method == "chat.postMessage":
            wait = max(wait, self._post(channel, now))
        if wait > 0:
            self.refused[method] += 1
            return max(1, math.ceil(wait))
        taken.append(now)
        if method == "chat.postMessage":
            saved, since = self._posts[channel]
            self._posts[channel] = (saved - 1, since)
        return None

    def _post(self, channel: str, now: float) -> float:
        saved, since = self._posts.get(channel, (float(POSTS_BURST), now))
        saved = min(float(POSTS_BURST), saved + (now - since) * self.speed)
        self._posts[channel] = (saved, now)
        return 0.0 if saved >= 1 else (1 - saved) / self.speed
