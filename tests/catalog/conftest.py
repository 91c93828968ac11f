"""Catalogues written for one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load, read

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a catalogue file and give its path."""

    def write(text: str, name: str = "catalog.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    return write


@pytest.fixture
def catalog_of(write: Write) -> Callable[[str], Catalog]:
    """The catalogue that a text says."""
    return lambda text: load(write(text))


@pytest.fixture
def problems_of(write: Write, tmp_path: Path) -> Callable[[str], list[str]]:
    """What is wrong with a text, as `line: path: message`."""

    def problems(text: str) -> list[str]:
        loaded = read(write(text))
        assert (loaded.catalog is None) == bool(loaded.problems)
        return [str(problem).removeprefix(f"{tmp_path / 'catalog.yaml'}:") for problem in loaded.problems]

    return problems
