"""The command line's promises: exit codes, and every problem in words on the right stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bot
from bot.cli import main
from bot.retros.formats import format_names


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with no settings of this machine."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MUSTER_", "SLACK_", "DISCORD_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("module", ["bot", "bot.cli"])
def test_the_module_with_the_command_line_is_the_command_line_too(module):
    environment = os.environ | {"PYTHONPATH": str(Path(bot.__file__).parents[1])}
    call = [sys.executable, "-m", module, "--version"]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "muster"


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["demo", "--speed", "fast"],
        ["demo", "--speed", "nan"],
        ["demo", "--port", "70000"],
        ["replay"],
        ["replay", "s.jsonl", "--plot", "picture.pdf"],
        ["replay", "s.jsonl", "--rows", "colour"],
        ["fit"],
        ["export"],
    ],
)
def test_words_that_mean_nothing_are_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_no_words_at_all_show_the_help_and_are_2(capsys):
    assert main([]) == 2
    assert "demo" in capsys.readouterr().err


def test_check_is_0_when_all_is_good_and_1_when_not(tmp_path, capsys):
    assert main(["check"]) == 0
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("services: {checkout: {tier: 1}}\n")
    bad.write_text("services:\n  checkout: {teir: 1}\n")
    assert main(["check", "--catalog", str(good)]) == 0
    assert main(["check", "--catalog", str(bad)]) == 1
    assert 'bad.yaml:2: services.checkout.teir: unknown key "teir"; did you mean "tier"?' in capsys.readouterr().out
    assert main(["check", "--catalog", str(tmp_path / "nowhere.yaml")]) == 1


def test_check_tells_a_secret_that_no_source_reads(monkeypatch, capsys):
    monkeypatch.setenv("MUSTER_SOURCE_GITHB_SECRET", "hush")
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "MUSTER_SOURCE_GITHB_SECRET: there is no source of that name; did you mean github?" in out
    assert "hush" not in out


def test_check_prints_the_schema(capsys):
    assert main(["check", "--schema"]) == 0
    assert "services" in json.loads(capsys.readouterr().out)["properties"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("MUSTER_FOO", "1"), ("MUSTER_HTTP_PORT", "many"), ("MUSTER_HTTP_HOST", "0.0.0.0"), ("MUSTER_CATALOG", "no.yaml")],
)
def test_run_with_settings_that_cannot_be_is_1_and_says_which(name, value, monkeypatch, capsys):
    monkeypatch.setenv(name, value)
    assert main(["run"]) == 1
    said = capsys.readouterr().err
    assert ("no.yaml" if name == "MUSTER_CATALOG" else name.replace("HOST", "TOKEN")) in said
    assert "Traceback" not in said


def test_export_is_2_for_what_is_no_incident_or_format_and_1_where_there_is_none(capsys):
    assert main(["export", "checkout"]) == 2
    assert main(["export", "INC-1", "--format", "docx"]) == 2
    assert main(["export", "INC-1"]) == 1
    assert "There is no database at" in capsys.readouterr().err
    assert not Path("muster.db").exists()


def test_the_formats_that_help_names_are_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert f"{', '.join(format_names())} (default md)" in " ".join(capsys.readouterr().out.split())


def test_replay_of_a_file_that_is_not_there_is_1(capsys):
    assert main(["replay", "nowhere.jsonl"]) == 1
    assert "nowhere.jsonl" in capsys.readouterr().err


def test_replay_prints_the_figures_and_draws_the_picture_it_is_asked_for(tmp_path, capsys):
    stream = tmp_path / "s.jsonl"
    stream.write_text('{"name": "DiskFull", "host": "db-1", "severity": "critical", "at": 5}\n' * 3)
    assert main(["replay", str(stream), "--output", "d.jsonl", "--plot", "p.svg", "--rows", "host"]) == 0
    out = capsys.readouterr().out
    assert "1 opened, 0 joined, 2 repeat" in out
    assert len(Path("d.jsonl").read_text().splitlines()) == 3
    assert "db-1" in Path("p.svg").read_text()


def test_fit_learns_from_files_or_a_database_and_says_so(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "s.jsonl", "--database", "sqlite:///muster.db"])
    assert "recorded FILES and --database are two pasts: give one or the other" in capsys.readouterr().err
    assert main(["fit", "--database", "foo"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("muster: --database cannot be read: ")
    assert "write sqlite+aiosqlite:///FILE" in err
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    assert "the alert's own key `incident` or `group`" in " ".join(capsys.readouterr().out.split())


def test_what_is_wrong_with_a_stream_weights_or_truth_is_1_and_names_the_file(tmp_path, capsys):
    stream, bad = tmp_path / "s.jsonl", tmp_path / "bad.json"
    stream.write_text('{"name": "a"}\n{"nome": "b"}\n')
    bad.write_text("{}")
    assert main(["replay", str(stream)]) == 1
    assert f"{stream}:2: " in capsys.readouterr().err
    assert main(["replay", str(stream), "--weights", str(bad)]) == 1
    assert "bad.json: these are no weights" in capsys.readouterr().err
    assert main(["fit", str(stream), "--truth", "absent"]) == 1
    assert "absent" in capsys.readouterr().err
