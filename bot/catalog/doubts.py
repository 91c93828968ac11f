"""What a catalogue says that is right as it stands, and yet can never do what was meant. Notes, not problems: it may be loaded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from bot.catalog.reading import Document, Where
from bot.catalog.schema import CatalogModel
from bot.catalog.suggestions import did_you_mean
from bot.errors import Problem
from correlation.alert import Alert, Severity, Status
from correlation.matchers import FIELDS, Matcher, Matchers

__all__ = ["doubts"]

ALIKE = 0.85  # of the letters, from which a label is a field misspelt; "device" and "service" are 0.77
_ONE_OF = {
    "severity": [Alert(at=0.0, name="x", severity=severity) for severity in Severity],
    "status": [Alert(at=0.0, name="x", status=status) for status in Status],
}
_WORDS = {"severity": [str(severity) for severity in Severity], "status": [str(status) for status in Status]}
_IN_BRACKETS = re.compile(r"\((?:\?:)?([^()]*)\)")


def doubts(document: Document, model: CatalogModel) -> Iterator[Problem]:
    """Each with its file and line. The document is the one that the model was made of."""
    for where, matchers in _matchers(model):
        for matcher in matchers:
            if said := _about_value(matcher) or _about_label(matcher.label):
                yield document.problem(where, said)
    for number, recipe in enumerate(model.recipes):
        for index, label in enumerate(recipe.group_by):
            if said := _about_label(label):
                yield document.problem(("recipes", number, "group_by", index), said)
    yield from _never_asked(document, model)


def _matchers(model: CatalogModel) -> Iterator[tuple[Where, Matchers]]:
    lists: chain[tuple[Where, list[Matchers]]] = chain(
        *(
            ((("recipes", n, "trigger"), recipe.trigger), (("recipes", n, "exclude"), recipe.exclude))
            for n, recipe in enumerate(model.recipes)
        ),
        ((("services", name, "match"), service.match) for name, service in model.services.items()),
        ((("silences", n, "match"), silence.match) for n, silence in enumerate(model.silences)),
        ((("runbooks", name, "match"), runbook.match) for name, runbook in model.runbooks.items()),
    )
    for where, matchers in lists:
        for index, one in enumerate(matchers):
            yield (*where, index), one


def _about_value(matcher: Matcher) -> str:
    """A severity or a status that no alert has: it matches nothing, or holds back nothing."""
    label, words = matcher.label, _WORDS.get(matcher.label)
    if words is None or (not matcher.value and matcher.op == "!="):  # that asks whether there is any
        return ""
    bare = _IN_BRACKETS.fullmatch(matcher.value)
    wanted = Matcher(label, "=" if matcher.op in {"=", "!="} else "=~", bare[1] if bare else matcher.value)
    if wanted.values:
        unknown = [value for value in wanted.values if value not in words]
        return f'no alert has the {label} "{unknown[0]}"{did_you_mean(unknown[0], words)}' if unknown else ""
    if any(wanted.matches(alert) for alert in _ONE_OF[label]):
        return ""
    return f'no alert has a {label} like "{matcher.value}"; there are {", ".join(words)}'


@cache
def _about_label(label: str) -> str:
    """A label may be called anything; one that is a field but for a letter is a field misspelt."""
    word = label.lower()
    if label in FIELDS or any(field in word and field != word for field in FIELDS):  # hostname, service_name
        return ""
    swapped = [field for field in FIELDS if sorted(field) == sorted(word)]
    found = swapped or difflib.get_close_matches(word, FIELDS, n=1, cutoff=ALIKE)
    return f'"{label}" is no field of an alert, so a label is looked for; did you mean {found[0]}?' if found else ""


def _never_asked(document: Document, model: CatalogModel) -> Iterator[Problem]:
    """The first recipe that fits opens the group, and one without trigger and exclude fits all but severity info."""
    takers = (n for n, recipe in enumerate(model.recipes) if not recipe.trigger and not recipe.exclude)
    taker = next(takers, None)
    if taker is None:
        return
    info = Alert(at=0.0, name="x", severity=Severity.INFO)
    why = f'"{model.recipes[taker].name}" before it ({document.place(("recipes", taker))}) has neither trigger nor exclude'
    for number, recipe in enumerate(model.recipes[taker + 1 :], taker + 1):
        asked = [matcher for matchers in recipe.trigger for matcher in matchers]
        rest = asked and all(matcher.matches(info) for matcher in asked if matcher.label == "severity")
        said = "opens only for alerts of severity info" if rest else "never opens anything"
        yield document.problem(("recipes", number), f"{said}: {why}; let that one be the last")
