"""`muster fit`: a stream and what it turned out to be in, weights out, which a replay then takes."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConfigError
from bot.replay.command import Rules, replay
from bot.replay.fit import fit_weights
from bot.replay.rooms import Rooms
from bot.replay.weighing import load_weights
from correlation.evaluation import Scores, grade
from correlation.weights import read, shipped, write
from tests.correlation.test_fitting import outages
from tests.replay.streams import SHOP, decisions
from tests.replay.streams import write as write_stream


def recorded(tmp_path: Path, *, known: bool = False) -> tuple[Path, Path]:
    lines: list[dict[str, Any]] = []
    labels = []
    for alert, label in outages():
        line = {"at": alert.at, "name": alert.name, "service": alert.service, "location": alert.location}
        lines.append(line | {"severity": str(alert.severity)} | ({"incident": label or None} if known else {}))
        labels.append(label)
    truth = tmp_path / "truth"
    truth.write_text("".join(f"{label}\n" for label in labels))
    return write_stream(tmp_path / "s.jsonl", lines), truth


def test_a_fit_writes_weights_that_a_replay_takes(tmp_path: Path) -> None:
    stream, truth = recorded(tmp_path)
    weights, out = tmp_path / "weights.json", io.StringIO()
    assert fit_weights([stream], truth=truth, rules=Rules(topology=SHOP), output=weights, out=out) == 0
    for words in ("AUC", "log loss", "cross-validated", "location", "bias"):
        assert words in out.getvalue()
    learned = load_weights(weights)
    assert learned.origin["files"] == ["s.jsonl"]
    assert learned.terms.keys() == shipped().terms.keys()
    output = tmp_path / "decisions"
    rules = Rules(topology=SHOP, weights=learned)
    assert replay([stream], catalog=rules, output=output, out=io.StringIO()) == 0
    assert len(decisions(output)) == len(truth.read_text().splitlines())


def test_rooms_that_were_better_before_are_told_with_the_way_to_look(tmp_path: Path) -> None:
    """Of this stream the pairs are told apart better by what is learned, and the rooms are worse."""
    stream, truth = recorded(tmp_path)
    weights, out, begin = tmp_path / "weights.json", io.StringIO(), tmp_path / "begin.json"
    begin.write_bytes(write(shipped()))
    rules = Rules(topology=SHOP, weights=load_weights(begin))
    options = ["--catalog", "c.yaml"]
    assert fit_weights([stream], truth=truth, rules=rules, output=weights, begin=begin, options=options, out=out) == 0
    text = out.getvalue()
    rooms = []
    for given in (load_weights(weights), shipped()):
        figures = io.StringIO()
        replay([stream], catalog=Rules(topology=SHOP, weights=given), out=figures)
        rooms.append(figures.getvalue().splitlines()[1].split()[1])
    assert f"rooms {rooms[0]:>14}   {rooms[1]} before; on this recording, where 24 are true\n" in text
    now, before = next(line.split()[1:3] for line in text.splitlines() if line.startswith("F "))
    assert float(now) < float(before)
    assert "The rooms were BETTER BEFORE" in text
    call = f"  muster replay {stream} --catalog c.yaml --weights"
    assert f"{call} {begin}\n{call} {weights}\n" in text


def test_rooms_are_compared_by_their_score_and_where_that_stays_by_the_incidents_found(tmp_path: Path) -> None:
    def scores(f: float, found: float) -> Scores:
        return replace(grade(["a"], [1]), b_cubed_f1=f, found=found)

    assert Rooms(before=scores(0.95, 0.8), now=scores(0.81, 0.9)).worse
    assert Rooms(before=scores(0.95, 0.9), now=scores(0.95, 0.8)).worse
    assert not Rooms(before=scores(0.90, 0.9), now=scores(0.95, 0.8)).worse
    assert not Rooms(before=scores(0.95, 0.9), now=scores(0.95, 0.9)).worse


def test_where_the_weights_are_printed_the_figures_go_to_the_other_stream_and_a_pipe_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, truth = recorded(tmp_path)
    text = stream.read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(text))))
    out, err = io.StringIO(), io.StringIO()
    fit_weights([Path("-")], truth=truth, rules=Rules(topology=SHOP), out=out, err=err)
    assert read(out.getvalue().encode()).origin["by"] == "fit"  # nothing but the weights
    assert "rooms     not compared: a pipe can be read only once; give the recording as a file\n" in err.getvalue()
    fit_weights([stream], truth=truth, rules=Rules(topology=SHOP), out=io.StringIO(), err=err)
    assert "The rooms were BETTER BEFORE" in err.getvalue()
    assert "--weights WEIGHTS.json\n" in err.getvalue()


def test_a_truth_that_is_missing_is_called_so(tmp_path: Path) -> None:
    stream, _ = recorded(tmp_path)
    with pytest.raises(ConfigError, match=r"the truth is missing: no alert says .* `incident` .* --truth FILE"):
        fit_weights([stream], truth=None, rules=Rules(topology=SHOP), out=io.StringIO())
    with pytest.raises(ConfigError, match=r"s\.jsonl: says of no alert which incident it was"):
        fit_weights([stream], truth=stream, rules=Rules(topology=SHOP), out=io.StringIO())


def test_truth_may_be_lines_of_json_or_in_the_alerts_themselves(tmp_path: Path) -> None:
    stream, truth = recorded(tmp_path)
    as_json = tmp_path / "decisions.jsonl"
    labels = truth.read_text().splitlines()
    as_json.write_text("".join(json.dumps({"n": n, "group": label or None}) + "\n" for n, label in enumerate(labels)))
    inside, _ = recorded(tmp_path / "inside" if (tmp_path / "inside").mkdir() is None else tmp_path, known=True)
    found = []
    for file, known in ((stream, truth), (stream, as_json), (inside, None)):
        out = io.StringIO()
        fit_weights([file], truth=known, rules=Rules(topology=SHOP), out=out)
        found.append(read(out.getvalue().encode()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("labels", "says"),
    [("a\n", "ends before .*s.jsonl:2"), ("a\n" * 2000, "more lines"), ('{"group": 1}\n', "truth:1: .*which incident")],
)
def test_a_truth_that_does_not_fit_the_stream_is_named(tmp_path: Path, labels: str, says: str) -> None:
    stream, truth = recorded(tmp_path)
    truth.write_text(labels)
    with pytest.raises(ConfigError, match=says):
        fit_weights([stream], truth=truth, rules=Rules(topology=SHOP), out=io.StringIO())


def test_too_little_to_learn_from_is_said_and_writes_nothing(tmp_path: Path) -> None:
    stream, truth = recorded(tmp_path)
    truth.write_text("\n" * len(truth.read_text().splitlines()))
    with pytest.raises(ConfigError, match="too little to learn from: 0 incidents"):
        fit_weights([stream], truth=truth, output=tmp_path / "w.json", out=io.StringIO())
    assert not (tmp_path / "w.json").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[:-20], "no weights"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "version 9"),
        (lambda text: text.replace('"location"', '"locaton"'), "'location'"),
        (lambda text: text.replace('"pro": 2.0', '"pro": -2.0'), "no weights"),
        (lambda text: text.replace('"pro": 2.0', '"pro": 1e99'), "no weights"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_their_file(tmp_path: Path, change: Any, says: str) -> None:
    path = tmp_path / "w.json"
    path.write_text(change(write(shipped()).decode()))
    with pytest.raises(ConfigError, match=f"{path}: .*{says}"):
        load_weights(path)
    with pytest.raises(ConfigError, match=r"absent\.json: cannot be read"):
        load_weights(tmp_path / "absent.json")
