"""What a message or modal may hold: lengths and counts that the description does not say, or says too kindly. Judges JSON;
knows no server.

Lengths count UTF-16 units: Discord does not say what it counts, and that is the most a text can be (a guess on the
severe side). Sources: docs, reference/message and components/reference, August 2026.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.fakes.discord.tables import COMPONENTS_V2

__all__ = ["check_components", "check_message", "check_modal", "custom_ids", "length", "walk"]

CONTENT, EMBEDS, EMBED_SUM, V2_TEXT, V2_COUNT, ROWS = 2000, 10, 6000, 4000, 40, 5
V2_BYTES, TEXT_COST = (
    10_170,
    12,
)  # UTF-8 of all texts, and what each costs more (api-docs #8554: measured, not documented)
CUSTOM_ID, LABEL, URL, PLACEHOLDER, OPTION, OPTIONS = 100, 80, 512, 150, 100, 25
ROW, BUTTON, STRING_SELECT, INPUT, SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABELLED = (
    1, 2, 3, 4, 9, 10, 11, 12, 13, 14, 17, 18,
)  # fmt: skip
SELECTS = (3, 5, 6, 7, 8)
TOP_V2 = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR, CONTAINER)
EMBED_LENGTHS = {"title": 256, "description": 4096}


def length(text: Any) -> int:
    """UTF-16 units."""
    return len(str(text or "").encode("utf-16-le", "surrogatepass")) // 2


def _long(found: list[str], path: str, text: Any, most: int, least: int = 0) -> None:
    count = length(text)
    if count > most:
        found.append(f"{path}: Must be {most} or fewer in length. ({count})")
    elif count < least:
        found.append(f"{path}: This field is required")


def check_message(body: dict[str, Any], *, v2: bool, files: set[str] | None = None) -> list[str]:
    """What is wrong with a message, or an edit: `v2` whether it is (or becomes) a Components V2 one; `files` the names
    that `attachment://` may mean, None for any.
    """
    found: list[str] = []
    _long(found, "content", body.get("content"), CONTENT)
    embeds, components = body.get("embeds") or [], body.get("components") or []
    if v2:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                found.append(f"{key}: The 'MessageFlags.IS_COMPONENTS_V2' flag does not allow it")
    found += _embeds(embeds)
    found += check_components(components, v2=v2)
    for name in sorted(set(_attachments([embeds, components])) - files) if files is not None else []:
        found.append(f"components: attachment://{name} references an attachment that is not there")
    return found


def _embeds(embeds: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    total = 0
    if len(embeds) > EMBEDS:
        found.append(f"embeds: Must be {EMBEDS} or fewer in length.")
    for index, embed in enumerate(embeds):
        path = f"embeds/{index}"
        pieces: list[tuple[str, Any, int, int]] = [
            (key, embed.get(key), most, 0) for key, most in EMBED_LENGTHS.items()
        ]
        pieces.append(("footer/text", (embed.get("footer") or {}).get("text"), 2048, 0))
        pieces.append(("author/name", (embed.get("author") or {}).get("name"), 256, 0))
        fields = embed.get("fields") or []
        if len(fields) > 25:
            found.append(f"{path}/fields: Must be 25 or fewer in length.")
        for number, item in enumerate(fields):
            pieces.append((f"fields/{number}/name", item.get("name"), 256, 1))
            pieces.append((f"fields/{number}/value", item.get("value"), 1024, 1))
        for key, text, most, least in pieces:
            _long(found, f"{path}/{key}", text, most, least)
            total += length(text)
    if total > EMBED_SUM:
        found.append(f"embeds: Embed size exceeds maximum size of {EMBED_SUM} ({total})")
    return found


def walk(components: Any, path: str = "components") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every component with its place, nested ones too."""
    for index, component in enumerate(components or []):
        if not isinstance(component, dict):
            continue
        place = f"{path}/{index}"
        yield place, component
        yield from walk(component.get("components"), f"{place}/components")
        for key in ("accessory", "component"):
            if isinstance(component.get(key), dict):
                yield f"{place}/{key}", component[key]


def custom_ids(components: Any) -> list[str]:
    """The custom_ids in components, in order."""
    return [str(c["custom_id"]) for _, c in walk(components) if c.get("custom_id")]


def check_components(components: list[dict[str, Any]], *, v2: bool) -> list[str]:
    """What is wrong with a message's components."""
    found: list[str] = []
    every = list(walk(components))
    for index, component in enumerate(components):
        allowed = TOP_V2 if v2 else (ROW,)
        if component.get("type") not in allowed:
            found.append(f'components/{index}/type: Value of field "type" must be one of {allowed}.')
    if v2 and len(every) > V2_COUNT:
        found.append(f"components: Must be {V2_COUNT} or fewer in length, nested ones counted. ({len(every)})")
    if not v2 and len(components) > ROWS:
        found.append(f"components: Must be {ROWS} or fewer in length.")
    words = sum(length(c.get("content")) for _, c in every if c.get("type") == TEXT_DISPLAY)
    if words > V2_TEXT:
        found.append(f"components: The texts together exceed the maximum size of {V2_TEXT} ({words})")
    shown = [str(c.get("content") or "") for _, c in every if c.get("type") == TEXT_DISPLAY]
    size = sum(len(text.encode("utf-8", "surrogatepass")) + TEXT_COST for text in shown)
    if size > V2_BYTES:
        found.append(f"components: {size} bytes of text, {V2_BYTES} are the most (Discord answers 500)")
    twice = [name for name, count in Counter(custom_ids(components)).items() if count > 1]
    found += [f"components: Component custom id cannot be duplicated: {name}" for name in twice]
    ids = Counter(c["id"] for _, c in every if c.get("id"))
    found += [f"components: Component id cannot be duplicated: {number}" for number, count in ids.items() if count > 1]
    for path, component in every:
        _component(found, path, component)
    return found


def _component(found: list[str], path: str, component: dict[str, Any]) -> None:
    kind = component.get("type")
    inner = component.get("components") or []
    if kind == ROW:
        kinds = [child.get("type") for child in inner]
        selects = sum(k in SELECTS for k in kinds)
        if not kinds or len(kinds) > 5 or selects > 1 or (selects and len(kinds) > 1):
            found.append(f"{path}/components: a row holds one to five buttons, or one select")
        if any(k not in (BUTTON, *SELECTS) for k in kinds):
            found.append(f"{path}/components: a row holds buttons or a select")
    elif kind == BUTTON:
        _button(found, path, component)
    elif kind in SELECTS:
        _select(found, path, component)
    elif kind == TEXT_DISPLAY:
        _long(found, f"{path}/content", component.get("content"), V2_TEXT, 1)
    elif kind == SECTION:
        if not 1 <= len(inner) <= 3 or "accessory" not in component:
            found.append(f"{path}: a section holds one to three texts and an accessory")
    elif kind == GALLERY and not 1 <= len(component.get("items") or []) <= 10:
        found.append(f"{path}/items: Must be between 1 and 10 in length.")


def _button(found: list[str], path: str, button: dict[str, Any]) -> None:
    _long(found, f"{path}/label", button.get("label"), LABEL)
    _long(found, f"{path}/custom_id", button.get("custom_id"), CUSTOM_ID)
    _long(found, f"{path}/url", button.get("url"), URL)
    style, link = button.get("style"), bool(button.get("url"))
    if style == 5 and (not link or button.get("custom_id")):
        found.append(f"{path}: a link button has a url and no custom_id")
    if style in (1, 2, 3, 4) and (link or not button.get("custom_id")):
        found.append(f"{path}: a button has a custom_id and no url")
    if style != 6 and not button.get("label") and not button.get("emoji"):
        found.append(f"{path}: a button has a label or an emoji")
    address = str(button.get("url") or "http://")
    if not address.startswith(("http://", "https://", "discord://")):
        found.append(f'{path}/url: Scheme "{address.partition(":")[0]}" is not supported.')


def _select(found: list[str], path: str, select: dict[str, Any]) -> None:
    _long(found, f"{path}/custom_id", select.get("custom_id"), CUSTOM_ID, 1)
    _long(found, f"{path}/placeholder", select.get("placeholder"), PLACEHOLDER)
    options = select.get("options") or []
    least, most = select.get("min_values"), select.get("max_values")
    least, most = 1 if least is None else least, 1 if most is None else most
    if not 0 <= least <= 25 or not max(1, least) <= most <= 25:
        found.append(f"{path}: min_values {least} and max_values {most} do not fit")
    if select.get("type") != STRING_SELECT:
        return
    if not 1 <= len(options) <= OPTIONS:
        found.append(f"{path}/options: Must be between 1 and {OPTIONS} in length.")
    elif most > len(options):
        found.append(f"{path}/max_values: there are {len(options)} options")
    values = [option.get("value") for option in options]
    if len(set(values)) < len(values):
        found.append(f"{path}/options: The specified option value is already used")
    for index, option in enumerate(options):
        for key, shortest in (("label", 1), ("value", 1), ("description", 0)):
            _long(found, f"{path}/options/{index}/{key}", option.get(key), OPTION, shortest)


def _attachments(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _attachments(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "url" and str(item).startswith("attachment://"):
                yield str(item).removeprefix("attachment://")
            else:
                yield from _attachments(item)


def check_modal(data: dict[str, Any]) -> list[str]:
    """What is wrong with a modal."""
    found: list[str] = []
    _long(found, "data/title", data.get("title"), 45, 1)
    _long(found, "data/custom_id", data.get("custom_id"), CUSTOM_ID, 1)
    components = data.get("components") or []
    if not 1 <= len(components) <= 5:
        found.append("data/components: Must be between 1 and 5 in length.")
    every = list(walk(components, "data/components"))
    twice = [name for name, count in Counter(custom_ids(components)).items() if count > 1]
    found += [f"data/components: Component custom id cannot be duplicated: {name}" for name in twice]
    for index, component in enumerate(components):
        if component.get("type") not in (ROW, LABELLED, TEXT_DISPLAY):
            found.append(f"data/components/{index}/type: a modal holds labels, texts and rows of an input")
    for path, component in every:
        kind = component.get("type")
        if kind == LABELLED:
            _long(found, f"{path}/label", component.get("label"), 45, 1)
            _long(found, f"{path}/description", component.get("description"), 100)
        elif kind == INPUT:
            _input(found, path, component)
        elif kind in SELECTS:
            _select(found, path, component)
    return found


def _input(found: list[str], path: str, field: dict[str, Any]) -> None:
    _long(found, f"{path}/custom_id", field.get("custom_id"), CUSTOM_ID, 1)
    _long(found, f"{path}/label", field.get("label"), 45)
    _long(found, f"{path}/placeholder", field.get("placeholder"), 100)
    most = field.get("max_length") or 4000
    least = field.get("min_length") or 0
    if not 1 <= most <= 4000 or not 0 <= least <= most:
        found.append(f"{path}: min_length {least} and max_length {most} do not fit")
    if field.get("value") is not None:
        _long(found, f"{path}/value", field["value"], most)


def is_v2(flags: Any) -> bool:
    """Whether flags say Components V2."""
    return bool(int(flags or 0) & COMPONENTS_V2)
