"""The examples in the bot's docstrings are true; the library's have a test of their own."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import bot

HOUSE = Path(bot.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
    for path in HOUSE.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0
