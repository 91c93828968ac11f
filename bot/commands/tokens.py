"""Cuts what was typed into words: quotes (also the curly ones of phones), quoted values inside a word, never an error.

What the words mean is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Token", "straight", "tokenize"]

_CLOSING = {'"': '"\N{RIGHT DOUBLE QUOTATION MARK}', "'": "'"}
_CLOSING["\N{LEFT DOUBLE QUOTATION MARK}"] = '\N{RIGHT DOUBLE QUOTATION MARK}"'
_CLOSING["\N{RIGHT DOUBLE QUOTATION MARK}"] = '\N{RIGHT DOUBLE QUOTATION MARK}"'
_CLOSING["\N{DOUBLE LOW-9 QUOTATION MARK}"] = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_CLOSING["\N{LEFT SINGLE QUOTATION MARK}"] = "\N{RIGHT SINGLE QUOTATION MARK}'"
_INNER = '"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}'
_STRAIGHT = str.maketrans(
    {
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)
_DASHES = ("\N{EM DASH}", "\N{EN DASH}")  # what phones make of two hyphens


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `raw` as typed from `start` to `end`, `value` without the quotes around the whole of it."""

    raw: str
    value: str
    start: int
    end: int

    @property
    def quoted(self) -> bool:
        """The whole word stands in quotes."""
        return self.value != self.raw

    @property
    def flag(self) -> str | None:
        """The name of the flag that this is, or None.

        >>> [token.flag for token in tokenize("--all \\N{EM DASH}yes -n '--all'")]
        ['all', 'yes', None, None]
        """
        for dash in ("--", *_DASHES):
            if self.raw.startswith(dash) and len(self.raw) > len(dash) and self.raw[len(dash)].isalpha():
                return self.raw[len(dash) :].lower()
        return None


def straight(text: str) -> str:
    """Curly quotes as straight ones."""
    return text.translate(_STRAIGHT)


def tokenize(text: str) -> list[Token]:
    """The words of a line. A quote that is never closed is an ordinary character, as in `don't`.

    >>> [token.value for token in tokenize('declare "checkout down" sev2')]
    ['declare', 'checkout down', 'sev2']
    >>> [token.value for token in tokenize('service="cart api", host=~"a b"  it\\'s "open')]
    ['service="cart api",', 'host=~"a b"', "it's", '"open']
    """
    tokens: list[Token] = []
    position, length = 0, len(text)
    unclosed: set[str] = set()  # quotes that have no partner from here on: not looked for again (hostile texts)
    while position < length:
        if text[position].isspace():
            position += 1
            continue
        start = position
        end = -1
        if text[start] in _CLOSING and text[start] not in unclosed:
            end = _close(text, start + 1, _CLOSING[text[start]], whole=True)
            if end < 0:
                unclosed.add(text[start])
        if end > 0:
            tokens.append(Token(text[start : end + 1], text[start + 1 : end].replace('\\"', '"'), start, end + 1))
            position = end + 1
            continue
        while position < length and not text[position].isspace():
            if text[position] in _INNER and text[position - 1 : position] in {"=", "~"} and "inner" not in unclosed:
                end = _close(text, position + 1, _INNER, whole=False)
                if end < 0:
                    unclosed.add("inner")
                else:
                    position = end
            position += 1
        tokens.append(Token(text[start:position], text[start:position], start, position))
    return tokens


def _close(text: str, position: int, closing: str, *, whole: bool) -> int:
    """Where the quote closes, -1 when it does not; `whole`: a space or the end must follow."""
    length = len(text)
    while position < length:
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if char in closing and not (whole and position + 1 < length and not text[position + 1].isspace()):
            return position
        position += 1
    return -1
