"""User groups of Slack as teams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person as Member
from bot.catalog.model import Team
from bot.catalog.rosters import Rosters
from bot.chat.slack import groups
from bot.chat.slack.client import SlackClient
from bot.chat.slack.groups import Groups
from bot.chat.slack.live import look
from bot.settings import load_settings
from tests.fakes.slack import FakeSlack

PEOPLE = {
    "robin": Member(id="robin", name="Robin Vos", email="robin@example.org"),
    "mika": Member(id="mika", name="Mika Laine"),
}


def catalog(group: str = "@payments-oncall") -> Catalog:
    return Catalog(people=PEOPLE, teams={"payments": Team(id="payments", members=("mika",), slack_group=group)})


@pytest.fixture
async def client(slack: FakeSlack) -> AsyncIterator[SlackClient]:
    opened = SlackClient(slack.app.bot_token, slack.api_url)
    yield opened
    await opened.close()


async def members(client: SlackClient, written: Catalog) -> list[Member]:
    rosters = Rosters(lambda: written)
    await Groups(client, rosters).look()
    return list(rosters().members_of("payments"))


@pytest.mark.parametrize("named", ["@payments-oncall", "payments-oncall", "@Payments-Oncall", "id"])
async def test_a_group_is_found_by_handle_or_id(slack: FakeSlack, client: SlackClient, named: str) -> None:
    group = slack.group("payments-oncall", slack.person("robin"))
    assert [one.id for one in await members(client, catalog(group.id if named == "id" else named))] == ["robin"]


async def test_who_is_unknown_here_is_somebody_all_the_same_and_who_left_is_not(
    slack: FakeSlack, client: SlackClient
) -> None:
    zoe, mika, gone = (
        slack.person("zoe", real_name="Zoe Lind"),
        slack.person("mika", email="m@else.org"),
        slack.person("gone"),
    )
    slack.deactivate(gone)
    slack.group("payments-oncall", zoe, mika, gone)
    found = await members(client, catalog())
    assert [(one.id, one.name, one.chat["slack"]) for one in found] == [
        ("zoe", "Zoe Lind", zoe.id),
        (mika.id.lower(), "Mika", mika.id),  # the catalogue's mika is somebody else
    ]


@pytest.mark.parametrize("trouble", ["plan", "scope", "unknown", "empty", "away"])
async def test_where_slack_does_not_tell_the_members_hold(slack: FakeSlack, client: SlackClient, trouble: str) -> None:
    slack.group("payments-oncall", *([] if trouble == "empty" else [slack.person("robin")]))
    if trouble == "plan":
        slack.world.paid = False
    if trouble == "scope":
        slack.app.scopes -= {"usergroups:read"}
    if trouble == "away":
        slack.faults.plan("usergroups.list", "http", times=None)
    found = await members(client, catalog("@nobody" if trouble == "unknown" else "@payments-oncall"))
    assert [one.id for one in found] == ["mika"]


async def test_slack_is_asked_once_and_again_when_it_is_time_or_another_group_is_named(
    slack: FakeSlack, client: SlackClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    robin, zoe = slack.person("robin"), slack.person("zoe")
    group = slack.group("payments-oncall", robin)
    slack.group("others", zoe)
    written = [catalog()]
    rosters = Rosters(lambda: written[0])
    one = Groups(client, rosters)
    await one.look()
    group.users.append(zoe.id)
    await one.look()
    assert len(slack.calls_of("usergroups.list")) == 1
    written[0] = catalog("@others")
    await one.look()
    assert [member.id for member in rosters().members_of("payments")] == ["zoe"]
    monkeypatch.setattr(groups, "EVERY", 0.0)
    written[0] = catalog()
    await one.look()
    await one.look()
    assert [member.id for member in rosters().members_of("payments")] == ["robin", "zoe"]
    assert len(slack.calls_of("users.info")) == 2  # who they are is remembered


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("", ""), ("plan", "has no user groups"), ("unknown", "Slack has no user group @payments-oncall")],
)
async def test_check_live_names_groups_that_cannot_be_teams(slack: FakeSlack, trouble: str, words: str) -> None:
    slack.world.paid = trouble != "plan"
    if not trouble:
        slack.group("payments-oncall")
    tokens = {"SLACK_BOT_TOKEN": slack.app.bot_token, "SLACK_APP_TOKEN": slack.app.app_token}
    settings = load_settings(tokens | {"SLACK_API_URL": slack.api_url})
    said = [problem async for problem in look(settings, catalog())]
    if not words:
        assert said == []
    else:
        [problem] = said
        assert problem.startswith("catalogue, teams.payments.slack_group: ")
        assert words in problem
        assert "members" in problem
