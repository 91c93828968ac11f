"""What interactions there are: made for what a person did, found again by id and token, given up after three seconds."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.happening import Happening, View
from tests.fakes.discord.permissions import permissions
from tests.fakes.discord.shapes import channel_json, member_json, user_json
from tests.fakes.discord.world import Channel

if TYPE_CHECKING:
    from tests.fakes.discord.server import FakeDiscord

__all__ = ["Interactions"]

TOKEN = 900.0  # seconds a token lives (docs: interactions, receiving and responding)
TYPES = {"command": 2, "component": 3, "autocomplete": 4, "modal": 5}
ATTACHMENT_BYTES = 10 * 1024 * 1024


class Interactions:
    """The register of interactions, and of the modals on people's screens."""

    def __init__(self, server: FakeDiscord) -> None:
        self._server = server
        self.by_id: dict[str, Happening] = {}
        self.by_token: dict[str, Happening] = {}
        self.screens: dict[str, View] = {}  # user id: the modal in front of them
        self._timers: set[asyncio.TimerHandle] = set()

    def send(self, happening: Happening, channel: Channel, data: dict[str, Any], **more: Any) -> Happening:
        """Tell the app of an interaction, and wait no longer than Discord does."""
        server, world = self._server, self._server.world
        happening.id, happening.token = world.snowflake(), "aW50ZXJhY3Rpb246" + secrets.token_urlsafe(40)
        happening.at, happening.channel = world.now(), channel.id
        self.by_id[happening.id] = self.by_token[happening.token] = happening
        payload: dict[str, Any] = {
            "id": happening.id,
            "application_id": server.app.id,
            "type": TYPES[happening.kind],
            "data": data,
            "token": happening.token,
            "version": 1,
            "channel": channel_json(world, channel, viewer=happening.user),
            "channel_id": channel.id,
            "app_permissions": str(permissions(world, server.app.user.id, channel)),
            "locale": "en-US",
            "entitlements": [],
            "attachment_size_limit": ATTACHMENT_BYTES,
            **more,
        }
        if channel.is_dm:
            payload |= {"user": user_json(world.users[happening.user]), "context": 1}
            payload["authorizing_integration_owners"] = {"0": "0"}
        else:
            may = {"permissions": str(permissions(world, happening.user, channel))}
            payload |= {
                "guild_id": world.guild.id,
                "guild": {"id": world.guild.id, "locale": "en-US", "features": []},
                "guild_locale": "en-US",
                "member": member_json(world.guild.members[happening.user]) | may,
                "context": 0,
                "authorizing_integration_owners": {"0": world.guild.id},
            }
        happening.payload = payload
        server.happenings.append(happening)
        happening.sent = server.gateway.dispatch("INTERACTION_CREATE", payload, None)
        timer = asyncio.get_running_loop().call_later(server.ack_seconds, self._give_up, happening)
        self._timers.add(timer)
        return happening

    def _give_up(self, happening: Happening) -> None:
        if not happening.done:
            happening.failed = "no_response"
            happening.changed()

    def late(self, happening: Happening) -> bool:
        """Whether a first response comes too late."""
        return bool(happening.failed) or self._server.world.now() - happening.at > self._server.ack_seconds

    def expired(self, happening: Happening) -> bool:
        """Whether the token is dead."""
        return self._server.world.now() - happening.at > TOKEN

    def close(self) -> None:
        """Wait for nobody any more."""
        for timer in self._timers:
            timer.cancel()
