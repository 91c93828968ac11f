"""Whether Discord would take what was drawn: lengths always, the OpenAPI description where it is at hand.

For property tests too: needs no server.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.discord.definitions import check_commands
from tests.fakes.discord.lengths import check_message, check_modal, is_v2
from tests.fakes.discord.mentions import wrong_allowed
from tests.fakes.discord.specs import Specs

__all__ = ["wrong_commands", "wrong_message", "wrong_modal"]


def wrong_message(body: dict[str, Any], files: set[str] | None = None) -> list[str]:
    """What is wrong with a message's body; `files` are the names that `attachment://` may mean, None for any."""
    specs = Specs.load()
    found = check_message(body, v2=is_v2(body.get("flags")), files=files) + wrong_allowed(body.get("allowed_mentions"))
    if not any(body.get(key) for key in ("content", "embeds", "components", "attachments")):
        found.append("content: Cannot send an empty message")
    return found or (specs.wrong_schema("MessageCreateRequest", body) if specs else [])


def wrong_modal(data: dict[str, Any]) -> list[str]:
    """What is wrong with a modal."""
    specs = Specs.load()
    return check_modal(data) or (specs.wrong_schema("ModalInteractionCallbackRequestData", data) if specs else [])


def wrong_commands(commands: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the commands of a guild, sent together."""
    specs = Specs.load()
    found = check_commands(commands)
    if found or specs is None:
        return found
    return [line for command in commands for line in specs.wrong_schema("ApplicationCommandUpdateRequest", command)]
