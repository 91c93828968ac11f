"""What an interaction's token opens for fifteen minutes: follow-ups, and the messages that came of it."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.calls import Call, Refusal, route
from tests.fakes.discord.happening import Happening
from tests.fakes.discord.methods.callbacks import compose, show
from tests.fakes.discord.methods.messages import check_body, check_edit, told
from tests.fakes.discord.tables import LOADING
from tests.fakes.discord.world import Message

_MESSAGE = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


def _happening(call: Call) -> Happening:
    happening = call.server.interactions.by_token.get(call.params["webhook_token"])
    if happening is None or call.params["webhook_id"] != call.app.id or call.server.interactions.expired(happening):
        raise Refusal(50027)
    if not happening.response:
        raise Refusal(10015)
    return happening


def _message(call: Call, happening: Happening) -> Message:
    wanted = call.params["message_id"]
    message = happening.original if wanted == "@original" else happening.messages.get(wanted)
    if message is None or message.gone:
        raise Refusal(10008)
    return message


def _edit(call: Call, happening: Happening, message: Message) -> Any:
    check_edit(call, message, call.body)
    loading = message["flags"] & LOADING
    call.server.effects.change(message, call.body, call.files, tell=not message.private)
    happening.answered(message, "response" if message is happening.original and loading else "update")
    return told(call, message)


@route("POST", "/webhooks/{webhook_id}/{webhook_token}", bot=False)
def follow_up(call: Call) -> Any:
    happening = _happening(call)
    if happening.original is not None and happening.original["flags"] & LOADING:
        return _edit(call, happening, happening.original)  # docs: create followup message, after a deferral
    check_body(call, call.body)
    message = compose(call, happening, call.body)
    show(call, message)
    happening.answered(message, "followup")
    return told(call, message)


@route("GET", _MESSAGE, bot=False)
def get(call: Call) -> Any:
    return told(call, _message(call, _happening(call)))


@route("PATCH", _MESSAGE, bot=False)
def edit(call: Call) -> Any:
    happening = _happening(call)
    return _edit(call, happening, _message(call, happening))


@route("DELETE", _MESSAGE, status=204, bot=False)
def delete(call: Call) -> None:
    happening = _happening(call)
    message = _message(call, happening)
    if message.private:
        message.gone = True
    else:
        call.server.effects.delete(message)
    happening.changed()
