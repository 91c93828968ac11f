"""What `muster check --live` asks Slack: whether the tokens are right and may what Muster needs. It changes nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.catalog.catalog import Catalog
from bot.chat.slack.channels import Channels
from bot.chat.slack.client import Refused, SlackClient
from bot.chat.slack.groups import find_groups, wanted_groups
from bot.chat.slack.manifest import SCOPES
from bot.errors import DeliveryError
from bot.settings import Settings

__all__ = ["look"]

_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token", "xoxe": "a rotated token"}
_WHERE = {"SLACK_BOT_TOKEN": "OAuth & Permissions", "SLACK_APP_TOKEN": "Basic Information, App-Level Tokens"}


async def look(settings: Settings, catalog: Catalog | None = None) -> AsyncIterator[str]:
    """What is wrong, a sentence each with the way out; nothing when Slack would let Muster work, or is not configured.

    With the catalogue, what it names in Slack is looked for, too.
    """
    bot, app = settings.slack_bot_token, settings.slack_app_token
    if bot is None:
        return
    if wrong := _wrong_kind("SLACK_BOT_TOKEN", bot.get_secret_value(), "xoxb-"):
        yield wrong
    else:
        async for problem in _bot(bot.get_secret_value(), settings.slack_api_url, catalog or Catalog.empty()):
            yield problem
    if app is None:
        return
    if wrong := _wrong_kind("SLACK_APP_TOKEN", app.get_secret_value(), "xapp-"):
        yield wrong
        return
    async for problem in _app(app.get_secret_value(), settings.slack_api_url):
        yield problem


async def _bot(token: str, url: str, catalog: Catalog) -> AsyncIterator[str]:
    client = SlackClient(token, url)
    try:
        try:
            granted = await client.scopes()
        except DeliveryError as error:
            word = client.trouble or str(error)
            yield f"SLACK_BOT_TOKEN: Slack does not accept it ({word}). Install the app again and copy the new token."
            return
        for scope, why in SCOPES:
            if scope not in granted:
                yield (
                    f"SLACK_BOT_TOKEN: the scope {scope} is missing ({why}). Add it under OAuth & Permissions, "
                    "reinstall the app."
                )
        async for problem in _channels(client, catalog):
            yield problem
        async for problem in _groups(client, catalog):
            yield problem
    finally:
        await client.close()


async def _channels(client: SlackClient, catalog: Catalog) -> AsyncIterator[str]:
    """Where incidents are to be announced and cannot be. A public channel is entered when it is needed, not here."""
    channels = Channels(client)
    named = {"rooms.announce.slack": catalog.rooms.announce.get("slack", "")}
    named |= {f"teams.{team.id}.channels.slack": team.channels.get("slack", "") for team in catalog.teams.values()}
    for where, channel in named.items():
        try:
            if channel:
                await channels.find(channel, enter=False)
        except DeliveryError as error:
            yield f"catalogue, {where}: {error}"


async def _groups(client: SlackClient, catalog: Catalog) -> AsyncIterator[str]:
    """User groups that are teams, and cannot be."""
    wanted = wanted_groups(catalog)
    try:
        found = await find_groups(client, wanted) if wanted else {}
    except DeliveryError as error:
        found = dict.fromkeys(wanted, str(error))
    for team in catalog.teams.values():
        if isinstance(why := found.get(team.slack_group), str):
            yield f"catalogue, teams.{team.id}.slack_group: {why}"


async def _app(token: str, url: str) -> AsyncIterator[str]:
    client = SlackClient(token, url)
    try:
        await client.call("apps.connections.open", app_token=token)
    except Refused as error:
        if error.error == "missing_scope":
            yield (
                "SLACK_APP_TOKEN: the scope connections:write is missing. Make another token with it under Basic "
                "Information, App-Level Tokens."
            )
        elif error.error == "not_allowed_token_type":
            yield "SLACK_APP_TOKEN: Slack says that it is no app-level token. It begins with xapp-."
        else:
            yield f"SLACK_APP_TOKEN: {error}. Turn on Socket Mode in the app's settings."
    except DeliveryError as error:
        yield f"SLACK_APP_TOKEN: Slack does not accept it ({client.trouble or error}). Make a new one."
    finally:
        await client.close()


def _wrong_kind(name: str, token: str, right: str) -> str:
    if token.startswith(right):
        return ""
    kind = next((words for start, words in _KINDS.items() if token.startswith(start)), "something else")
    return f"{name} begins with {token[:5]!r}: that is {kind}, and {_KINDS[right]} ({right}...) is needed. See {_WHERE[name]}."
