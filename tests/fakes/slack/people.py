"""A person in the workspace: says, edits, presses, submits. Each deed returns a Happening to await. Raises
where Slack's client would not let it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.slack.happening import Answer, Happening
from tests.fakes.slack.modals import chosen, find_element, state_of
from tests.fakes.slack.shapes import channel_json, file_json, message_json
from tests.fakes.slack.world import Channel, File, Message, User, View

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack

__all__ = ["Person"]


class Person:
    """Acts as one member. Channels may be given as Channel, id or name; messages as Message or ts."""

    def __init__(self, slack: FakeSlack, user: User) -> None:
        self._slack, self._world, self.user = slack, slack.world, user

    @property
    def id(self) -> str:
        """The user id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """How a message names this person."""
        return f"<@{self.user.id}>"

    @property
    def modal(self) -> View | None:
        """The modal on the screen."""
        stack = self._world.modals.get(self.id, [])
        return stack[-1] if stack else None

    @property
    def home(self) -> View | None:
        """The app's home tab."""
        return self._world.homes.get(self.id)

    @property
    def dm(self) -> Channel:
        """The direct conversation with the app, opened if need be."""
        app = self._slack.app.user_id
        return self._world.direct(app, self.id) or self._world.channel("", "im", app, [self.id])

    @property
    def private(self) -> list[Answer]:
        """Everything that only this person was shown."""
        return [answer for answer in self._slack.interactions.answers if answer.user == self.id]

    # ── conversation

    def _channel(self, where: Channel | str) -> Channel:
        channel = where if isinstance(where, Channel) else self._world.channels.get(where) or self._world.named(where)
        if channel is None:
            raise LookupError(
                f"there is no channel {where!r}; there are {[c.name for c in self._world.channels.values()]}"
            )
        if self.id not in channel.members and channel.kind != "public":
            raise PermissionError(f"{self.user.name} cannot see {channel.name}")
        return channel

    def _message(self, where: Channel | str, what: Message | str) -> Message:
        channel = self._channel(where)
        message = channel.find(what if isinstance(what, str) else what.ts)
        if message is None:
            raise LookupError(f"no such message in {channel.name}")
        return message

    def say(self, where: Channel | str, text: str, *, thread: Message | str | None = None, **more: Any) -> Happening:
        """Say something; one who is not in the channel joins first, as Slack asks."""
        channel = self._channel(where)
        if channel.archived:
            raise PermissionError(f"{channel.name} is archived")
        if self.id not in channel.members:
            self._world.join(channel, self.id)
        root = thread.ts if isinstance(thread, Message) else thread
        message, happening = self._world.post(
            channel, self.id, text, thread_ts=root, client_msg_id=self._world.number("m"), **more
        )
        happening.message = message
        return self._seen(happening, channel)

    def edit(self, message: Message, text: str) -> Happening:
        """Change one's own words."""
        if message.get("user") != self.id:
            raise PermissionError("only one's own messages can be edited")
        happening = self._world.change(message, self.id, text=text)
        happening.message = message
        return self._seen(happening, message.channel)

    def delete(self, message: Message) -> Happening:
        """Take one's words back."""
        return self._seen(self._world.delete(message), message.channel)

    def react(self, message: Message, name: str) -> Happening:
        """Add an emoji."""
        return self._seen(self._world.react(message, self.id, name), message.channel)

    def unreact(self, message: Message, name: str) -> Happening:
        """Take an emoji back."""
        return self._seen(self._world.react(message, self.id, name, remove=True), message.channel)

    def upload(self, where: Channel | str, name: str, content: bytes, text: str = "") -> Happening:
        """Share a file."""
        channel = self._channel(where)
        file = File(
            id=self._world.number("F"),
            name=name,
            title=name,
            length=len(content),
            user=self.id,
            created=self._slack.now(),
            content=content,
            complete=True,
        )
        self._world.files[file.id] = file
        shape = file_json(self._world, file, self._slack.files_url)
        happening = self.say(channel, text, subtype="file_share", files=[shape], upload=True)
        file.shares[channel.id] = [happening.ts]
        return happening

    def pin(self, message: Message, *, remove: bool = False) -> Happening:
        """Pin a message, or take the pin away."""
        return self._seen(self._world.pin(message, self.id, remove=remove), message.channel)

    def join(self, where: Channel | str) -> Happening:
        """Come in."""
        channel = self._channel(where)
        return self._seen(self._world.join(channel, self.id), channel)

    def leave(self, where: Channel | str) -> Happening:
        """Go."""
        channel = self._channel(where)
        return self._seen(self._world.leave(channel, self.id), channel)

    def invite(self, where: Channel | str, other: Person | User) -> Happening:
        """Bring somebody in."""
        channel = self._channel(where)
        return self._seen(self._world.join(channel, other.id, self.id), channel)

    def archive(self, where: Channel | str, *, undo: bool = False) -> Happening:
        """Close a channel, or open it again."""
        channel = self._channel(where)
        return self._seen(self._world.archive(channel, self.id, undo=undo), channel)

    def rename(self, where: Channel | str, name: str) -> Happening:
        """Give a channel another name."""
        channel = self._channel(where)
        return self._seen(self._world.rename(channel, self.id, name), channel)

    def _seen(self, happening: Happening, channel: Channel) -> Happening:
        happening.user, happening.channel = self.id, channel.id
        return happening

    # ── interaction

    def _brief(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "username": self.user.name,
            "name": self.user.name,
            "team_id": self._world.team_id,
        }

    def _send(self, happening: Happening, payload: dict[str, Any], *, response_url: bool) -> Happening:
        happening.user = self.id
        url = self._slack.interactions.prepare(happening, response_url=response_url)
        app, world = self._slack.app, self._world
        happening.payload = {
            "type": "",
            "token": app.verification_token,
            "api_app_id": app.id,
            "team": {"id": world.team_id, "domain": world.team_domain},
            "user": self._brief(),
            "is_enterprise_install": False,
            "enterprise": None,
            "trigger_id": happening.trigger_id,
            **payload,
        }
        if response_url:
            happening.payload["response_url"] = url
        return self._slack.deliveries.send(happening)

    def command(self, command: str, text: str, where: Channel | str | None = None) -> Happening:
        """Type a slash command; in the conversation with the app when no channel is named."""
        channel = self._channel(where) if where is not None else self.dm
        app, world = self._slack.app, self._world
        if "commands" not in app.scopes or (app.commands is not None and command not in app.commands):
            raise LookupError(f"{command} is not a valid command")
        happening = Happening(kind="slash_commands", user=self.id, channel=channel.id)
        url = self._slack.interactions.prepare(happening)
        names = {"public": channel.name, "private": "privategroup", "im": "directmessage", "mpim": channel.name}
        happening.payload = {
            "token": app.verification_token,
            "team_id": world.team_id,
            "team_domain": world.team_domain,
            "channel_id": channel.id,
            "channel_name": names[channel.kind],
            "user_id": self.id,
            "user_name": self.user.name,
            "command": command,
            "text": text,
            "api_app_id": app.id,
            "is_enterprise_install": "false",
            "response_url": url,
            "trigger_id": happening.trigger_id,
        }
        return self._slack.deliveries.send(happening)

    def press(self, target: Message | Answer | View, name: str, value: Any = None) -> Happening:
        """Press a button (by action_id, value or label) or choose `value` in a menu, of a message, a private answer or a view.

        A Message kept by `frozen()` is an outdated screen: its buttons are pressed as they were.
        """
        blocks = target["blocks"] if isinstance(target, View) else target.blocks
        block, element = find_element(blocks, name, value if isinstance(value, str) else None)
        if "url" in element and "action_id" not in element:
            raise LookupError("this button only opens a page")
        action = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self._world.ts(),
            **chosen(element, value),
        }
        happening = Happening(kind="interactive", target=target)
        payload: dict[str, Any] = {"type": "block_actions", "actions": [action], "state": {"values": {}}}
        if isinstance(target, View):
            state = {"values": state_of(target, {}, submitting=False)}
            payload |= {"container": {"type": "view", "view_id": target["id"]}, "view": dict(target) | {"state": state}}
            return self._send(happening, payload, response_url=False)
        channel = target.channel if isinstance(target, Message) else self._world.channels[target.channel]
        if isinstance(target, Message):
            channel = self._channel(target.channel)
            payload["message"] = message_json(target)
        elif target.deleted or target.user != self.id:
            raise PermissionError("this is not on the screen of this person")
        happening.channel = channel.id
        payload["container"] = {
            "type": "message",
            "message_ts": target.ts,
            "channel_id": channel.id,
            "is_ephemeral": isinstance(target, Answer),
        }
        payload["channel"] = {"id": channel.id, "name": channel.name or "directmessage"}
        return self._send(happening, payload, response_url=True)

    def submit(self, values: dict[str, Any] | None = None, *, view: View | None = None) -> Happening:
        """Send the modal off, filled in by action_id, block_id or label; ValueError where Slack's client would not.

        Afterwards `happening.errors` holds what the app did not like, and `modal` what is on the screen.
        """
        view = view or self.modal
        if view is None:
            raise LookupError(f"{self.user.name} has no modal open")
        state = {"values": state_of(view, values or {}, submitting=True)}
        payload = {"type": "view_submission", "view": dict(view) | {"state": state}, "response_urls": []}
        return self._send(Happening(kind="interactive", target=view), payload, response_url=False)

    def close(self, *, everything: bool = False) -> Happening:
        """Close the modal: the app hears of it only if the view asked for that."""
        view = self.modal
        if view is None:
            raise LookupError(f"{self.user.name} has no modal open")
        stack = self._world.modals[self.id]
        cleared = everything or bool(view.get("clear_on_close"))
        del stack[0 if cleared else -1 :]
        if not view.get("notify_on_close"):
            return Happening(kind="none", user=self.id)
        payload = {"type": "view_closed", "view": dict(view), "is_cleared": cleared}
        return self._send(Happening(kind="interactive", target=view), payload, response_url=False)

    def type_ahead(self, name: str, query: str, *, target: View | Message | None = None) -> Happening:
        """Type into a menu that asks the app; the options are in `ack`."""
        place = target or self.modal
        if place is None:
            raise LookupError(f"{self.user.name} has no modal open")
        block, element = find_element(place["blocks"], name)
        payload: dict[str, Any] = {
            "type": "block_suggestion",
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "value": query,
        }
        if isinstance(place, View):
            payload |= {"view": dict(place), "container": {"type": "view", "view_id": place["id"]}}
        else:
            payload["message"] = message_json(place)
        return self._send(Happening(kind="interactive", target=place), payload, response_url=False)

    def shortcut(self, callback_id: str) -> Happening:
        """A global shortcut."""
        payload = {"type": "shortcut", "callback_id": callback_id, "action_ts": self._world.ts()}
        return self._send(Happening(kind="interactive"), payload, response_url=False)

    def message_shortcut(self, message: Message, callback_id: str) -> Happening:
        """A shortcut in a message's menu."""
        channel = self._channel(message.channel)
        shape = channel_json(self._world, channel, self.id)
        payload = {
            "type": "message_action",
            "callback_id": callback_id,
            "action_ts": self._world.ts(),
            "message_ts": message.ts,
            "message": message_json(message),
            "channel": {"id": channel.id, "name": shape.get("name", "directmessage")},
        }
        happening = Happening(kind="interactive", channel=channel.id, target=message)
        return self._send(happening, payload, response_url=True)

    def open_home(self, tab: str = "home") -> Happening:
        """Open the app's home tab, or its messages tab."""
        event: dict[str, Any] = {"user": self.id, "channel": self.dm.id, "tab": tab, "event_ts": self._world.ts()}
        if self.home is not None:
            event["view"] = dict(self.home)
        return self._seen(self._slack.deliveries.event("app_home_opened", event, None), self.dm)
