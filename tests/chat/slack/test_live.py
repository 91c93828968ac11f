"""What `muster check --live` says about Slack's tokens."""

from __future__ import annotations

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Rooms, Team
from bot.chat.slack.live import look
from bot.chat.slack.manifest import SCOPES
from bot.settings import load_settings
from tests.fakes.slack import FakeSlack

NEEDED = {scope for scope, _ in SCOPES}


async def said(slack: FakeSlack, catalog: Catalog | None = None, **more: str) -> str:
    settings = load_settings(
        {"SLACK_BOT_TOKEN": slack.app.bot_token, "SLACK_APP_TOKEN": slack.app.app_token, "SLACK_API_URL": slack.api_url}
        | more
    )
    return "\n".join([problem async for problem in look(settings, catalog)])


async def test_nothing_is_wrong_with_the_app_of_the_manifest() -> None:
    async with FakeSlack(scopes=NEEDED) as slack:
        assert await said(slack) == ""


async def test_each_missing_scope_is_named_with_what_it_is_for() -> None:
    async with FakeSlack(scopes=NEEDED) as slack:
        for scope, why in SCOPES:
            slack.app.scopes = NEEDED - {scope}
            assert (await said(slack)).startswith(
                f"SLACK_BOT_TOKEN: the scope {scope} is missing ({why}). Add it under"
            )
        slack.app.scopes = NEEDED - {"pins:write", "users:read.email"}
        assert len((await said(slack)).splitlines()) == 2


async def test_a_token_of_the_wrong_kind_is_told_without_asking() -> None:
    async with FakeSlack() as slack:
        words = await said(slack, SLACK_BOT_TOKEN="xoxp-1", SLACK_APP_TOKEN=slack.app.bot_token)
        assert "a user token, and a bot token (xoxb-...) is needed" in words
        assert "a bot token, and an app-level token (xapp-...) is needed" in words
        assert not slack.calls


@pytest.mark.parametrize("trouble", ["token_revoked", "invalid_auth"])
async def test_tokens_that_slack_does_not_accept_are_told(trouble: str) -> None:
    async with FakeSlack() as slack:
        slack.app.token_trouble = slack.app.app_token_trouble = trouble  # type: ignore[assignment]  # one of the words
        words = await said(slack)
        assert f"SLACK_BOT_TOKEN: Slack does not accept it ({trouble})" in words
        assert f"SLACK_APP_TOKEN: Slack does not accept it ({trouble})" in words


async def test_a_missing_connections_write_is_named() -> None:
    async with FakeSlack() as slack:
        slack.app.app_scopes = set()
        assert "connections:write is missing" in await said(slack)


async def test_channels_of_the_catalogue_that_are_out_of_reach_are_named_and_none_is_entered() -> None:
    catalog = Catalog(
        rooms=Rooms(announce={"slack": "#incidents", "discord": "1"}),
        teams={
            "payments": Team(id="payments", channels={"slack": "#payments"}),
            "data": Team(id="data", channels={"slack": "#secret"}),
            "web": Team(id="web"),
        },
    )
    async with FakeSlack(scopes=NEEDED) as slack:
        mika = slack.person("mika")
        there = slack.channel("incidents", mika, with_app=False)
        slack.channel("secret", mika, private=True, with_app=False)
        lines = (await said(slack, catalog)).splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "catalogue, teams.payments.channels.slack",
            "catalogue, teams.data.channels.slack",
        ]
        assert "Slack has no channel #payments that Muster can see" in lines[0]
        assert slack.app.user_id not in there.members
