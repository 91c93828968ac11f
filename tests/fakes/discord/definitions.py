"""What a command's definition may be: names, texts, options, and how much of it. Judges JSON; knows no server."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

from tests.fakes.discord.lengths import length

__all__ = ["CHAT_INPUT", "MESSAGE", "USER", "characters", "check_commands"]

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}  # a guild (docs: application commands; 5 until 2025)
OPTIONS, CHOICES, CHARACTERS, NAME, TEXT = 25, 25, 8000, 32, 100
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, A_USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)


def _is_name(name: str) -> bool:
    r"""`^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, in lower case."""
    letters = all(ch in "-_'" or unicodedata.category(ch)[0] in "LN" or "\u0900" <= ch <= "\u097f" for ch in name)
    return letters and 1 <= length(name) <= NAME and name == name.lower()


def characters(command: dict[str, Any]) -> int:
    """Name, description and values of a command, its options and choices."""
    own = length(command.get("name")) + length(command.get("description"))
    own += sum(length(c.get("name")) + length(c.get("value")) for c in command.get("choices") or [])
    return own + sum(characters(option) for option in command.get("options") or [])


def check_commands(commands: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a whole set of commands."""
    found: list[str] = []
    kinds = Counter(int(c.get("type") or CHAT_INPUT) for c in commands)
    found += [
        f"body: Maximum number of application commands reached ({MOST[k]})" for k, n in kinds.items() if n > MOST[k]
    ]
    same = Counter((int(c.get("type") or CHAT_INPUT), c.get("name")) for c in commands)
    found += [f"body: Application command names must be unique: {name}" for (_, name), n in same.items() if n > 1]
    for index, command in enumerate(commands):
        kind, path = int(command.get("type") or CHAT_INPUT), str(index)
        if characters(command) > CHARACTERS:
            found.append(f"{path}: Command exceeds maximum size ({CHARACTERS}): {characters(command)}")
        if kind == CHAT_INPUT:
            _named(found, path, command)
            _options(found, path, command.get("options") or [], depth=0)
        else:
            if not 1 <= length(command.get("name")) <= NAME or not str(command.get("name")).strip():
                found.append(f"{path}/name: Must be between 1 and {NAME} in length.")
            if command.get("description") or command.get("options"):
                found.append(f"{path}/description: Context menu commands cannot have description or options")
    return found


def _named(found: list[str], path: str, item: dict[str, Any]) -> None:
    if not _is_name(str(item.get("name") or "")):
        found.append(f"{path}/name: String value did not match validation regex. ({item.get('name')!r})")
    if not 1 <= length(item.get("description")) <= TEXT:
        found.append(f"{path}/description: Must be between 1 and {TEXT} in length.")


def _options(found: list[str], path: str, options: list[dict[str, Any]], *, depth: int) -> None:
    if len(options) > OPTIONS:
        found.append(f"{path}/options: Must be {OPTIONS} or fewer in length.")
    names = Counter(option.get("name") for option in options)
    found += [f"{path}/options: Option names must be unique: {name}" for name, n in names.items() if n > 1]
    nested = [o.get("type") in (SUBCOMMAND, GROUP) for o in options]
    if any(nested) and not all(nested):
        found.append(f"{path}/options: Sub-command and sub-command group options cannot stand beside others")
    optional = False
    for index, option in enumerate(options):
        place, kind = f"{path}/options/{index}", option.get("type")
        _named(found, place, option)
        if kind == GROUP and depth > 0:
            found.append(f"{place}/type: Sub-command groups cannot be nested")
        if kind == SUBCOMMAND and depth > 1:
            found.append(f"{place}/type: Sub-commands cannot be nested")
        if kind == GROUP:
            if not option.get("options") or any(o.get("type") != SUBCOMMAND for o in option["options"]):
                found.append(f"{place}/options: a group holds sub-commands")
            _options(found, place, option.get("options") or [], depth=1)
        elif kind == SUBCOMMAND:
            _options(found, place, option.get("options") or [], depth=2)
        else:
            if option.get("required") and optional:
                found.append(f"{place}: Required options must be placed before non-required options")
            optional = optional or not option.get("required")
            _choices(found, place, option)


def _choices(found: list[str], path: str, option: dict[str, Any]) -> None:
    choices, kind = option.get("choices") or [], option.get("type")
    if choices and option.get("autocomplete"):
        found.append(f"{path}/autocomplete: cannot be with choices")
    if (choices or option.get("autocomplete")) and kind not in (STRING, INTEGER, NUMBER):
        found.append(f"{path}/choices: only for strings and numbers")
    if len(choices) > CHOICES:
        found.append(f"{path}/choices: Must be {CHOICES} or fewer in length.")
    found += wrong_choices(choices, kind, path)


def wrong_choices(choices: list[dict[str, Any]], kind: Any, path: str) -> list[str]:
    """What is wrong with choices: of a definition, or of an answer to somebody typing."""
    found: list[str] = []
    for index, choice in enumerate(choices):
        if not 1 <= length(choice.get("name")) <= TEXT:
            found.append(f"{path}/choices/{index}/name: Must be between 1 and {TEXT} in length.")
        value = choice.get("value")
        if kind == STRING and (not isinstance(value, str) or not 1 <= length(value) <= TEXT):
            found.append(f"{path}/choices/{index}/value: Must be a text between 1 and {TEXT} in length.")
        if kind in (INTEGER, NUMBER) and (isinstance(value, bool) or not isinstance(value, int | float)):
            found.append(f"{path}/choices/{index}/value: Must be a number.")
    values = [str(choice.get("value")) for choice in choices]
    names = [choice.get("name") for choice in choices]
    if len(set(values)) < len(values) or len(set(names)) < len(names):
        found.append(f"{path}/choices: Choices must be unique")
    return found
