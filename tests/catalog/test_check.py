"""`muster check`: compiler-style problems, a summary, an exit code."""

from __future__ import annotations

import io
import json

from bot.catalog.check import check, print_schema
from bot.errors import ConfigError, Problem
from bot.settings import Settings


def test_a_good_catalogue_is_summed_up(write):
    out = io.StringIO()
    path = write("services: {web: , cart: }\npeople: {robin: }\nrecipes: [{name: a}]")
    assert check(Settings(), path, out) == 0
    assert out.getvalue() == f"Settings and {path} are good: 2 services, 1 person, 1 recipe.\n"


def test_problems_of_settings_and_catalogue_are_told_together(write):
    out = io.StringIO()
    path = write("services:\n  web: {teem: x}\n")
    settings = ConfigError([Problem("is no setting of Muster", file=".env", path="MUSTER_X")])
    assert check(settings, path, out) == 1
    assert out.getvalue().splitlines() == [
        ".env: MUSTER_X: is no setting of Muster",
        f'{path}:2: services.web.teem: unknown key "teem"; did you mean "team"?',
        "2 problems.",
    ]


def test_the_settings_catalogue_is_checked_where_no_other_is_named(write):
    out = io.StringIO()
    assert check(Settings(catalog=write("nonsense: 1")), None, out) == 1


def test_no_catalogue_is_fine_and_said():
    out = io.StringIO()
    assert check(Settings(), None, out) == 0
    assert "There is no catalogue" in out.getvalue()


def test_secrets_that_are_not_set_are_noted_and_never_shown(write):
    out = io.StringIO()
    path = write("""
        runbooks:
          r: {title: x, steps: [{http: {url: "http://x/", headers: {A: "${env:TOKEN_A}", B: "${env:TOKEN_B}"}}}]}
        """)
    assert check(Settings(), path, out, environment={"TOKEN_A": "hunter2"}) == 0
    assert "will ask for TOKEN_B, which is not set here" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_what_is_not_followed_yet_is_told(write):
    out = io.StringIO()
    path = write("""
        schedules: {platform: {ical: "https://calendar.example.org/platform.ics"}}
        escalations: {calm: {steps: [{page: on-call}], quiet_hours: {severities: [SEV4], until: "08:00"}}}
        """)
    assert check(Settings(), path, out) == 0
    notes = [line.removeprefix(f"note: {path} ") for line in out.getvalue().splitlines() if line.startswith("note:")]
    assert notes == [
        "gives calm quiet hours, which are not kept yet: every page goes out at once",
        "names a calendar for platform, which is not read yet: nobody is on call there",
    ]


def test_the_schema_is_printed_as_json():
    out = io.StringIO()
    assert print_schema(out) == 0
    assert json.loads(out.getvalue())["title"] == "Muster catalogue"
