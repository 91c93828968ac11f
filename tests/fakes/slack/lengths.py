"""How long and how many: the limits of Block Kit and of views, with Slack's own words for what is too much. No
types, no schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["block_characters", "check_blocks", "check_view", "texts", "view_bytes"]

MESSAGE_BLOCKS = 50  # docs: blocks
VIEW_BLOCKS = 100  # docs: views
BLOCK_CHARACTERS = 13_200  # of text in one message, seen in bolt-js #2509; bolt-js #2867 saw refusals from 11,341 on
VIEW_BYTES = 250_000  # docs: views.open, view_too_large

Found = Iterator[str]


def _less(value: Any, most: int, pointer: str, *, least: int = 1) -> Found:
    if not isinstance(value, str):
        return
    if len(value) > most:
        yield f"[ERROR] must be less than {most + 1} characters [json-pointer:{pointer}]"
    if len(value) < least:
        yield f"[ERROR] must be more than {least - 1} characters [json-pointer:{pointer}]"


def _items(value: Any, most: int, pointer: str, *, least: int = 1) -> Found:
    if not isinstance(value, list):
        return
    if len(value) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:{pointer}]"
    if len(value) < least:
        yield f"[ERROR] no fewer than {least} items allowed [json-pointer:{pointer}]"


def _text(value: Any, most: int, pointer: str, *, plain: bool = False) -> Found:
    if value is None:
        return
    if not isinstance(value, dict) or value.get("type") not in ("plain_text", "mrkdwn"):
        yield f"[ERROR] must be a text object [json-pointer:{pointer}]"
        return
    if plain and value["type"] != "plain_text":
        yield f"[ERROR] must be a plain_text object [json-pointer:{pointer}/type]"
    if not isinstance(value.get("text"), str):
        yield f"[ERROR] missing required field: text [json-pointer:{pointer}]"
    yield from _less(value.get("text"), most, f"{pointer}/text")


def _option(value: Any, pointer: str) -> Found:
    if not isinstance(value, dict):
        return
    yield from _text(value.get("text"), 75, f"{pointer}/text")
    yield from _less(value.get("value"), 150, f"{pointer}/value")
    yield from _text(value.get("description"), 75, f"{pointer}/description")
    yield from _less(value.get("url"), 3000, f"{pointer}/url")


def _options(element: dict[str, Any], pointer: str, most: int) -> Found:
    yield from _items(element.get("options"), most, f"{pointer}/options")
    for index, option in enumerate(element.get("options") or []):
        yield from _option(option, f"{pointer}/options/{index}")
    yield from _items(element.get("option_groups"), 100, f"{pointer}/option_groups")
    for index, group in enumerate(element.get("option_groups") or []):
        yield from _text(group.get("label"), 75, f"{pointer}/option_groups/{index}/label", plain=True)
        yield from _options({"options": group.get("options")}, f"{pointer}/option_groups/{index}", most)


def _confirm(value: Any, pointer: str) -> Found:
    if isinstance(value, dict):
        yield from _text(value.get("title"), 100, f"{pointer}/title", plain=True)
        yield from _text(value.get("text"), 300, f"{pointer}/text")
        yield from _text(value.get("confirm"), 30, f"{pointer}/confirm", plain=True)
        yield from _text(value.get("deny"), 30, f"{pointer}/deny", plain=True)


MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}


def _element(element: Any, pointer: str) -> Found:
    if not isinstance(element, dict):
        yield f"[ERROR] must be an object [json-pointer:{pointer}]"
        return
    kind = element.get("type", "")
    if kind in ("plain_text", "mrkdwn"):
        yield from _text(element, 3000, pointer)
        return
    if kind == "image":
        yield from _less(element.get("image_url"), 3000, f"{pointer}/image_url")
        yield from _less(element.get("alt_text"), 2000, f"{pointer}/alt_text")
        return
    yield from _less(element.get("action_id"), 255, f"{pointer}/action_id")
    yield from _confirm(element.get("confirm"), f"{pointer}/confirm")
    yield from _text(element.get("placeholder"), 150, f"{pointer}/placeholder", plain=True)
    yield from _options(element, pointer, MOST_OPTIONS.get(kind, 100))
    if kind in ("button", "workflow_button"):
        yield from _text(element.get("text"), 75, f"{pointer}/text", plain=True)
        yield from _less(element.get("value"), 2000, f"{pointer}/value", least=0)
        yield from _less(element.get("url"), 3000, f"{pointer}/url")
        yield from _less(element.get("accessibility_label"), 75, f"{pointer}/accessibility_label")
    if kind == "plain_text_input":
        most = min(int(element.get("max_length") or 3000), 3000)
        yield from _less(element.get("initial_value"), most, f"{pointer}/initial_value", least=0)


def _section(block: dict[str, Any], pointer: str) -> Found:
    if not block.get("text") and not block.get("fields"):
        yield f"[ERROR] missing required field: text [json-pointer:{pointer}]"
    yield from _text(block.get("text"), 3000, f"{pointer}/text")
    yield from _items(block.get("fields"), 10, f"{pointer}/fields")
    for index, value in enumerate(block.get("fields") or []):
        yield from _text(value, 2000, f"{pointer}/fields/{index}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{pointer}/accessory")


def _several(most: int) -> Callable[[dict[str, Any], str], Found]:
    def check(block: dict[str, Any], pointer: str) -> Found:
        yield from _items(block.get("elements"), most, f"{pointer}/elements")
        seen: set[str] = set()
        for index, element in enumerate(block.get("elements") or []):
            yield from _element(element, f"{pointer}/elements/{index}")
            action = element.get("action_id") if isinstance(element, dict) else None
            if action and action in seen:
                yield f"[ERROR] `action_id` {action} already exists [json-pointer:{pointer}/elements/{index}/action_id]"
            seen.add(action or "")

    return check


def _image(block: dict[str, Any], pointer: str) -> Found:
    yield from _element({**block, "type": "image"}, pointer)
    yield from _text(block.get("title"), 2000, f"{pointer}/title", plain=True)


def _input(block: dict[str, Any], pointer: str) -> Found:
    yield from _text(block.get("label"), 2000, f"{pointer}/label", plain=True)
    yield from _text(block.get("hint"), 2000, f"{pointer}/hint", plain=True)
    yield from _element(block.get("element"), f"{pointer}/element")


def _header(block: dict[str, Any], pointer: str) -> Found:
    yield from _text(block.get("text"), 150, f"{pointer}/text", plain=True)


def _markdown(block: dict[str, Any], pointer: str) -> Found:
    yield from _less(block.get("text"), 12_000, f"{pointer}/text")


def _table(block: dict[str, Any], pointer: str) -> Found:
    yield from _items(block.get("rows"), 100, f"{pointer}/rows")
    for index, row in enumerate(block.get("rows") or []):
        yield from _items(row, 20, f"{pointer}/rows/{index}")


BLOCKS: dict[str, Callable[[dict[str, Any], str], Found]] = {
    "section": _section,
    "header": _header,
    "context": _several(10),
    "actions": _several(25),
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "table": _table,
}


def check_blocks(blocks: list[Any], *, most: int = MESSAGE_BLOCKS, pointer: str = "/blocks") -> list[str]:
    """What Slack would say of these blocks; nothing when they are short enough."""
    found = list(_items(blocks, most, pointer, least=0))
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        here = f"{pointer}/{index}"
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            found.append(f"[ERROR] missing required field: type [json-pointer:{here}]")
            continue
        found += _less(block.get("block_id"), 255, f"{here}/block_id")
        if block.get("block_id") and block["block_id"] in seen:
            found.append(f"[ERROR] `block_id` {block['block_id']} already exists [json-pointer:{here}/block_id]")
        seen.add(block.get("block_id") or "")
        if block["type"] in BLOCKS:
            found += BLOCKS[block["type"]](block, here)
    return found


def check_view(view: dict[str, Any]) -> list[str]:
    """What Slack would say of this view, its blocks included."""
    found: list[str] = []
    if view.get("type") == "modal":
        if "title" not in view:
            found.append("[ERROR] missing required field: title [json-pointer:/view]")
        for part in ("title", "submit", "close"):
            found += _text(view.get(part), 24, f"/view/{part}", plain=True)
        if any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or []) and not view.get(
            "submit"
        ):
            found.append(
                "[ERROR] submit required when an input block is within blocks array [json-pointer:/view/submit]"
            )
    elif view.get("type") != "home":
        found.append(f"[ERROR] unsupported type: {view.get('type')} [json-pointer:/view/type]")
    found += _less(view.get("private_metadata"), 3000, "/view/private_metadata", least=0)
    found += _less(view.get("callback_id"), 255, "/view/callback_id", least=0)
    found += _less(view.get("external_id"), 255, "/view/external_id", least=0)
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        return [*found, "[ERROR] missing required field: blocks [json-pointer:/view]"]
    return found + check_blocks(blocks, most=VIEW_BLOCKS, pointer="/view/blocks")


def texts(value: Any) -> Iterator[str]:
    """Every text that a reader would see in blocks, in their order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("text", "alt_text") and isinstance(inner, str):
                yield inner
            else:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def block_characters(blocks: list[Any]) -> int:
    """The characters of text that count against a message's total."""
    return sum(len(text) for text in texts(blocks))


def view_bytes(view: dict[str, Any]) -> int:
    """How large the view is as Slack receives it."""
    return len(json.dumps(view, ensure_ascii=False).encode())
