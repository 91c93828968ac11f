"""files.*: the upload in three steps, what became of it, and its end."""

from __future__ import annotations

from typing import Any

from tests.fakes.slack.calls import Call, Refusal, method
from tests.fakes.slack.shapes import file_json
from tests.fakes.slack.world import Channel, File

Body = dict[str, Any]
SHARED = 100  # channels in one call [ref]
LARGEST = 1_000_000_000  # bytes (help centre)


@method("files.getUploadURLExternal")
def upload_url(call: Call) -> Body:
    length = call.number("length", 0)
    if length <= 0 or not call.text("filename"):
        raise Refusal("invalid_arguments", messages=["[ERROR] length and filename are required"])
    if length > LARGEST:
        raise Refusal("file_upload_size_restricted")
    if len(call.text("alt_txt")) > 1000:
        raise Refusal("alt_txt_too_large")
    file = File(
        id=call.world.number("F"),
        name=call.text("filename"),
        title=call.text("filename"),
        length=length,
        user=call.me,
        created=call.world.now(),
        alt_txt=call.text("alt_txt"),
    )
    call.world.files[file.id] = file
    return {"upload_url": f"{call.slack.url}/upload/v1/{file.id}", "file_id": file.id}


def _share(call: Call, channel: Channel, files: list[File]) -> None:
    thread, blocks = call.text("thread_ts"), call.blocks()
    if thread and channel.find(thread) is None:
        raise Refusal("invalid_arguments", messages=["[ERROR] invalid thread_ts"])
    message, _ = call.world.post(
        channel,
        call.me,
        call.text("initial_comment"),
        bot_id=call.slack.app.bot_id,
        app_id=call.slack.app.id,
        thread_ts=thread or None,
        blocks=blocks,
        upload=True,
        files=[file_json(call.world, file, call.slack.files_url) for file in files],
    )
    for file in files:
        file.shares.setdefault(channel.id, []).append(message.ts)
        event = {"file_id": file.id, "user_id": call.me, "channel_id": channel.id, "event_ts": message.ts}
        call.world.emit("file_shared", event, channel)


@method("files.completeUploadExternal")
def complete(call: Call) -> Body:
    wanted = call.json("files", list, "invalid_arguments") or []
    if not wanted or any(not isinstance(entry, dict) or "id" not in entry for entry in wanted):
        raise Refusal("invalid_arguments", messages=["[ERROR] missing required field: id [json-pointer:/files/0]"])
    files = []
    for entry in wanted:
        file = call.world.files.get(entry["id"])
        if file is None or file.content is None or file.complete:
            raise Refusal("file_not_found")
        file.title = entry.get("title") or file.name
        files.append(file)
    names = [name for name in [call.text("channel_id"), *call.text("channels").split(",")] if name]
    if len(names) > SHARED:
        raise Refusal("channels_limit_exceeded")
    channels = []
    for name in names:
        channel = call.world.channels.get(name)
        if channel is None or (channel.kind != "public" and call.me not in channel.members):
            raise Refusal("channel_not_found")
        if call.me not in channel.members:
            raise Refusal("not_in_channel")
        if channel.archived:
            raise Refusal("posting_to_channel_denied")
        channels.append(channel)
    for file in files:
        file.complete, file.ready_at = True, call.world.now() + call.slack.file_seconds
    for channel in channels:
        _share(call, channel, files)
    return {"files": [file_json(call.world, file, call.slack.files_url) for file in files]}


def _file(call: Call) -> File:
    file = call.world.files.get(call.text("file"))
    if file is None or not file.complete:
        raise Refusal("file_deleted" if call.text("file") in call.world.deleted_files else "file_not_found")
    return file


@method("files.info")
def info(call: Call) -> Body:
    file = _file(call)
    return {"file": file_json(call.world, file, call.slack.files_url), "comments": []}


@method("files.delete")
def delete(call: Call) -> Body:
    file = _file(call)
    if file.user != call.me:  # a token of the app deletes what the app uploaded
        raise Refusal("cant_delete_file")
    del call.world.files[file.id]
    call.world.deleted_files.add(file.id)
    for channel_id, stamps in file.shares.items():
        for message in filter(None, map(call.world.channels[channel_id].find, stamps)):
            gone = {"id": file.id, "mode": "tombstone"}
            message["files"] = [gone if one["id"] == file.id else one for one in message["files"]]
    return {}
