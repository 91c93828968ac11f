"""What is not configured costs nothing."""

from __future__ import annotations

import subprocess
import sys


def test_no_sdk_is_imported_for_a_platform_that_is_not_configured() -> None:
    code = "import sys, bot.app, bot.cli; print(*sorted({'slack_bolt', 'slack_sdk', 'discord'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
