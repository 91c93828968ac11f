"""The first response to an interaction: once, within three seconds, of a type that fits."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.definitions import CHAT_INPUT, wrong_choices
from tests.fakes.discord.happening import Happening, View
from tests.fakes.discord.lengths import check_modal
from tests.fakes.discord.methods.messages import check_body, check_edit, told
from tests.fakes.discord.tables import COMPONENTS_V2, EPHEMERAL, LOADING, SILENT, SUPPRESS_EMBEDS
from tests.fakes.discord.world import Message

__all__ = ["compose"]

PONG, MESSAGE, THINKING, WAIT, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
_FLAGS = (
    EPHEMERAL | COMPONENTS_V2 | SUPPRESS_EMBEDS | SILENT
)  # what a response may set (docs: create interaction response)


def compose(call: Call, happening: Happening, body: dict[str, Any], **more: Any) -> Message:
    """A message that came of an interaction, by the app in the person's name."""
    world = call.world
    about = {
        "id": happening.id,
        "type": happening.payload["type"],
        "user": happening.payload.get("user") or happening.payload["member"]["user"],
        "authorizing_integration_owners": happening.payload["authorizing_integration_owners"],
    }
    body = body | {"flags": int(body.get("flags") or 0) & _FLAGS}
    channel = world.channels[happening.channel]
    message = call.server.effects.compose(
        channel, call.me, body, call.files, webhook_id=call.app.id, interaction_metadata=about, **more
    )
    if happening.kind == "command":
        message["type"] = 20 if happening.payload["data"]["type"] == CHAT_INPUT else 23
    happening.messages[message.id] = message
    return message


def show(call: Call, message: Message) -> None:
    """Everybody sees it, unless it is private."""
    if not message.private:
        call.server.effects.place(message)


def _fits(happening: Happening, kind: int) -> bool:
    if happening.kind == "autocomplete":
        return kind == CHOICES
    on_message = happening.kind == "component" or (happening.kind == "modal" and happening.message is not None)
    if kind in (WAIT, UPDATE):
        return on_message
    return kind in (MESSAGE, THINKING) or (kind == MODAL and happening.kind != "modal")


@route("POST", "/interactions/{interaction_id}/{token}/callback", bot=False)
def respond(call: Call) -> Any:
    server = call.server
    happening = server.interactions.by_id.get(call.params["interaction_id"])
    if happening is None or happening.token != call.params["token"]:
        raise Refusal(10062)
    if happening.response:
        raise Refusal(40060)
    if server.interactions.late(happening):
        raise Refusal(10062)
    kind, data = int(call.body["type"]), call.body.get("data") or {}
    if not _fits(happening, kind):
        raise invalid(f"type: a response of type {kind} does not fit a {happening.kind}")
    _carry_out(call, happening, kind, data)
    happening.response, happening.acked_after = kind, happening.since()
    if happening.kind == "modal" and server.interactions.screens.get(happening.user) is happening.submitted:
        server.interactions.screens.pop(happening.user)
    happening.changed()
    if call.query.get("with_response") not in ("1", "true"):
        return None
    return _resource(call, happening, kind)


def _carry_out(call: Call, happening: Happening, kind: int, data: dict[str, Any]) -> None:
    server = call.server
    if kind == MESSAGE:
        check_body(call, data)
        happening.original = compose(call, happening, data)
        show(call, happening.original)
        happening.answered(happening.original, "response")
    elif kind == THINKING:
        flags = int(data.get("flags") or 0) & EPHEMERAL
        happening.original = compose(call, happening, {"flags": flags})
        happening.original["flags"] |= LOADING
        show(call, happening.original)
    elif kind in (WAIT, UPDATE):
        happening.original = happening.message
        if happening.message is None:  # _fits has seen to it
            raise Refusal(10008)
        happening.messages[happening.message.id] = happening.message
        if kind == UPDATE:
            check_edit(call, happening.message, data)
            server.effects.change(happening.message, data, call.files, tell=not happening.message.private)
            happening.answered(happening.message, "update")
    elif kind == CHOICES:
        choices = data.get("choices") or []
        option = happening.focused
        wrong = wrong_choices(choices, option, "data")
        if len(choices) > 25:
            wrong.append("data/choices: Must be 25 or fewer in length.")
        if wrong:
            raise invalid(*wrong)
        happening.choices = choices
    elif kind == MODAL:
        wrong = check_modal(data)
        if wrong:
            raise invalid(*wrong)
        view = View(data=data, opener=happening)
        happening.views.append(view)
        server.interactions.screens[happening.user] = view


def _resource(call: Call, happening: Happening, kind: int) -> dict[str, Any]:
    about: dict[str, Any] = {"id": happening.id, "type": happening.payload["type"]}
    resource: dict[str, Any] = {"type": kind}
    if kind in (MESSAGE, THINKING, UPDATE, WAIT) and happening.original is not None:
        about |= {
            "response_message_id": happening.original.id,
            "response_message_loading": kind == THINKING,
            "response_message_ephemeral": happening.original.private,
        }
        if kind in (MESSAGE, UPDATE):
            resource["message"] = told(call, happening.original)
    return {"interaction": about, "resource": resource}
