"""What may stand where the line ends: verbs, then what the verb's definition says comes next. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.clock import ago
from bot.commands import menu
from bot.commands.definition import PREFIX, Argument, Kind, Permit, Scope, Verb
from bot.commands.parsing import cut, take_named, take_scope
from bot.commands.permissions import may
from bot.commands.services import Services
from bot.commands.tokens import Token, tokenize
from bot.commands.values import Reader
from bot.commands.words import cut_text
from bot.errors import NotFound, UnknownVerb
from bot.retros.formats import format_names

__all__ = ["Completion", "complete"]

MOST = 25  # Discord's limit on choices, https://discord.com/developers/docs (autocomplete); more is no help anyway
HINT = 80  # characters
DURATIONS = (
    ("30m", "half an hour"),
    ("1h", "an hour"),
    ("2h", "two hours"),
    ("8h", "a shift"),
    ("1d", "a day"),
    ("7d", "a week"),
)
SEVERITIES = (("1", "SEV1, the worst"), ("2", "SEV2"), ("3", "SEV3"), ("4", "SEV4, the least"))
MATCHERS = ("service", "name", "host", "severity", "location", "environment")
_REPEATED = {Kind.ALERTS, Kind.KEY_VALUES, Kind.MATCHERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """`value` replaces the line from the index on; `label` is what to show for it; `hint` says what it is."""

    value: str
    label: str
    hint: str = ""


async def complete(
    line: str, services: Services, permit: Permit, verbs: Mapping[str, Verb], room_incident: int | None
) -> tuple[int, list[Completion]]:
    """The index in `line` from which a value replaces, and the values that fit, likeliest first."""
    prefix, rest = _prefix(line)
    if prefix is None:
        offers = [Completion(value=f"{PREFIX} ", label=PREFIX, hint="everything Muster can do")]
        return 0, [offer for offer in offers if offer.label.startswith(line.strip().lower())]
    tokens = tokenize(rest)
    partial = "" if not tokens or tokens[-1].end < len(rest) else tokens[-1].raw
    start = prefix + len(rest) - len(partial)
    whole = tokens[:-1] if partial else tokens
    known = {verb.name: verb for verb in verbs.values() if may((verb.name,), verb, permit)}
    if not whole:
        return start, _fitting(partial.lstrip("/"), [_verb(verb) for verb in known.values()])
    standing = _standing(whole, permit, verbs)
    try:
        words = cut(rest[: whole[-1].end], verbs)
    except UnknownVerb:
        return start, _fitting(partial, standing)
    offers = await _arguments(words.verb, words.tokens, partial, services, permit, verbs, room_incident)
    if words.verb.subverbs and not words.tokens:
        subverbs = [_verb(sub) for sub in words.verb.subverbs if may((*words.path, sub.name), sub, permit)]
        needed = any(argument.required for argument in words.verb.positional)  # `page WHO` before `page decline`
        offers = [*offers, *subverbs] if needed else [*subverbs, *offers]
    return start, _fitting(partial, [*offers, *(one for one in standing if partial)])


def _standing(words: Sequence[Token], permit: Permit, verbs: Mapping[str, Verb]) -> list[Completion]:
    """What stands in the menu's group of that name: `silence list`, `more rename`."""
    if len(words) > 1:
        return []
    found = [one for one in menu.entries(verbs.values()) if one.group and one.group == words[0].value.lower()]
    return [_plain(one.name, one.verb.summary) for one in found if may(one.path, one.verb, permit)]


def _prefix(line: str) -> tuple[int | None, str]:
    """Where the words after `/incident` begin; None while the prefix itself is being typed."""
    body = line.lstrip()
    if not body.startswith("/"):
        return len(line) - len(body), body
    head, space, _ = body.partition(" ")
    if head.lower() == PREFIX and space:
        after = body[len(head) :].lstrip()
        return len(line) - len(after), after
    if space or not PREFIX.startswith(head.lower()):
        return len(line) - len(body), body  # a short form: /ack
    return None, ""


async def _arguments(
    verb: Verb,
    tokens: list[Token],
    partial: str,
    services: Services,
    permit: Permit,
    verbs: Mapping[str, Verb],
    room_incident: int | None,
) -> list[Completion]:
    awaited = next((argument for argument in verb.named if tokens and tokens[-1].flag == argument.name), None)
    if awaited is not None:
        return await _values(awaited, room_incident, services, permit, verbs)
    tokens, named = take_named(verb, tokens)
    incident, left = take_scope(verb, tokens, room_incident)
    reader = Reader(catalog=permit.catalog, actor=permit.actor, platform="", verbs=verbs)
    offers: list[Completion] = []
    if verb.scope is not Scope.NONE and incident is None:
        offers += await _incidents(services, permit)
    for argument in _next(verb, [token for token in left if token.flag is None], reader):
        offers += await _values(argument, incident, services, permit, verbs)
    typed = {token.flag for token in left} | named.keys()
    if partial.startswith("-") or not offers:
        offers += [
            Completion(value=f"--{flag.name}", label=f"--{flag.name}", hint=flag.help)
            for flag in (*verb.named, *verb.flags)
            if flag.name not in typed
        ]
    return offers


def _next(verb: Verb, tokens: list[Token], reader: Reader) -> Sequence[Argument]:
    """The arguments that the next word may be: the first that is not given yet, and those after it while it may be left out."""
    pending = list(verb.positional)
    for token in tokens:
        while pending:
            first = pending[0]
            if first.rest:
                return pending
            if reader.fits(first, token):
                if first.kind not in _REPEATED:
                    pending.pop(0)
                break
            if first.required and first.kind not in _REPEATED:
                return ()
            pending.pop(0)
    offered: list[Argument] = []
    for argument in pending:
        offered.append(argument)
        given = argument.kind in _REPEATED and tokens
        if argument.required and not given:
            break
    return offered


async def _values(
    argument: Argument, incident: int | None, services: Services, permit: Permit, verbs: Mapping[str, Verb]
) -> list[Completion]:
    catalog = permit.catalog
    people = [Completion(value=p.handle, label=p.handle, hint=p.name) for p in catalog.people.values()]
    owned = [
        Completion(value=name, label=name, hint=cut_text(service.description or service.team, HINT))
        for name, service in catalog.services.items()
    ]
    match argument.kind:
        case Kind.PERSON:
            return people
        case Kind.SERVICE:
            return owned
        case Kind.TARGET:
            return people + owned + [_plain(f"team:{team.id}", team.name) for team in catalog.teams.values()]
        case Kind.INCIDENT:
            return [one for one in await _incidents(services, permit) if one.value != f"INC-{incident}"]
        case Kind.SEVERITY:
            return [_plain(value, hint) for value, hint in SEVERITIES]
        case Kind.DURATION:
            return [_plain(value, hint) for value, hint in DURATIONS]
        case Kind.SUSPECT:
            return [*await _affected(services, incident), *owned]
        case Kind.WORD:
            return [_plain(value) for value in argument.offers]
        case Kind.CHOICE:
            return [_plain(value) for value in argument.choices]
        case Kind.RUNBOOK:
            return [_plain(name, cut_text(book.title, HINT)) for name, book in catalog.runbooks.items()]
        case Kind.SILENCE:
            return await _silences(services)
        case Kind.RUN:
            return [] if incident is None else await _runs(services, incident)
        case Kind.MATCHERS:
            named = [_plain(f'service="{name}"') for name in catalog.services]
            return [_plain(f"{field}=", "an alert's field") for field in MATCHERS] + named
        case Kind.FORMAT:
            return [_plain(name) for name in format_names()]
        case Kind.VERB:
            return [
                _verb(verb)
                for verb in {verb.name: verb for verb in verbs.values()}.values()
                if may((verb.name,), verb, permit)
            ]
        case _:
            return []


async def _incidents(services: Services, permit: Permit) -> list[Completion]:
    hidden = await services.hidden_from(permit.platform, permit.actor.id)
    found = await services.incidents.open_ones(MOST, hidden=hidden)
    return [_plain(one.ref, cut_text(f"{one.severity} {one.title}", HINT)) for one in found]


async def _affected(services: Services, incident: int | None) -> list[Completion]:
    """What an incident touches, the probable cause first."""
    if incident is None:
        return []
    try:
        found = await services.incidents.get(incident)
    except NotFound:
        return []
    cause = [found.cause.service] if found.cause else []
    counts = dict(found.services)
    return [
        _plain(name, f"{counts.get(name, 0):,} alerts" if name not in cause else "the probable cause now")
        for name in dict.fromkeys((*cause, *counts))
    ]


async def _runs(services: Services, incident: int) -> list[Completion]:
    now = services.clock.now()
    found = await services.runbooks.runs(incident)
    return [_plain(one.ref, cut_text(f"{one.what}, {one.state}, {ago(one.requested_at, now)}", HINT)) for one in found]


async def _silences(services: Services) -> list[Completion]:
    now = services.clock.now()
    return [
        _plain(one.ref, cut_text(f"{one.matchers}, made {ago(one.created_at, now)}", HINT))
        for one in await services.silences.active()
    ]


def _plain(value: str, hint: str = "") -> Completion:
    return Completion(value=value, label=value, hint=hint)


def _verb(verb: Verb) -> Completion:
    return Completion(value=verb.name, label=verb.usage(), hint=verb.summary)


def _fitting(partial: str, offers: Sequence[Completion]) -> list[Completion]:
    """Those that begin with what is typed, then those that contain it, also in their hint."""
    wanted = partial.strip("\"'").removeprefix("@").lower()
    first = [one for one in offers if one.value.removeprefix("@").lower().startswith(wanted)]
    later = [one for one in offers if one not in first and wanted in f"{one.value} {one.hint}".lower()]
    return list({one.value: one for one in [*first, *later]}.values())[:MOST]
