"""Commands of the app, in the guild and everywhere: read, overwritten whole, added. 200 new ones a day."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.definitions import CHAT_INPUT, check_commands

CREATES, DAY = 200, 86_400.0  # new commands a day and guild (docs: application commands, registering)
_GUILD, _GLOBAL = "/applications/{application_id}/guilds/{guild_id}/commands", "/applications/{application_id}/commands"


def _set(call: Call) -> dict[str, dict[str, Any]]:
    if call.params["application_id"] != call.app.id:
        raise Refusal(50001)
    if "guild_id" not in call.params:
        return call.app.global_commands
    if call.params["guild_id"] != call.world.guild.id or not call.server.commands_scope:
        raise Refusal(50001)  # without applications.commands in the guild
    return call.app.commands


def _key(command: dict[str, Any]) -> tuple[int, str]:
    return int(command.get("type") or CHAT_INPUT), str(command.get("name"))


def _charge(call: Call, count: int) -> None:
    now = call.world.now()
    call.app.created = [at for at in call.app.created if at > now - DAY]
    if len(call.app.created) + count > CREATES:
        raise Refusal(30034)
    call.app.created += [now] * count


def _made(call: Call, command: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "name_localizations": None,
        "description_localizations": None,
        "default_member_permissions": None,
        "nsfw": False,
        "description": "",
        "integration_types": [0],
        "contexts": None,
    }
    shape = {**defaults, **{key: value for key, value in command.items() if value is not None}}
    if shape["default_member_permissions"] is not None:
        shape["default_member_permissions"] = str(shape["default_member_permissions"])
    shape |= {"type": _key(command)[0], "application_id": call.app.id, "version": call.world.snowflake()}
    shape["id"] = old["id"] if old else call.world.snowflake()
    return shape | ({"guild_id": call.world.guild.id} if "guild_id" in call.params else {})


def _overwrite(call: Call) -> Any:
    commands, body = _set(call), call.body or []
    wrong = check_commands(body)
    if wrong:
        raise invalid(*wrong)
    known = {_key(command): command for command in commands.values()}
    _charge(call, sum(_key(command) not in known for command in body))
    made = [_made(call, command, known.get(_key(command))) for command in body]
    commands.clear()
    commands.update({command["id"]: command for command in made})
    return made


def _add(call: Call) -> Any:
    commands, body = _set(call), call.body
    old = next((c for c in commands.values() if _key(c) == _key(body)), None)
    others = [c for c in commands.values() if c is not old]
    wrong = check_commands([*others, body])
    if wrong:
        raise invalid(*wrong)
    _charge(call, 0 if old else 1)
    made = _made(call, body, old)
    commands[made["id"]] = made
    return made


@route("PUT", _GUILD)
def overwrite_guild(call: Call) -> Any:
    return _overwrite(call)


@route("PUT", _GLOBAL)
def overwrite_global(call: Call) -> Any:
    return _overwrite(call)


@route("GET", _GUILD)
def of_guild(call: Call) -> Any:
    return list(_set(call).values())


@route("GET", _GLOBAL)
def everywhere(call: Call) -> Any:
    return list(_set(call).values())


@route("POST", _GUILD, status=201)
def add_guild(call: Call) -> Any:
    return _add(call)


@route("POST", _GLOBAL, status=201)
def add_global(call: Call) -> Any:
    return _add(call)


@route("DELETE", _GUILD + "/{command_id}", status=204)
def delete_guild(call: Call) -> None:
    if _set(call).pop(call.params["command_id"], None) is None:
        raise Refusal(10063)


@route("DELETE", _GLOBAL + "/{command_id}", status=204)
def delete_global(call: Call) -> None:
    if _set(call).pop(call.params["command_id"], None) is None:
        raise Refusal(10063)
