"""What can never do what was meant is noted with its file and line, and is no mistake."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.catalog.check import check
from bot.catalog.doubts import FIELDS
from bot.catalog.loader import read
from bot.settings import Settings
from correlation.alert import Alert, Severity, Status
from correlation.matchers import value_of

WORST_FIRST = "critical, error, warning, info"


@pytest.fixture
def noted(write: Callable[[str], Path], tmp_path: Path) -> Callable[[str], list[str]]:
    """What is doubtful about a text, as `line: path: message`."""

    def noted(text: str) -> list[str]:
        loaded = read(write(text))
        assert loaded.catalog is not None, loaded.problems
        return [str(doubt).replace(f"{tmp_path / 'catalog.yaml'}:", "") for doubt in loaded.doubts]

    return noted


@pytest.mark.parametrize(
    ("matcher", "told"),
    [
        ('severity="crit"', 'no alert has the severity "crit"; did you mean "critical"?'),
        ('severity="Critical"', 'no alert has the severity "Critical"; did you mean "critical"?'),
        ('severity!="warn"', 'no alert has the severity "warn"; did you mean "warning"?'),
        ('severity=~"critical|eror"', 'no alert has the severity "eror"; did you mean "error"?'),
        ('severity!~"(?:critical|eror)"', 'no alert has the severity "eror"; did you mean "error"?'),
        ('severity=~"sev[12]"', f'no alert has a severity like "sev[12]"; there are {WORST_FIRST}'),
        ('severity=""', 'no alert has the severity ""; there are critical, error, info, warning'),
        ('status="up"', 'no alert has the status "up"; there are firing, resolved'),
        ('service="cart", status="up"', 'no alert has the status "up"; there are firing, resolved'),
        ('sverity="critical"', '"sverity" is no field of an alert, so a label is looked for; did you mean severity?'),
        ('hsot="db-1"', '"hsot" is no field of an alert, so a label is looked for; did you mean host?'),
        ('Host="db-1"', '"Host" is no field of an alert, so a label is looked for; did you mean host?'),
    ],
)
def test_a_matcher_that_can_never_match_is_noted(noted: Callable[[str], list[str]], matcher: str, told: str) -> None:
    assert noted(f"recipes: [{{name: a, trigger: ['name=\"x\"', '{matcher}']}}]") == [
        f"1: recipes[0].trigger[1]: {told}"
    ]


@pytest.mark.parametrize(
    "matcher",
    [
        'severity=~"critical|error"',
        'severity=~"(critical|error)"',
        'severity=~"crit.*"',
        'severity!=""',
        'severity!~"info|warning"',
        'status="firing"',
        'app="crit"',
        'hostname="db-1"',
        'vhost="/"',
        'service_name="cart"',
        'namespace="shop"',
        'device="sda"',
        'cost="high"',
        'game="go"',
        'state="up"',
        'server="db-1"',
    ],
)
def test_labels_may_be_called_as_they_are(noted: Callable[[str], list[str]], matcher: str) -> None:
    assert noted(f"recipes: [{{name: a, trigger: ['{matcher}']}}]") == []


def test_recipes_services_silences_and_runbooks_are_looked_through(noted: Callable[[str], list[str]]) -> None:
    found = noted("""
        recipes:
          - name: a
            exclude: ['severity="low"']
            group_by: [loaction]
        services:
          web:
            match: ['sevice="web"']
        silences:
          - {match: ['status="off"'], until: 2026-01-01}
        runbooks:
          r: {title: x, match: ['severity="bad"'], steps: [{command: [a]}]}
        """)
    assert [line.rpartition(": ")[0].removesuffix(": no alert has the severity") for line in found] == [
        "4: recipes[0].exclude[0]",
        "5: recipes[0].group_by[0]",
        "8: services.web.match[0]",
        "10: silences[0].match[0]",
        "12: runbooks.r.match[0]",
    ]


def test_a_recipe_behind_one_that_takes_everything_is_noted(noted: Callable[[str], list[str]]) -> None:
    why = '"all" before it (4) has neither trigger nor exclude; let that one be the last'
    assert noted("""
        recipes:
          - {name: some, exclude: ['environment="dev"']}
          - {name: all}
          - {name: late, trigger: ['severity="critical"']}
          - {name: later}
          - {name: quiet, trigger: ['service="web"']}
        """) == [
        f"5: recipes[2]: never opens anything: {why}",
        f"6: recipes[3]: never opens anything: {why}",
        f"7: recipes[4]: opens only for alerts of severity info: {why}",
    ]


def test_check_prints_them_as_notes_and_is_content(write: Callable[[str], Path]) -> None:
    out = io.StringIO()
    path = write("recipes:\n  - {name: a, trigger: ['status=\"up\"']}\n")
    assert check(Settings(), path, out) == 0
    assert out.getvalue().splitlines() == [
        f'note: {path}:2: recipes[0].trigger[0]: no alert has the status "up"; there are firing, resolved',
        f"Settings and {path} are good: 1 recipe.",
    ]


def test_the_fields_are_those_that_matchers_know() -> None:
    own = {"severity": Severity.ERROR, "status": Status.RESOLVED}
    alert = Alert(at=0.0, **{"class_" if field == "class" else field: own.get(field, field) for field in FIELDS})
    assert {field: value_of(alert, field) for field in FIELDS} == {
        field: str(own.get(field, field)) for field in FIELDS
    }
