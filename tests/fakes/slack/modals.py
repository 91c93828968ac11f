"""What a person can fill in and press: elements of blocks, their values as Slack's payloads show them. No delivery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.fakes.slack.world import View

__all__ = ["chosen", "elements", "find_element", "state_of"]

ONE = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "rich_text_input": "rich_text_value",
}
MANY = {
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")

Element = dict[str, Any]


def elements(blocks: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Element]]:
    """Every interactive element with its block."""
    for block in blocks:
        found = list(block.get("elements") or []) if block["type"] in ("actions", "context_actions") else []
        found += [block[part] for part in ("accessory", "element") if isinstance(block.get(part), dict)]
        for element in found:
            if element.get("type") != "image":
                yield block, element


def find_element(blocks: list[dict[str, Any]], name: str, value: str | None = None) -> tuple[dict[str, Any], Element]:
    """The element of this action_id, value or label; LookupError lists what there is."""
    every = list(elements(blocks))
    by_action = [
        (block, element)
        for block, element in every
        if element.get("action_id") == name
        and (value is None or element["type"] != "button" or element.get("value") == value)
    ]
    by_value = [pair for pair in every if pair[1].get("value") == name]
    by_label = [pair for pair in every if (pair[1].get("text") or {}).get("text") == name]
    for found in (by_action, by_value, by_label):
        if found:
            return found[0]
    there = [(e.get("action_id"), (e.get("text") or {}).get("text"), e.get("value")) for _, e in every]
    raise LookupError(f"nothing here is called {name!r} (value {value!r}); there are {there}")


def _option(element: Element, wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, dict):
        return wanted
    groups = element.get("option_groups") or []
    options = [*(element.get("options") or []), *(option for group in groups for option in group["options"])]
    for option in options:
        if wanted in (option.get("value"), option["text"]["text"]):
            return dict(option)
    if element["type"].endswith("external_select"):
        return {"text": {"type": "plain_text", "text": str(wanted)}, "value": str(wanted)}
    raise LookupError(f"{wanted!r} is not among {[option.get('value') for option in options]}")


def chosen(element: Element, wanted: Any) -> dict[str, Any]:
    """How a payload shows that an element has this value; None is its initial value."""
    kind = element["type"]
    if kind == "button":
        shown = {"text": element["text"]}
        return shown | ({"value": element["value"]} if "value" in element else {})
    if kind in OPTION:
        option = _option(element, wanted) if wanted is not None else element.get("initial_option")
        return {"selected_option": option}
    if kind in OPTIONS:
        options = [_option(element, one) for one in wanted] if wanted is not None else element.get("initial_options")
        return {"selected_options": options or []}
    if kind in MANY:
        initial = element.get(MANY[kind].replace("selected", "initial"))
        return {MANY[kind]: (list(wanted) if wanted is not None else initial) or []}
    if kind in ONE:
        initial = element.get("initial_value" if ONE[kind] == "value" else ONE[kind].replace("selected", "initial"))
        return {ONE[kind]: wanted if wanted is not None else initial}
    raise LookupError(f"nobody knows how to fill in a {kind}")


def _refused(element: Element, shown: dict[str, Any], *, optional: bool) -> str:
    value = next(iter(shown.values()))
    if not optional and value in (None, "", []):
        return "is required"
    if element["type"] == "plain_text_input" and isinstance(value, str):
        if len(value) > element.get("max_length", 3000):
            return f"is longer than {element.get('max_length', 3000)}"
        if value and len(value) < element.get("min_length", 0):
            return f"is shorter than {element['min_length']}"
    return ""


def state_of(view: View, values: dict[str, Any], *, submitting: bool) -> dict[str, dict[str, Any]]:
    """`state.values` of a view with these values by action_id, block_id or label.

    ValueError where Slack's client would not let it go."""
    left = dict(values)
    state: dict[str, dict[str, Any]] = {}
    for block, element in elements(view["blocks"]):
        if element["type"] in ("button", "overflow", "workflow_button"):
            continue
        label = (block.get("label") or {}).get("text")
        name = next((key for key in (element["action_id"], block["block_id"], label) if key in left), None)
        shown = chosen(element, left.pop(name) if name is not None else None)
        trouble = _refused(element, shown, optional=block.get("optional", False) or block["type"] != "input")
        if submitting and trouble:
            raise ValueError(f"{label or element['action_id']} {trouble}")
        state.setdefault(block["block_id"], {})[element["action_id"]] = {"type": element["type"], **shown}
    if left:
        raise LookupError(f"the view has no {sorted(left)}; it has {state}")
    return state
