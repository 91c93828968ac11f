"""The examples in the library's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import correlation

MODULES = sorted(info.name for info in pkgutil.iter_modules(correlation.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_every_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"correlation.{name}"))
    assert result.failed == 0


def test_the_library_imports_nothing_that_is_not_pure() -> None:
    from pathlib import Path

    for path in Path(correlation.__file__).parent.glob("*.py"):
        text = path.read_text()
        for banned in ("asyncio", "logging", "sqlalchemy", "aiohttp", "bot", "time", "random", "datetime"):
            assert f"\nimport {banned}" not in text, f"{path.name} imports {banned}"
            assert f"\nfrom {banned}" not in text, f"{path.name} imports from {banned}"
