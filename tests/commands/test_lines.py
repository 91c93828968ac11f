"""What a form writes is what the parser reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.catalog.catalog import Catalog
from bot.chat.harmless import harmless
from bot.chat.views import Person
from bot.commands.definition import Verb
from bot.commands.lines import command_line, pairs, quoted
from bot.commands.parsing import Command, parse
from bot.commands.registry import by_name
from bot.commands.tokens import straight, tokenize
from bot.commands.values import Reader

ROBIN = Person("robin", "Robin Vos")
tricky = st.text(
    alphabet=st.sampled_from(
        "ab1 \"'\\=~-,#\n\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{EM DASH}"
    ),
    max_size=30,
)
titles = st.one_of(
    tricky,
    st.text(max_size=60),
    st.sampled_from(
        ["checkout down sev1", "--private", "-- sev2 --page", "INC-7", "INC-7 is back", '"', "''", "2h", "\\", 'C:\\"']
    ),
)
UNREADABLE = re.compile(r'\\(?="|$)')


def read(line: str) -> Command:
    reader = Reader(catalog=Catalog(), actor=ROBIN, platform="slack", verbs=by_name())
    return parse(line, by_name(), reader, None)


def kept(text: str) -> str:
    """The text as it can be said: what hides is gone; see the next test for what a few texts lose."""
    return tokenize(quoted(text))[0].value


@settings(max_examples=400, deadline=None)
@given(titles)
@example('a \\" b')
@example("\N{RIGHT DOUBLE QUOTATION MARK} \\\\")
@example("\N{RIGHT DOUBLE QUOTATION MARK} it's' \"x\" y")
@example("ends with \\")
def test_a_quoted_text_is_one_word_that_is_the_text(text: str) -> None:
    (token,) = tokenize(quoted(text))
    assert token.quoted
    clean = harmless(text, 3_000).strip()
    if straight(clean) == clean and not UNREADABLE.search(clean):
        assert token.value == clean
    else:  # a space between a backslash and a quote; curly quotes made straight where each would close too early
        assert straight(token.value) in {
            straight(clean),
            UNREADABLE.sub(r"\\ ", straight(clean)),
            straight(UNREADABLE.sub(r"\\ ", clean)),
        }


@settings(max_examples=300, deadline=None)
@given(
    titles.filter(lambda text: harmless(text, 3_000).strip() != ""),
    st.sampled_from(["", "sev1", "sev4"]),
    st.sets(st.sampled_from(["page", "private"])),
)
def test_a_declaration_is_read_back_whatever_its_title_says(title: str, severity: str, flags: set[str]) -> None:
    verb = by_name()["declare"]
    values = read(command_line(("declare",), verb, {"title": title, "severity": severity}, flags=flags)).values
    assert values.text("title") == kept(title)
    assert values.severity("severity") == (severity.upper() or None)
    assert {name for name in ("page", "private") if values.flag(name)} == flags


@settings(max_examples=200, deadline=None)
@given(titles.filter(lambda text: harmless(text, 3_000).strip() != ""), st.integers(1, 99_999))
def test_a_note_is_about_its_incident_whatever_it_says(text: str, incident: int) -> None:
    command = read(command_line(("note",), by_name()["note"], {"text": text}, incident=incident))
    assert command.incident == incident
    assert command.values.text("text") == kept(text)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True), tricky.map(str.strip), min_size=1, max_size=4
    )
)
def test_parameters_are_read_back_but_for_curly_quotes(values: dict[str, str]) -> None:
    tokens = tokenize(pairs(values))
    reader = Reader(catalog=Catalog(), actor=ROBIN, platform="slack", verbs=by_name())
    run = _sub("runbook", "run")
    pair = next(argument for argument in run.arguments if argument.name == "values")
    assert dict(reader.read(pair, token) for token in tokens) == {
        name: straight(harmless(value, 3_000)) for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("path", "values", "incident", "line"),
    [
        (
            "retro action add",
            {"text": "alert on queue", "owner": "@robin"},
            42,
            'retro action add INC-42 "alert on queue" @robin',
        ),
        ("retro action add", {"text": "x", "owner": "Robin Vos"}, 42, 'retro action add INC-42 "x" "Robin Vos"'),
        (
            "silence",
            {"matcher": 'service="cart api"', "duration": "2h", "reason": "disk"},
            None,
            'silence service="cart api" 2h "disk"',
        ),
        ("severity", {"level": "sev1"}, 7, "severity INC-7 sev1"),
        ("page", {"who": "team:payments", "message": ""}, 7, "page INC-7 team:payments"),
        ("declare", {"title": "db down"}, 7, 'declare "db down"'),
    ],
)
def test_lines_are_those_that_somebody_would_type(
    path: str, values: dict[str, str], incident: int | None, line: str
) -> None:
    names = path.split()
    assert command_line(names, _sub(*names), values, incident=incident) == line


def _sub(name: str, *more: str) -> Verb:
    verb = by_name()[name]
    for word in more:
        found = verb.sub(word)
        assert found is not None
        verb = found
    return verb
