"""What Muster's role may not do on Discord just now. Somebody can change that: it is told, and tried again until it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bot.chat.discord.client import Refused
from bot.errors import Retryable

__all__ = ["MISSING_PERMISSIONS", "Lacking"]

MISSING_PERMISSIONS = 50013  # docs.discord.com/developers/topics/opcodes-and-status-codes, JSON error codes
AGAIN = 30.0  # seconds before it is tried again
WAY_OUT = "muster check --live names what its role lacks. Nothing is lost: it is done once Muster may."


class Lacking:
    """`remarks` are for whoever looks after Muster."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}  # what was refused, in words, by what and where it was

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._told.values()))

    @contextmanager
    def trying(self, what: str, where: int | str = "") -> Iterator[None]:
        """What is done within needs a permission: a refusal for want of it becomes Retryable."""
        try:
            yield
        except Refused as error:
            if error.number != MISSING_PERMISSIONS:
                raise
            self._told[f"{what} {where}"] = words = f"Discord does not let Muster {what}. {WAY_OUT}"
            raise Retryable(words, retry_after=AGAIN) from error
        self._told.pop(f"{what} {where}", None)
