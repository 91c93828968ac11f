"""Reads one word as what an argument is: a person, a duration, a severity. Each refusal says what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.catalog.catalog import Catalog
from bot.catalog.fields import duration_seconds
from bot.catalog.suggestions import did_you_mean
from bot.chat.views import Person
from bot.commands.definition import Argument, Kind, Target, Verb
from bot.commands.tokens import Token, straight
from bot.errors import BadArguments
from bot.incidents.reference import number_of
from bot.responders import identities
from bot.retros.formats import format_names
from correlation.matchers import MatcherError, Matchers

__all__ = ["GUEST", "Reader", "guest"]

GUEST = "guest:"  # people whom the catalogue does not know
SHORTEST, LONGEST = 1.0, 366 * 86_400.0  # seconds of a duration

_SEVERITY = re.compile(r"(?:sev[-\s]?|p)?([1-4])", re.IGNORECASE)
_NAMED_SEVERITY = re.compile(r"sev[-\s]?([1-4])", re.IGNORECASE)
_WORDED_DURATION = re.compile(
    r"(\d{1,6})\s*(s|sec|secs|m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)", re.IGNORECASE
)
_MATCHER = re.compile(r"^\s*\{?\s*[A-Za-z_][\w.:/-]*\s*(=~|!~|!=|=)")


def guest(name: str) -> Person:
    """Somebody whom the catalogue does not know."""
    return Person(GUEST + name.removeprefix(GUEST), name.removeprefix(GUEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads words in an organisation, for somebody, on a platform."""

    catalog: Catalog
    actor: Person
    platform: str
    verbs: Mapping[str, Verb]

    def read(self, argument: Argument, token: Token, *, strict: bool = False) -> object:
        """The value of a word. BadArguments when it is none; `strict` takes only what cannot be meant otherwise."""
        match argument.kind:
            case Kind.SEVERITY:
                return _severity(token, strict=strict)
            case Kind.DURATION:
                return _duration(token)
            case Kind.INTEGER:
                return _integer(argument, token)
            case Kind.ALERTS | Kind.RUN | Kind.SILENCE | Kind.PAGE:
                return _numbered(argument, token)
            case Kind.INCIDENT:
                return _incident(token)
            case Kind.CHOICE:
                return _choice(argument, token)
            case Kind.KEY_VALUES:
                return _pair(token)
            case Kind.PERSON:
                if strict and not token.raw.startswith(("@", "<@")):
                    raise BadArguments(f"{_shown(token)} names nobody; write @robin.")
                return self._person(token)
            case Kind.TARGET:
                return self._target(token)
            case Kind.SERVICE:
                return self._service(token)
            case Kind.RUNBOOK:
                return self._runbook(token)
            case Kind.MATCHERS:
                return self._matcher(token)
            case Kind.FORMAT:
                return _format(token)
            case Kind.VERB:
                return self._verb(token)
            case Kind.TEXT | Kind.WORD | Kind.SUSPECT | Kind.FLAG:
                return token.value

    def fits(self, argument: Argument, token: Token, *, strict: bool = False) -> bool:
        """Whether the word can be that argument."""
        try:
            self.read(argument, token, strict=strict)
        except BadArguments:
            return False
        return True

    def resembles(self, argument: Argument, token: Token) -> bool:
        """Whether the word is meant as that argument, be it right or wrong."""
        if argument.kind is Kind.DURATION:
            return re.fullmatch(r"(\d+[A-Za-z]+)+", token.value) is not None
        return self.fits(argument, token)

    def matchers(self, text: str) -> Matchers:
        """Matchers from a whole text."""
        try:
            found = Matchers.parse(straight(text))
        except MatcherError as error:
            word = text.strip()
            if word in self.catalog.services:
                raise BadArguments(f'"{word}" is no matcher; write service="{word}".') from None
            raise BadArguments(_sentence(str(error))) from None
        if not found:
            raise BadArguments('A matcher is missing; write service="checkout".')
        return found

    def _runbook(self, token: Token) -> str:
        names = self.catalog.runbooks
        word = token.value.strip()
        if word not in names:
            raise BadArguments(f"No runbook {_shown(token)}{_hint(word, names)}")
        return word

    def _service(self, token: Token) -> str:
        services, word = self.catalog.services, token.value.strip()
        if services and word not in services:
            raise BadArguments(f"No service {_shown(token)}{_hint(word, services)}")
        return word

    def _person(self, token: Token) -> Person:
        word = token.value.strip()
        if word.lower() in {"me", "myself"}:
            return self.actor
        if word.removeprefix("@").startswith(GUEST) and len(word) > len(GUEST) + 1:
            return guest(word.removeprefix("@"))
        found = identities.find(self.catalog, word, platform=self.platform)
        if not isinstance(found, identities.Unmapped):
            return Person(found.id, found.name)
        if word.removeprefix("@").casefold() in {self.actor.id.casefold(), self.actor.name.casefold()}:
            return self.actor
        if not self.catalog.people and re.fullmatch(r"@?[\w .'-]{1,60}", word):
            return guest(word.removeprefix("@"))
        hint = (
            ""
            if found.candidates or word.startswith("<")
            else did_you_mean(word.removeprefix("@"), self.catalog.people)
        )
        raise BadArguments(f"{_sentence(found.why.rstrip('.') + hint)} {_sentence(found.how)}")

    def _target(self, token: Token) -> Target:
        word = token.value.strip()
        kind, colon, name = word.partition(":")
        for known, names in (("service", self.catalog.services), ("team", self.catalog.teams)):
            if colon and kind.lower() == known:
                if name not in names:
                    raise BadArguments(f'No {known} "{name[:60]}"{_hint(name, names)}')
                return Target(kind=known, id=name)
        if not word.startswith("@"):
            if word in self.catalog.services:
                return Target(kind="service", id=word)
            if word in self.catalog.teams:
                return Target(kind="team", id=word)
        try:
            person = self._person(token)
        except BadArguments as error:
            if word.startswith(("@", "<")):
                raise
            everybody = {*self.catalog.services, *self.catalog.teams, *self.catalog.people}
            raise BadArguments(f"No person, service or team {_shown(token)}{_hint(word, everybody)}") from error
        return Target(kind="person", id=person.id, person=person)

    def _matcher(self, token: Token) -> Matchers:
        if not _MATCHER.match(straight(token.raw)):
            raise BadArguments(f'{_shown(token)} is no matcher; write service="checkout".')
        return self.matchers(token.raw)

    def _verb(self, token: Token) -> str:
        word = token.value.strip().removeprefix("/").lower()
        if word not in self.verbs:
            raise BadArguments(f"No verb {_shown(token)}{_hint(word, self.verbs)} All verbs: /incident help")
        return self.verbs[word].name


_LETTERS = {Kind.ALERTS: "A", Kind.RUN: "R", Kind.SILENCE: "S", Kind.PAGE: "P"}


def _severity(token: Token, *, strict: bool) -> str:
    found = (_NAMED_SEVERITY if strict else _SEVERITY).fullmatch(token.value.strip())
    if not found:
        raise BadArguments(f"{_shown(token)} is no severity; write 1 (worst) to 4.")
    return f"SEV{found[1]}"


def _duration(token: Token) -> float:
    word = token.value.strip().lower()
    try:
        if worded := _WORDED_DURATION.fullmatch(word):
            word = worded[1] + worded[2][0]
        seconds = duration_seconds(word)
    except ValueError:
        raise BadArguments(f"{_shown(token)} is no duration; write 90s, 30m, 2h or 7d.") from None
    if not SHORTEST <= seconds <= LONGEST:
        raise BadArguments(f"{_shown(token)} is not between 1 second and 1 year; write 30m, 2h or 7d.")
    return seconds


def _integer(argument: Argument, token: Token) -> int:
    word = token.value.strip()
    if not (word.isascii() and word.isdecimal() and len(word) < 10) or int(word) < 1:
        raise BadArguments(f"{_shown(token)} is no number; write 1, 2, 3 ... ({argument.help}).")
    return int(word)


def _numbered(argument: Argument, token: Token) -> int:
    letter = _LETTERS[argument.kind]
    found = re.fullmatch(rf"{letter}?(\d{{1,18}})", token.value.strip().rstrip(","), re.IGNORECASE)
    if not found:
        raise BadArguments(f"{_shown(token)} is no {argument.kind.value.rstrip('s')}; write {letter}17.")
    return int(found[1])


def _incident(token: Token) -> int:
    number = number_of(token.value)
    if number is None:
        raise BadArguments(f"{_shown(token)} is no incident; write INC-42.")
    return number


def _format(token: Token) -> str:
    word = token.value.strip().lower()
    if word not in format_names():
        raise BadArguments(f"No format {_shown(token)}{_hint(word, format_names())}")
    return word


def _choice(argument: Argument, token: Token) -> str:
    word = token.value.strip().lower()
    if word not in argument.choices:
        if len(argument.choices) == 1:
            raise BadArguments(f"{_shown(token)} is unknown here; write {argument.choices[0]}, or nothing.")
        raise BadArguments(f"{_shown(token)} is not one of {', '.join(argument.choices)}.")
    return word


def _pair(token: Token) -> tuple[str, str]:
    key, equals, value = straight(token.raw).partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z_][\w-]*", key):
        raise BadArguments(f"{_shown(token)} is no parameter; write key=value.")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key, value


def _shown(token: Token) -> str:
    word = token.value.strip()
    return f'"{word[:60]}..."' if len(word) > 60 else f'"{word}"'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")


def _hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence: the nearest word, or the words there are."""
    hint = did_you_mean(word, known)
    return hint if hint.endswith("?") else f"{hint}."
