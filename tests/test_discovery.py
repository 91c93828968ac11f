"""A file is a member of its family, or its author is told at once what it must hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.discovery import by_name, members


@dataclass(frozen=True)
class Tool:
    name: str


def family(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> str:
    package = folder / f"family_{folder.name}"
    package.mkdir()
    for name, line in {"__init__": "", **files}.items():
        (package / f"{name}.py").write_text(f"from {__name__} import Tool\n{line}\n")
    monkeypatch.syspath_prepend(folder)
    return package.name


def test_members_are_found_by_their_files_names_in_the_order_of_the_alphabet(tmp_path, monkeypatch) -> None:
    package = family(tmp_path, monkeypatch, saw="TOOL = Tool('saw')", axe="TOOL = Tool('axe')")
    assert list(by_name(package, "TOOL", Tool).items()) == [("axe", Tool("axe")), ("saw", Tool("saw"))]


@pytest.mark.parametrize("line", ["", "TOOL = 'axe'"])
def test_a_file_that_holds_no_member_is_named(tmp_path, monkeypatch, line: str) -> None:
    package = family(tmp_path, monkeypatch, axe=line)
    with pytest.raises(TypeError, match=rf"^{package}\.axe must hold TOOL: Tool$"):
        list(members(package, "TOOL", Tool))


def test_a_member_under_another_files_name_is_refused(tmp_path, monkeypatch) -> None:
    package = family(tmp_path, monkeypatch, axe="TOOL = Tool('saw')")
    with pytest.raises(TypeError, match=rf"^{package}\.axe must hold TOOL named 'axe', not 'saw'$"):
        by_name(package, "TOOL", Tool)
