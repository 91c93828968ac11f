"""Programs that pip does not bring: where they are on this machine, and what a test does without them.

On a developer's machine such a test is skipped, loudly; where MUSTER_TESTS_COMPLETE is set (CI), its absence is a failure.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tests import postgres

SKIP = "needs "  # how the reason of such a skip begins

_NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
_PACKAGES = {"postgresql": "postgresql (or pip's pgserver)"}


def find(program: str) -> Path | None:
    """Where a program is: on the PATH, or where Debian keeps PostgreSQL's; None when it is nowhere."""
    if program == "postgresql":
        binaries = postgres.binaries()
        return binaries / "postgres" if binaries else None
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, postgres.DEBIAN.glob("*/bin"))])
    for name in _NAMES.get(program, (program,)):
        found = shutil.which(name, path=places)
        if found:
            return Path(found)
    return None


def missing(program: str, why: str = "is not on this machine") -> NoReturn:
    """End the test that is running: it needs what is not here."""
    words = f"{SKIP}{_PACKAGES.get(program, program)}, which {why}"
    if os.environ.get("MUSTER_TESTS_COMPLETE", "0") not in {"", "0"}:
        pytest.fail(f"{words}, and MUSTER_TESTS_COMPLETE forbids to skip", pytrace=False)
    pytest.skip(words)
