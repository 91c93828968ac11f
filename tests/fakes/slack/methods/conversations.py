"""conversations.* that change something."""

from __future__ import annotations

import re
from typing import Any, Literal

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import channel_json
from tests.fakes.slack.tables import RULES
from tests.fakes.slack.world import Channel

Body = dict[str, Any]
INVITED = 100  # users in one call [ref]
TOPIC = 250  # characters [ref]
NAME = 80  # characters [ref]
ROOMS = ("public", "private")


def _name(call: Call) -> str:
    name = call.text("name")
    if not name:
        raise Refusal("invalid_name_required")
    if len(name) > NAME:
        raise Refusal("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise Refusal("invalid_name_specials")
    if not re.search(r"[a-z0-9]", name):
        raise Refusal("invalid_name_punctuation")
    if call.world.named(name) is not None:
        raise Refusal("name_taken")
    return name


def _shape(call: Call, channel: Channel) -> Body:
    return {"channel": channel_json(call.world, channel, call.me)}


@method("conversations.create")
def create(call: Call) -> Body:
    kind: Literal["public", "private"] = "private" if call.flag("is_private") else "public"
    call.need(RULES[call.name].kinds[kind])
    channel = call.world.channel(_name(call), kind, call.me)
    call.world.post(channel, call.me, f"<@{call.me}> has joined the channel", subtype="channel_join")
    return _shape(call, channel)


@method("conversations.rename")
def rename(call: Call) -> Body:
    channel = call.channel(member=True, alive=True, kinds=ROOMS)
    if call.text("name") != channel.name:
        call.world.rename(channel, call.me, _name(call))
    return _shape(call, channel)


@method("conversations.archive")
def archive(call: Call) -> Body:
    channel = call.channel(kinds=ROOMS)
    if channel.archived:
        raise Refusal("already_archived")
    if call.me not in channel.members:
        raise Refusal("not_in_channel")
    call.world.archive(channel, call.me)
    return {}


@method("conversations.unarchive")
def unarchive(call: Call) -> Body:
    channel = call.channel(kinds=ROOMS)
    if not channel.archived:
        raise Refusal("not_archived")
    if call.me not in channel.members:  # Slack: a bot can open again only what it is in
        raise Refusal("channel_not_found")
    call.world.archive(channel, call.me, undo=True)
    return {}


def _describe(call: Call, part: Literal["topic", "purpose"]) -> Body:
    channel = call.channel(member=True, alive=True)
    if len(call.text(part)) > TOPIC:
        raise Refusal("too_long")
    if getattr(channel, part) != call.text(part):
        call.world.describe(channel, call.me, part, call.text(part))
    return {**_shape(call, channel), part: call.text(part)}


@method("conversations.setTopic")
def set_topic(call: Call) -> Body:
    return _describe(call, "topic")


@method("conversations.setPurpose")
def set_purpose(call: Call) -> Body:
    return _describe(call, "purpose")


def _trouble(call: Call, channel: Channel, user_id: str) -> str:
    user = call.world.users.get(user_id)
    if user is None:
        return "user_not_found"
    if user_id == call.me:
        return "cant_invite_self"
    if user_id in channel.members:
        return "already_in_channel"
    if user.deleted:
        return "cant_invite"
    if user.is_ultra_restricted and any(user_id in c.members and c.kind in ROOMS for c in call.world.channels.values()):
        return "ura_max_channels"
    return ""


@method("conversations.invite")
def invite(call: Call) -> Body:
    channel = call.channel(member=True, alive=True, kinds=ROOMS)
    users = list(dict.fromkeys(part.strip() for part in call.text("users").split(",") if part.strip()))
    if not users:
        raise Refusal("no_user")
    if len(users) > INVITED:
        raise Refusal(
            "invalid_arguments", messages=[f"[ERROR] no more than {INVITED} items allowed [json-pointer:/users]"]
        )
    troubles = {user: trouble for user in users if (trouble := _trouble(call, channel, user))}
    errors = [{"user": user, "ok": False, "error": trouble} for user, trouble in troubles.items()]
    # docs: nobody is invited when one cannot be, unless forced; but those who left do not keep the others out
    everyone = call.flag("force") or set(troubles.values()) <= {"cant_invite"}
    good = [user for user in users if user not in troubles]
    if everyone:
        for user in good:
            call.world.join(channel, user, call.me)
    if errors and not (call.flag("force") and good):
        raise Refusal(str(errors[0]["error"]), errors=errors)
    return {**_shape(call, channel), **({"errors": errors} if errors else {})}


@method("conversations.kick")
def kick(call: Call) -> Body:
    channel = call.channel(member=True, kinds=ROOMS)
    user = call.text("user")
    if user == call.me:
        raise Refusal("cant_kick_self")
    if user not in call.world.users:
        raise Refusal("user_not_found")
    if user not in channel.members:
        raise Refusal("not_in_channel")
    call.world.leave(channel, user)
    return {"errors": {}}


@method("conversations.join")
def join(call: Call) -> Body:
    channel = call.channel(alive=True, kinds=("public",))
    if call.me in channel.members:
        call.warnings.append("already_in_channel")
    else:
        call.world.join(channel, call.me)
    return _shape(call, channel)


@method("conversations.leave")
def leave(call: Call) -> Body:
    channel = call.channel(alive=True, kinds=ROOMS)
    if call.me not in channel.members:
        return {"not_in_channel": True}
    call.world.leave(channel, call.me)
    return {}


@method("conversations.open")
def open_direct(call: Call) -> Body:
    if call.text("channel"):
        channel = call.channel()
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    users = list(dict.fromkeys(part.strip() for part in call.text("users").split(",") if part.strip()))
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > 8:  # [ref]
        raise Refusal("too_many_users")
    call.need(RULES[call.name].kinds["im" if len(users) == 1 else "mpim"])
    for user_id in users:
        user = call.world.users.get(user_id)
        if user is None:
            raise Refusal("user_not_found")
        if user.deleted:
            raise Refusal("user_disabled")
    known = call.world.direct(call.me, *users)
    channel = known or direct(call, users)
    body: Body = {"no_op": True, "already_open": True} if known else {}
    full = channel_json(call.world, channel, call.me)
    return {**body, "channel": full if call.flag("return_im") else {"id": channel.id}}


def direct(call: Call, users: list[str]) -> Channel:
    """A new direct conversation of the app with these people."""
    kind: Literal["im", "mpim"] = "im" if len(users) == 1 else "mpim"
    return call.world.channel("" if kind == "im" else f"mpdm-{'-'.join(users).lower()}", kind, call.me, users)
