"""views.*: modals and the App Home."""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import named_blocks
from tests.fakes.slack.world import View

Body = dict[str, Any]
STACK = 3  # views of one modal (docs: modals)


def build(call: Call, user: str, view: dict[str, Any], *, previous: View | None = None) -> View:
    """The view as Slack keeps it: with an id, a hash, an owner, and every block named."""
    number = call.world.number("V")
    built = View(
        user,
        {
            "id": number,
            "team_id": call.world.team_id,
            "app_id": call.slack.app.id,
            "app_installed_team_id": call.world.team_id,
            "bot_id": call.slack.app.bot_id,
            "state": {"values": {}},
            "root_view_id": previous["root_view_id"] if previous else number,
            "previous_view_id": previous["id"] if previous else None,
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            "title": None,
            "submit": None,
            "close": None,
            "clear_on_close": False,
            "notify_on_close": False,
        },
    )
    fill(built, view)
    return built


def fill(built: View, view: dict[str, Any]) -> None:
    """Put new contents into a view."""
    built.update(
        {**view, "blocks": named_blocks(view["blocks"]), "hash": f"{secrets.randbelow(10**9)}.{secrets.token_hex(4)}"}
    )


def _unused(call: Call, view: dict[str, Any], own: View | None = None) -> None:
    external = view.get("external_id")
    if external and any(v.get("external_id") == external and v is not own for v in call.world.views.values()):
        raise Refusal("duplicate_external_id")


@method("views.open")
def open_view(call: Call) -> Body:
    view = call.view("modal")
    _unused(call, view)
    user = call.trigger()
    built = call.remember(build(call, user, view))
    call.world.modals[user] = [built]
    call.slack.interactions.opened(call.text("trigger_id"), built)
    return {"view": dict(built)}


@method("views.push")
def push(call: Call) -> Body:
    view = call.view("modal")
    _unused(call, view)
    user = call.trigger()
    stack = call.world.modals.get(user, [])
    if not stack:
        raise Refusal("not_found")
    if len(stack) >= STACK:
        raise Refusal("push_limit_reached")
    built = call.remember(build(call, user, view, previous=stack[-1]))
    stack.append(built)
    call.slack.interactions.opened(call.text("trigger_id"), built)
    return {"view": dict(built)}


@method("views.update")
def update(call: Call) -> Body:
    known: View | None = call.world.views.get(call.text("view_id"))
    if known is None and call.text("external_id"):
        named = [v for v in call.world.views.values() if v.get("external_id") == call.text("external_id")]
        known = named[0] if named else None
    view = call.view(known["type"] if known else "modal")
    if known is None:
        raise Refusal("not_found")
    if call.text("hash") and call.text("hash") != known["hash"]:
        raise Refusal("hash_conflict")
    _unused(call, view, known)
    fill(known, view)
    return {"view": dict(known)}


@method("views.publish")
def publish(call: Call) -> Body:
    user = call.text("user_id")
    if user not in call.world.users:
        raise Refusal("invalid_arguments", messages=["[ERROR] invalid `user_id`"])
    view = call.view("home")
    known = call.world.homes.get(user)
    if call.text("hash") and (known is None or call.text("hash") != known["hash"]):
        raise Refusal("hash_conflict")
    _unused(call, view, known)
    if known is None:
        known = call.world.homes[user] = call.remember(build(call, user, view))
    else:
        fill(known, view)
    return {"view": dict(known)}
