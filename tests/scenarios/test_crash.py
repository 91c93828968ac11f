"""kill -9 at thirty random moments under load, each followed by a start over the same files: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sqlite3
import statistics
from collections import Counter
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.processes import EXAMPLE_CATALOG, Answer, Muster, client, launch

SEED = 20_260_105
KILLS = 30
FIRST_PAGE = 3.0  # seconds from the process's start to its first page that README promises
PEOPLE = ("robin", "mika", "amara", "Guest Gus")
SERVICES = ("web", "cart", "search", "checkout", "payments-api", "analytics", "reports", "unknown")


Asked = tuple[str, str, str, str, dict[str, bool], str]  # room, person, text, request id, ledger, key in it


class Load:
    """Posts and types without a pause, and remembers what was promised and what was only asked for."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.numbers = itertools.count()
        self.sent: Counter[str] = Counter()  # how often an alert was posted, by its key
        self.kept: Counter[str] = Counter()  # how often a 2xx came back
        self.refused: list[Answer] = []
        self.said: dict[str, bool] = {}  # what people said: whether it was answered
        self.notes: dict[str, bool] = {}
        self.declared: dict[str, bool] = {}
        self.acked: dict[str, bool] = {}  # by incident
        self.again: list[Asked] = []  # unanswered: to be sent again as they were
        self.deliveries: set[int] = set()

    async def run(self, muster: Muster) -> None:
        """Until it is cancelled, or nobody answers any more."""
        again, self.again = self.again, []
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(self._post(muster, batches=False))
            tasks.create_task(self._post(muster, batches=True))
            tasks.create_task(self._type(muster, again))
            tasks.create_task(self._type(muster, []))
            tasks.create_task(self._acknowledge(muster))

    async def _post(self, muster: Muster, *, batches: bool) -> None:
        while True:
            await asyncio.sleep(0.03 if batches else 0.01)
            alerts = [self._alert() for _ in range(self.rng.randrange(2, 30) if batches else 1)]
            keys = [alert["dedup_key"] for alert in alerts]
            self.sent.update(keys)
            try:
                answer = await muster.webhook("generic", alerts if batches else alerts[0])
            except (aiohttp.ClientError, TimeoutError):
                return
            if answer.ok:
                self.kept.update(keys)
                self.deliveries.add(answer.body["delivery"])
            elif answer.status != 503:  # it was stopping
                self.refused.append(answer)

    def _alert(self) -> dict[str, Any]:
        number = next(self.numbers)
        if number % 5 == 4:  # one that is known already
            number = self.rng.randrange(max(0, number - 200), number)
        if number % 60 == 7:  # alone in the world, with a room of its own
            island = f"island-{number}"
            mine = {"name": f"Flood{number}", "severity": "critical", "summary": f"{number} metres of water"}
            return mine | {"service": island, "host": island, "location": island, "dedup_key": f"key-{number}"}
        service = SERVICES[number % len(SERVICES)]
        return {
            "name": f"Trouble{number % 3}",
            "severity": ("critical", "error", "warning")[number % 3],
            "service": service,
            "host": f"{service}-{number}",
            "location": ("eu-west-1", "us-east-1")[service in {"analytics", "reports"}],
            "summary": f"trouble number {number}",
            "dedup_key": f"key-{number}",
        }

    async def _type(self, muster: Muster, again: list[Asked]) -> None:
        for asked in again:
            if not await self._ask(muster, *asked):
                return
        while True:
            number = next(self.numbers)
            person = self.rng.choice(PEOPLE)
            incidents = await self._incidents(muster)
            if incidents is None:
                return
            rooms = [room for incident in incidents if (room := incident["rooms"].get("console"))]
            room = self.rng.choice(rooms) if rooms else "lobby"
            words = f"word-{number}-"
            match self.rng.randrange(7) if rooms else 6:
                case 0 | 1:
                    went = await self._ask(muster, room, person, f"I say {words}", f"say-{number}", self.said, words)
                case 2 | 3:
                    asked = (room, person, f"/incident note {words}", f"note-{number}", self.notes, words)
                    went = await self._ask(muster, *asked)
                case _:
                    asked = ("lobby", person, f"/incident declare {words}", f"declare-{number}", self.declared, words)
                    went = await self._ask(muster, *asked)
            if not went:
                return

    async def _acknowledge(self, muster: Muster) -> None:
        while True:
            incidents = await self._incidents(muster, status="open")
            if incidents is None:
                return
            for incident in incidents:
                key, room = incident["id"], incident["rooms"].get("console")
                if not room or key in self.acked or self.rng.random() < 0.3:
                    continue
                if not await self._ask(
                    muster, room, self.rng.choice(PEOPLE), "/incident ack", f"ack-{key}", self.acked, key
                ):
                    return
            await asyncio.sleep(0.02)

    async def _incidents(self, muster: Muster, **query: Any) -> list[dict[str, Any]] | None:
        try:
            answer = await muster.request("GET", "/api/v1/incidents", params={"limit": "30", **query})
        except (aiohttp.ClientError, TimeoutError):
            return None
        return list(answer.body["items"]) if answer.ok else []

    async def _ask(
        self, muster: Muster, room: str, person: str, text: str, request_id: str, ledger: dict[str, bool], key: str
    ) -> bool:
        """False when nobody answers. What was a command is sent again at the next start, as a browser would."""
        ledger.setdefault(key, False)
        try:
            answer = await muster.say(room, person, text, request_id)
        except (aiohttp.ClientError, TimeoutError):
            if text.startswith("/"):
                self.again.append((room, person, text, request_id, ledger, key))
            return False
        if answer.ok:
            reply = answer.body["reply"]
            ledger[key] = ledger[key] or reply is None or not reply["failed"]
        elif answer.status not in {404, 503}:  # the room of a moment ago was never committed; it was stopping
            self.refused.append(answer)
        return True


@pytest.mark.timeout(900)
async def test_thirty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    load = Load(rng)
    starts: list[float] = []
    async with client() as session, AsyncExitStack() as stack:
        for number in range(KILLS):
            if number % 6 == 5:  # some die before they can be asked anything
                muster = await launch(tmp_path, session, catalog=EXAMPLE_CATALOG, wait=False)
                stack.callback(muster.kill)  # whatever happens here, none outlives the test
                await asyncio.sleep(rng.uniform(0.3, 1.2))
                muster.kill()
                continue
            muster = await launch(tmp_path, session, catalog=EXAMPLE_CATALOG)
            stack.callback(muster.kill)
            page = await muster.request("GET", "/")
            assert page.status == 200
            starts.append(muster.started_in)
            under_load = asyncio.create_task(load.run(muster))
            await asyncio.sleep(rng.uniform(0.05, 0.9))
            muster.kill()
            await under_load
        muster = await launch(tmp_path, session, catalog=EXAMPLE_CATALOG)
        stack.callback(muster.kill)
        await load_once_more(load, muster)
        await muster.settled()
        assert await muster.stop() == 0
    print(f"starts {statistics.median(starts):.2f} s in the middle, {max(starts):.2f} s at most")
    print(f"{load.sent.total()} alerts sent, {load.kept.total()} promised; {len(load.declared)} declared by hand")
    assert not load.refused
    assert min(starts) < FIRST_PAGE  # what else the machine does is not Muster's
    check_alerts(tmp_path, load)
    check_rooms(tmp_path)
    check_conversations(tmp_path, load)
    unexpected = [record for record in muster.said() if record.get("level") in {"raw", "error", "critical"}]
    assert not unexpected


async def load_once_more(load: Load, muster: Muster) -> None:
    """Send again what was never answered, and nothing else."""
    again, load.again = load.again, []
    for asked in again:
        assert await load._ask(muster, *asked)


def rows(file: Path, query: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query).fetchall()


def check_alerts(folder: Path, load: Load) -> None:
    """Every alert answered with 2xx is there, and each delivery on disk counts exactly once."""
    journal: Counter[str] = Counter()
    ids = set()
    for row in rows(folder / "muster.deliveries.db", "SELECT id, body FROM deliveries WHERE state = 'accepted'"):
        body = json.loads(row["body"])
        journal.update(alert["dedup_key"] for alert in (body if isinstance(body, list) else [body]))
        ids.add(row["id"])
    assert load.deliveries <= ids, "a delivery that was promised is not in the journal"
    found = rows(folder / "muster.db", "SELECT dedup_key, sum(count) AS count FROM alerts GROUP BY dedup_key")
    alerts = Counter({row["dedup_key"]: row["count"] for row in found})
    assert load.kept <= alerts, "an alert that was answered with 2xx is not in the database"
    assert alerts <= load.sent
    assert alerts == journal, "a delivery counts exactly once, however often the pipeline was killed"


def check_rooms(folder: Path) -> None:
    """Each incident has exactly one room, and each room its one card."""
    database = folder / "muster.db"
    incidents = {row["number"] for row in rows(database, "SELECT number FROM incidents")}
    assert len(incidents) > 5, "too little happened for a test"
    wanted = rows(database, "SELECT incident, external, state, card_message FROM rooms")
    assert sorted(row["incident"] for row in wanted) == sorted(incidents)
    made = rows(database, "SELECT id, incident FROM console_rooms WHERE kind = 'incident'")
    assert {row["incident"]: row["id"] for row in made} == {row["incident"]: row["external"] for row in wanted}
    assert len(made) == len(incidents)
    cards = rows(database, "SELECT id, room FROM messages WHERE json_extract(view_json, '$.view') = 'card'")
    assert {(row["room"], str(row["id"])) for row in cards} == {(r["external"], r["card_message"]) for r in wanted}
    assert len(cards) == len(incidents)


def check_conversations(folder: Path, load: Load) -> None:
    """What had to be said was said exactly once; what people said or asked for happened at most once, promised ones once."""
    database = folder / "muster.db"
    effects = rows(database, "SELECT id, kind, state, lane FROM effects")
    assert {row["state"] for row in effects} <= {"done", "dropped"}, Counter((r["kind"], r["state"]) for r in effects)
    said = rows(database, "SELECT room, nonce, text, view_json, author_kind FROM messages")
    nonces = Counter(row["nonce"] for row in said if row["author_kind"] == "muster")
    assert max(nonces.values()) == 1
    posts = {f"effect:{row['id']}" for row in effects if row["kind"] in {"post", "direct"} and row["state"] == "done"}
    assert posts <= set(nonces), "a post is settled, and nobody can read it"
    assert {nonce for nonce in nonces if nonce.startswith("effect:")} <= {f"effect:{row['id']}" for row in effects}

    story = rows(
        database,
        "SELECT t.kind, t.text, r.external AS room, i.number, i.acknowledged_at FROM timeline t"
        " JOIN rooms r ON r.incident = t.incident JOIN incidents i ON i.number = t.incident",
    )
    notices = [row for row in said if row["author_kind"] == "muster" and '"view":"notice"' in row["view_json"][:20]]
    for kind, words in (
        ("declared", " declared"),
        ("acknowledged", "Acknowledged by "),
        ("spread", "Spread to "),
        ("note", "Note by "),
    ):
        told = Counter(row["room"] for row in notices if words in row["text"].partition(": ")[0])
        happened = Counter(row["room"] for row in story if row["kind"] == kind)
        if kind == "spread":  # what spreads within seconds is told as one
            assert set(told) == set(happened)
            assert all(told[room] <= happened[room] for room in told)
            continue
        assert told == happened, f"{kind}: the timeline and what the rooms were told differ"
        if kind in {"declared", "acknowledged"}:
            assert set(happened.values()) <= {1}

    acknowledged = {f"INC-{row['number']}" for row in story if row["acknowledged_at"]}
    assert {key for key, promised in load.acked.items() if promised} <= acknowledged <= set(load.acked)
    assert acknowledged, "too little happened for a test"
    for ledger, where in (
        (load.said, [row["text"] for row in said if row["author_kind"] == "person"]),
        (load.notes, [row["text"] for row in story if row["kind"] == "note"]),
        (load.declared, [row["text"] for row in story if row["kind"] == "declared"]),
    ):
        for words, promised in ledger.items():
            times = sum(words in text for text in where)
            assert times == 1 or (times == 0 and not promised), (words, promised, times)
