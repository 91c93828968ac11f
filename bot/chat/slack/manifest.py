"""The app manifest: commands, shortcuts, scopes and events in one place, each scope with its reason.

`manifests/slack-app.yaml` is what `manifest_yaml()` writes; to write it anew: python -m bot.chat.slack.manifest
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

__all__ = [
    "ADD_TO_TIMELINE",
    "COMMANDS",
    "DECLARE",
    "DECLARE_FROM_MESSAGE",
    "EVENTS",
    "EVENTS_PATH",
    "SCOPES",
    "manifest_yaml",
    "typed_as",
]

EVENTS_PATH = "/slack/events"  # of our web server, in HTTP mode
ADD_TO_TIMELINE, DECLARE_FROM_MESSAGE, DECLARE = "add_to_timeline", "declare_from_message", "declare"  # callback ids


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command: what it stands for after `/incident`, and how Slack's menu explains it."""

    name: str
    verb: str
    description: str
    usage: str = ""


COMMANDS = (  # few: each takes a name of the whole workspace, and everything can be said with the first
    Command("/incident", "", "Everything Muster can do", "help | ack | page @robin | severity 1 | ..."),
    Command("/ack", "ack", "Take it: paging stops", "[INC-42] [a note]"),
    Command("/resolve", "resolve", "It is over", "[INC-42] [what ended it]"),
    Command("/declare", "declare", "An incident without an alert", "[what is broken, and where] [sev2]"),
    Command(
        "/page",
        "page",
        "Page a person, or whoever is on call for a service or team",
        "@robin | checkout | team:payments",
    ),
    Command("/oncall", "oncall", "Who is on call, until when, and who is next", "[service or team]"),
)

SHORTCUTS = (
    ("message", ADD_TO_TIMELINE, "Add to timeline", "Keep this message as a note on the incident's timeline"),
    ("message", DECLARE_FROM_MESSAGE, "Declare incident", "Declare an incident that begins with this message"),
    ("global", DECLARE, "Declare incident", "Declare an incident without an alert"),
)

SCOPES = (
    ("app_mentions:read", "answer with help when somebody writes @Muster"),
    ("bookmarks:read", "see which bookmarks a room has, so that none is added twice"),
    ("bookmarks:write", "bookmark the situation room, runbooks, the ticket and dashboards in an incident's room"),
    (
        "channels:history",
        "keep what is said in public rooms for the retrospective, also what was said while Muster was away",
    ),
    (
        "channels:join",
        "enter the public channels where incidents are announced, come back to a room that Muster was removed from",
    ),
    ("channels:manage", "create, name, archive and reopen public rooms, set their topic, invite people"),
    ("channels:read", "find channels by name, know a room's members, hear that it was archived or deleted"),
    ("chat:write", "the card, notices, pages and answers"),
    ("commands", "slash commands, shortcuts"),
    ("files:write", "the graph of an incident, a retrospective as a file"),
    ("groups:history", "the same as channels:history for private rooms that Muster made or was invited to"),
    ("groups:read", "the same as channels:read for private rooms"),
    ("groups:write", "the same as channels:manage for private rooms"),
    ("im:history", "see whether a page arrived when Slack did not say so, so that nobody is paged twice by one"),
    ("im:write", "open a direct message to page somebody"),
    ("pins:write", "pin the card"),
    ("reactions:read", "a pushpin on a message adds it to the timeline, taking it away removes it"),
    ("usergroups:read", "who is in the user groups that are teams of the catalogue (teams.NAME.slack_group)"),
    ("users:read", "the names of people whom the catalogue does not know"),
    ("users:read.email", "find people by the address that the catalogue has"),
)

EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_deleted",
    "group_archive",
    "group_deleted",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)

_LONG = (
    "Alerts of one cause become one incident with one room, the right people and the likely change. Acknowledge, page, run "
    "runbooks and resolve from here or from the situation room; afterwards the conversation is a retrospective."
)


def typed_as(command: str, text: str) -> str:
    """What `/ack INC-42` means after `/incident`: `ack INC-42`. An unknown command means itself."""
    verb = next((one.verb for one in COMMANDS if one.name == command), command.removeprefix("/"))
    return f"{verb} {text}".strip()


def manifest_yaml(public_url: str = "") -> str:
    """The manifest as YAML. Without an address Socket Mode is on; with one (https://muster.example.org) HTTP mode."""
    url = f"{public_url.rstrip('/')}{EVENTS_PATH}" if public_url else ""
    lines = [
        "# The Slack app that Muster is. Create it at api.slack.com/apps: Create New App, From a manifest.",
        "# Written by: python -m bot.chat.slack.manifest",
        "display_information:",
        "  name: Muster",
        "  description: Incidents from alerts, each with a room, the right people and a retrospective",
        '  background_color: "#1b2a3a"',
        f"  long_description: {_quoted(_LONG)}",
        "features:",
        "  app_home:",
        "    home_tab_enabled: true",
        "    messages_tab_enabled: true",
        "    messages_tab_read_only_enabled: true # pages arrive there and are answered by their buttons",
        "  bot_user:",
        "    display_name: muster",
        "    always_online: true",
        "  shortcuts:",
    ]
    for kind, callback, name, description in SHORTCUTS:
        lines += [f"    - name: {name}", f"      type: {kind}", f"      callback_id: {callback}"]
        lines += [f"      description: {_quoted(description)}"]
    lines.append("  slash_commands: # should_escape: people arrive by their id, not by a name that may be another's")
    for command in COMMANDS:
        lines += [f"    - command: {command.name}", f"      description: {_quoted(command.description)}"]
        lines += [f"      url: {url}"] if url else []
        lines += [f"      usage_hint: {_quoted(command.usage)}"] if command.usage else []
        lines.append("      should_escape: true")
    lines += ["oauth_config:", "  scopes:", "    bot:"]
    lines += [f"      - {scope} # {reason}" for scope, reason in SCOPES]
    lines += ["settings:", "  event_subscriptions:"]
    lines += [f"    request_url: {url}"] if url else []
    lines += ["    bot_events:", *(f"      - {event}" for event in EVENTS), "  interactivity:", "    is_enabled: true"]
    lines += [f"    request_url: {url}", f"    message_menu_options_url: {url}"] if url else []
    lines += [
        "  org_deploy_enabled: false",
        f"  socket_mode_enabled: {'false' if url else 'true'}",
        "  token_rotation_enabled: false",
    ]
    return "\n".join(lines) + "\n"


def _quoted(words: str) -> str:
    """A JSON string, which is a YAML string."""
    return json.dumps(words, ensure_ascii=False)


if __name__ == "__main__":
    sys.stdout.write(manifest_yaml(*sys.argv[1:2]))
