"""Whether Slack would take what was drawn: lengths always, the schema where it is at hand.

For property tests too: needs no server.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.slack import lengths
from tests.fakes.slack.specs import Specs
from tests.fakes.slack.world import World

__all__ = ["VIOLATIONS", "wrong_blocks", "wrong_files", "wrong_message", "wrong_options", "wrong_view"]

TEXT, UPDATE = 40_000, 4_000  # characters of chat.postMessage (cut) and chat.update (refused) [ref]

VIOLATIONS = frozenset(
    {
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_form_data",
        "invalid_json",
        "invalid_limit",
        "invalid_link",
        "invalid_metadata_format",
        "invalid_name_maxlength",
        "invalid_name_punctuation",
        "invalid_name_required",
        "invalid_name_specials",
        "json_not_object",
        "markdown_text_conflict",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "push_limit_reached",
        "too_long",
        "too_many_attachments",
        "too_many_users",
        "unknown_method",
        "used_url",
        "view_too_large",
    }
)
"""Refusals that only a client's own mistake brings about."""


def wrong_blocks(blocks: list[Any]) -> list[str]:
    """What is wrong with a message's blocks."""
    specs = Specs.load()
    return lengths.check_blocks(blocks) or (specs.blocks(blocks) if specs else [])


def wrong_files(world: World, blocks: list[Any]) -> list[str]:
    """Images that no message can show: of no file, of none that is complete and looked at, of none that is a picture."""
    found = []
    for index, block in enumerate(blocks):
        shown = block.get("slack_file") if isinstance(block, dict) and block.get("type") == "image" else None
        if shown is None:
            continue
        file = world.files.get(shown.get("id", ""))
        ready = file is not None and file.complete and file.ready_at <= world.now()
        if file is None or not ready or not file.name.endswith((".png", ".jpg", ".jpeg", ".gif")):
            found.append(f"[ERROR] invalid slack file [json-pointer:/blocks/{index}/slack_file]")
    return found


def wrong_view(view: dict[str, Any]) -> list[str]:
    """What is wrong with a modal or a home tab."""
    specs = Specs.load()
    large = [f"view_too_large: {lengths.view_bytes(view)}"] if lengths.view_bytes(view) > lengths.VIEW_BYTES else []
    return large + (lengths.check_view(view) or (specs.view(view) if specs else []))


def wrong_options(options: list[Any]) -> list[str]:
    """What is wrong with the options of a menu that asks the app; none at all is fine."""
    if not options:
        return []
    return lengths.check_blocks([{"type": "actions", "elements": [{"type": "static_select", "options": options}]}])


def wrong_message(text: str, blocks: list[Any] | None = None, *, update: bool = False) -> list[str]:
    """What is wrong with a whole message; with `update`, for one that will be edited in place."""
    found = wrong_blocks(blocks or [])
    most = UPDATE if update else TEXT
    if len(text) > most:
        found.append(f"text of {len(text)} characters, {most} are the most")
    if not text.strip():
        found.append("no text: notifications and screen readers have nothing to say")
    if lengths.block_characters(blocks or []) > lengths.BLOCK_CHARACTERS:
        found.append(f"msg_blocks_too_long: {lengths.block_characters(blocks or [])} characters in blocks")
    return found
