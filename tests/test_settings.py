"""Settings: read once from what is given, all problems at once, no secret shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import SOURCE_SECRET, Settings, load_settings, setting_names

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def problems_of(environment: dict[str, str], dotenv: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment, dotenv)
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_environment_gives_settings_that_work():
    settings = load_settings({})
    assert settings.database_url == "sqlite+aiosqlite:///muster.db"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.catalog is None
    assert settings.slack_bot_token is None


def test_the_environment_wins_over_the_file(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("MUSTER_HTTP_PORT=9000\nMUSTER_LOG_FORMAT=json\n")
    settings = load_settings({"MUSTER_HTTP_PORT": "9001"}, dotenv)
    assert (settings.http_port, settings.log_format) == (9001, "json")


def test_a_file_that_is_absent_says_nothing(tmp_path):
    assert load_settings({}, tmp_path / ".env").http_port == 8080


def test_an_empty_value_is_no_value():
    assert load_settings({"SLACK_BOT_TOKEN": "", "DISCORD_GUILD_ID": "", "MUSTER_CATALOG": ""}).slack_bot_token is None


def test_the_real_environment_is_not_read_behind_ones_back(monkeypatch):
    monkeypatch.setenv("MUSTER_HTTP_PORT", "1234")
    assert load_settings({}).http_port == 8080
    assert Settings().http_port == 8080


def test_a_sources_secret_is_found_by_the_sources_name():
    settings = load_settings({"MUSTER_SOURCE_GITHUB_SECRET": "s1", "MUSTER_SOURCE_AZURE_MONITOR_SECRET": "s2"})
    assert settings.secrets_of(["github", "azure-monitor", "gitlab"]) == {"github": "s1", "azure-monitor": "s2"}


def test_no_secret_shows_in_repr_or_errors():
    secret = "hunter2hunter2"
    given = {
        "MUSTER_DATABASE_URL": f"postgresql+asyncpg://muster:{secret}@db/muster",
        "MUSTER_HTTP_TOKEN": secret,
        "MUSTER_WEBHOOK_TOKEN": secret,
        "MUSTER_SOURCE_GITHUB_SECRET": secret,
        "SLACK_BOT_TOKEN": secret,
        "SLACK_APP_TOKEN": secret,
        "SLACK_SIGNING_SECRET": secret,
        "DISCORD_BOT_TOKEN": secret,
    }
    settings = load_settings(given)
    assert secret not in repr(settings)
    assert secret not in str(settings)
    bad = given | {"MUSTER_DATABASE_URL": f"mysql://muster:{secret}@db/muster", "MUSTER_HTTP_PORT": "x"}
    assert len(problems_of(bad)) == 2
    assert secret not in "".join(problems_of(bad))


def test_all_problems_are_told_at_once_with_their_variable():
    told = problems_of(
        {"MUSTER_HTTP_PORT": "eighty", "MUSTER_LOG_FORMAT": "xml", "MUSTER_PUBLIC_URL": "muster.example.org"}
    )
    assert [line.split(": ")[1] for line in told] == ["MUSTER_HTTP_PORT", "MUSTER_PUBLIC_URL", "MUSTER_LOG_FORMAT"]


def test_an_unknown_variable_of_ours_is_told_with_the_nearest_one(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("MUSTER_HTTP_PROT=1\n")
    (told,) = problems_of({}, dotenv)
    assert told == f"{dotenv}: MUSTER_HTTP_PROT: is no setting of Muster; did you mean MUSTER_HTTP_PORT?"


def test_variables_of_others_are_none_of_our_business():
    load_settings({"PATH": "/bin", "SLACK_WEBHOOK_OF_SOMEBODY": "x", "DISCORD_THEME": "dark"})


def test_a_slip_in_a_platforms_variable_is_told():
    (told,) = problems_of({"SLACK_BOT_TOKN": "x"})
    assert "did you mean SLACK_BOT_TOKEN?" in told


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "muster.example.org"])
def test_beyond_loopback_a_token_is_demanded(host):
    (told,) = problems_of({"MUSTER_HTTP_HOST": host})
    assert told.startswith("MUSTER_HTTP_TOKEN: is needed")
    assert not load_settings({"MUSTER_HTTP_HOST": host, "MUSTER_HTTP_TOKEN": "long"}).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_no_token_is_needed(host):
    assert load_settings({"MUSTER_HTTP_HOST": host}).is_loopback


def test_slack_needs_a_way_to_hear_as_well_as_to_speak():
    (told,) = problems_of({"SLACK_BOT_TOKEN": "xoxb-1"})
    assert told.startswith("SLACK_APP_TOKEN: is needed")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"MUSTER_PUBLIC_URL": "https://muster.example.org/"}, "https://muster.example.org"),
        ({"MUSTER_HTTP_HOST": "::1", "MUSTER_HTTP_PORT": "81"}, "http://[::1]:81"),
        ({"MUSTER_HTTP_HOST": "0.0.0.0", "MUSTER_HTTP_TOKEN": "t"}, "http://127.0.0.1:8080"),
    ],
)
def test_links_back_lead_to_where_people_reach_it(given, address):
    assert load_settings(given).public_url == address


def test_the_example_file_names_exactly_the_settings_there_are():
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert {name for name in named if not SOURCE_SECRET.fullmatch(name)} == set(setting_names())
    assert any(SOURCE_SECRET.fullmatch(name) for name in named)


def test_the_example_file_loads_and_holds_the_defaults():
    assert load_settings({}, EXAMPLE) == load_settings({})


def test_a_secret_that_no_source_would_read_is_an_error_with_a_suggestion():
    settings = load_settings({"MUSTER_SOURCE_GITHB_SECRET": "hush", "MUSTER_SOURCE_AZURE_MONITOR_SECRET": "hush"})
    with pytest.raises(ConfigError) as caught:
        settings.secrets_of(["github", "generic", "azure-monitor"])
    assert [str(problem) for problem in caught.value.problems] == [
        "MUSTER_SOURCE_GITHB_SECRET: there is no source of that name; did you mean github?"
    ]
