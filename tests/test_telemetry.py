"""Logs: one event is one line, and neither a secret nor a terminal's control gets through, whoever wrote the words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.telemetry import configure_logging, get_logger

HOSTILE = "ok\n2026-01-05 [info] forged\r\x1b[31m\x9b2J\u202e"
SECRETS = ("xoxb-1234-abcd", "Bearer abcdefghijklmnop", "postgresql://muster:hunter22@db/muster")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    for control in "\r\x1b\x9b\u202e":
        assert control not in text
    return text


@pytest.mark.parametrize("form", ["console", "json"])
def test_what_others_wrote_forges_no_line_and_controls_no_terminal(form, capsys):
    configure_logging(form)
    get_logger("bot.test").info("delivery_refused", detail=HOSTILE)
    logging.getLogger("aiohttp.server").error("Bad request %s", HOSTILE)
    assert len(said(capsys).splitlines()) == 2


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_logged_not_even_in_a_traceback(form, secret, capsys):
    configure_logging(form)
    get_logger("bot.test").info("tried", url=secret, slack_token="hush", authorization="hush")
    logging.getLogger("asyncio").error("Task failed: %s", secret)
    try:
        int(secret)
    except ValueError:
        get_logger("bot.test").exception("failed")
        logging.getLogger("other").exception("failed too")
    text = said(capsys)
    assert text.count("ValueError") >= 2
    assert text.count("Traceback") == 2
    for part in ("1234-abcd", "abcdefghijklmnop", "hunter22", "hush"):
        assert part not in text


def test_json_is_one_object_a_line_with_level_time_and_keys(capsys):
    configure_logging("json", "warning")
    get_logger("bot.test").info("not_heard")
    get_logger("bot.test").warning("incident_declared", incident="INC-42", exc_info=False)
    (line,) = said(capsys).splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["incident"]) == ("incident_declared", "warning", "INC-42")
    assert event["timestamp"].endswith("Z")
