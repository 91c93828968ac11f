"""Filling in: the options of a command, the fields of a modal, a menu's choice, as Discord's own client lets people. Raises
ValueError and LookupError where it would not; sends nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import definitions as kinds
from tests.fakes.discord.lengths import BUTTON, INPUT, LABELLED, SELECTS, length, walk
from tests.fakes.discord.shapes import channel_json, member_json, role_json, user_json
from tests.fakes.discord.world import Channel, Role, User, World

if TYPE_CHECKING:
    from tests.fakes.discord.happening import View

__all__ = ["Resolved", "filled_modal", "filled_options", "find_component", "select_values"]


class Resolved:
    """What the values of options and selects stand for."""

    def __init__(self, world: World, viewer: str) -> None:
        self._world, self._viewer = world, viewer
        self.data: dict[str, dict[str, Any]] = {}

    def add(self, value: Any) -> str:
        """The id of a person, user, role or channel, remembered with its JSON."""
        world = self._world
        value = getattr(value, "user", value)
        if isinstance(value, User):
            self._keep("users", value.id, user_json(value))
            member = world.guild.members.get(value.id)
            if member is not None:
                self._keep("members", value.id, member_json(member, with_user=False) | {"permissions": "0"})
        elif isinstance(value, Role):
            self._keep("roles", value.id, role_json(value))
        elif isinstance(value, Channel):
            self._keep("channels", value.id, channel_json(world, value, viewer=self._viewer))
        else:
            raise TypeError(f"{value!r} is no person, role or channel")
        return str(value.id)

    def file(self, name: str, content: bytes, url: str) -> str:
        """An attachment."""
        number = self._world.snowflake()
        self._world.files[number] = (name, content)
        where = f"{url}/cdn/ephemeral-attachments/0/{number}/{name}"
        shape = {"id": number, "filename": name, "size": len(content), "url": where, "proxy_url": where}
        self._keep("attachments", number, shape | {"content_type": "application/octet-stream", "ephemeral": True})
        return number

    def _keep(self, kind: str, key: str, shape: dict[str, Any]) -> None:
        self.data.setdefault(kind, {})[key] = shape


def filled_options(
    options: list[dict[str, Any]], given: dict[str, Any], resolved: Resolved, url: str, typing: str = ""
) -> list[dict[str, Any]]:
    """The options of a command as the client sends them; while `typing` one, the others may still be missing."""
    known = {option["name"]: option for option in options}
    strange = set(given) - set(known)
    if strange:
        raise LookupError(f"there is no option {sorted(strange)}; there are {sorted(known)}")
    filled = []
    for name, option in known.items():
        if name not in given:
            if option.get("required") and not typing:
                raise ValueError(f"the option {name} is required")
            continue
        shape: dict[str, Any] = {"name": name, "type": option["type"]}
        if name == typing:
            shape |= {"value": given[name], "focused": True}
        else:
            shape["value"] = _value(option, given[name], resolved, url)
        filled.append(shape)
    return filled


def _value(option: dict[str, Any], value: Any, resolved: Resolved, url: str) -> Any:
    kind, name = option["type"], option["name"]
    for choice in option.get("choices") or []:
        if value in (choice["value"], choice["name"]):
            return choice["value"]
    if option.get("choices"):
        raise ValueError(f"{name}: {value!r} is none of {[c['name'] for c in option['choices']]}")
    if kind == kinds.STRING:
        least, most = option.get("min_length") or 0, option.get("max_length") or 6000
        if not isinstance(value, str) or not max(1, least) <= length(value) <= most:
            raise ValueError(f"{name}: a text of {least} to {most} characters is wanted")
    elif kind in (kinds.INTEGER, kinds.NUMBER):
        whole = isinstance(value, int) or kind == kinds.NUMBER
        if isinstance(value, bool) or not isinstance(value, int | float) or not whole:
            raise ValueError(f"{name}: {value!r} is not a number of this kind")
        if not option.get("min_value", value) <= value <= option.get("max_value", value):
            raise ValueError(f"{name}: {value} is out of bounds")
    elif kind == kinds.BOOLEAN:
        if not isinstance(value, bool):
            raise ValueError(f"{name}: True or False")
    elif kind == kinds.ATTACHMENT:
        return resolved.file(*value, url)
    else:
        wanted = {
            kinds.A_USER: (User,),
            kinds.ROLE: (Role,),
            kinds.CHANNEL: (Channel,),
            kinds.MENTIONABLE: (User, Role),
        }
        plain = getattr(value, "user", value)
        if not isinstance(plain, wanted[kind]):
            raise ValueError(f"{name}: {value!r} is not of this kind")
        types = option.get("channel_types")
        if isinstance(plain, Channel) and types and plain.type not in types:
            raise ValueError(f"{name}: a channel of another type is wanted")
        return resolved.add(value)
    return value


def find_component(components: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The button or select with this custom_id, label or placeholder; a select also by the label or value of an option."""
    every = [c for _, c in walk(components) if c.get("type") == BUTTON or c.get("type") in SELECTS]
    for key in ("custom_id", "label", "placeholder"):
        for component in every:
            if component.get(key) == name:
                return component
    for component in every:
        if any(name in (option["label"], option["value"]) for option in component.get("options") or []):
            return component
    raise LookupError(
        f"there is no {name!r}; there are {[c.get('label') or c.get('custom_id') or c.get('url') for c in every]}"
    )


def select_values(select: dict[str, Any], value: Any, resolved: Resolved) -> list[str]:
    """What a select sends for one value or several."""
    given = list(value) if isinstance(value, list | tuple | set) else [] if value is None else [value]
    least, most = select.get("min_values"), select.get("max_values")
    least, most = 1 if least is None else least, 1 if most is None else most
    if select.get("required") is False:
        least = 0
    if not least <= len(given) <= most:
        raise ValueError(f"{len(given)} values chosen, {least} to {most} may be")
    if select["type"] != 3:
        return [resolved.add(one) for one in given]
    found = []
    for one in given:
        option = next((o for o in select["options"] if one in (o["value"], o["label"])), None)
        if option is None:
            raise LookupError(f"{one!r} is none of {[o['label'] for o in select['options']]}")
        found.append(option["value"])
    return found


def filled_modal(view: View, given: dict[str, Any], resolved: Resolved) -> list[dict[str, Any]]:
    """The components of a submission: by custom_id or label; what is not given keeps what it starts with."""
    fields: list[tuple[dict[str, Any], dict[str, Any], str]] = []  # what is around it, the field, its label
    components = []
    for top in view.data.get("components") or []:
        if top["type"] == LABELLED:
            fields.append((top, top["component"], top["label"]))
        elif top["type"] == 1:
            fields.append((top, top["components"][0], top["components"][0].get("label", "")))
    strange = set(given) - {name for _, field, label in fields for name in (field.get("custom_id"), label)}
    if strange:
        raise LookupError(f"the modal has no {sorted(strange)}; it has {[label for _, _, label in fields]}")
    for index, (top, field, label) in enumerate(fields, 1):
        custom_id = field.get("custom_id", "")
        shape = {"type": field["type"], "custom_id": custom_id, "id": field.get("id", 100 + index)}
        shape |= _field(field, label, given.get(custom_id, given.get(label)), resolved)
        wrapped = {"component": shape} if top["type"] == LABELLED else {"components": [shape]}
        components.append({"type": top["type"], "id": top.get("id", index), **wrapped})
    return components


def _field(field: dict[str, Any], label: str, value: Any, resolved: Resolved) -> dict[str, Any]:
    required = field.get("required", True)
    if field["type"] == INPUT:
        text = str(field.get("value") or "") if value is None else str(value)
        if required and not text:
            raise ValueError(f"{label}: this field is required")
        if text and not (field.get("min_length") or 0) <= length(text) <= (field.get("max_length") or 4000):
            raise ValueError(f"{label}: {length(text)} characters are too few or too many")
        return {"value": text}
    if field["type"] in SELECTS:
        if value is None:
            value = [o["value"] for o in field.get("options") or [] if o.get("default")] or None
        return {"values": select_values(field | {"required": required}, value, resolved)}
    if field["type"] in (21, 22):  # radio group, checkbox group
        options = field.get("options") or []
        given = (
            [o["value"] for o in options if o.get("default")]
            if value is None
            else [value]
            if isinstance(value, str)
            else list(value)
        )
        chosen = [o["value"] for o in options if o["value"] in given or o["label"] in given]
        if len(chosen) != len(given) or (required and not chosen):
            raise ValueError(f"{label}: one of {[o['label'] for o in options]} is wanted")
        return {"value": chosen[0] if chosen else None} if field["type"] == 21 else {"values": chosen}
    if field["type"] == 23:  # checkbox
        return {"value": bool(field.get("default") if value is None else value)}
    raise ValueError(f"{label}: a field of type {field['type']} is not filled in by this fake")
