"""How fast a lane may go before a platform says no. Cosmetic effects (card edits, progress) wait;
what people wait for never does."""

from __future__ import annotations

from bot.chat.outbox import Effect

__all__ = ["COSMETIC", "Pacer"]

COSMETIC = frozenset({"announce", "card", "links", "page_edit", "progress"})
INTERVAL = {"console": 0.2}  # seconds between two cosmetic edits in one lane
DEFAULT_INTERVAL = 1.0
BACKOFF_FIRST, BACKOFF_MOST = 1.0, 300.0  # seconds


class Pacer:
    """Remembers until when each lane should change nothing cosmetic; bounded by forgetting what is over."""

    def __init__(self) -> None:
        self._pauses: dict[tuple[str, str], tuple[float, float]] = {}  # by lane and kind: since, until

    def wait(self, lane: str, kind: str, now: float) -> float:
        """Seconds that an effect of this kind should wait from `now`; none when the clock was set back."""
        since, until = self._pauses.get((lane, kind), (0.0, 0.0))
        return until - now if since <= now < until else 0.0

    def waiting(self, lane: str, now: float) -> set[str]:
        """The kinds of effects that should wait in this lane."""
        return {kind for kind in COSMETIC if self.wait(lane, kind, now)}

    def sent(self, effect: Effect, now: float) -> None:
        """Remember that it went out at `now`."""
        if effect.kind in COSMETIC:
            self._pause(effect, now, INTERVAL.get(effect.platform, DEFAULT_INTERVAL))

    def postponed(self, effect: Effect, now: float, seconds: float) -> bool:
        """A platform asked to wait: True when only this kind of effect does, and what people wait for may pass."""
        if effect.kind not in COSMETIC:
            return False
        self._pause(effect, now, seconds)
        return True

    def _pause(self, effect: Effect, now: float, seconds: float) -> None:
        if len(self._pauses) > 10_000:
            self._pauses = {key: pause for key, pause in self._pauses.items() if pause[1] > now}
        self._pauses[effect.lane, effect.kind] = (now, now + seconds)

    @staticmethod
    def backoff(attempts: int) -> float:
        """Seconds until the next try of an effect that failed `attempts` times.

        >>> [Pacer.backoff(n) for n in (0, 1, 4, 20)]
        [1.0, 2.0, 16.0, 300.0]
        """
        return float(min(BACKOFF_FIRST * 2 ** min(attempts, 16), BACKOFF_MOST))
