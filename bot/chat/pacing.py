"""How fast a lane may go before a platform says no. Cosmetic effects (card edits, progress) wait;
what people wait for never does."""

from __future__ import annotations

from bot.chat.outbox import Effect

__all__ = ["COSMETIC", "Pacer"]

COSMETIC = frozenset({"card", "progress", "page_edit"})
INTERVAL = {"console": 0.2}  # seconds between two cosmetic edits in one lane
DEFAULT_INTERVAL = 1.0
BACKOFF_FIRST, BACKOFF_MOST = 1.0, 300.0  # seconds


class Pacer:
    """Remembers when each lane last changed something cosmetic; bounded by forgetting what is over."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}

    def wait(self, effect: Effect, now: float) -> float:
        """Seconds that this effect should wait from `now`."""
        if effect.kind not in COSMETIC:
            return 0.0
        interval = INTERVAL.get(effect.platform, DEFAULT_INTERVAL)
        return max(0.0, self._last.get((effect.lane, effect.kind), -interval) + interval - now)

    def sent(self, effect: Effect, now: float) -> None:
        """Remember that it went out at `now`."""
        if effect.kind in COSMETIC:
            if len(self._last) > 10_000:
                self._last = {key: at for key, at in self._last.items() if now - at < 2 * DEFAULT_INTERVAL}
            self._last[effect.lane, effect.kind] = now

    @staticmethod
    def backoff(attempts: int) -> float:
        """Seconds until the next try of an effect that failed `attempts` times.

        >>> [Pacer.backoff(n) for n in (0, 1, 4, 20)]
        [1.0, 2.0, 16.0, 300.0]
        """
        return float(min(BACKOFF_FIRST * 2 ** min(attempts, 16), BACKOFF_MOST))
