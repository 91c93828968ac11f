"""Who the app is, other accounts, direct conversations, and where the gateway is."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.shapes import channel_json, guild_json, user_json

_FLAGS = {"GUILD_PRESENCES": 1 << 13, "GUILD_MEMBERS": 1 << 15, "MESSAGE_CONTENT": 1 << 19}  # the "limited" ones


def application(call: Call) -> dict[str, Any]:
    """The app as the portal knows it: its flags say which privileged intents are on."""
    app = call.app
    return {
        "id": app.id,
        "name": "Muster",
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "00" * 32,
        "summary": "",
        "team": None,
        "owner": user_json(call.world.users[call.world.guild.owner_id]),
        "flags": sum(bit for name, bit in _FLAGS.items() if name in app.privileged),
        "bot": user_json(app.user),
        "approximate_guild_count": 1,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
    }


@route("GET", "/users/@me")
def me(call: Call) -> Any:
    return user_json(call.app.user) | {"verified": True, "mfa_enabled": True, "email": None, "locale": "en-US"}


@route("GET", "/applications/@me")
def my_application(call: Call) -> Any:
    return application(call)


@route("GET", "/oauth2/applications/@me")
def my_oauth2_application(call: Call) -> Any:
    return application(call)


@route("GET", "/users/@me/guilds")
def my_guilds(call: Call) -> Any:
    if call.me not in call.world.guild.members:
        return []
    shape = guild_json(call.world, call.me, brief=True)
    keys = ("id", "name", "icon", "banner", "features")
    return [{key: shape[key] for key in keys} | {"owner": False, "permissions": str(call.app.role.permissions)}]


@route("GET", "/users/{user_id}")
def user(call: Call) -> Any:
    found = call.world.users.get(call.params["user_id"])
    if found is None:
        raise Refusal(10013)
    return user_json(found)


@route("POST", "/users/@me/channels")
def open_direct(call: Call) -> Any:
    user = call.world.users.get(str(call.body.get("recipient_id")))
    if user is None:
        raise Refusal(10013)
    if user.id == call.me or user.bot:
        raise invalid("recipient_id: Cannot send messages to this user")
    return channel_json(call.world, call.world.direct(user.id))


@route("GET", "/gateway", bot=False)
def gateway(call: Call) -> Any:
    return {"url": call.server.gateway_url}


@route("GET", "/gateway/bot")
def gateway_bot(call: Call) -> Any:
    left = call.app.identifies_left
    limit = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
    return {"url": call.server.gateway_url, "shards": 1, "session_start_limit": limit}
