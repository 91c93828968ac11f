"""A catalogue is read whole, or everything that is wrong with it is told at once, with file, line and path."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from bot.catalog.loader import load, read
from bot.catalog.model import DAY, Who
from bot.errors import ConfigError

CONTRACT = """
    defaults: {timezone: Europe/Amsterdam, environment: production, escalation: standard}
    people:
      robin:   {name: Robin Vos, email: robin@example.org, slack: U01ROBIN, discord: "80351110224678912", github: rvos}
      mika:    {name: Mika Laine, email: mika@example.org, discord: 80351110224678913, timezone: Europe/Helsinki}
    teams:
      payments: {members: [robin, mika], schedule: payments, escalation: standard, channels: {slack: "#payments"}}
    services:
      checkout:
        team: payments
        tier: 1
        depends_on: [payments-api, cart]
        environment: production
        location: eu-west-1
        match: ['app="checkout"', 'host=~"checkout-.*"']
        repositories: [example/checkout]
        links: {dashboard: "https://grafana.example.org/d/checkout"}
      payments-api: {}
      cart:
    schedules:
      payments:
        timezone: Europe/Amsterdam
        layers:
          - {rotation: weekly, handover: "Mon 09:00", start: 2026-01-05, people: [robin, mika]}
          - {rotation: daily, handover: "18:00", start: 2026-01-05, people: [mika], hours: "18:00-08:00"}
        overrides:
          - {person: mika, from: 2026-02-01T09:00, to: 2026-02-02T09:00}
      platform: {ical: "https://calendar.example.org/platform.ics"}
    escalations:
      standard:
        steps:
          - {page: on-call, wait: 5m}
          - {page: team, wait: 10m}
          - {page: [robin], repeat: 3}
        quiet_hours: {severities: [SEV3, SEV4], until: "08:00"}
    recipes:
      - name: cascade
        trigger: ['severity=~"critical|error"']
        exclude: ['environment="dev"']
        similar: {text: 0.6, location: 1.0}
        topology: {hops: 2}
        group_by: []
        cook_for: 15m
        quiet_for: 10m
        min_alerts: 1
        match: closest
        opens: {severity: SEV2, private: false, invite: [on-call], auto_resolve: 15m}
    runbooks:
      restart-checkout:
        title: Restart one checkout instance
        match: ['service="checkout"']
        risk: low
        run_by: [team:payments]
        approve: {people: 1, by: [team:payments], expires: 15m}
        parameters:
          instance: {type: string, pattern: "checkout-[0-9]+", default: "{{ alert.host }}"}
        steps:
          - command: [systemctl, restart, "checkout@{{ instance }}"]
            timeout: 60s
          - http:
              {method: POST, url: "https://ci.example.org/x", headers: {Authorization: "Bearer ${env:CI_TOKEN}"}, expect: 2xx}
        verify: {clears_within: 5m}
        cooldown: 10m
    silences:
      - {match: ['service="cart"', 'name="DiskFull"'], until: 2026-02-01T00:00:00Z, reason: disk replacement, by: robin}
    rooms: {name: "inc-{number}-{slug}", announce: {slack: "#incidents"}, archive_after: 7d}
    retention: {deliveries: 30d, alerts: 365d, messages: 365d}
"""


def test_the_contract_is_read_as_it_stands(catalog_of):
    catalog = catalog_of(CONTRACT)
    robin, mika = catalog.people["robin"], catalog.people["mika"]
    assert robin.chat == {"slack": "U01ROBIN", "discord": "80351110224678912"}
    assert mika.chat == {"discord": "80351110224678913"}
    assert (robin.timezone, mika.timezone) == ("Europe/Amsterdam", "Europe/Helsinki")
    assert catalog.services["checkout"].depends_on == ("payments-api", "cart")
    assert catalog.services["cart"].name == "cart"
    weekly, nightly = catalog.schedules["payments"].layers
    assert (weekly.period, weekly.weekday, weekly.handover, weekly.start) == (7 * DAY, 0, 540, date(2026, 1, 5))
    assert (nightly.period, nightly.weekday, nightly.hours) == (DAY, None, (1080, 480))
    (override,) = catalog.schedules["payments"].overrides
    assert override.since == datetime(2026, 2, 1, 8, tzinfo=UTC).timestamp()  # 09:00 in Amsterdam
    first, second, third = catalog.escalations["standard"].steps
    assert (first.page, first.wait) == ((Who(kind="on-call"),), 300)
    assert second.page == (Who(kind="team"),)
    assert (third.page, third.repeat) == ((Who(kind="person", name="robin"),), 3)
    (recipe,) = catalog.recipes
    assert (recipe.hops, recipe.cook_for, recipe.opens.severity, recipe.opens.auto_resolve) == (2, 900, "SEV2", 900)
    runbook = catalog.runbooks["restart-checkout"]
    command, http = runbook.steps
    assert (command.action, command.arguments[0], command.timeout) == ("command", "systemctl", 60)
    assert http.arguments["headers"] == {"Authorization": "Bearer ${env:CI_TOKEN}"}
    assert runbook.approve is not None
    assert runbook.approve.by == (Who(kind="team", name="payments"),)
    (silence,) = catalog.silences
    assert silence.until == datetime(2026, 2, 1, tzinfo=UTC).timestamp()
    assert catalog.rooms.archive_after == 7 * DAY


def test_what_a_room_is_on_discord_is_said_there(catalog_of):
    rooms = catalog_of("rooms: {discord: {kind: thread, channel: 1180351110224678912}}").rooms
    assert (rooms.discord.kind, rooms.discord.channel) == ("thread", "1180351110224678912")
    assert catalog_of("{}").rooms.discord.category == "Incidents"


def test_without_a_file_there_is_an_empty_catalogue_with_defaults_for_a_year():
    catalog = load(None)
    assert catalog.digest == ""
    assert (catalog.retention.deliveries, catalog.retention.alerts, catalog.retention.messages) == (
        30 * DAY,
        365 * DAY,
        365 * DAY,
    )


def test_an_empty_file_is_an_empty_catalogue(catalog_of):
    assert catalog_of("").services == {}
    assert catalog_of("services:\npeople:\n").people == {}


def test_every_problem_is_told_at_once(problems_of):
    told = problems_of("""\
        people:
          robin: {name: Robin, emial: x, timezone: Europe/Amsterdm}
        teams:
          payments: {members: [robin, mica], schedule: nights}
        services:
          web:
            team: payment
            depends_on: [cart, wbe]
            match: ['app=~"["']
          cart:
        recipes:
          - {name: a, cook_for: 10 minutes}
        silences:
          - {match: ['a="b"'], until: tomorrow}
        """)
    assert told == [
        "2: people.robin.timezone: not a time zone; write its IANA name, such as Europe/Amsterdam or UTC",
        '2: people.robin.emial: unknown key "emial"; did you mean "email"?',
        '4: teams.payments.members[1]: no person "mica"; there is only robin',
        '4: teams.payments.schedule: no schedule "nights"; there are none',
        '7: services.web.team: no team "payment"; did you mean "payments"?',
        '8: services.web.depends_on[1]: no service "wbe"; did you mean "web"?',
        "9: services.web.match[0]: '[' is no regular expression: unterminated character set at position 0",
        "12: recipes[0].cook_for: not a duration; write 90s, 5m, 2h or 7d",
        "14: silences[0].until: not a moment; write it as 2026-02-01T09:00, or 2026-02-01T09:00:00Z with its offset",
    ]


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(dedent(text))
    return tmp_path


def test_a_folder_is_merged_by_key(tmp_path):
    shop = "services: {web: {team: shop}}\nrecipes: [{name: x}]\n"
    catalog = load(folder(tmp_path, a=shop, b="services: {cart: }\nteams: {shop: }\n", c="recipes: [{name: y}]"))
    assert list(catalog.services) == ["web", "cart"]
    assert [recipe.name for recipe in catalog.recipes] == ["x", "y"]


def test_a_key_in_two_files_is_an_error_that_names_both_places(tmp_path):
    loaded = read(folder(tmp_path, a="services:\n  web: {}\n", b="# comment\nservices:\n  web: {tier: 1}\n"))
    (told,) = map(str, loaded.problems)
    assert told == f"{tmp_path}/b.yaml:3: services.web: is defined twice; first at {tmp_path}/a.yaml:2"


def test_problems_in_merged_lists_keep_their_own_file_and_line(tmp_path):
    loaded = read(
        folder(tmp_path, a="recipes:\n  - {name: x}\n", b="recipes:\n  - {name: y}\n  - {name: z, nmae: z}\n")
    )
    (told,) = map(str, loaded.problems)
    assert told.startswith(f"{tmp_path}/b.yaml:3: recipes[2].nmae: unknown key")


def test_what_a_broken_file_defines_is_not_called_missing(tmp_path):
    loaded = read(folder(tmp_path, a="services: {web: {team: shop}}", b="teams: {shop: ["))
    (told,) = map(str, loaded.problems)
    assert told.startswith(f"{tmp_path}/b.yaml:")
    assert "not YAML" in told


def test_a_folder_without_files_and_a_file_that_is_absent_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="holds no"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent.yaml")


def test_the_digest_follows_the_content(write):
    first = load(write("services: {web: }")).digest
    assert load(write("services: {web: }")).digest == first
    assert load(write("services: {web: {tier: 1}}")).digest != first
