"""The app as Discord should know it: scopes, permissions and intents in one place, each with its reason, and the invitation.

`manifests/discord-app.yaml` is what `manifest_yaml()` writes; to write it anew: python -m bot.chat.discord.manifest
"""

from __future__ import annotations

import base64
import binascii
import json
import sys

import discord

__all__ = ["INTENTS", "PERMISSIONS", "SCOPES", "app_of", "invite_url", "manifest_yaml", "permission_bits"]

SCOPES = (
    ("bot", "be a member of the server: rooms, messages, pages"),
    ("applications.commands", "slash commands and the menus of messages"),
)

PERMISSIONS = (  # what Discord calls it, discord.py's name of the bit, what for
    ("View Channels", "view_channel", "see the rooms that Muster makes"),
    ("Manage Channels", "manage_channels", "make a channel for an incident, move it to the archive"),
    ("Manage Roles", "manage_roles", "let people into private rooms, close a room for writing when it is archived"),
    ("Send Messages", "send_messages", "the card, notices, answers"),
    ("Create Public Threads", "create_public_threads", "rooms that are threads or posts of a forum"),
    ("Create Private Threads", "create_private_threads", "private rooms that are threads"),
    ("Send Messages in Threads", "send_messages_in_threads", "the card, notices and answers there"),
    ("Manage Threads", "manage_threads", "archive such rooms, and open them again"),
    ("Embed Links", "embed_links", "links in messages show where they lead"),
    ("Attach Files", "attach_files", "the graph of an incident, a retrospective, long output as a file"),
    (
        "Read Message History",
        "read_message_history",
        "see what was said while Muster was away, and find its own messages",
    ),
    ("Pin Messages", "pin_messages", "pin the card; since February 2026 Manage Messages is not enough"),
)

INTENTS = (  # what Discord calls it, whether it has to be switched on in the portal, what for
    ("Guilds", False, "channels and threads that come and go"),
    ("Guild Messages", False, "that something was said, edited or deleted in a room"),
    ("Guild Message Reactions", False, "a pushpin on a message adds it to the timeline, taking it away removes it"),
    (
        "Message Content",
        True,
        "what was said: the transcript of the retrospective. Without it everything else works, and the transcript is lost",
    ),
)

PORTAL = "https://discord.com/developers/applications"
APP_ID = "APPLICATION_ID"


def permission_bits() -> int:
    """All permissions, as Discord writes them in addresses."""
    return discord.Permissions(**{name: True for _, name, _ in PERMISSIONS}).value


def app_of(token: str) -> str:
    """The application's id, which a bot's token begins with; "" where it is no such token."""
    head = token.partition(".")[0]
    try:
        number = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return number if number.isdecimal() else ""


def invite_url(app: str = "", guild: int | None = None) -> str:
    """Where somebody who may Manage Server lets Muster in."""
    scopes = "+".join(scope for scope, _ in SCOPES)
    where = f"&guild_id={guild}&disable_guild_select=true" if guild else ""
    return f"https://discord.com/oauth2/authorize?client_id={app or APP_ID}&scope={scopes}&permissions={permission_bits()}{where}"


def manifest_yaml(app: str = "", guild: int | None = None) -> str:
    """The app as YAML: Discord reads no manifests, people do."""
    replace = "" if app else f"Replace {APP_ID} (General Information). "
    choose = "" if guild else ", and choose the server"
    lines = [
        f"# The Discord app that Muster is. Make it at {PORTAL}: New Application.",
        "# Written by: python -m bot.chat.discord.manifest",
        "name: Muster",
        f"description: {json.dumps('Incidents from alerts, each with a room, the right people and a retrospective')}",
        "install: # by a link, into one server; nobody else needs to be able to add it (Bot, Public Bot: off)",
        f"  # {replace}Open it{choose}:",
        f"  url: {json.dumps(invite_url(app, guild))}",
        "  scopes:",
        *(f"    - {scope} # {reason}" for scope, reason in SCOPES),
        f"  permissions: # {permission_bits()}",
        *(f"    - {label} # {reason}" for label, _, reason in PERMISSIONS),
        "bot:",
        "  intents: # Bot, Privileged Gateway Intents",
        *(
            f"    - {label} # {'switch it on: ' if privileged else 'given: '}{reason}"
            for label, privileged, reason in INTENTS
        ),
        "interactions_endpoint_url: null # General Information; commands arrive by the gateway, so it stays empty",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(manifest_yaml())
