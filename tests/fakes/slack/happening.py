"""What a person did, and everything that came of it: the ack, what was said in private, the modal that opened.
Waits; decides nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.slack.lengths import texts
from tests.fakes.slack.world import Message, View

__all__ = ["Answer", "Happening"]


@dataclass(kw_only=True, eq=False)
class Answer:
    """What only one person sees: by the ack's body, by response_url, or by chat.postEphemeral."""

    ts: str
    user: str
    channel: str
    how: Literal["ack", "response_url", "ephemeral"]
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)
    after: float = 0.0  # seconds since the person acted
    edits: int = 0
    deleted: bool = False
    public: Message | None = None  # response_type in_channel: what everyone sees

    @property
    def shown(self) -> str:
        """What the reader sees: the text of the blocks, or the text without them."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text


@dataclass(kw_only=True, eq=False)
class Happening:
    """Something a person did. `await` it for the ack (or its failure): then `acked_after`, `ack`, `failed` are known.

    failed: "" or Slack's word for the trouble: dispatch_failed (nobody connected), operation_timeout (no ack in time),
    lost (an event given up after all retries). What is not sent to the app at all (no subscription, not in the channel)
    has not failed: `sent` is False.
    """

    kind: Literal["slash_commands", "interactive", "events_api", "none"]
    payload: dict[str, Any] = field(default_factory=dict)
    user: str = ""
    channel: str = ""
    trigger_id: str = ""
    response_token: str = ""
    target: Message | Answer | View | None = None
    message: Message | None = None
    started: float = field(default_factory=time.perf_counter)
    at: float = 0.0  # by the workspace's clock
    acked_after: float | None = None
    acked_late: bool = False
    ack: dict[str, Any] | None = None
    failed: str = ""
    attempts: int = 0
    answers: list[Answer] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # of a modal's fields, by block_id
    also: list[Happening] = field(default_factory=list)  # a mention is a message and an app_mention
    responses: int = 0
    exchanged: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sent(self) -> bool:
        """Whether the app was to hear of it."""
        return self.kind != "none"

    @property
    def done(self) -> bool:
        """Whether it was acked, or given up."""
        return not self.sent or self.acked_after is not None or bool(self.failed)

    @property
    def ts(self) -> str:
        """Of the message that was said or changed."""
        if self.message is None:
            raise LookupError("nothing was said")
        return self.message.ts

    def since(self) -> float:
        """Seconds since the person acted."""
        return time.perf_counter() - self.started

    def changed(self) -> None:
        """Wake whoever waits."""
        self._changed.set()

    async def until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait for a condition on this; TimeoutError names what did not come."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            self._changed.clear()
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                raise TimeoutError(f"{what} did not come within {seconds} s: {self!r}") from None

    def __await__(self) -> Generator[Any, None, Happening]:
        return self._settled().__await__()

    async def _settled(self) -> Happening:
        await self.until(lambda: self.done, 600, "an ack")
        for other in self.also:
            await other
        return self

    async def answer(self, number: int = 0, *, seconds: float = 5.0) -> Answer:
        """The private answer, waited for."""
        await self.until(lambda: len(self.answers) > number, seconds, "a private answer")
        return self.answers[number]

    async def view(self, number: int = 0, *, seconds: float = 5.0) -> View:
        """The modal that opened because of it, waited for."""
        await self.until(lambda: len(self.views) > number, seconds, "a modal")
        return self.views[number]

    def __repr__(self) -> str:
        what = self.payload.get("command") or self.payload.get("type") or self.kind
        answers = [answer.shown[:60] for answer in self.answers]
        return f"<{what} acked_after={self.acked_after} failed={self.failed!r} answers={answers}>"
