"""The fake Slack tried with the real slack_sdk: who may call what, channels, people, and the published specification."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes.driving import (
    Client,
    client_of,
    refusal,
    specification,
)
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.calls import METHODS
from tests.fakes.slack.tables import RULES

# ── who calls


async def test_a_bot_token_says_who_it_is_and_shows_its_scopes(slack: FakeSlack, client: Client) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == slack.app.user_id
    assert answer["bot_id"] == slack.app.bot_id
    assert "chat:write" in answer.headers["X-OAuth-Scopes"].split(",")


async def test_each_kind_of_token_opens_only_its_methods(slack: FakeSlack) -> None:
    assert (await client_of(slack, slack.app.app_token).apps_connections_open(app_token=slack.app.app_token))["ok"]
    assert await refusal(client_of(slack, slack.app.app_token).auth_test()) == "not_allowed_token_type"
    assert (
        await refusal(client_of(slack).apps_connections_open(app_token=slack.app.bot_token)) == "not_allowed_token_type"
    )
    assert await refusal(client_of(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    slack.app.app_scopes.clear()
    app = client_of(slack, slack.app.app_token)
    assert await refusal(app.apps_connections_open(app_token=slack.app.app_token)) == "missing_scope"
    async with aiohttp.ClientSession() as session, session.post(slack.api_url + "auth.test") as response:
        assert (await response.json())["error"] == "not_authed"


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_token_may_die(slack: FakeSlack, client: Client, word: Any) -> None:
    slack.app.token_trouble = word
    assert await refusal(client.auth_test()) == word


async def test_a_missing_scope_is_named(slack: FakeSlack, client: Client) -> None:
    slack.app.scopes -= {"groups:write"}
    assert (await client.conversations_create(name="open"))["channel"]["is_private"] is False
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_create(name="secret", is_private=True)
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "groups:write"
    assert "channels:manage" in caught.value.response["provided"]


async def test_arguments_come_by_query_form_and_json_where_slack_reads_it(slack: FakeSlack) -> None:
    robin = slack.person("robin")
    headers = {"Authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def say(method: str, **how: Any) -> dict[str, Any]:
            async with session.post(slack.api_url + method, **how) as response:
                body: dict[str, Any] = await response.json()
                return body

        assert (await say("users.info", params={"user": robin.id}))["ok"]
        assert (await say("users.info", data={"user": robin.id}))["ok"]
        assert not (await say("users.info", json={"user": robin.id}))["ok"]
        assert (await say("conversations.create", json={"name": "a"}))["ok"]
        assert (await say("conversations.create", data={"name": "b", "is_private": "true"}))["channel"]["is_private"]
        broken = {"headers": {"Content-Type": "application/json"}}
        assert (await say("chat.postMessage", data="{", **broken))["error"] == "invalid_json"
        assert (await say("chat.postMessage", data="[]", **broken))["error"] == "json_not_object"
        assert (await say("chat.shout"))["error"] == "unknown_method"


# ── channels


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("taken", "name_taken"),
        ("", "invalid_name_required"),
        ("n" * 81, "invalid_name_maxlength"),
        ("Loud", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
    ],
)
async def test_a_channels_name_must_please(slack: FakeSlack, client: Client, name: str, word: str) -> None:
    slack.channel("taken")
    assert await refusal(client.conversations_create(name=name)) == word


async def test_an_archived_channel_keeps_its_name_and_takes_no_words(slack: FakeSlack, client: Client) -> None:
    room = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    posted = await client.chat_postMessage(channel=room, text="hello")
    await client.conversations_archive(channel=room)
    assert await refusal(client.conversations_create(name="inc-1")) == "name_taken"
    assert await refusal(client.chat_postMessage(channel=room, text="more")) == "is_archived"
    assert await refusal(client.chat_update(channel=room, ts=posted["ts"], text="more")) == "is_inactive"
    assert await refusal(client.conversations_archive(channel=room)) == "already_archived"
    assert await refusal(client.conversations_setTopic(channel=room, topic="x")) == "is_archived"
    await client.conversations_unarchive(channel=room)
    assert await refusal(client.conversations_unarchive(channel=room)) == "not_archived"


async def test_invitations_fail_together_unless_forced(slack: FakeSlack, client: Client) -> None:
    robin, mika, gone = slack.person("robin"), slack.person("mika"), slack.person("gone", deleted=True)
    room = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    members = slack.world.channels[room].members
    assert await refusal(client.conversations_invite(channel=room, users=[robin.id, "U0NOBODY"])) == "user_not_found"
    assert robin.id not in members
    assert await refusal(client.conversations_invite(channel=room, users=[gone.id, robin.id])) == "cant_invite"
    assert robin.id in members
    forced = await client.conversations_invite(channel=room, users=[robin.id, mika.id], force=True)
    assert forced["errors"][0]["error"] == "already_in_channel"
    assert mika.id in members
    assert await refusal(client.conversations_invite(channel=room, users=slack.app.user_id)) == "cant_invite_self"
    crowd = [slack.person(f"p{n}").id for n in range(101)]
    assert await refusal(client.conversations_invite(channel=room, users=crowd)) == "invalid_arguments"
    await client.conversations_kick(channel=room, user=mika.id)
    assert mika.id not in members


async def test_topics_have_a_length_and_rooms_of_others_are_closed(slack: FakeSlack, client: Client) -> None:
    theirs = slack.channel("theirs", slack.person("robin"), with_app=False)
    secret = slack.channel("secret", slack.person("mika"), private=True, with_app=False)
    mine = (await client.conversations_create(name="mine"))["channel"]["id"]
    await client.conversations_setTopic(channel=mine, topic="t" * 250)
    assert await refusal(client.conversations_setTopic(channel=mine, topic="t" * 251)) == "too_long"
    assert await refusal(client.conversations_setPurpose(channel=theirs.id, purpose="p")) == "not_in_channel"
    assert await refusal(client.conversations_info(channel=secret.id)) == "channel_not_found"
    assert await refusal(client.chat_postMessage(channel=secret.id, text="hi")) == "channel_not_found"
    assert await refusal(client.conversations_history(channel=theirs.id)) == "not_in_channel"
    await client.chat_postMessage(channel=theirs.id, text="chat:write.public lets me")
    slack.app.scopes -= {"chat:write.public"}
    assert await refusal(client.chat_postMessage(channel=theirs.id, text="hi")) == "not_in_channel"
    await client.conversations_join(channel=theirs.id)
    listed = await client.conversations_list(types="public_channel,private_channel", limit=1)
    assert listed["response_metadata"]["next_cursor"]
    assert len([c async for page in listed for c in page["channels"]]) == 2


async def test_people_are_found_by_address_and_written_to(slack: FakeSlack, client: Client) -> None:
    robin, gone = slack.person("robin"), slack.person("gone", deleted=True)
    oncall = slack.group("oncall", robin)
    assert (await client.users_lookupByEmail(email="robin@example.org"))["user"]["id"] == robin.id
    assert await refusal(client.users_lookupByEmail(email="gone@example.org")) == "users_not_found"
    assert len((await client.users_list())["members"]) == 3
    assert (await client.usergroups_users_list(usergroup=oncall.id))["users"] == [robin.id]
    slack.world.paid = False
    assert await refusal(client.usergroups_list()) == "plan_upgrade_required"
    opened = (await client.conversations_open(users=robin.id))["channel"]["id"]
    assert (await client.conversations_open(users=[robin.id]))["already_open"]
    assert await refusal(client.conversations_open(users=gone.id)) == "user_disabled"
    assert await refusal(client.conversations_open(users="")) == "users_list_not_supplied"
    assert (await client.chat_postMessage(channel=robin.id, text="page"))["channel"] == opened == robin.dm.id


# ── against the published specification


def test_the_table_of_methods_is_the_references() -> None:
    specs = specification()
    assert set(METHODS) == set(RULES)
    for name, rule in RULES.items():
        spec = specs.method(name)
        assert spec is not None, name
        assert spec.get("rate_limits", rule.tier) == rule.tier, name
        assert bool(spec.get("json_input_supported")) is rule.json, name
        scopes = set(spec.get("scope", {}).get("bot", []))
        assert set(rule.any_scope) - {"connections:write"} <= scopes, name
        assert bool(rule.any_scope) is bool(scopes) or name == "apps.connections.open", name
