"""Real payloads of many senders, where they lie beside the repository; a test that needs them is skipped loudly elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "payloads"


def bodies(source: str) -> dict[str, bytes]:
    """Every recorded body of a source, by file name."""
    found = {path.name: path.read_bytes() for path in sorted((FOLDER / source).glob("*.json"))}
    if not found:
        pytest.skip(f"needs the recorded payloads, which are not in {FOLDER}")
    return found


def signature(name: str) -> dict[str, Any]:
    """A signature vector: header_value, secret, body."""
    path = FOLDER / "_signature_vectors" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"needs the signature vectors, which are not in {FOLDER}")
    return dict(json.loads(path.read_bytes()))
