"""A command is said as a menu has it where commands are chosen, and means the same there; so is the help."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot
from bot.catalog.loader import load
from bot.chat.views import MUSTER, Code, plain
from bot.commands.chosen import as_chosen, usage
from bot.commands.definition import Kind
from bot.commands.lines import command_line
from bot.commands.menu import WHICH, arguments, entries
from bot.commands.parsing import Command, parse
from bot.commands.registry import by_name, discover, paths
from bot.commands.values import Reader
from bot.commands.words import typed
from bot.incidents.reference import number_of
from tests.commands.world import CATALOG, MIKA, World, shown

MENU = {entry.words: entry for entry in entries(discover())}
EXAMPLES = [
    example
    for verb in discover()
    for one in (verb, *verb.subverbs, *(deep for sub in verb.subverbs for deep in sub.subverbs))
    for example in one.examples
]


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("unsilence S3", "silence end id:S3"),
        ("silences", "silence list"),
        ("runbook", "runbook list"),
        ("retro INC-4", "retro draft incident:INC-4"),
        ("rename INC-3 checkout is slow", "more rename title:checkout is slow incident:INC-3"),
        ("update --next 30m TEXT", "update next:30m text:TEXT"),
        ("ruleout --undo cart", "more ruleout service:cart undo:True"),
        ('silence service="cart" 2h disks', 'silence add matcher:service="cart" duration:2h reason:disks'),
        ("silence a=b c=d 2h disks", "silence add matcher:a=b c=d duration:2h reason:disks"),
        ("silence x=y 2h --yes", "silence add matcher:x=y duration:2h yes:True"),
        ("merge INC-43", "merge other:INC-43"),
        ("merge INC-42 INC-43", "merge other:INC-43 incident:INC-42"),
        ("merge INC-n", "merge other:INC-n"),
        ("show INC-n", "show incident:INC-n"),
        ("ruleout 1 rolled back", "more ruleout service:1 reason:rolled back"),
        ("page NAME INC-42", "page who:NAME incident:INC-42"),
        ("runbook run NAME INC-n", "runbook run name:NAME incident:INC-n"),
        ("runbook run drain ... --yes", "runbook run name:drain values:... yes:True"),
        ("acknowlege", "acknowlege"),
    ],
)
def test_a_command_is_said_with_its_place_and_its_options(typed: str, chosen: str) -> None:
    assert as_chosen(f"/incident {typed}") == f"/incident {chosen}"


def read_back(said: str, reader: Reader) -> Command:
    """The command of what was chosen, as a platform makes it of the options."""
    words = said.removeprefix("/incident ")
    place = max((one for one in MENU if f"{words} ".startswith(f"{one} ")), key=len)
    entry = MENU[place]
    names = "|".join(one.name for one in arguments(entry.verb))
    parts = re.split(rf"(?:^| )({names}):", words.removeprefix(place).strip()) if names else [""]
    assert parts[0] == ""
    given = dict(zip(parts[1::2], parts[2::2], strict=True))
    number = number_of(given.pop(WHICH.name, ""))
    flags = [one.name for one in entry.verb.flags if given.pop(one.name, "") == "True"]
    line = command_line(entry.path, entry.verb, given, flags=flags, incident=number)
    return parse(line, by_name(), reader, 7)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_means_the_same_when_it_is_chosen(example: str, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    catalog = load(tmp_path / "catalog.yaml", verbs=paths())
    lenient = Reader(catalog=catalog, actor=MUSTER, platform="", verbs=by_name())
    asked = parse(example, by_name(), lenient, 7)
    chosen = read_back(as_chosen(f"/incident {example}"), lenient)
    assert (chosen.verb.handler, chosen.values, chosen.incident) == (asked.verb.handler, asked.values, asked.incident)


def test_what_is_no_command_stays_as_it_is() -> None:
    for said in ("muster export INC-42", "INC-42", "--yes", "/incidents", "the end of /incident list", Kind.TEXT.value):
        assert as_chosen(said) == said


def hints() -> Iterator[str]:
    """Every command that the sources tell people to type; what is filled in stands as a word."""
    for file in sorted(Path(bot.__file__).parent.rglob("*.py")):
        if {"demo", "replay"} & {*file.parts} or file.name == "chosen.py":  # those are read in a terminal
            continue
        tree = ast.parse(file.read_text())
        notes = {id(node.body[0].value) for node in ast.walk(tree) if _documented(node)}
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in notes | inner:
                continue
            words = _words(node)
            yield from (span.text for span in typed(words) if isinstance(span, Code))


def _documented(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and bool(node.body) and isinstance(node.body[0], ast.Expr)


def _words(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            name = ast.unparse(part.value)
            known = {"PREFIX": "/incident", "verb": "approve"}  # of a run
            parts.append(known.get(name, "INC-42" if "ref" in name else "1"))
    return "".join(parts)


HINTS = sorted(set(hints()))


@pytest.mark.parametrize("hint", HINTS)
def test_every_command_that_people_are_told_can_be_chosen_too(hint: str) -> None:
    said = as_chosen(hint).removeprefix("/incident ")
    place = max((one for one in MENU if f"{said} ".startswith(f"{one} ")), key=len, default="")
    rest = said.removeprefix(place).strip()
    assert place, "no such place in the menu"
    assert not rest or rest.split(":")[0] in {one.name for one in arguments(MENU[place].verb)}, said


async def test_help_where_commands_are_chosen_lists_their_places_with_the_names_of_options(here: World) -> None:
    whole = shown(await here.say("help", menu=True))
    assert all(f"{usage(entry)} {entry.verb.summary}" in whole for entry in MENU.values())
    assert "silence add matcher: duration: [reason:] [yes:]" in whole
    assert "--" not in whole
    assert "[list|" not in whole


@pytest.mark.parametrize("words", sorted({one.path[0] for one in MENU.values()}))
async def test_help_for_one_verb_says_nothing_that_only_typing_has(words: str, here: World) -> None:
    reply = await here.say(f"help {words}", menu=True)
    codes = [as_chosen(span.text) for line in (reply.text, *reply.details) for span in line if isinstance(span, Code)]
    assert not [code for code in codes if "--" in code or "NAME" in code]
    assert "Also:" not in shown(reply)
    for entry in MENU.values():
        if entry.path[0] == words:
            assert usage(entry) in plain(reply.text) + shown(reply)


async def test_help_where_commands_are_chosen_lists_only_what_one_may(here: World, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(f"{CATALOG}\npermissions: {{silence: [team:web], runbook run: [robin]}}")
    here.catalogs.append(load(tmp_path / "catalog.yaml", verbs=paths()))
    whole = shown(await here.say("help", actor=MIKA, menu=True))
    assert "silence add" not in whole
    assert "runbook run" not in whole
    assert "silence list" in whole
    assert "runbook show name:" in whole
