"""What a person does with the app: commands, buttons, menus, modals. Each deed returns a Happening to await; raises where
Discord's client would not let it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord import definitions as kinds
from tests.fakes.discord.forms import Resolved, filled_modal, filled_options, find_component, select_values
from tests.fakes.discord.happening import Answer, Happening, View
from tests.fakes.discord.lengths import BUTTON
from tests.fakes.discord.permissions import permissions, sees
from tests.fakes.discord.shapes import message_json
from tests.fakes.discord.tables import PERMISSIONS
from tests.fakes.discord.world import Channel, Message, User

if TYPE_CHECKING:
    from tests.fakes.discord.people import Person
    from tests.fakes.discord.server import FakeDiscord

__all__ = ["Acting"]


class Acting:
    """The half of a person that the app must respond to."""

    def __init__(self, server: FakeDiscord, user: User) -> None:
        self._server, self._world, self.user = server, server.world, user

    @property
    def id(self) -> str:
        """The user id."""
        return self.user.id

    @property
    def modal(self) -> View | None:
        """The modal on the screen."""
        return self._server.interactions.screens.get(self.id)

    def place(self, where: Channel | str) -> Channel:
        """A channel that this person sees, by itself, id or name."""
        channel = where if isinstance(where, Channel) else self._world.channels.get(where) or self._world.named(where)
        if channel is None:
            raise LookupError(
                f"there is no channel {where!r}; there are {[c.name for c in self._world.guild_channels]}"
            )
        if not sees(self._world, self.id, channel):
            raise PermissionError(f"{self.user.name} cannot see {channel.name}")
        return channel

    def may(self, channel: Channel, *names: str) -> None:
        """PermissionError unless this person has these permissions."""
        have = permissions(self._world, self.id, channel)
        missing = [name for name in names if not have & PERMISSIONS[name]]
        if missing:
            raise PermissionError(f"{self.user.name} may not in {channel.name}: {missing}")

    def _seen(self, message: Message | Answer) -> Message:
        if not isinstance(message, Answer):
            self.place(message.channel)
            return message
        mine = any(message in h.answers and h.user == self.id for h in self._server.happenings)
        if message.deleted or (message.private and not mine):
            raise PermissionError("this is not on the screen of this person")
        return message.message

    # ── commands

    def _definition(self, name: str, kind: int, channel: Channel) -> dict[str, Any]:
        app = self._server.app
        every = [*([] if channel.is_dm else app.commands.values()), *app.global_commands.values()]
        found = next((c for c in every if c["type"] == kind and c["name"] == name), None)
        if found is None:
            raise LookupError(f"there is no command {name!r}; there are {[c['name'] for c in every]}")
        if channel.is_dm and found.get("contexts") and 1 not in found["contexts"]:
            raise LookupError(f"{name} is not for direct conversations")
        if not channel.is_dm:
            self.may(channel, "USE_APPLICATION_COMMANDS")
            wanted = found.get("default_member_permissions")
            have = permissions(self._world, self.id, channel)
            if wanted is not None and (int(wanted) & have != int(wanted) or int(wanted) == 0) and not have & 8:
                raise PermissionError(f"{name} is hidden from {self.user.name}")
        return found

    def _path(self, path: str, channel: Channel) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The command, and the steps down to the sub-command."""
        words = path.removeprefix("/").split()
        command = self._definition(words[0], kinds.CHAT_INPUT, channel)
        steps = [command]
        for word in words[1:]:
            found = next(
                (o for o in steps[-1].get("options") or [] if o["name"] == word and o["type"] <= kinds.GROUP), None
            )
            if found is None:
                names = [o["name"] for o in steps[-1].get("options") or []]
                raise LookupError(f"/{path}: there is no {word!r}; there are {names}")
            steps.append(found)
        if any(o["type"] <= kinds.GROUP for o in steps[-1].get("options") or []):
            raise LookupError(f"/{path} is not a whole command: {[o['name'] for o in steps[-1]['options']]}")
        return command, steps

    def _command(
        self, happening: Happening, path: str, channel: Channel, given: dict[str, Any], typing: str = ""
    ) -> Happening:
        command, steps = self._path(path, channel)
        resolved = Resolved(self._world, self.id)
        options = filled_options(steps[-1].get("options") or [], given, resolved, self._server.url, typing)
        for step in reversed(steps[1:]):
            options = [{"name": step["name"], "type": step["type"], "options": options}]
        data = {"id": command["id"], "name": command["name"], "type": kinds.CHAT_INPUT, "options": options}
        data |= {"resolved": resolved.data} if resolved.data else {}
        data |= {"guild_id": command["guild_id"]} if command.get("guild_id") else {}
        return self._server.interactions.send(happening, channel, data)

    def command(self, path: str, where: Channel | str, /, **options: Any) -> Happening:
        """Give a slash command: `robin.command("incident declare", room, title="Pager")`.

        People, roles and channels are given as such, files as (name, bytes), choices by value or name.
        """
        happening = Happening(kind="command", user=self.id)
        return self._command(happening, path, self.place(where), options)

    def type_ahead(self, path: str, where: Channel | str, option: str, text: str, /, **others: Any) -> Happening:
        """Type into an option that asks the app; what is offered is in `choices`."""
        channel = self.place(where)
        _, steps = self._path(path, channel)
        found = next((o for o in steps[-1].get("options") or [] if o["name"] == option), None)
        if found is None or not found.get("autocomplete"):
            raise LookupError(f"/{path}: {option} offers nothing")
        happening = Happening(kind="autocomplete", user=self.id, focused=found["type"])
        return self._command(happening, path, channel, others | {option: text}, typing=option)

    def menu(self, name: str, target: Message | Person) -> Happening:
        """Choose a command in the menu of a message, or of a person (then in the first channel both see)."""
        resolved = Resolved(self._world, self.id)
        if isinstance(target, Message):
            channel, kind = self.place(target.channel), kinds.MESSAGE
            # the app gets the whole message whatever its intents (docs: message content intent)
            shape = message_json(self._world, target, self._server.app.user.id)
            resolved.data["messages"] = {target.id: shape}
        else:
            channel = next(c for c in self._world.guild_channels if sees(self._world, self.id, c) and c.type == 0)
            kind = kinds.USER
            resolved.add(target)
        command = self._definition(name, kind, channel)
        data = {"id": command["id"], "name": name, "type": kind, "target_id": target.id, "resolved": resolved.data}
        data |= {"guild_id": command["guild_id"]} if command.get("guild_id") else {}
        return self._server.interactions.send(Happening(kind="command", user=self.id), channel, data)

    # ── components

    def press(self, target: Message | Answer, name: str, value: Any = None) -> Happening:
        """Press a button (by custom_id or label) or choose `value` (one, or a list) in a menu (custom_id or placeholder).

        A Message kept by `frozen()` is an outdated screen: its buttons are pressed as they were. A menu may also be named by
        one of its options, which then is chosen.
        """
        shown = self._seen(target)
        component = find_component(shown.components, name)
        if component.get("disabled"):
            raise PermissionError(f"{name} is greyed out")
        if component.get("url"):
            raise LookupError("this button only opens a page")
        data: dict[str, Any] = {
            "component_type": component["type"],
            "custom_id": component["custom_id"],
            "id": component.get("id"),
        }
        if component["type"] != BUTTON:
            resolved = Resolved(self._world, self.id)
            named = name in (component.get("custom_id"), component.get("placeholder"))
            data["values"] = select_values(component, value if named or value is not None else name, resolved)
            data |= {"resolved": resolved.data} if resolved.data else {}
        live = shown.channel.find(shown.id) or shown
        happening = Happening(kind="component", user=self.id, message=live)
        message = message_json(self._world, shown, self._server.app.user.id)
        return self._server.interactions.send(happening, shown.channel, data, message=message)

    # ── modals

    def submit(self, values: dict[str, Any] | None = None, *, view: View | None = None) -> Happening:
        """Send the modal off, filled in by custom_id or label; ValueError where Discord's client would not."""
        view = view or self.modal
        if view is None:
            raise LookupError(f"{self.user.name} has no modal open")
        resolved = Resolved(self._world, self.id)
        components = filled_modal(view, values or {}, resolved)
        data: dict[str, Any] = {"custom_id": view.custom_id, "components": components}
        data |= {"resolved": resolved.data} if resolved.data else {}
        origin = view.opener
        happening = Happening(kind="modal", user=self.id, submitted=view, message=origin.message)
        more = {"message": origin.payload["message"]} if "message" in origin.payload else {}
        return self._server.interactions.send(happening, self._world.channels[origin.channel], data, **more)

    def close(self) -> None:
        """Close the modal: the app never hears of it."""
        if self._server.interactions.screens.pop(self.id, None) is None:
            raise LookupError(f"{self.user.name} has no modal open")
