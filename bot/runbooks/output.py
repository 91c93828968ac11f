"""What a run prints, made fit to be kept and shown: secrets and control characters out; cut in the middle when it is too long."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import quote

from bot.chat.harmless import harmless

__all__ = ["Output", "ending"]

KEPT = 256 * 1024  # characters of one run's output
TAIL_LINES, TAIL_LENGTH = 12, 2_800  # of it in the room: a phone's screen; Slack takes 3,000 characters in one block
LONGEST_LINE = 4_000  # characters; a longer line is broken
SHORTEST_SECRET = 4  # characters: shorter ones would be found everywhere
REDACTED = "[redacted]"


class Output:
    """Takes output in pieces of any size.

    >>> output = Output(secrets=["s3cret"])
    >>> output.feed("token s3c"); output.feed("ret \\x1b[31mred\\x1b[0m\\nsecond")
    >>> output.text
    'token [redacted] red\\nsecond'
    """

    def __init__(self, *, secrets: Iterable[str] = (), kept: int = KEPT) -> None:
        self._raw = tuple(secrets)
        self._secrets = _forms(self._raw)
        self._half = kept // 2
        self._partial = ""
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._head_size = self._tail_size = self._cut = self._cut_lines = 0

    def secrets(self, secrets: Iterable[str]) -> None:
        """From now on take these out too."""
        self._raw = (*self._raw, *secrets)
        self._secrets = _forms(self._raw)

    def feed(self, chunk: str) -> None:
        """Take what came."""
        self._partial += chunk.replace("\r\n", "\n").replace("\r", "\n")
        *lines, self._partial = self._partial.split("\n")
        for line in lines:
            self._add(line)
        if len(self._partial) > LONGEST_LINE:
            # A secret may lie across the break: what could be its beginning stays behind.
            keep = max((len(secret) for secret in self._secrets), default=1)
            clean = self._redact(self._partial)
            if len(clean) > keep:
                self._partial = clean[-keep:]
                self._add(clean[:-keep])

    def end_line(self) -> None:
        """What comes next begins on a line of its own."""
        if self._partial:
            self.feed("\n")

    @property
    def text(self) -> str:
        """Everything that is kept, with a note where something was cut."""
        lines = list(self._head)
        if self._cut:
            lines.append(f"... {self._cut:,} characters are not kept ...")
        lines.extend(self._tail)
        if self._partial:
            lines.append(self._clean(self._partial))
        return "\n".join(lines)

    @property
    def tail(self) -> str:
        """The end of it, for a room."""
        lines = [*self._head, *self._tail]
        if self._partial:
            lines.append(self._clean(self._partial))
        return ending(lines, TAIL_LINES, TAIL_LENGTH, before=self._cut_lines)

    def _add(self, line: str) -> None:
        line = self._clean(line)
        size = len(line) + 1
        if not self._tail and self._head_size + size <= self._half:
            self._head.append(line)
            self._head_size += size
            return
        self._tail.append(line)
        self._tail_size += size
        while self._tail_size > self._half and len(self._tail) > 1:
            gone = len(self._tail.popleft()) + 1
            self._tail_size -= gone
            self._cut += gone
            self._cut_lines += 1

    def _clean(self, line: str) -> str:
        # Escapes are taken out first, or one inside a secret would hide it from the search.
        return self._redact(harmless(line, 2 * LONGEST_LINE))

    def _redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text


def ending(lines: Sequence[str], most: int, length: int, *, before: int = 0) -> str:
    """The last lines, in `length` characters, beneath how many there are besides; `before` more came and were not kept.

    >>> print(ending(["a", "b", "c", "d"], 3, 100))
    … 2 lines more
    c
    d
    """
    if before == 0 and len(lines) <= most and sum(len(line) + 1 for line in lines) <= length:
        return "\n".join(lines)
    shown: list[str] = []
    room = length - len(_more(len(lines) + before))
    for line in reversed(lines[-(most - 1) :]):
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    if not shown and lines:
        shown = [f"…{lines[-1][-(length - len(_more(len(lines) + before))) :]}"]
    rest = len(lines) + before - len(shown)
    return "\n".join([*([_more(rest)] if rest else []), *reversed(shown)])


def _more(lines: int) -> str:
    return f"… {lines:,} line{'' if lines == 1 else 's'} more"


def _forms(secrets: Iterable[str]) -> Collection[str]:
    """The secrets as they may be printed: as they are and as part of an address, the longest first."""
    found = {form for secret in secrets for form in (secret, secret.strip(), quote(secret, safe=""))}
    return sorted((form for form in found if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
