"""The examples in the library's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import correlation

WITHOUT = {"repair"}  # what it unites has a history of hours: test_repair
MODULES = sorted(info.name for info in pkgutil.iter_modules(correlation.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_every_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"correlation.{name}"))
    assert result.failed == 0
    assert result.attempted > 0 or name in WITHOUT, "a reader wants to see it used"


def test_the_tour_of_the_whole_holds_and_all_that_it_lists_is_documented() -> None:
    result = doctest.testmod(correlation)
    assert (result.failed, result.attempted > 8) == (0, True)
    for name in correlation.__all__:
        public = getattr(correlation, name)
        assert name == "DEFAULT_COOKBOOK" or public.__doc__, name


def test_it_works_where_there_is_no_bot_and_nothing_to_learn_with() -> None:
    forbid = "import sys; sys.modules |= dict.fromkeys(('bot', 'numpy', 'sklearn', 'sqlalchemy', 'aiohttp'))"
    code = (
        f"{forbid}\nfrom correlation import Alert, Engine\nprint(Engine().ingest([Alert(at=0.0, name='A')])[0].group)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "G1\n"


def test_it_needs_msgspec_and_nothing_more() -> None:
    code = (
        "import sys; before = set(sys.modules); from correlation import *; Engine().ingest([Alert(at=0.0, name='A')]);"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"correlation", "msgspec", "typing_extensions"}


def test_the_library_imports_nothing_that_is_not_pure() -> None:
    from pathlib import Path

    for path in Path(correlation.__file__).parent.glob("*.py"):
        text = path.read_text()
        for banned in ("asyncio", "logging", "sqlalchemy", "aiohttp", "bot", "time", "random", "datetime"):
            assert f"\nimport {banned}" not in text, f"{path.name} imports {banned}"
            assert f"\nfrom {banned}" not in text, f"{path.name} imports from {banned}"
