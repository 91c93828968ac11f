"""Secrets and knobs from the environment and `.env`, read once at the start and passed down. Nothing else reads the environment.

What the organisation is like belongs in the catalogue, not here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import ConfigError, Problem
from bot.loopback import is_loopback

__all__ = ["SOURCE_SECRET", "Settings", "load_settings", "setting_names"]

SOURCE_SECRET = re.compile(r"MUSTER_SOURCE_([A-Z0-9_]+)_SECRET")
_OURS = re.compile(r"(MUSTER|SLACK|DISCORD)_[A-Z0-9_]+")
_NOT_SETTINGS = ("MUSTER_EVAL_", "MUSTER_TEST_")  # read by the tests


def _http_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("is not an http or https address")
    return value


def _database_url(value: str) -> str:
    if not re.match(r"(sqlite\+aiosqlite|postgresql\+asyncpg)://", value):
        raise ValueError("should begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
    return value


def _own_address(known: Mapping[str, Any]) -> str:
    host = str(known.get("http_host", "127.0.0.1"))
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{known.get('http_port', 8080)}"


Address = Annotated[str, AfterValidator(_http_address)]


class Settings(BaseSettings):
    """Every setting of Muster. Build it with `load_settings`; tests may pass fields by name, and no environment is read then."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, case_sensitive=True
    )

    # The address may carry a password, so it stays out of repr; read it through `database_url`.
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="sqlite+aiosqlite:///muster.db", alias="MUSTER_DATABASE_URL", repr=False
    )
    http_host: str = Field(default="127.0.0.1", alias="MUSTER_HTTP_HOST")
    http_port: int = Field(default=8080, ge=0, le=65535, alias="MUSTER_HTTP_PORT")
    http_token: SecretStr | None = Field(default=None, alias="MUSTER_HTTP_TOKEN")
    # Where people reach this Muster, for links back; no slash at the end.
    public_url: Annotated[Address, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        default_factory=_own_address, alias="MUSTER_PUBLIC_URL"
    )
    catalog: Path | None = Field(default=None, alias="MUSTER_CATALOG")
    weights: Path | None = Field(default=None, alias="MUSTER_WEIGHTS")
    webhook_token: SecretStr | None = Field(default=None, alias="MUSTER_WEBHOOK_TOKEN")
    log_format: Literal["console", "json"] = Field(default="console", alias="MUSTER_LOG_FORMAT")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", alias="MUSTER_LOG_LEVEL")
    slack_bot_token: SecretStr | None = Field(default=None, alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(default=None, alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(default=None, alias="SLACK_SIGNING_SECRET")
    slack_api_url: Address = Field(default="https://slack.com/api/", alias="SLACK_API_URL")
    discord_bot_token: SecretStr | None = Field(default=None, alias="DISCORD_BOT_TOKEN")
    discord_guild_id: int | None = Field(default=None, gt=0, alias="DISCORD_GUILD_ID")
    discord_short_commands: bool = Field(default=False, alias="DISCORD_SHORT_COMMANDS")
    discord_api_url: Address = Field(default="https://discord.com/api/v10", alias="DISCORD_API_URL")
    source_secrets: Mapping[str, SecretStr] = Field(default_factory=dict)  # by source, from MUSTER_SOURCE_<NAME>_SECRET

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: `load_settings` reads the environment that it is given, once."""
        return (init_settings,)

    def secrets_of(self, sources: Iterable[str]) -> dict[str, str]:
        """The secrets of these sources, by source. ConfigError for a secret that none of them would ever read."""
        known = {_source_key(name): name for name in sources}
        problems = [
            Problem(
                f"there is no source of that name; {_nearest_of(name, known)}",
                path=f"MUSTER_SOURCE_{name.upper()}_SECRET",
            )
            for name in self.source_secrets
            if name not in known
        ]
        if problems:
            raise ConfigError(problems)
        return {known[name]: secret.get_secret_value() for name, secret in self.source_secrets.items()}

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the HTTP side."""
        return is_loopback(self.http_host)


def setting_names() -> tuple[str, ...]:
    """The environment variables that are settings; MUSTER_SOURCE_<NAME>_SECRET stands for one of each source."""
    return tuple(field.alias for field in Settings.model_fields.values() if field.alias)


def load_settings(environment: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """The settings of this environment, and of the file `dotenv` where the environment says nothing; an empty value is none.

    ConfigError lists every problem: values that cannot be, unknown MUSTER_ variables, secrets that are missing.
    """
    problems: list[Problem] = []
    files = dict.fromkeys(environment, "environment")
    values = {name: value for name, value in environment.items() if value}
    for name, value in _dotenv(dotenv, problems).items():
        if value and name not in environment:
            values[name] = value
            files[name] = str(dotenv)
    known = setting_names()
    problems += _unknown(values, known, files)

    given: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    if isinstance(level := given.get("MUSTER_LOG_LEVEL"), str):
        given["MUSTER_LOG_LEVEL"] = level.lower()
    secrets = {
        _source_key(match[1]): value for name, value in values.items() if (match := SOURCE_SECRET.fullmatch(name))
    }
    settings: Settings | None = None
    try:
        source = EnvSettingsSource(Settings, case_sensitive=True)
        source.env_vars = given
        settings = Settings(**source(), source_secrets={name: SecretStr(value) for name, value in secrets.items()})
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            if found["type"] == "default_factory_not_called":
                continue  # follows from another problem
            name = str(found["loc"][0])
            message = _PLAIN.get(found["type"], found["msg"])
            if found["type"] == "value_error":
                message = str(found["ctx"]["error"])
            problems.append(Problem(message[:1].lower() + message[1:], file=files.get(name, ""), path=name))
    problems += _missing(given)
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


# What pydantic says of these is longer, and not for people.
_PLAIN = {
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "bool_parsing": "should be true or false",
}


def _dotenv(path: Path | None, problems: list[Problem]) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(f"cannot be read: {error}", file=str(path)))
        return {}


def _unknown(values: Mapping[str, str], known: tuple[str, ...], files: Mapping[str, str]) -> Iterator[Problem]:
    for name in values:
        if (
            name in known
            or SOURCE_SECRET.fullmatch(name)
            or name.startswith(_NOT_SETTINGS)
            or not _OURS.fullmatch(name)
        ):
            continue
        nearest = difflib.get_close_matches(name, [*known, "MUSTER_SOURCE_GITHUB_SECRET"], n=1, cutoff=0.75)
        # SLACK_ and DISCORD_ belong to others too: only what looks like a slip of the pen is told.
        if name.startswith("MUSTER_") or nearest:
            guess = f"; did you mean {nearest[0]}?" if nearest else ""
            yield Problem(f"is no setting of Muster{guess}", file=files.get(name, ""), path=name)


def _missing(given: Mapping[str, Any]) -> Iterator[Problem]:
    host = given.get("MUSTER_HTTP_HOST", "127.0.0.1")
    if not is_loopback(host) and "MUSTER_HTTP_TOKEN" not in given:
        yield Problem(
            f"is needed where others can reach Muster (MUSTER_HTTP_HOST is {host}); set a long random text",
            path="MUSTER_HTTP_TOKEN",
        )
    if "SLACK_BOT_TOKEN" in given and not given.keys() & {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}:
        yield Problem(
            "is needed beside SLACK_BOT_TOKEN (Socket Mode); or SLACK_SIGNING_SECRET, where Slack reaches Muster by HTTP",
            path="SLACK_APP_TOKEN",
        )


def _nearest_of(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _source_key(name: str) -> str:
    return name.lower().replace("-", "_")
