"""Slack and Discord at once: one incident, one conversation, each word once wherever it was said, and commands that act on both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from bot.chat import absence
from bot.chat.discord import client, socket, supervision
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord import Person as Member
from tests.fakes.slack import FakeSlack
from tests.fakes.slack import Person as User
from tests.scenarios.both_stage import PATIENCE, Stage, muster
from tests.scenarios.discord_stage import server

MANY = 200  # messages each way


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are short here."""
    monkeypatch.setattr(client, "AWAY", 0.1)
    monkeypatch.setattr(supervision, "AWAY", 0.1)
    monkeypatch.setattr(supervision, "RESUMING", 1.0)
    monkeypatch.setattr(supervision, "PAUSE", 0.1)
    monkeypatch.setattr(socket, "SPACE", 5.0 / 60.0)
    monkeypatch.setattr(absence, "LOUD", 0.2)


@pytest.fixture
async def discord() -> AsyncIterator[FakeDiscord]:
    async with server() as fake:
        yield fake
        assert fake.complaints == []


@pytest.fixture
def people(discord: FakeDiscord) -> tuple[Member, Member]:
    return discord.person("robin", global_name="Robin Vos"), discord.person("mika", global_name="Mika Laine")


@pytest.fixture
def mika_there(slack: FakeSlack) -> User:
    return slack.person("mika", real_name="Mika Laine")


@pytest.fixture
def robin(slack: FakeSlack, mika_there: User) -> User:
    return slack.person("robin", real_name="Robin Vos")


def numbered(lines: Iterable[str]) -> list[str]:
    """The numbers of our sentences, `s-017` and, once it was edited, `s-017+`."""
    return [found[0] for line in lines for found in [re.search(r"\b[sd]-[0-9]{3}\+?", line)] if found]


async def test_what_is_said_in_one_room_is_read_in_all_of_them_with_its_name(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    _, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        robin.say(stage.inc, "the cache is cold, see https://grafana.example.org/d/7")
        copy = await stage.discord_shows("the cache is cold")
        assert "Robin Vos (Slack): the cache is cold, see" in stage.in_discord()[-1]
        assert "<https://grafana.example.org/d/7>" in str(copy["components"])
        mika.say(stage.room, "restarting it")
        assert "Mika Laine (Discord): restarting it" in (await stage.slack_shows("restarting it")).text
        await stage.say("I watch the graphs")
        assert "Robin Vos (situation room): I watch the graphs" in (await stage.slack_shows("watch the")).text
        await stage.discord_shows("(situation room): I watch the graphs")
        said = [(one["author"]["name"], one["platform"], one["text"]) for one in await stage.conversation()]
        assert said == [
            ("Robin Vos", "slack", "the cache is cold, see https://grafana.example.org/d/7"),
            ("Mika Laine", "discord", "restarting it"),
            ("Robin Vos", "console", "I watch the graphs"),
        ]
        await stage.settled()
        retro = await (await robin.command("/incident", "retro", stage.inc)).answer(seconds=PATIENCE)
        assert retro.shown
        filed = await stage.retro()
        for words in ("the cache is cold", "restarting it", "I watch the graphs"):
            assert filed.count(words) == 1, filed
            assert sum(words in line for line in stage.in_slack()) == 1
            assert sum(words in line for line in stage.in_discord()) == 1


async def test_edits_deletions_and_answers_follow_and_nobody_is_rung(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    member, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        rung = len(member.pings), len(mika.pings)
        first = robin.say(
            stage.inc, f"is it {robin.mention}'s cache? @everyone &lt;@{mika.id}&gt; **now** ```x```y"
        ).message
        copy = await stage.discord_shows("cache?")
        assert f"is it @Robin Vos's cache? @everyone <@{mika.id}> **now**" in copy.shown.replace("\\", "")
        answer = mika.say(stage.room, "yes, mostly <!channel> <@U1|x>", reply=copy).message
        there = await stage.slack_shows("yes, mostly")
        assert there.text.startswith("&gt; Robin Vos: is it @Robin Vos's cache?")
        assert "Mika Laine (Discord): yes, mostly &lt;!channel&gt; &lt;@U1|x&gt;" in there.text
        thread = robin.say(stage.inc, "then I warm it", thread=there).message
        assert "> Mika Laine: yes, mostly" in (await stage.discord_shows("then I warm it")).shown.replace("\\", "")
        robin.edit(first, "is it the queue?")
        await stage.discord_shows("Robin Vos (Slack): is it the queue?")
        mika.edit(answer, "yes, the queue")
        await stage.slack_shows("Mika Laine (Discord): yes, the queue")
        robin.delete(thread)
        await discord.until(lambda: not [one for one in stage.in_discord() if "I warm it" in one], PATIENCE)
        mika.delete(answer)
        await slack.until(
            lambda: not [one for one in stage.in_slack() if "the queue" in one and "Discord" in one], PATIENCE
        )
        assert [one["text"] for one in await stage.conversation()] == ["is it the queue?"]
        assert (len(member.pings), len(mika.pings)) == rung
        await stage.settled()
        assert (await stage.ready())["outbox"]["dead"] == 0


async def test_files_are_mirrored_as_links(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    _, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        robin.upload(stage.inc, "latency.png", b"png", "look")
        copy = await stage.discord_shows("latency.png")
        assert "https://" in str(copy["components"]) or "http://" in str(copy["components"])
        mika.say(stage.room, "and this", file=("trace.txt", b"boom"))
        assert "trace.txt" in (await stage.slack_shows("and this")).text


async def test_a_command_on_either_acts_on_both_and_one_of_them_keeps_words_apart(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    _, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        await (await mika.command("incident ack", stage.room)).answer(seconds=PATIENCE)
        await stage.slack_shows("Acknowledged by Mika Laine")
        await stage.discord_shows("Acknowledged by Mika Laine")
        off = await (await robin.command("/incident", "mirror off", stage.inc)).answer(seconds=PATIENCE)
        assert "stays there" in off.shown
        await stage.discord_shows("Robin Vos keeps what is said to the room it is said in")
        robin.say(stage.inc, "among ourselves")
        await (await mika.command("incident more mirror", stage.room, state="on")).answer(seconds=PATIENCE)
        await stage.slack_shows("Mika Laine mirrors what is said in one room to the others")
        robin.say(stage.inc, "for everybody")
        await stage.discord_shows("for everybody")
        await stage.settled()
        assert not [line for line in stage.in_discord() if "among ourselves" in line]
        assert [one["text"] for one in await stage.conversation()] == ["among ourselves", "for everybody"]


PRIVATE = """
rooms:
  private: {severities: [SEV1, SEV2, SEV3, SEV4]}
  announce: {slack: "#incidents", discord: "#incidents"}
"""


async def test_a_private_incident_is_one_conversation_of_those_inside_and_nobody_outside_sees_it_on_either(
    tmp_path: Path,
    slack: FakeSlack,
    discord: FakeDiscord,
    people: tuple[Member, Member],
    robin: User,
    mika_there: User,
) -> None:
    inside, mika = people
    for name in ("incidents", "general"):
        slack.channel(name, robin, mika_there)
        discord.channel(name)
    async with muster(tmp_path, slack, discord, *people, catalog=PRIVATE) as stage:
        await slack.until(lambda: robin.id in stage.inc.members, PATIENCE)
        await discord.until(lambda: inside.sees(stage.room), PATIENCE)
        assert stage.inc.kind == "private"
        robin.say(stage.inc, "the keys leaked at noon")
        await stage.discord_shows("Robin Vos (Slack): the keys leaked at noon")
        inside.say(stage.room, "rotating them")
        await stage.slack_shows("Robin Vos (Discord): rotating them")
        chosen = {"list": {}, "show": {"incident": "INC-1"}, "ack": {"incident": "INC-1"}}
        for verb, options in chosen.items():
            told = await (await mika.command(f"incident {verb}", "general", **options)).answer(seconds=PATIENCE)
            line = " ".join((verb, *options.values()))
            typed = await (await mika_there.command("/incident", line, "general")).answer(seconds=PATIENCE)
            for answer in (told.shown, typed.shown):
                assert ("INC-1 is private" in answer) if options else ("No incident is open" in answer)
        typing = mika.type_ahead("incident show", "general", "incident", "INC")
        await typing
        assert typing.choices == []
        await stage.settled()
        assert not mika.sees(stage.room)
        assert mika_there.id not in stage.inc.members
        assert [slack.posts(name) + discord.posts(name) for name in ("incidents", "general")] == [[], []]
        assert [*mika.dm.posts, *mika_there.dm.messages] == []
        await (await robin.command("/incident", "page @mika", stage.inc)).answer(seconds=PATIENCE)
        await discord.until(lambda: mika.sees(stage.room), PATIENCE)
        await slack.until(lambda: mika_there.id in stage.inc.members, PATIENCE)


async def test_two_hundred_messages_each_way_with_edits_refusals_and_a_platform_away_are_one_conversation(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    _, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        slack.faults.plan("chat.postMessage", "ratelimited", times=3, seconds=0.05)
        slack.faults.plan("chat.postMessage", "reset_after", times=2)
        discord.faults.plan("POST /channels/*/messages", "ratelimited", times=3, seconds=0.05)
        discord.faults.plan("POST /channels/*/messages", "reset_after", times=2)
        edited = talk(stage, robin, mika, range(MANY // 2))
        await stage.discord_shows("s-000")
        async with discord.away():
            edited |= talk(stage, robin, mika, range(MANY // 2, MANY), discord_speaks=False)
            await stage.until(stage.ready, lambda ready: not ready["checks"]["discord"]["ok"])
        edited |= talk(stage, robin, mika, range(MANY // 2, MANY), slack_speaks=False)
        wanted = Counter(name + "+" * (name in edited) for side in "sd" for name in names(side, range(MANY)))
        await slack.until(lambda: Counter(numbered(stage.in_slack())) == wanted, PATIENCE)
        await discord.until(lambda: Counter(numbered(stage.in_discord())) == wanted, PATIENCE)
        await stage.settled()
        for lines, theirs in ((stage.in_slack(), "d"), (stage.in_discord(), "s")):
            assert Counter(numbered(lines)) == wanted  # nothing came twice, late
            copied = [one.rstrip("+") for one in numbered(lines) if one.startswith(theirs)]
            assert copied == names(theirs, range(MANY))
        filed = Counter(numbered([one["text"] for one in await everything(stage)]))
        assert filed == wanted
        assert (await stage.ready())["outbox"]["dead"] == 0


def names(side: str, numbers: Iterable[int]) -> list[str]:
    return [f"{side}-{number:03}" for number in numbers]


def talk(
    stage: Stage, robin: User, mika: Member, numbers: range, *, slack_speaks: bool = True, discord_speaks: bool = True
) -> set[str]:
    """Both say their numbers; every fifth is edited, some at once and some after another one. Returns which are."""
    edited: set[str] = set()
    for number in numbers:
        for speaks, speaker, room, side in (
            (slack_speaks, robin, stage.inc, "s"),
            (discord_speaks, mika, stage.room, "d"),
        ):
            if speaks:
                name = f"{side}-{number:03}"
                said = speaker.say(room, f"{name} is what I see").message
                if number % 5 == 0:
                    speaker.edit(said, f"{name}+ is what I see now")
                    edited.add(name)
    return edited


async def everything(stage: Stage) -> list[dict[str, str]]:
    """All pages of the situation room's conversation."""
    room, found, cursor = (await stage.console())["id"], [], ""
    while cursor is not None:
        page = await stage.get(f"/api/v1/rooms/{room}/messages?limit=200{f'&before={cursor}' if cursor else ''}")
        found, cursor = [*page["items"], *found], page["next"]
    return [one for one in found if one["author"]["kind"] == "person"]


async def test_what_was_said_while_muster_was_down_is_mirrored_afterwards_in_order_and_what_is_told_twice_is_not(
    tmp_path: Path, slack: FakeSlack, discord: FakeDiscord, people: tuple[Member, Member], robin: User
) -> None:
    _, mika = people
    async with muster(tmp_path, slack, discord, *people) as stage:
        first = robin.say(stage.inc, "s-000")
        await stage.discord_shows("s-000")
        slack.deliveries.again(first)
        await stage.settled()
    root = robin.say(stage.inc, "s-001").message
    robin.say(stage.inc, "s-002")
    robin.say(stage.inc, "s-003", thread=root)
    robin.edit(first.message, "s-000+")
    said = mika.say(stage.room, "d-001").message
    mika.say(stage.room, "d-002")
    mika.delete(mika.say(stage.room, "d-666").message)
    mika.say(mika.start_thread(said, "aside"), "d-003")
    async with muster(tmp_path, slack, discord, *people, declared=False) as stage:
        await stage.slack_shows("d-003")
        await stage.discord_shows("s-003")
        await stage.discord_shows("s-000+")
        await stage.settled()
        assert [one for one in numbered(stage.in_discord()) if one[0] == "s"] == ["s-000+", "s-001", "s-002", "s-001"]
        assert [one for one in numbered(stage.in_slack()) if one[0] == "d"] == ["d-001", "d-002", "d-001"]
        assert [line.split(": ")[-1] for line in stage.in_slack()][-1] == "d-003"
