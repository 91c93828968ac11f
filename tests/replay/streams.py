"""A small stream and how tests write and replay it."""

from __future__ import annotations

import gzip
import io
import json
import lzma
from pathlib import Path
from typing import Any

from bot.replay.command import Rules, replay
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
