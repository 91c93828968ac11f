"""The app as Discord should know it: what the file says is what the code writes, and every permission is one of Discord's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from bot.chat.discord.manifest import INTENTS, PERMISSIONS, app_of, invite_url, manifest_yaml, permission_bits
from bot.cli import main
from tests.fakes.discord.tables import PERMISSIONS as DISCORDS

ROOT = Path(__file__).parents[3]


def test_the_file_is_what_the_code_writes() -> None:
    written = (ROOT / "manifests" / "discord-app.yaml").read_text()
    assert written == manifest_yaml(), "write it anew: python -m bot.chat.discord.manifest > manifests/discord-app.yaml"
    assert yaml.safe_load(written)["install"]["permissions"] == [label for label, _, _ in PERMISSIONS]


def test_the_bits_are_those_of_the_named_permissions_and_pinning_is_one() -> None:
    names = {name.upper() for _, name, _ in PERMISSIONS} | {"EMBED_LINKS"}
    assert permission_bits() == sum(DISCORDS[name] for name in names)
    assert permission_bits() & (1 << 51)
    assert not permission_bits() & DISCORDS["ADMINISTRATOR"]


def test_every_permission_and_intent_has_a_reason_beside_it() -> None:
    for words in [reason for _, _, reason in PERMISSIONS] + [reason for _, _, reason in INTENTS]:
        assert len(words) > 10
        assert words in manifest_yaml()


def test_the_application_is_read_from_the_token() -> None:
    assert app_of("MTE4MDM1MTExMDIyNDY3ODkxMg.GfakeX.not-a-real-token") == "1180351110224678912"
    assert app_of("xoxb-1") == app_of("") == ""


def test_the_invitation_names_app_scopes_permissions_and_server() -> None:
    url = invite_url("1180351110224678912", 42)
    assert re.fullmatch(
        r"https://discord\.com/oauth2/authorize\?client_id=1180351110224678912&scope=bot\+applications\.commands"
        rf"&permissions={permission_bits()}&guild_id=42&disable_guild_select=true",
        url,
    )


def test_the_command_prints_the_app_and_the_invitation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DISCORD_BOT_TOKEN", "DISCORD_GUILD_ID", "MUSTER_TESTS_COMPLETE"):  # the last is no setting of Muster
        monkeypatch.delenv(name, raising=False)
    assert main(["manifest", "discord"]) == 0
    assert capsys.readouterr().out == manifest_yaml()
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "MTE4MDM1MTExMDIyNDY3ODkxMg.GfakeX.not-a-real-token")
    monkeypatch.setenv("DISCORD_GUILD_ID", "42")
    assert main(["manifest", "discord"]) == 0
    printed = capsys.readouterr()
    assert invite_url("1180351110224678912", 42) in printed.out
    assert invite_url("1180351110224678912", 42) in printed.err
    with pytest.raises(SystemExit):
        main(["manifest", "discord", "--app", "muster"])


def test_the_readme_has_at_most_ten_steps_to_discord() -> None:
    section = (ROOT / "README.md").read_text().split("\n## Discord\n")[1].split("\n## ")[0]
    steps = [int(number) for number in re.findall(r"^([0-9]+)\. ", section, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    assert 1 <= len(steps) <= 10
    for said in (
        "DISCORD_BOT_TOKEN",
        "muster manifest discord",
        "Message Content",
        "muster check --live",
        "muster run",
    ):
        assert said in section
