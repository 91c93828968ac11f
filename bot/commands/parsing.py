"""From what was typed to a verb with its incident and values, by the verb's definition. The database is not asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.catalog.suggestions import did_you_mean, nearest
from bot.chat.harmless import harmless
from bot.commands import menu
from bot.commands.definition import PREFIX, Argument, Kind, Scope, Values, Verb
from bot.commands.tokens import Token, tokenize
from bot.commands.values import Reader
from bot.errors import BadArguments, UnknownVerb
from bot.incidents.reference import number_of

__all__ = ["Command", "MissingIncident", "Words", "cut", "from_the_end", "parse", "take_named", "take_scope", "until"]

LIMIT = 8_000  # characters of a command; a note takes 4,000
_PREFIX = re.compile(r"\s*/?(?:incident|muster)(?:\s+|$)", re.IGNORECASE)
_REF = re.compile(r"(?:inc[-\s]?|#)\d{1,9}[,.:]?", re.IGNORECASE)
_BARE = re.compile(r"\d{1,9}")
_MISTYPED = re.compile(r"(?:inc[-_]?|#)\d+[a-z_]\w*|inc[-_]?\d{10,}", re.IGNORECASE)
_REPEATED = {Kind.ALERTS, Kind.KEY_VALUES}
_NUMBERS = {Kind.INTEGER, Kind.SEVERITY, Kind.ALERTS, Kind.RUN, Kind.SILENCE, Kind.PAGE}


class MissingIncident(BadArguments):
    """The verb is about an incident, and none was named."""

    def __init__(self, verb: Verb, path: tuple[str, ...]) -> None:
        super().__init__(f"Which incident? {verb.example}")
        self.verb, self.path = verb, path


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What was asked: the verb (or subverb; `path` is both names), the incident, the values."""

    verb: Verb
    path: tuple[str, ...]
    incident: int | None
    values: Values

    @property
    def incidents(self) -> set[int]:
        """All that it names: the one that it is about, and those among its arguments."""
        others = (self.values.integer(one.name) for one in self.verb.valued if one.kind is Kind.INCIDENT)
        return {number for number in (self.incident, *others) if number is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line after its prefix: the verb so far as it is known, and the words that follow."""

    line: str
    verb: Verb
    path: tuple[str, ...]
    tokens: list[Token]


def parse(text: str, verbs: Mapping[str, Verb], reader: Reader, room_incident: int | None) -> Command:
    """Read a command. UnknownVerb, BadArguments or MissingIncident say what would be right."""
    words = cut(text, verbs)
    verb, tokens = words.verb, words.tokens
    tokens, named = take_named(verb, tokens)
    incident, tokens = take_scope(verb, tokens, room_incident)
    tokens, flags = _flags(verb, tokens)
    given: dict[str, object] = dict.fromkeys(flags, True)
    given |= {
        argument.name: reader.read(argument, named[argument.name]) for argument in verb.named if argument.name in named
    }
    given |= _positional(words, verb, tokens, reader)
    if verb.scope is Scope.INCIDENT and incident is None:
        raise MissingIncident(verb, words.path)
    return Command(verb=verb, path=words.path, incident=incident, values=Values(given))


def cut(text: str, verbs: Mapping[str, Verb]) -> Words:
    """Find the verb, and the subverb where one is named, by itself or by its place in the menu. An empty line asks for help."""
    line = harmless(text, LIMIT)
    if found := _PREFIX.match(line):
        line = line[found.end() :]
    tokens = tokenize(line)
    word = tokens[0].value.lower().lstrip("/") if tokens else "help"
    if not re.sub(r"\W", "", word):
        word = "help"
    verb = verbs.get(word) or verbs.get(word.replace("_", "-"))
    if verb is None and word not in menu.GROUPS:
        raise UnknownVerb(_unknown(tokens[0].value, verbs))
    group, tokens = verb.name if verb is not None else word, tokens[1:]
    path: tuple[str, ...] = (verb.name,) if verb is not None else ()
    while True:
        place = 1 if tokens and _REF.fullmatch(tokens[0].value) else 0  # `runbook INC-42 list`
        after = tokens[place].value.lower() if len(tokens) > place else ""
        sub = verb.sub(after) if verb is not None else None
        if sub is not None:
            verb, path = sub, (*path, sub.name)
        elif group and (entry := menu.find(verbs, group, after)) is not None:
            verb, path = entry.verb, entry.path
        else:
            break
        group = ""
        del tokens[place]
    if verb is None:
        raise UnknownVerb(_unknown_in(word, after, verbs))
    return Words(line=line, verb=verb, path=path, tokens=tokens)


def take_named(verb: Verb, tokens: list[Token]) -> tuple[list[Token], dict[str, Token]]:
    """The words without --name VALUE, which stands before a text or at the end of the line; and the values by name."""
    arguments = {argument.name: argument for argument in verb.named}
    flags = {flag.name for flag in verb.flags}
    found: dict[str, Token] = {}
    left = list(tokens)

    def take(place: int) -> None:
        argument = arguments[left[place].flag or ""]
        if place + 1 == len(left):
            raise BadArguments(f"--{argument.name} needs a value: {argument.help}. Like this: {verb.example}")
        found[argument.name] = left[place + 1]
        del left[place : place + 2]

    end = len(left)
    while arguments and end > 0:
        if end > 1 and left[end - 2].flag in arguments:
            take(end - 2)
            end -= 2
        elif end == len(left) and left[end - 1].flag in arguments:
            take(end - 1)
        elif left[end - 1].flag in flags or _is_ref(left[end - 1], bare=False):
            end -= 1
        else:
            break
    begin = 0
    while begin < len(left):
        if left[begin].flag in arguments:
            take(begin)
        elif left[begin].flag in flags or (begin == 0 and _is_ref(left[begin], bare=True)):
            begin += 1
        else:
            break
    return left, found


def take_scope(verb: Verb, tokens: list[Token], room_incident: int | None) -> tuple[int | None, list[Token]]:
    """The incident that the words name first or last, else the room's; and the words without it."""
    if verb.scope is Scope.NONE:
        return None, tokens
    own = sum(argument.kind is Kind.INCIDENT for argument in verb.positional)
    kinds = {argument.kind for argument in verb.positional}
    has_text = any(argument.rest for argument in verb.positional)
    if own:
        refs = [token for token in tokens if _is_ref(token, bare=True)]
        if len(refs) > own or (refs and room_incident is None):
            return _number(refs[0]), [token for token in tokens if token is not refs[0]]
        return room_incident, tokens
    bare = not kinds & _NUMBERS and (room_incident is None or not has_text)
    flags = {flag.name for flag in verb.flags}
    words = [token for token in tokens if token.flag not in flags]
    named: Token | None = None
    if words and _is_ref(words[0], bare=bare):
        named = words[0]
    # The last word of a text is the incident only where nothing else says which one is meant.
    elif words and _is_ref(words[-1], bare=False) and (room_incident is None or not has_text):
        named = words[-1]
    if named is None:
        if words and _MISTYPED.fullmatch(words[0].raw):  # or it would be done to the incident of this room
            raise BadArguments(f'"{words[0].raw[:20]}" is no incident. Write it as INC-42; open ones: {PREFIX} list')
        return room_incident, tokens
    return _number(named), [token for token in tokens if token is not named]


def _is_ref(token: Token, *, bare: bool) -> bool:
    return _REF.fullmatch(token.raw) is not None or (bare and _BARE.fullmatch(token.raw) is not None)


def _number(token: Token) -> int | None:
    return number_of(token.value.rstrip(",.:"))


def _flags(verb: Verb, tokens: list[Token]) -> tuple[list[Token], set[str]]:
    """The flags before the text begins and those at the end of the line; the rest of the words."""
    names = {flag.name for flag in verb.flags}
    found: set[str] = set()
    free = any(argument.rest and argument.kind is Kind.TEXT for argument in verb.positional)
    while free and tokens and names and tokens[-1].flag in names:
        found.add(tokens[-1].flag or "")
        tokens = tokens[:-1]
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        if token.raw == "--":
            return kept + tokens[index + 1 :], found
        if token.flag is None:
            kept.append(token)
            if free and verb.positional[0].rest:
                return kept + tokens[index + 1 :], found  # from here on it is text
        elif token.flag in names:
            found.add(token.flag)
        elif free and index and verb.positional[-1].rest and len(kept) >= len(verb.positional):
            kept.append(token)  # inside a text at the end
        else:
            hint = (
                did_you_mean(token.flag, names | {a.name for a in verb.named}).replace('"', "")
                if names
                else "; it takes none"
            )
            hint = hint.replace("mean ", "mean --").replace("there are ", "there is --")
            raise BadArguments(f"--{token.flag[:60]} is no option of {verb.name}{hint}. Like this: {verb.example}")
    return kept, found


def _positional(words: Words, verb: Verb, tokens: list[Token], reader: Reader) -> dict[str, object]:
    values: dict[str, object] = {}
    arguments = verb.positional
    for index, argument in enumerate(arguments):
        later = arguments[index + 1 :]
        if argument.rest:
            tokens = from_the_end(later, tokens, reader, values)
            if tokens:
                values[argument.name] = _rest(words.line, tokens)
            elif argument.required:
                raise _missing(verb, argument)
            return values
        if argument.kind is Kind.MATCHERS:
            taken = until(later, tokens, reader)
            if taken:
                values[argument.name] = reader.matchers(words.line[tokens[0].start : tokens[taken - 1].end])
                tokens = tokens[taken:]
        elif argument.kind in _REPEATED:
            many = [reader.read(argument, token) for token in tokens if token.raw != ","]
            if many:
                values[argument.name] = _together(argument, many)
            tokens = []
        elif tokens and (not later or argument.required or reader.fits(argument, tokens[0])):
            values[argument.name] = reader.read(argument, tokens[0])
            tokens = tokens[1:]
        if argument.required and argument.name not in values:
            raise _missing(verb, argument)
    if tokens:
        raise BadArguments(_surplus(words, verb, tokens[0], reader))
    return values


def from_the_end(
    later: Sequence[Argument], tokens: list[Token], reader: Reader, values: dict[str, object]
) -> list[Token]:
    """Arguments after a text are the last words, where they cannot be meant as part of it."""
    for argument in reversed(later):
        clear = bool(tokens) and tokens[0].quoted
        if len(tokens) > 1 and reader.fits(argument, tokens[-1], strict=not clear):
            values[argument.name] = reader.read(argument, tokens[-1], strict=not clear)
            tokens = tokens[:-1]
    return tokens


def _rest(line: str, tokens: list[Token]) -> str:
    return tokens[0].value if len(tokens) == 1 else line[tokens[0].start : tokens[-1].end]


def until(later: Sequence[Argument], tokens: list[Token], reader: Reader) -> int:
    """How many words there are before the next argument's."""
    if later:
        for count, token in enumerate(tokens):
            if count and reader.resembles(later[0], token):
                return count
    return len(tokens)


def _together(argument: Argument, many: list[object]) -> object:
    if argument.kind is Kind.KEY_VALUES:
        return dict(pair for pair in many if isinstance(pair, tuple))
    return tuple(dict.fromkeys(many))


def _missing(verb: Verb, argument: Argument) -> BadArguments:
    return BadArguments(f"{argument.name.capitalize()} is missing: {argument.help}. Like this: {verb.example}")


def _surplus(words: Words, verb: Verb, token: Token, reader: Reader) -> str:
    word = token.value[:60]
    whole = " ".join(words.path)
    if verb.subverbs:
        names = [sub.name for sub in verb.subverbs]
        hint = f'did you mean "{best}"?' if (best := nearest(word, names)) else f"there are {', '.join(names)}."
        if word in reader.catalog.runbooks and any(sub.name == "run" for sub in verb.subverbs):
            return f"To run it: {PREFIX} {whole} run {word}"
        return f'No verb "{whole} {word}"; {hint} Help: {PREFIX} help {whole}'
    return f'"{word}" is more than {whole} takes. Like this: {verb.example}'


def _unknown_in(group: str, word: str, verbs: Mapping[str, Verb]) -> str:
    names = [entry.name for entry in menu.entries(verbs.values()) if entry.group == group]
    hint = f'Did you mean "{best}"?' if (best := nearest(word, names)) else f"There are {', '.join(names)}."
    return f'No verb "{group} {word[:60]}". {hint}' if word else f"{group.capitalize()} of what? {hint}"


def _unknown(word: str, verbs: Mapping[str, Verb]) -> str:
    shown = word[:60].lstrip("/")
    best = nearest(shown, verbs)
    hint = f" Did you mean {verbs[best].name}?" if best else ""
    return f'No verb "{shown}".{hint} All verbs: {PREFIX} help'
