"""The guild, its members and roles, as the app reads them."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, route
from tests.fakes.discord.shapes import guild_json, member_json, role_json


@route("GET", "/guilds/{guild_id}")
def guild(call: Call) -> Any:
    call.guild()
    shape = guild_json(call.world, call.me, brief=True)
    count = len(call.world.guild.members)
    return shape | (
        {"approximate_member_count": count, "approximate_presence_count": count} if "with_counts" in call.query else {}
    )


@route("GET", "/guilds/{guild_id}/roles")
def roles(call: Call) -> Any:
    call.guild()
    return [role_json(role) for role in call.world.guild.roles.values()]


@route("GET", "/guilds/{guild_id}/members")
def members(call: Call) -> Any:
    call.guild()
    if "GUILD_MEMBERS" not in call.app.privileged:  # docs: list guild members is restricted by the intent
        raise Refusal(50001)
    after, limit = int(call.query.get("after", 0)), call.number("limit", 1, 1000)
    found = sorted(call.world.guild.members.values(), key=lambda member: int(member.user.id))
    return [member_json(member) for member in found if int(member.user.id) > after][:limit]


@route("GET", "/guilds/{guild_id}/members/search")
def search(call: Call) -> Any:
    call.guild()
    query, limit = call.query.get("query", "").lower(), call.number("limit", 1, 1000)
    found = [
        member
        for member in call.world.guild.members.values()
        if any(
            str(name or "").lower().startswith(query)
            for name in (member.user.name, member.user.global_name, member.nick)
        )
    ]
    return [member_json(member) for member in found][:limit]


@route("GET", "/guilds/{guild_id}/members/{user_id}")
def member(call: Call) -> Any:
    call.guild()
    found = call.world.guild.members.get(call.params["user_id"])
    if found is None:
        raise Refusal(10007 if call.params["user_id"] in call.world.users else 10013)
    return member_json(found)


def _role(call: Call, *, remove: bool) -> None:
    call.guild()
    call.require(None, "MANAGE_ROLES")
    guild = call.world.guild
    found, role = guild.members.get(call.params["user_id"]), guild.roles.get(call.params["role_id"])
    if found is None:
        raise Refusal(10007)
    if role is None:
        raise Refusal(10011)
    if role.position >= call.app.role.position or role.managed:  # docs: permission hierarchy
        raise Refusal(50013)
    if remove == (role.id in found.roles):
        found.roles.remove(role.id) if remove else found.roles.append(role.id)
        call.server.effects.member_event("GUILD_MEMBER_UPDATE", found.user.id)


@route("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", status=204)
def give_role(call: Call) -> None:
    _role(call, remove=False)


@route("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", status=204)
def take_role(call: Call) -> None:
    _role(call, remove=True)
