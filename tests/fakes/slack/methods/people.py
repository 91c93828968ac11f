"""auth, apps, team, users, usergroups, bots."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import group_json, user_json
from tests.fakes.slack.world import User

Body = dict[str, Any]


def _sees_email(call: Call) -> bool:
    return "users:read.email" in call.slack.app.scopes


@method("api.test")
def api_test(call: Call) -> Body:
    if call.text("error"):
        raise Refusal(call.text("error"))
    return {"args": call.args}


@method("auth.test")
def auth_test(call: Call) -> Body:
    return {
        "url": f"https://{call.world.team_domain}.slack.com/",
        "team": call.world.team_name,
        "user": call.world.users[call.me].name,
        "team_id": call.world.team_id,
        "user_id": call.me,
        "bot_id": call.slack.app.bot_id,
        "is_enterprise_install": False,
    }


@method("auth.revoke")
def auth_revoke(call: Call) -> Body:
    if not call.flag("test"):
        call.slack.app.token_trouble = "token_revoked"
    return {"revoked": True}


@method("apps.connections.open")
def connections_open(call: Call) -> Body:
    return {"url": call.slack.sockets.ticket()}


@method("team.info")
def team_info(call: Call) -> Body:
    world = call.world
    return {"team": {"id": world.team_id, "name": world.team_name, "domain": world.team_domain, "email_domain": ""}}


@method("bots.info")
def bots_info(call: Call) -> Body:
    app = call.slack.app
    if call.text("bot") != app.bot_id:
        raise Refusal("bot_not_found")
    name = call.world.users[app.user_id].name
    return {"bot": {"id": app.bot_id, "app_id": app.id, "user_id": app.user_id, "name": name, "deleted": False}}


def _user(call: Call) -> User:
    user = call.world.users.get(call.text("user"))
    if user is None:
        raise Refusal("user_not_found")
    return user


@method("users.info")
def users_info(call: Call) -> Body:
    return {"user": user_json(call.world, _user(call), email=_sees_email(call))}


@method("users.list")
def users_list(call: Call) -> Body:
    users, cursor = call.page(list(call.world.users.values()), 1000, 1000)
    members = [user_json(call.world, user, email=_sees_email(call)) for user in users]
    return {"members": members, "cache_ts": int(call.world.now()), "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail")
def users_lookup(call: Call) -> Body:
    email = call.text("email").lower()
    for user in call.world.users.values():
        if user.email.lower() == email and not user.deleted and not user.is_bot:
            return {"user": user_json(call.world, user)}
    raise Refusal("users_not_found")


@method("usergroups.list")
def usergroups_list(call: Call) -> Body:
    if not call.world.paid:
        raise Refusal("plan_upgrade_required")
    groups = [g for g in call.world.groups.values() if not g.disabled or call.flag("include_disabled")]
    users, count = call.flag("include_users"), call.flag("include_count")
    return {"usergroups": [group_json(call.world, group, users=users, count=count) for group in groups]}


@method("usergroups.users.list")
def usergroups_users(call: Call) -> Body:
    if not call.world.paid:
        raise Refusal("plan_upgrade_required")
    group = call.world.groups.get(call.text("usergroup"))
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise Refusal("no_such_subteam")
    return {"users": group.users}
