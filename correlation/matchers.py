"""Prometheus' matchers over an alert: `label="x"`, `!=`, `=~`, `!~` (regular expressions match the whole value).

Recipes, services, silences and runbooks all mean the same by a matcher, so it is written once, here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from correlation.alert import Alert

__all__ = ["FIELDS", "Matcher", "MatcherError", "Matchers", "value_of"]

_ATTRIBUTES = {
    "name": "name",
    "class": "class_",
    "severity": "severity",
    "service": "service",
    "host": "host",
    "location": "location",
    "environment": "environment",
    "summary": "summary",
    "source": "source",
    "status": "status",
}
FIELDS = tuple(_ATTRIBUTES)  # what a matcher may ask of every alert; any other word is a label
MAX_PATTERN = 500  # characters
MAX_SUBJECT = 1000  # characters of a value that a regular expression looks at
MAX_REPEATS = 6  # unbounded repeats in one pattern: each multiplies the worst case by the length of the value

Operator = Literal["=", "!=", "=~", "!~"]
_OPERATORS: dict[str, Operator] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}
_ONE = re.compile(
    r"""\s*(?P<label>[A-Za-z_][\w.:/-]*)\s*(?P<op>=~|!~|!=|=)\s*
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s",{}]*))\s*""",
    re.VERBOSE | re.DOTALL,
)
_WORD = r"\.\*|\\[^A-Za-z0-9\0]|[^\\.^$*+?{}\[\]|()\0]"  # `.*`, or one character that means itself
_WORDS = re.compile(f"(?:{_WORD})*", re.DOTALL)
_EITHER = re.compile(r"[^\\.^$*+?{}\[\]()]*")  # words that mean themselves, with `|` between
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class MatcherError(ValueError):
    """The text is not a matcher; the message says what would be right."""


def value_of(alert: Alert, label: str) -> str:
    """An alert's field of that name, or else its label; "" where it has neither, as Prometheus has it.

    >>> value_of(Alert(at=0, name="DiskFull", labels=(("team", "db"),)), "team")
    'db'
    """
    attribute = _ATTRIBUTES.get(label)
    if attribute is not None:
        value: str = getattr(alert, attribute)
        if value:
            return value
    for key, text in alert.labels:
        if key == label:
            return text
    return ""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one field or label.

    >>> m = Matcher.parse('host=~"checkout-.*"')
    >>> m.matches(Alert(at=0, name="x", host="checkout-3")), m.matches(Alert(at=0, name="x", host="a-checkout-3"))
    (True, False)
    >>> str(m)
    'host=~"checkout-.*"'
    """

    label: str
    op: Operator
    value: str
    _regex: re.Pattern[str] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.op in ("=~", "!~"):
            object.__setattr__(self, "_regex", _compile(self.value))

    @property
    def values(self) -> tuple[str, ...]:
        """The values that it takes, where these can be told one by one; or else none.

        >>> Matcher.parse('service=~"cart|web"').values, Matcher.parse('service!="cart"').values
        (('cart', 'web'), ())
        """
        if self.op == "=":
            return (self.value,)
        return tuple(dict.fromkeys(self.value.split("|"))) if self.op == "=~" and _EITHER.fullmatch(self.value) else ()

    @classmethod
    def parse(cls, text: str) -> Matcher:
        """One matcher from its text. MatcherError when it is none."""
        found = _ONE.fullmatch(text)
        if found is None:
            raise MatcherError(f'{text!r} is no matcher; write label="value", or !=, =~, !~')
        return _build(found)

    def matches(self, alert: Alert) -> bool:
        value = value_of(alert, self.label)
        if self._regex is not None:
            return (self._regex.fullmatch(value[:MAX_SUBJECT]) is not None) == (self.op == "=~")
        return (value == self.value) == (self.op == "=")

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.op}"{value}"'


@dataclass(frozen=True, slots=True)
class Matchers:
    """Several conditions.

    >>> both = Matchers.parse('{service="cart", severity!="info"}')
    >>> both.matches(Alert(at=0, name="x", service="cart"))
    True
    """

    items: tuple[Matcher, ...] = ()

    @classmethod
    def parse(cls, text: str | Iterable[str]) -> Matchers:
        """From a text of one or more matchers (commas or spaces between, braces allowed), or from several such texts."""
        if isinstance(text, str):
            return cls(tuple(_scan(text)))
        return cls(tuple(matcher for part in text for matcher in _scan(part)))

    def matches(self, alert: Alert) -> bool:
        """Whether all hold; true where there is none."""
        for matcher in self.items:  # no generator: each alert is asked
            if not matcher.matches(alert):
                return False
        return True

    def any(self, alert: Alert) -> bool:
        """Whether at least one holds; false where there is none."""
        return any(matcher.matches(alert) for matcher in self.items)

    def __bool__(self) -> bool:
        return bool(self.items)

    def __iter__(self) -> Iterator[Matcher]:
        return iter(self.items)

    def __str__(self) -> str:
        return ", ".join(map(str, self.items))


def _scan(text: str) -> Iterator[Matcher]:
    body = text.strip()
    if body.startswith("{") and body.endswith("}"):
        body = body[1:-1]
    position = 0
    while position < len(body):
        found = _ONE.match(body, position)
        if found is None:
            raise MatcherError(f'{body[position:][:80]!r} is no matcher; write label="value", or !=, =~, !~')
        yield _build(found)
        position = found.end()
        if position < len(body) and body[position] == ",":
            position += 1


def _build(found: re.Match[str]) -> Matcher:
    quoted = found["quoted"]
    value = found["bare"] if quoted is None else _unescape(quoted)
    return Matcher(found["label"], _OPERATORS[found["op"]], value)


def _unescape(text: str) -> str:
    # An unknown escape keeps its backslash: people write "web-\d+" and mean the regular expression's.
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), text, flags=re.DOTALL)


def _compile(pattern: str) -> re.Pattern[str]:
    if len(pattern) > MAX_PATTERN:
        raise MatcherError(f"the regular expression is {len(pattern)} characters long; at most {MAX_PATTERN} are taken")
    try:
        compiled = re.compile(_linear(pattern), re.DOTALL)
    except (re.error, RecursionError, OverflowError) as error:
        raise MatcherError(f"{pattern!r} is no regular expression: {error}") from error
    danger = _danger(pattern)
    if danger:
        raise MatcherError(f"{pattern!r} is refused: {danger}")
    return compiled


def _linear(pattern: str) -> str:
    """The same for `fullmatch`, and never gone back in: in words with `.*` between, the first place of each word will do.

    >>> _linear("web-.*eu.*"), _linear("web-[0-9]+.*")
    ('web-(?>.*?eu).*', 'web-[0-9]+.*')
    """
    if ".*" not in pattern or not _WORDS.fullmatch(pattern):
        return pattern
    first, *words = re.sub(_WORD, lambda found: found[0] if found[0] != ".*" else "\0", pattern).split("\0")
    last = words.pop()
    return first + "".join(f"(?>.*?{word})" for word in words if word) + f".*{last}"


def _danger(pattern: str) -> str:
    """Why matching could take for ever, or "". Python's engine backtracks, so a repeat inside a repeat is exponential.

    >>> _danger("(a+)+b")
    'a repeat inside a repeated group may take for ever'
    >>> _danger("(web|db)-[0-9]+")
    ''
    """
    text = re.sub(r"\\.", "_", pattern, flags=re.DOTALL)
    text = re.sub(r"\[\^?\]?[^\]]*\]", "_", text)  # classes: what is inside repeats nothing
    repeats = 0
    stack: list[bool] = [False]  # per open group: does it hold a repeat or alternatives
    closed = False  # the group that has just ended, if the last item was one
    position = 0
    while position < len(text):
        char = text[position]
        unbounded = char in "*+" or (char == "{" and re.match(r"\{\d*,\d*\}", text[position:]) is not None)
        if unbounded:
            repeats += 1
            if closed:
                return "a repeat inside a repeated group may take for ever"
            stack[-1] = True
        elif char == "|":
            stack[-1] = True
        closed = False
        if char == "(":
            stack.append(False)
        elif char == ")" and len(stack) > 1:
            closed = stack.pop()
            stack[-1] = stack[-1] or closed
        position += 1
    return f"more than {MAX_REPEATS} repeats may take for ever" if repeats > MAX_REPEATS else ""
