from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.replay.command import Rules, replay
from correlation.cookbook import Cookbook, Recipe
from correlation.topology import Topology

SHOP = Topology.of({"web": ["checkout"], "checkout": ["payments-api"], "mail": ["queue"]})
STREAM: list[dict[str, Any]] = [
    {"at": "2026-01-05T09:00:00Z", "name": "PoolExhausted", "service": "payments-api", "location": "eu-west-1"},
    {"at": "2026-01-05T09:00:30Z", "name": "HighErrors", "service": "checkout", "location": "eu-west-1"},
    {"at": "2026-01-05T09:00:31Z", "name": "QueueFull", "service": "mail", "location": "us-east-1"},
    {"at": "2026-01-05T09:00:40Z", "name": "HighErrors", "service": "checkout", "location": "eu-west-1"},
    {"at": "2026-01-05T09:01:00Z", "name": "Notice", "service": "search", "severity": "info", "location": "mars"},
    {
        "at": "2026-01-05T09:05:00Z",
        "name": "HighErrors",
        "service": "checkout",
        "location": "eu-west-1",
        "status": "resolved",
    },
]


def write(path: Path, lines: list[dict[str, Any]] | str = STREAM) -> Path:
    text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(path.suffix, open)
    with opener(path, "wt") as file:  # type: ignore[operator]
        file.write(text)
    return path


def run(*files: Path, **options: Any) -> tuple[int, str]:
    out = io.StringIO()
    code = replay(files, catalog=Rules(topology=SHOP), out=out, **options)
    return code, out.getvalue()


def decisions(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["stream.jsonl", "stream.jsonl.gz", "stream.jsonl.xz"])
def test_plain_and_packed_streams_give_the_same_decisions(tmp_path: Path, name: str) -> None:
    output = tmp_path / "decisions.jsonl"
    code, text = run(write(tmp_path / name), output=output)
    assert code == 0
    rows = decisions(output)
    assert [row["n"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["group"] for row in rows] == ["G1", "G1", "G2", "G1", None, "G1"]
    assert [row["decision"] for row in rows] == ["opened", "joined", "opened", "repeat", "noise", "resolved"]
    assert all(list(row) == ["n", "group", "decision", "reason", "evidence"] for row in rows)
    assert set(rows[1]["evidence"]) >= {"time", "location", "topology"}
    assert rows[1]["reason"].startswith("Joined: ")
    for word in ("alerts", "groups", "compression", "rate", "per alert", "p50", "p99", "max", "memory"):
        assert word in text


def test_several_files_are_one_stream(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.jsonl", STREAM[:3]), write(tmp_path / "b.jsonl", STREAM[3:])
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(write(tmp_path / "c.jsonl"), output=whole)
    run(first, second, output=parts)
    assert whole.read_bytes() == parts.read_bytes()


def test_merged_groups_carry_the_surviving_id_and_both_rooms_were_opened(tmp_path: Path) -> None:
    base = {"location": "", "host": "rack-7"}
    stream = [
        {"at": "2026-01-05T09:00:00Z", "name": "IndexCorrupt", "service": "mail"} | base,
        {"at": "2026-01-05T09:00:05Z", "name": "DiskFull", "service": "web"} | base,
        {"at": "2026-01-05T09:00:09Z", "name": "Unwell", "service": ""} | base,
    ]
    output = tmp_path / "decisions"
    run(write(tmp_path / "s.jsonl", stream), output=output)
    rows = decisions(output)
    if rows[2]["decision"] == "joined" and "connects" in rows[2]["reason"]:
        assert {row["group"] for row in rows} == {"G1"}
        assert [row["decision"] for row in rows] == ["opened", "opened", "joined"]


def test_an_alert_that_waited_in_vain_was_noise(tmp_path: Path) -> None:
    output = tmp_path / "decisions"
    out = io.StringIO()
    lonely = Rules(cookbook=Cookbook([Recipe(name="two", min_alerts=2)], with_default=False), topology=SHOP)
    replay([write(tmp_path / "s.jsonl")], catalog=lonely, output=output, out=out)
    rows = decisions(output)
    assert [row["group"] for row in rows] == ["G1", "G1", None, "G1", None, "G1"]
    assert [row["decision"] for row in rows] == ["joined", "opened", "noise", "repeat", "noise", "resolved"]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("not json\n", ""),
        ('{"at": "2026-01-05T09:00:00Z"}\n', "name"),
        ('{"name": "x", "at": "yesterday"}\n', "at"),
        ("[]\n", ""),
    ],
)
def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path, bad: str, says: str) -> None:
    path = write(tmp_path / "s.jsonl", "".join(json.dumps(line) + "\n" for line in STREAM[:2]) + "\n" + bad)
    with pytest.raises(ConfigError) as caught:
        run(path)
    assert f"{path}:4" in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_or_not_packed_as_it_says_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent"):
        run(tmp_path / "absent.jsonl")
    for name in ("a.gz", "a.xz"):
        broken = tmp_path / name
        broken.write_bytes(b"this is not packed")
        with pytest.raises(ConfigError, match=name):
            run(broken)
    with pytest.raises(ConfigError, match="cannot be written"):
        run(write(tmp_path / "s.jsonl"), output=tmp_path / "no" / "folder")


def test_an_empty_stream_says_so(tmp_path: Path) -> None:
    assert run(write(tmp_path / "s.jsonl", "\n")) == (1, "No alerts in the input.\n")


def test_a_comparison_tells_what_other_rules_would_have_opened_merged_and_lost(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl")
    one_room = Rules(cookbook=Cookbook([Recipe(name="all", group_by=("none",))], with_default=False))
    _, text = run(path, compare=one_room)
    assert "merged                  2   of these groups into 1" in text
    assert "G1, G2 -> its G1" in text
    strict = Rules(cookbook=Cookbook([Recipe(name="none", trigger=('name="PoolExhausted"',))], with_default=False))
    _, text = run(path, compare=strict)
    assert "lost                    1" in text
    assert "lost: G2 " in text


def test_the_progress_bar_is_for_terminals_only(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    many = [{"name": f"x{n % 9}", "at": f"2026-01-05T09:{n // 60 % 60:02}:{n % 60:02}Z"} for n in range(3000)]
    path = write(tmp_path / "s.jsonl", many)
    terminal, pipe = Terminal(), io.StringIO()
    run(path, err=terminal)
    run(path, err=pipe)
    assert "%" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(("folder", "maker"), [("petshop", "petshop_stream.py"), ("itbench", "itbench_stream.py")])
def test_the_evaluation_streams_run_through(tmp_path: Path, folder: str, maker: str) -> None:
    """Figures are not asserted beyond what a broken engine would miss: they are printed by the evaluation."""
    data = Path(os.environ.get("MUSTER_EVAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    scripts = data.parent / "evaluate"
    if not (data / folder).is_dir() or not (scripts / maker).is_file():
        pytest.skip(f"needs the evaluation data: {data / folder} and {scripts / maker} (MUSTER_EVAL_DATA)")
    stream, truth, found = tmp_path / "s.jsonl", tmp_path / "truth", tmp_path / "decisions"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, scripts / maker, data / folder, stream, truth]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    out = io.StringIO()
    assert replay([stream], output=found, out=out) == 0
    score = [sys.executable, scripts / "score_groups.py", stream, truth, found]
    scored = json.loads(subprocess.run(score, check=True, capture_output=True, env=environment).stdout)
    assert scored["dedup"]["b3_f"] > 0.7
    assert scored["opened"] < scored["alerts"] / 5
