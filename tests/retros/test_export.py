"""`muster export`: a file or a stream, and errors that say what to do."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from bot.clock import ManualClock
from bot.retros.export import export
from bot.storage.database import Database
from tests.retros.story import MIKA, Story


@pytest.fixture
async def told(database: Database, clock: ManualClock) -> Story:
    story = Story(database, clock)
    await story.tell()
    return story


async def run(url: str, incident: str, form: str = "md", output: Path | None = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = await export(url, incident, form, output, out, err)
    return code, out.getvalue(), err.getvalue()


async def test_an_export_goes_to_the_stream_a_file_or_a_folder(told: Story, database_url: str, tmp_path: Path) -> None:
    code, out, err = await run(database_url, "inc-1")
    assert (code, err) == (0, "")
    assert out.startswith("# INC-1: checkout latency, eu-west-1\n")
    assert "- cart, by Robin Vos: its graphs are flat" in out
    assert re.search(r"\| Robin Vos +\| scribe +\|", out)
    assert "## Updates for stakeholders" in out
    file = tmp_path / "retro.md"
    code, out, err = await run(database_url, "INC-1", output=file)
    assert (code, out) == (0, "")
    assert f"INC-1 written to {file}" in err
    assert file.read_text().startswith("# INC-1")
    folder = tmp_path / "retros"
    folder.mkdir()
    assert (await run(database_url, "1", "json", folder))[0] == 0
    assert (folder / "INC-1-checkout-latency-eu-west-1.json").exists()


async def test_a_draft_is_exported_as_it_was_drafted(told: Story, database_url: str) -> None:
    assert "Drafted by" not in (await run(database_url, "INC-1"))[1]
    await told.retros.draft(told.number, MIKA)
    assert "Drafted by Mika Laine" in (await run(database_url, "INC-1"))[1]


async def test_an_export_keeps_nothing(told: Story, database_url: str) -> None:
    await run(database_url, "INC-1")
    assert (await told.retros.get(1)).drafted_by == ""


@pytest.mark.parametrize(
    ("incident", "form", "code", "words"),
    [
        ("checkout", "md", 2, "'checkout' names no incident. Write it as INC-42."),
        ("INC-1", "docx", 2, "There is no format 'docx'. There are: "),
        ("INC-9", "md", 1, "There is no INC-9"),
    ],
)
async def test_what_cannot_be_exported_is_told_in_a_line(
    sqlite: Database, sqlite_url: str, incident: str, form: str, code: int, words: str
) -> None:
    found = await run(sqlite_url, incident, form)
    assert found[:2] == (code, "")
    assert found[2].startswith(words)
    assert found[2].count("\n") == 1


async def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    code, _, err = await run(f"sqlite+aiosqlite:///{tmp_path / 'nothing.db'}", "INC-1")
    assert code == 1
    assert "There is no database at" in err
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_cannot_be_written_is_told(told: Story, database_url: str, tmp_path: Path) -> None:
    code, _, err = await run(database_url, "INC-1", output=tmp_path / "no" / "such" / "folder.md")
    assert code == 1
    assert "cannot be written" in err
