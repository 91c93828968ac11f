"""The README tells the truth, as far as a test can tell."""

import re
from pathlib import Path

import pytest

from bot.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_package_stands_in_the_house() -> None:
    house = README.split("## The house")[1].split("## Adding things")[0]
    packages = {f"bot/{path.parent.name}/" for path in ROOT.glob("bot/*/__init__.py")} - {"bot/demo/"}
    assert packages <= set(re.findall(r"bot/\w+/", house))


def test_every_file_and_folder_it_names_exists() -> None:
    named = set(re.findall(r"(?<![\w/])((?:bot|docs|manifests|tests|correlation)/[\w./-]*\w/?)", README))
    assert named
    assert [path for path in sorted(named) if "<" not in path and not (ROOT / path).exists()] == []


def test_every_picture_is_there_and_says_what_it_shows() -> None:
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", README) + [
        (alt, src) for src, alt in re.findall(r'<img src="([^"]+)" alt="([^"]+)"', README)
    ]
    assert len(pictures) == 3
    assert all(len(words) > 20 and (ROOT / path).is_file() for words, path in pictures)


@pytest.mark.parametrize("command", ["demo", "run", "check", "replay", "fit", "export", "manifest"])
def test_every_command_of_the_table_has_the_options_it_names(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = re.findall(rf"^\| `muster {command}([^`]*)`", README, re.MULTILINE)
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    assert [option for option in re.findall(r"--?[a-z]+", line) if option not in help_text] == []


def test_the_two_commands_install_what_they_start() -> None:
    demo, tests = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert demo.endswith("muster demo")
    assert tests.endswith("-m pytest")
    assert "[test]" in tests
