"""Which verbs have a form, what its fields are called, and what was filled in as the command that one would have typed.

Made from the verbs' one definition. How a form looks, and how a platform sends what was filled in, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.catalog.model import Parameter, Runbook
from bot.commands.definition import Argument, Kind, Scope, Verb
from bot.commands.lines import command_line, pairs
from bot.commands.parsing import cut, parse, take_scope
from bot.commands.tokens import Token
from bot.commands.values import Reader
from bot.errors import BadArguments, UnknownVerb
from bot.incidents.reference import number_of, ref
from bot.runbooks.filling import complaint

__all__ = [
    "COMPLETED",
    "FIELD",
    "FLAGS",
    "FORMS",
    "INCIDENT",
    "PARAMETER",
    "RUN",
    "WHICH",
    "Wanted",
    "boxes",
    "choices",
    "complaints",
    "completion_line",
    "filled",
    "hint",
    "label",
    "sends",
    "title",
    "verb_at",
    "wanted",
]

RUN = ("runbook", "run")
FORMS: tuple[tuple[str, ...], ...] = (  # typed without arguments, these open a form: typing is worse there
    ("declare",),
    ("note",),
    ("page",),
    ("rename",),
    ("retro", "action", "add"),
    ("retro", "mood"),
    RUN,
    ("severity",),
    ("silence",),
    ("update",),
)
FIELD, PARAMETER, FLAGS, INCIDENT = "argument:", "parameter:", "flags", "incident"  # begin, or are, names of fields
COMPLETED = frozenset(
    {Kind.PERSON, Kind.TARGET, Kind.SERVICE, Kind.SUSPECT, Kind.INCIDENT, Kind.RUNBOOK, Kind.SILENCE}
)  # offered
WHICH = Argument(name=INCIDENT, kind=Kind.INCIDENT, help="which incident it is about", required=True)
_PREVIEWED = {"yes"}  # flags that skip a look at what would happen: no box for them, the preview has a button
_STAND_INS = {Kind.MATCHERS: 'x="x"', Kind.DURATION: "1h", Kind.INTEGER: "1", Kind.SEVERITY: "sev1", Kind.PERSON: "me"}
_TITLES = {
    "declare": "Declare an incident",
    "note": "Add to timeline",
    "page": "Page somebody",
    "rename": "Rename it",
    "retro action add": "Add an action",
    "retro mood": "How it was",
    "runbook run": "Run a runbook",
    "severity": "Change the severity",
    "silence": "Silence alerts",
    "update": "Update for stakeholders",
}
_SENDS = {
    "declare": "Declare",
    "page": "Page",
    "rename": "Rename",
    "runbook run": "Look first",
    "severity": "Change",
    "silence": "Look first",
    "update": "Post",
}
_LABELS = {  # where the name of the argument alone says too little
    "title": "What is broken, and where",
    "level": "Severity",
    "matcher": "Which alerts",
    "duration": "For how long",
    "who": "Whom",
    "name": "Runbook",
    "mood": "How was it for you",
    "next": "The next one is due in",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The form that should open: of which verb, for which incident (None: it is asked for), of which runbook."""

    path: tuple[str, ...]
    verb: Verb
    incident: int | None = None
    runbook: Runbook | None = None


def wanted(
    text: str, verbs: Mapping[str, Verb], runbooks: Mapping[str, Runbook], *, incident: int | None = None
) -> Wanted | None:
    """The form that should open for what was typed or pressed in a room, None where the words are to be run.

    It opens for a verb of FORMS without arguments (the incident may be named), and for a runbook whose parameters are missing.
    """
    try:
        words = cut(text, verbs)
    except UnknownVerb:
        return None
    if words.path not in FORMS:
        return None
    named, tokens = take_scope(words.verb, words.tokens, incident)
    form = Wanted(path=words.path, verb=words.verb, incident=named)
    if not tokens:
        return form
    if words.path != RUN or len(tokens) > 1:
        return None
    runbook = runbooks.get(tokens[0].value)
    if runbook is None or not any(one.required for one in runbook.parameters):
        return None
    return Wanted(path=words.path, verb=words.verb, incident=named, runbook=runbook)


def verb_at(path: Sequence[str], verbs: Mapping[str, Verb]) -> Verb | None:
    """The verb that the words name."""
    verb = verbs.get(path[0]) if path else None
    for name in path[1:]:
        verb = verb.sub(name) if verb is not None else None
    return verb


def title(path: Sequence[str]) -> str:
    """What stands above the form."""
    words = " ".join(path)
    return _TITLES.get(words, f"{words[:1].upper()}{words[1:]}")


def sends(path: Sequence[str]) -> str:
    """What the button says that sends it."""
    return _SENDS.get(" ".join(path), "Save")


def label(argument: Argument) -> str:
    """What a field is called, or what a box says."""
    if argument.kind is Kind.FLAG:
        return f"{argument.help[:1].upper()}{argument.help[1:]}"
    return _LABELS.get(argument.name, argument.name.replace("_", " ").capitalize())


def boxes(verb: Verb) -> list[Argument]:
    """The flags that may be ticked."""
    return [flag for flag in verb.flags if flag.name not in _PREVIEWED]


def hint(parameter: Parameter) -> str:
    """What a parameter is, its shape, and what it is where it is left blank."""
    default = "" if parameter.default is None else f"Left blank: {parameter.default}"
    shape = f"As {parameter.pattern}" if parameter.pattern else ""
    return ". ".join(part for part in (parameter.description.rstrip("."), shape, default) if part)


def choices(parameter: Parameter) -> tuple[str, ...]:
    """The values that there are; () for any."""
    return parameter.choices or (("true", "false") if parameter.type == "boolean" else ())


def filled(path: Sequence[str], verb: Verb, incident: int | None, state: Mapping[str, str]) -> str:
    """The command that was filled in: `declare --private "checkout slow" sev2`. `state` is by name of field; boxes are words."""
    values = {argument.name: state.get(FIELD + argument.name, "") for argument in verb.valued}
    number = incident if incident is not None else number_of(state.get(INCIDENT, ""))
    line = command_line(path, verb, values, flags=state.get(FLAGS, "").split(), incident=number)
    given = {key.removeprefix(PARAMETER): value for key, value in state.items() if key.startswith(PARAMETER) and value}
    return f"{line} {pairs(given)}" if given else line


def complaints(
    line: str,
    verb: Verb,
    incident: int | None,
    state: Mapping[str, str],
    reader: Reader,
    verbs: Mapping[str, Verb],
    *,
    first: str,
) -> dict[str, str]:
    """What is wrong, by name of field; empty where `line` can be run. What concerns no field stands at the `first`. Asks nobody."""
    found: dict[str, str] = {}
    for argument in verb.valued:
        value = state.get(FIELD + argument.name, "").strip()
        try:
            if argument.kind is Kind.MATCHERS and value:
                reader.matchers(value)
            elif value and argument.kind not in {Kind.ALERTS, Kind.KEY_VALUES}:
                reader.read(argument, Token(value, value, 0, len(value)))
        except BadArguments as error:
            found[FIELD + argument.name] = error.public
        if argument.kind is Kind.RUNBOOK and (runbook := reader.catalog.runbooks.get(value)) is not None:
            found |= _wrong_parameters(runbook, state)
    given = any(value for name, value in state.items() if name != INCIDENT)
    if verb.name == "update" and given and not state.get(FIELD + "text", "").strip():
        found.setdefault(FIELD + "text", "An update needs words: how it stands, for people who do not work on it.")
    if not found:
        try:
            parse(line, verbs, reader, incident)
        except BadArguments as error:
            found[first] = error.public
    return found


def _wrong_parameters(runbook: Runbook, state: Mapping[str, str]) -> dict[str, str]:
    given = [(one, state.get(PARAMETER + one.name, "")) for one in runbook.parameters]
    told = {PARAMETER + one.name: complaint(runbook, one, value) for one, value in given if value}
    return {name: said for name, said in told.items() if said}


def completion_line(path: Sequence[str], verb: Verb, incident: int | None, asked: str, typed: str) -> str:
    """The line to complete for a field, as if everything before it had been typed."""
    words = [*path]
    said = " ".join(typed.split()[:1])
    if asked == INCIDENT:
        return f"{' '.join(words)} {said}"
    if verb.scope is not Scope.NONE:  # which one it is makes no difference to what fits a field
        words.append(ref(incident if incident is not None else 1))
    if any(argument.name == asked.removeprefix(FIELD) for argument in verb.named):
        return f"{' '.join(words)} --{asked.removeprefix(FIELD)} {said}"
    for argument in verb.positional:
        if argument.name == asked.removeprefix(FIELD):
            break
        if argument.required:
            words.append(_STAND_INS.get(argument.kind) or next(iter(argument.choices), "x"))
    return f"{' '.join(words)} {said}"
