"""What `muster replay` promises."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from bot.catalog.loader import load
from bot.errors import ConfigError
from bot.replay.command import Rules, replay, rules
from bot.replay.reading import alerts
from correlation.alert import Alert
from correlation.cookbook import Cookbook, Recipe
from correlation.engine import Engine
from correlation.evaluation import replay as outcome_of
from correlation.topology import Topology
from correlation.tuning import Tuning
from tests.replay.streams import SHOP, STREAM, decisions, run, write


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
    stream = [
        {"at": f"2026-01-05T09:00:0{n}Z", "name": name, "service": service, "class": class_, "host": "rack-7"}
        for n, name, service, class_ in (
            (0, "IndexCorrupt", "search-index", ""),
            (5, "DiskFull", "payments-db", "saturation"),
            (9, "HighErrors", "web", ""),
        )
    ]
    output = tmp_path / "decisions"
    graph = Topology.of({"web": ["checkout", "search"], "checkout": ["payments-db"], "search": ["search-index"]})
    replay([write(tmp_path / "s.jsonl", stream)], catalog=Rules(topology=graph), output=output, out=io.StringIO())
    rows = decisions(output)
    assert "it connects G2 with G1" in rows[2]["reason"]
    assert {row["group"] for row in rows} == {"G1"}
    assert [row["decision"] for row in rows] == ["opened", "opened", "joined"]


def test_alerts_are_completed_by_the_catalogue_first(tmp_path: Path) -> None:
    def complete(alert: Alert) -> Alert:
        return msgspec.structs.replace(alert, service=alert.host.partition("-")[0])

    stream = [
        {"at": 1_767_603_600 + n, "name": f"R{n}", "host": host} for n, host in enumerate(("web-1", "web-2", "db-1"))
    ]
    output, plot = tmp_path / "decisions", tmp_path / "p.svg"
    by_service = Cookbook([Recipe(name="s", group_by=("service",))], with_default=False)
    own = Rules(cookbook=by_service, complete=complete)
    replay([write(tmp_path / "s.jsonl", stream)], catalog=own, output=output, plot=plot, out=io.StringIO())
    assert [row["group"] for row in decisions(output)] == ["G1", "G1", "G2"]
    assert ">db<" in plot.read_text()


def test_an_alert_that_waited_in_vain_was_noise(tmp_path: Path) -> None:
    output = tmp_path / "decisions"
    out = io.StringIO()
    lonely = Rules(cookbook=Cookbook([Recipe(name="two", min_alerts=2)], with_default=False), topology=SHOP)
    replay([write(tmp_path / "s.jsonl")], catalog=lonely, output=output, out=out)
    rows = decisions(output)
    assert [row["group"] for row in rows] == ["G1", "G1", None, "G1", None, "G1"]
    assert [row["decision"] for row in rows] == ["joined", "opened", "noise", "repeat", "noise", "resolved"]


def test_a_reason_fits_what_became_of_the_decision(tmp_path: Path) -> None:
    output = tmp_path / "decisions"

    def told(least: int) -> list[str]:
        cookbook = Cookbook([Recipe(name="many", min_alerts=least)], with_default=False)
        stream = write(tmp_path / "s.jsonl")
        replay([stream], catalog=Rules(cookbook=cookbook, topology=SHOP), output=output, out=io.StringIO())
        return [row["reason"] for row in decisions(output)]

    two, nine = told(2), told(9)
    assert two[0].startswith("Joined: people were called for its group later. Held: ")
    assert two[1].startswith("Opened: with it, people were called for its group. Joined: ")
    assert nine[0] == "Held: its recipe asks for 9 alerts; waits for others that belong to it."
    assert nine[1].startswith("Held: nobody was called for its group. Joined: ")


def test_who_was_called_for_later_does_not_read_as_held(tmp_path: Path) -> None:
    """A rule that always cleared within minutes, until it did not."""
    base = 1_767_603_600
    often = [
        {"at": base + 3600 * n + gap, "name": "Slow", "service": "web", "host": f"h{n}", "status": status}
        for n in range(12)
        for gap, status in ((0, "firing"), (60, "resolved"))
    ]
    last = [{"at": base + 50_000, "name": "Slow", "service": "web", "host": "h99"}]
    later = [
        {"at": base + 50_000 + 300 * n, "name": "Fine", "service": "mail", "severity": "info"} for n in range(1, 9)
    ]
    output = tmp_path / "decisions"
    run(write(tmp_path / "s.jsonl", often + last + later), output=output)
    row = decisions(output)[len(often)]
    assert row["decision"] == "opened"
    assert row["reason"].startswith("Opened: people were called for its group later. Held: ")


def test_a_stream_out_of_order_is_told_with_the_line_that_runs_ahead(tmp_path: Path) -> None:
    ahead = {"at": "2031-01-01T00:00:00Z", "name": "ClockWrong", "service": "ntp"}
    path = write(tmp_path / "s.jsonl", [STREAM[0], ahead, *STREAM[1:]])
    _, text = run(path)
    assert "late                    5   more than 10 min older than s.jsonl:2, which comes before\n" in text
    _, text = run(write(tmp_path / "t.jsonl", STREAM[1:] + STREAM[:1]))
    assert "late" not in text


def test_an_empty_stream_says_so(tmp_path: Path) -> None:
    assert run(write(tmp_path / "s.jsonl", "\n")) == (1, "No alerts in the input.\n")


def test_a_comparison_tells_what_other_rules_would_have_opened_merged_and_lost(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl")
    one_room = Rules(cookbook=Cookbook([Recipe(name="all", group_by=("none",))], with_default=False))
    _, text = run(path, compare=one_room)
    assert "merged                  2   of our groups with others of ours, in 1 of its\n" in text
    assert "opened                  1   (-1)" in text
    assert "  merged: our G1, our G2 -> its G1\n" in text
    strict = Rules(cookbook=Cookbook([Recipe(name="none", trigger=('name="PoolExhausted"',))], with_default=False))
    _, text = run(path, compare=strict)
    assert "lost                    1" in text
    assert "  lost: our G2 " in text
    both = Rules(cookbook=Cookbook([Recipe(name="each", group_by=("service",))], with_default=False))
    _, text = run(path, compare=both)
    assert "parted                  1   of our groups, over 2 of its\n" in text
    assert "  parted: our G1 -> its G1, its G2\n" in text


def test_a_comparison_says_of_every_group_whose_it_is(tmp_path: Path) -> None:
    never = Rules(cookbook=Cookbook([Recipe(name="never", trigger=('name="x"',))], with_default=False))
    out = io.StringIO()
    replay([write(tmp_path / "s.jsonl")], catalog=never, compare=Rules(topology=SHOP), out=out)
    assert "new                     2   of its groups, which we did not open\n" in out.getvalue()
    assert "  new: its G2 mail " in out.getvalue()


def test_a_comparison_counts_every_group_once_and_names_those_that_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = [
        {"at": 1_767_603_600 + 108_000 * n + gap, "name": f"{name}{n}", "service": service, "location": "eu-west-1"}
        for n in range(3)
        for gap, name, service in ((0, "Slow", "web"), (5, "Errors", "checkout"), (9, "QueueFull", "mail"))
    ]
    path = write(tmp_path / "s.jsonl", stream)
    monkeypatch.setattr(Rules, "engine", lambda own: Engine(own.cookbook, own.topology, tuning=Tuning(closed_groups=1)))
    crossed = Rules(cookbook=Cookbook([Recipe(name="s", group_by=("service",), quiet_for=1e6, cook_for=1e6)]))
    _, text = run(path, compare=crossed)
    assert "merged                  6   of our groups with others of ours, in 3 of its\n" in text
    assert "parted                  3   of our groups, over 2 of its\n" in text
    nothing = Rules(cookbook=Cookbook([Recipe(name="never", trigger=('name="x"',))], with_default=False))
    _, text = run(path, compare=nothing)
    assert "  lost: our G1 web slow0, eu-west-1\n" in text


@pytest.mark.parametrize(("folder", "maker"), [("petshop", "petshop_stream.py"), ("itbench", "itbench_stream.py")])
def test_the_evaluation_streams_run_through(tmp_path: Path, folder: str, maker: str) -> None:
    """Figures are not asserted beyond what a broken engine would miss: they are printed by the evaluation."""
    data = Path(os.environ.get("MUSTER_EVAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
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


def test_the_decisions_in_the_file_are_those_of_an_engine_that_keeps_them_all(tmp_path: Path) -> None:
    lines = [
        {
            "at": 1_767_603_600 + 40 * n,
            "name": f"Rule{n % 7}",
            "service": ("web", "checkout", "payments-api", "mail")[n % 4],
            "location": ("eu-west-1", "us-east-1", "")[n % 3],
            "severity": ("critical", "warning", "info")[n % 5 % 3],
            "host": f"h-{n % 11}",
            "status": "resolved" if n % 6 == 5 else "firing",
        }
        for n in range(600)
    ]
    path, output = write(tmp_path / "s.jsonl", lines), tmp_path / "decisions"
    _, text = run(path, output=output)
    engine = Engine(topology=SHOP)
    outcome = outcome_of(engine, (alert for _, alert in alerts([path])))
    groups = outcome.groups(engine)
    rows = decisions(output)
    assert [row["group"] for row in rows] == [f"G{group}" if group else None for group in groups]
    assert [row["decision"] for row in rows] == [outcome.final(n, group) for n, group in enumerate(groups)]
    told = [row["reason"] for row in rows]
    assert all(now.endswith(then) for now, then in zip(told, outcome.reasons, strict=True))
    for kind in ("opened", "joined", "repeat", "noise", "resolved"):
        assert f"{sum(row['decision'] == kind for row in rows):,} {kind}" in text


def test_memory_does_not_grow_with_the_repeats(tmp_path: Path) -> None:
    def most(count: int) -> int:
        lines = ({"at": 1_767_603_600 + n, "name": f"Rule{n % 3}", "service": "web"} for n in range(count))
        path = write(tmp_path / f"{count}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        tracemalloc.start()
        run(path, output=tmp_path / "decisions")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    most(10)  # what is loaded once
    assert most(6_000) - most(1_000) < 100_000  # bytes; the reasons alone would be three times that


def test_an_interrupted_replay_leaves_what_was_there_before(tmp_path: Path) -> None:
    output = tmp_path / "decisions"
    output.write_text("of yesterday")
    path = write(tmp_path / "s.jsonl", [*STREAM, {"at": "yesterday", "name": "x"}])
    with pytest.raises(ConfigError):
        run(path, output=output, plot=tmp_path / "p.png")
    assert output.read_text() == "of yesterday"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["decisions", "s.jsonl"]


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_control_c_and_sigterm_are_clean(tmp_path: Path, ending: signal.Signals, code: int) -> None:
    """A real process on a pipe that never ends, interrupted."""
    pipe, output = tmp_path / "endless.jsonl", tmp_path / "decisions"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "bot", "replay", str(pipe), "--output", str(output)]
    heeded = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests in the background ignores it
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
    finally:
        signal.signal(signal.SIGINT, heeded)
    try:
        with pipe.open("w") as feed:  # opens when the other side reads
            feed.write(json.dumps(STREAM[0]) + "\n")
            feed.flush()
            process.send_signal(ending)
            out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert out == err == b""
    assert [one.name for one in tmp_path.iterdir()] == ["endless.jsonl"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["replay", "s.jsonl", "--output", "decisions"], ["manifest", "slack"]])
def test_an_output_that_takes_nothing_is_one_line_and_leaves_no_file(
    tmp_path: Path, words: list[str], unbuffered: str
) -> None:
    write(tmp_path / "s.jsonl")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-m", "bot", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path, env=environment
        )
    assert done.stderr == "muster: standard output: cannot be written: No space left on device\n"
    assert done.returncode == 1
    assert [one.name for one in tmp_path.iterdir()] == ["s.jsonl"]


def test_a_recording_is_not_overwritten_by_what_is_made_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl")
    with pytest.raises(ConfigError, match="read and written at once"):
        run(path, output=path)
    same = write(tmp_path / "x.png")
    with pytest.raises(ConfigError, match="read and written at once"):
        run(path, output=same, plot=same)
    assert len(path.read_text().splitlines()) == len(STREAM)


def test_decisions_can_go_to_a_pipe(tmp_path: Path) -> None:
    path = write(tmp_path / "s.jsonl")
    command = [sys.executable, "-m", "bot", "replay", str(path), "--output", "/dev/stderr"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert [json.loads(line)["n"] for line in done.stderr.splitlines()] == [1, 2, 3, 4, 5, 6]
    assert "compression" in done.stdout


def test_the_recording_of_the_readme_is_two_rooms_as_its_picture_is_told(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    own = rules(load(root / "manifests" / "catalog.example.yaml"))
    output = tmp_path / "decisions"
    assert replay([root / "docs" / "recording.jsonl"], catalog=own, output=output, out=io.StringIO()) == 0
    rows = decisions(output)
    assert [row["decision"] for row in rows].count("opened") == 2
    assert {row["decision"] for row in rows} == {"opened", "joined", "repeat", "noise", "resolved"}
    services: dict[str | None, set[str]] = {}
    for row, (_, alert) in zip(rows, alerts([root / "docs" / "recording.jsonl"]), strict=True):
        services.setdefault(row["group"], set()).add(alert.service)
    of_noise, blue, orange = services.pop(None), *services.values()
    assert (len(blue), len(orange), blue & orange) == (6, 2, set())
    assert not of_noise & orange
    told = "grey dots of held noise all morning, then one blue room over six services and an orange one over two others"
    assert told in (root / "README.md").read_text()
