"""The example organisation is documentation: it must be true, and work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.loader import load
from bot.clock import ManualClock
from bot.responders.schedules import Nobody, shifts
from correlation.alert import Alert

EXAMPLE = Path(__file__).parents[2] / "manifests" / "catalog.example.yaml"


@pytest.fixture(scope="module")
def example() -> Catalog:
    return load(EXAMPLE)


def test_it_opens_with_the_line_that_tells_editors_of_the_schema():
    assert EXAMPLE.read_text().startswith("# yaml-language-server: $schema=")


def test_somebody_is_always_on_call(example):
    now = ManualClock().now()
    for schedule in example.schedules.values():
        gaps = [shift for shift in shifts(schedule, now, now + 60 * 86_400) if isinstance(shift, Nobody)]
        assert gaps == []


def test_every_service_has_somebody_to_page(example):
    for service in example.services:
        assert example.team_of(service) is not None
        assert example.schedule_of(service) is not None
        assert example.escalation_of(service) is not None


def test_the_two_locations_share_nothing(example):
    for service in example.services.values():
        for other in service.depends_on:
            assert example.services[other].location == service.location


def test_every_person_can_be_found_by_address_and_login(example):
    assert all(person.email and person.logins for person in example.people.values())


def test_alerts_of_its_hosts_find_their_service(example):
    hosts = {"pay-2": "payments-api", "paydb-1": "payments-db", "web-1": "web", "ship-3": "shipping"}
    for host, name in hosts.items():
        service = example.service_of(Alert(at=0, name="x", host=host))
        assert service is not None
        assert service.id == name


def test_its_commands_run_on_any_machine_with_python(example):
    for runbook in example.runbooks.values():
        values = {p.name: (p.default or "").replace("{{ alert.service }}", "cart") for p in runbook.parameters}
        for step in runbook.steps:
            if step.action == "command":
                command = [sys.executable if part == "python3" else part for part in step.arguments]
                for name, value in values.items():
                    command = [part.replace(f"{{{{ {name} }}}}", value) for part in command]
                done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
                assert done.stdout
