"""What to type next is said as Discord's menu has it, and means the same there."""

from __future__ import annotations

import pytest

from bot.chat.discord.hints import as_chosen
from bot.chat.discord.options import options
from bot.commands.definition import Kind
from bot.commands.menu import entries
from bot.commands.registry import discover

MENU = {entry.words: {option.name for option in options(entry)} for entry in entries(discover())}
EXAMPLES = [example for verb in discover() for one in (verb, *verb.subverbs) for example in one.examples]


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
        ("silence x=y 2h --yes", "silence x=y 2h --yes"),  # the menu has no place for it: the preview has a button
        ("acknowlege", "acknowlege"),
    ],
)
def test_a_command_is_said_with_its_place_and_its_options(typed: str, chosen: str) -> None:
    assert as_chosen(f"/incident {typed}") == f"/incident {chosen}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_stands_in_the_menu_with_options_that_it_has(example: str) -> None:
    said = as_chosen(f"/incident {example}").removeprefix("/incident ")
    if "--yes" in example:
        assert said == example
        return
    place = max((words for words in MENU if f"{said} ".startswith(f"{words} ")), key=len)
    rest = said.removeprefix(place).split()
    assert all(word.partition(":")[0] in MENU[place] for word in rest if ":" in word and "=" not in word) or not rest


def test_what_is_no_command_stays_as_it_is() -> None:
    for said in ("muster export INC-42", "INC-42", "--yes", "/incidents", "the end of /incident list", Kind.TEXT.value):
        assert as_chosen(said) == said
