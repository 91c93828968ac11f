"""Threads and the posts of forums: begun, joined, archived, found again."""

from __future__ import annotations

from typing import Any

from tests.fakes.discord import tables
from tests.fakes.discord.calls import Call, Refusal, invalid, route
from tests.fakes.discord.lengths import length
from tests.fakes.discord.methods.messages import check_body, told
from tests.fakes.discord.permissions import sees
from tests.fakes.discord.shapes import channel_json, member_json, thread_member_json
from tests.fakes.discord.world import Channel

MEMBERS = 1000
_SPANS = (60, 1440, 4320, 10080)  # minutes


def _name(body: dict[str, Any]) -> str:
    name = str(body.get("name") or "").strip()
    if not 1 <= length(name) <= 100:
        raise invalid("name: Must be between 1 and 100 in length.")
    return name


def _minutes(body: dict[str, Any]) -> int:
    minutes = int(body.get("auto_archive_duration") or 4320)
    if minutes not in _SPANS:
        raise invalid(f"auto_archive_duration: Value must be one of {_SPANS}.")
    return minutes


def _shape(call: Call, thread: Channel) -> dict[str, Any]:
    shape = channel_json(call.world, thread)
    return shape | {"member": thread_member_json(thread, call.me)} if call.me in thread.members else shape


@route("POST", "/channels/{channel_id}/threads", status=201)
def start_thread(call: Call) -> Any:
    parent, body = call.channel(), call.body
    if parent.type == tables.FORUM:
        return _forum_post(call, parent, body)
    if parent.type != tables.TEXT:
        raise Refusal(50024)
    kind = int(body.get("type") or tables.PRIVATE_THREAD)  # docs: PRIVATE_THREAD unless told, for now
    if kind not in (tables.PUBLIC_THREAD, tables.PRIVATE_THREAD):
        raise invalid("type: must be a public or a private thread")
    call.require(parent, "CREATE_PUBLIC_THREADS" if kind == tables.PUBLIC_THREAD else "CREATE_PRIVATE_THREADS")
    name, minutes = _name(body), _minutes(body)
    call.server.room_for_thread()
    invitable = bool(body.get("invitable", True))
    thread = call.server.effects.start_thread(parent, call.me, name, kind, auto_archive=minutes, invitable=invitable)
    return _shape(call, thread)


def _forum_post(call: Call, forum: Channel, body: dict[str, Any]) -> Any:
    call.require(forum, "SEND_MESSAGES")
    name, minutes, message = _name(body), _minutes(body), body["message"]
    tags = [str(tag) for tag in body.get("applied_tags") or []]
    _check_tags(call, forum, tags)
    if message.get("embeds"):
        call.require(forum, "EMBED_LINKS")
    if call.files:
        call.require(forum, "ATTACH_FILES")
    check_body(call, message)
    call.server.room_for_thread()
    thread = call.server.effects.start_thread(
        forum, call.me, name, tables.PUBLIC_THREAD, auto_archive=minutes, applied_tags=tags
    )
    said, _ = call.server.effects.say(thread, call.me, message, call.files, id=thread.id)
    return _shape(call, thread) | {"message": told(call, said)}


def _check_tags(call: Call, forum: Channel, tags: list[str]) -> None:
    if forum.flags & tables.REQUIRE_TAG and not tags:
        raise Refusal(40067)
    known = {tag["id"]: tag for tag in forum.tags}
    if len(tags) > 5 or any(tag not in known for tag in tags):
        raise invalid("applied_tags: Unknown tag, or more than 5")
    if any(known[tag]["moderated"] for tag in tags):
        call.require(forum, "MANAGE_THREADS")


@route("POST", "/channels/{channel_id}/messages/{message_id}/threads", status=201)
def start_thread_of_message(call: Call) -> Any:
    parent = call.channel()
    message = call.message(parent)
    if parent.type != tables.TEXT:
        raise Refusal(50024)
    call.require(parent, "CREATE_PUBLIC_THREADS")
    name, minutes = _name(call.body), _minutes(call.body)
    if message.id in call.world.channels:
        raise Refusal(160004)
    call.server.room_for_thread()
    thread = call.server.effects.start_thread(
        parent, call.me, name, tables.PUBLIC_THREAD, auto_archive=minutes, id=message.id
    )
    message["flags"] |= 1 << 5
    message["thread"] = channel_json(call.world, thread)
    call.world.emit("MESSAGE_UPDATE", message, parent)
    return _shape(call, thread)


def edit_thread(call: Call, thread: Channel, body: dict[str, Any], *, renamed: bool) -> None:
    """PATCH of a thread: an archived one only opens first (50083), a locked one wants MANAGE_THREADS."""
    manages = call.may(thread, "MANAGE_THREADS")
    opens = body.get("archived") is False
    if thread.archived and not opens and set(body) - {"archived", "locked"}:
        raise Refusal(50083)
    if thread.locked and opens and not manages:
        raise Refusal(160005)
    own = thread.owner_id == call.me
    free = {"archived"} if opens and call.may(thread, "SEND_MESSAGES_IN_THREADS") else set()
    if own:
        free |= {"name", "archived", "auto_archive_duration", "applied_tags"}
    if set(body) - free and not manages:
        call.require(thread, "MANAGE_THREADS")
    values: dict[str, Any] = {
        key: bool(body[key]) for key in ("archived", "locked", "invitable") if body.get(key) is not None
    }
    if "name" in body:
        values["name"] = _name(body)
    if "auto_archive_duration" in body:
        values["auto_archive"] = _minutes(body)
    if body.get("applied_tags") is not None:
        parent = call.world.parent(thread)
        values["applied_tags"] = [str(tag) for tag in body["applied_tags"]]
        if parent is None or parent.type != tables.FORUM:
            raise invalid("applied_tags: only posts of forums have tags")
        _check_tags(call, parent, values["applied_tags"])
    if body.get("flags") is not None:
        values["flags"] = int(body["flags"]) & tables.PINNED
    if opens and thread.archived:
        call.server.room_for_thread()
    if renamed:
        call.server.renamed(thread)
    call.server.effects.update_thread(thread, call.me, **values)


@route("PUT", "/channels/{channel_id}/thread-members/@me", status=204)
def join_thread(call: Call) -> None:
    _bring_in(call, call.me)


@route("PUT", "/channels/{channel_id}/thread-members/{user_id}", status=204)
def add_to_thread(call: Call) -> None:
    _bring_in(call, call.params["user_id"])


def _bring_in(call: Call, user: str) -> None:
    thread = call.channel()
    if not thread.is_thread:
        raise Refusal(50024)
    if thread.archived:
        raise Refusal(50083)
    if user not in call.world.guild.members:
        raise Refusal(10007)
    call.require(thread, "SEND_MESSAGES_IN_THREADS")
    parent = call.world.parent(thread)
    if parent is None or not sees(call.world, user, parent):
        raise Refusal(50001)  # somebody who does not see the channel cannot be brought into its threads
    if len(thread.members) >= MEMBERS:
        raise invalid("user_id: Maximum number of thread participants reached (1000)")
    if user not in thread.members:
        call.server.effects.add_to_thread(thread, user, by=call.me)


@route("DELETE", "/channels/{channel_id}/thread-members/{user_id}", status=204)
def remove_from_thread(call: Call) -> None:
    thread, user = call.channel(), call.params["user_id"].replace("@me", call.me)
    if thread.archived:
        raise Refusal(50083)
    if user != call.me and not (thread.type == tables.PRIVATE_THREAD and thread.owner_id == call.me):
        call.require(thread, "MANAGE_THREADS")
    if user in thread.members:
        call.server.effects.leave_thread(thread, user)


@route("GET", "/channels/{channel_id}/thread-members")
def thread_members(call: Call) -> Any:
    thread = call.channel()
    if "GUILD_MEMBERS" not in call.app.privileged:  # docs: list thread members is restricted by the intent
        raise Refusal(50001)
    with_member = call.query.get("with_member") in ("1", "true")
    members = call.world.guild.members
    return [
        thread_member_json(thread, user) | ({"member": member_json(members[user])} if with_member else {})
        for user in thread.members
    ]


@route("GET", "/channels/{channel_id}/threads/archived/public")
def archived_public(call: Call) -> Any:
    return _archived(call, tables.PUBLIC_THREAD)


@route("GET", "/channels/{channel_id}/threads/archived/private")
def archived_private(call: Call) -> Any:
    call.require(call.channel(), "MANAGE_THREADS")
    return _archived(call, tables.PRIVATE_THREAD)


def _archived(call: Call, kind: int) -> Any:
    parent = call.channel()
    call.require(parent, "READ_MESSAGE_HISTORY")
    limit = call.number("limit", 50, 100, 2)
    found = [t for t in call.world.threads if t.parent_id == parent.id and t.archived and t.type == kind]
    found.sort(key=lambda thread: thread.archived_at, reverse=True)
    found = [t for t in found if call.before(t.archived_at)]
    return _listed(call, found[:limit]) | {"has_more": len(found) > limit}


@route("GET", "/guilds/{guild_id}/threads/active")
def active(call: Call) -> Any:
    call.guild()
    return _listed(call, [t for t in call.world.threads if not t.archived and sees(call.world, call.me, t)])


def _listed(call: Call, threads: list[Channel]) -> dict[str, Any]:
    members = [thread_member_json(t, call.me) for t in threads if call.me in t.members]
    return {"threads": [channel_json(call.world, t) for t in threads], "members": members}
