"""What a person did, and everything that came of it: the first response, the answers, the modal that opened. Waits; decides
nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.discord.world import Message, texts

__all__ = ["Answer", "Happening", "View"]


@dataclass(kw_only=True, eq=False)
class View:
    """A modal on somebody's screen: its JSON, and the deed that opened it."""

    data: dict[str, Any]
    opener: Happening

    @property
    def custom_id(self) -> str:
        """What the submission will carry."""
        return str(self.data["custom_id"])

    @property
    def shown(self) -> str:
        """What a reader sees, title first."""
        return "\n".join(texts(self.data))


@dataclass(kw_only=True, eq=False)
class Answer:
    """A message that came of an interaction: its response, a follow-up, or the message it was pressed on, changed."""

    message: Message
    how: Literal["response", "followup", "update"]
    after: float  # seconds since the person acted
    edits: int = 0

    @property
    def private(self) -> bool:
        """Whether only the person sees it."""
        return self.message.private

    @property
    def deleted(self) -> bool:
        """Whether it was taken back."""
        return self.message.gone

    @property
    def shown(self) -> str:
        """What the reader sees."""
        return self.message.shown

    @property
    def components(self) -> list[dict[str, Any]]:
        """Its components."""
        return self.message.components


@dataclass(kw_only=True, eq=False)
class Happening:
    """Something a person did. `await` it for the first response to an interaction (or its failure); what only is told to
    the app, like a message, has nobody who acknowledges it and is done at once.

    failed: "" or "no_response": nothing within three seconds, the person reads "The application did not respond".
    `sent` says whether a connected session was told; what no session was told is replayed to one that resumes.
    """

    kind: Literal["event", "command", "component", "autocomplete", "modal"]
    payload: dict[str, Any] = field(default_factory=dict)
    user: str = ""
    channel: str = ""
    id: str = ""
    token: str = ""
    message: Message | None = None  # what was said, or what the button is on
    sent: bool = True
    started: float = field(default_factory=time.perf_counter)
    at: float = 0.0  # by the guild's clock
    acked_after: float | None = None
    response: int = 0  # the type of the first response
    failed: str = ""
    original: Message | None = None  # what @original means
    answers: list[Answer] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)  # offered to somebody typing
    focused: int = 0  # the type of the option somebody is typing
    submitted: View | None = None
    messages: dict[str, Message] = field(default_factory=dict)  # what the token may edit
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_interaction(self) -> bool:
        """Whether the app has to respond."""
        return self.kind != "event"

    @property
    def deferred(self) -> bool:
        """Whether the first response was "thinking", or "wait"."""
        return self.response in (5, 6)

    @property
    def done(self) -> bool:
        """Whether it was responded to, or given up."""
        return not self.is_interaction or self.acked_after is not None or bool(self.failed)

    def since(self) -> float:
        """Seconds since the person acted."""
        return time.perf_counter() - self.started

    def changed(self) -> None:
        """Wake whoever waits."""
        self._changed.set()

    def answered(self, message: Message, how: Literal["response", "followup", "update"]) -> Answer:
        """Somebody sees an answer."""
        known = next((answer for answer in self.answers if answer.message is message), None)
        if known is None:
            known = Answer(message=message, how=how, after=self.since())
            self.answers.append(known)
        else:
            known.edits += 1
        self.changed()
        return known

    async def until(self, condition: Callable[[], Any], seconds: float, what: str) -> None:
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
        await self.until(lambda: self.done, 600, "a response")
        return self

    async def answer(self, number: int = 0, *, seconds: float = 5.0) -> Answer:
        """The answer that somebody can read, waited for: "thinking" is none."""
        await self.until(lambda: len(self.answers) > number, seconds, "an answer")
        return self.answers[number]

    async def view(self, number: int = 0, *, seconds: float = 5.0) -> View:
        """The modal that opened because of it, waited for."""
        await self.until(lambda: len(self.views) > number, seconds, "a modal")
        return self.views[number]

    def __repr__(self) -> str:
        data = self.payload.get("data", {})
        what = data.get("name") or data.get("custom_id") or self.kind
        answers = [answer.shown[:60] for answer in self.answers]
        return f"<{self.kind} {what} response={self.response} after={self.acked_after} failed={self.failed!r} answers={answers}>"
