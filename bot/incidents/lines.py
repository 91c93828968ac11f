"""The line by which an incident is announced in channels that are not its room: where it stands, what it says, that it stays true.

A private incident is announced nowhere. How a line is drawn is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select, update

from bot.catalog.catalog import Catalog
from bot.chat import outbox
from bot.chat.gateway import Announcing, Gateway, MessageLost, PostedMessage, RoomLost
from bot.chat.outbox import Effect
from bot.chat.relay import DROPPED, Dropped, Executor, Settlement
from bot.chat.views import Announcement, Moment, Notice, Person, Strong, Text, encode_view
from bot.clock import Clock
from bot.errors import Permanent
from bot.incidents import store
from bot.incidents.announcements import Announcements
from bot.incidents.events import Cleared, Event, FiresAgain, Flapped, Joined, Noted, Split
from bot.incidents.model import Incident
from bot.incidents.reference import ref
from bot.storage import tables
from bot.storage.database import Database, Transaction, upsert
from bot.telemetry import get_logger
from correlation.words import clean

__all__ = ["Lines", "channels", "line", "refresh"]

log = get_logger(__name__)

UPDATE = 200  # characters of the last update

_announced = tables.announced
_SAID_ELSEWHERE = (Cleared, FiresAgain, Flapped, Noted, Split)  # the line says nothing of these


def line(incident: Incident, person: Callable[[str], Person], room: str) -> Announcement:
    """`SEV2 INC-42 checkout latency: open since 02:14, Mika Laine leads. 02:31: rolled back`, the last update at its end.

    `room` is the platform's id of its room, or "".
    """
    head = (Strong(f"{incident.severity} {incident.ref}"), f" {' '.join(incident.title.split())}: ")
    if incident.merged_into is not None:
        said: Text = (*head, f"merged into {ref(incident.merged_into)}")
    elif incident.open:
        who: Text = (", ", person(incident.commander), " leads") if incident.commander else (", nobody leads",)
        said = (*head, f"{incident.status} since ", Moment(incident.status_since), *who)
        if (last := incident.update) is not None:
            said = (*said, ". ", Moment(last.at), f": {clean(last.text, UPDATE)}")
    else:
        said = (*head, "resolved at ", Moment(incident.status_since))
    return Announcement(incident=incident.ref, status=incident.status, text=said, room=room)


def channels(catalog: Catalog, services: Iterable[str], platform: str) -> tuple[str, ...]:
    """Where trouble is announced, as the catalogue names it: where all is, and where the teams are whose services are hit."""
    teams = [catalog.team_of(service) for service in services]
    named = [catalog.rooms.announce.get(platform, ""), *(team.channels.get(platform, "") for team in teams if team)]
    return tuple(dict.fromkeys(name for name in named if name))


async def refresh(work: Transaction, incident: int, platform: str, at: float) -> None:
    """Make the incident's lines on a platform true; however often it is asked for, one edit of each is sent."""
    a = _announced.c
    query = select(a.channel).where(a.incident == incident, a.platform == platform).order_by(a.channel)
    for channel in (await work.connection.execute(query)).scalars():
        await _ask(work, platform, channel, incident, at)


async def _ask(work: Transaction, platform: str, channel: str, incident: int, at: float) -> None:
    await outbox.enqueue(
        work,
        platform=platform,
        lane=f"{platform}:#{channel.removeprefix('#')}",
        kind="announce",
        payload={"channel": channel},
        at=at,
        subject=f"announce:{ref(incident)}",
        incident=incident,
    )


class Lines:
    """A reaction to events, and the executor of its effects."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        catalog: Callable[[], Catalog],
        announcements: Announcements,
        person: Callable[[str], Person],
        platforms: Sequence[str],
    ) -> None:
        self._database, self._clock, self._catalog = database, clock, catalog
        self._announcements, self._person, self._platforms = announcements, person, tuple(platforms)

    async def __call__(self, work: Transaction, incident: Incident, event: Event, at: float) -> None:
        """What happened may concern more teams, and changes what the line says."""
        if (
            incident.private
            or isinstance(event, _SAID_ELSEWHERE)
            or (isinstance(event, Joined) and not event.new_services)
        ):
            return
        for platform in self._platforms:
            for channel in channels(self._catalog(), (name for name, _ in incident.services), platform):
                row = {"incident": incident.number, "platform": platform, "channel": channel}
                statement = upsert(work.connection, _announced).values(row).on_conflict_do_nothing()
                await work.connection.execute(statement)
            await refresh(work, incident.number, platform, at)

    def executors(self) -> Mapping[str, Executor]:
        """What the relay should know."""
        return {"announce": self._announce}

    async def _announce(self, effect: Effect, gateway: Gateway) -> Settlement | Dropped | None:
        number, channel = effect.incident or 0, str(effect.payload["channel"])
        async with self._database.reading() as connection:
            incident = await store.find(connection, number)
            room = await store.room_of(connection, number, effect.platform)
            mine = _of(number, effect.platform, channel)
            row = (await connection.execute(select(_announced).where(mine))).first()
        if incident is None or incident.private or row is None or not isinstance(gateway, Announcing):
            return DROPPED
        view = line(incident, self._person, str(room.external or "") if room else "")
        if row.message is not None and row.shown_json == encode_view(view):
            return DROPPED
        try:
            posted = await self._show(gateway, gateway, row, view, effect.created_at)
        except MessageLost:  # whoever took it away did not want it there
            log.info("announcement_gone", incident=incident.ref, platform=effect.platform, channel=channel)
            return DROPPED
        except Permanent as error:
            why = str(error)
            return lambda work: self._tell(work, incident, row, why)

        async def settled(work: Transaction) -> None:
            where = {"external": posted.room, "message": posted.message}
            values = {**where, "shown_json": encode_view(view), "error": ""}
            await work.connection.execute(update(_announced).where(mine).values(values))

        return settled

    async def _show(
        self, gateway: Gateway, there: Announcing, row: Row[Any], view: Announcement, since: float
    ) -> PostedMessage:
        if row.message is not None:
            standing = PostedMessage(room=row.external, message=row.message)
            try:
                await gateway.edit(standing, view)
            except RoomLost:
                await there.find_channel(row.channel)  # comes back in, or says why not
                await gateway.edit(standing, view)
            return standing
        channel = await there.find_channel(row.channel)
        # Named by what it stands for, not by its effect: two names of one channel, or two asks, are one line.
        return await gateway.post(channel, view, nonce=f"announcement:{view.incident}:{channel}", since=since)

    async def _tell(self, work: Transaction, incident: Incident, row: Row[Any], why: str) -> None:
        """Once for each channel that is out of reach, until something could be said there again."""
        a = _announced.c
        there = (a.platform == row.platform) & (a.channel == row.channel)
        query = select(a.error).where(there, a.incident != row.incident, (a.error != "") | a.message.is_not(None))
        before = (await work.connection.execute(query.order_by(a.incident.desc()).limit(1))).scalar()
        mine = _of(row.incident, row.platform, row.channel)
        await work.connection.execute(update(_announced).where(mine).values(error=why))
        if before or row.error:
            return
        log.error("not_announced", incident=incident.ref, platform=row.platform, channel=row.channel, reason=why)
        view = Notice(text=(f"Not announced in {row.channel}. {why}",), tone="warning")
        await self._announcements.say(work, incident.number, view, self._clock.now())


def _of(incident: int, platform: str, channel: str) -> Any:
    a = _announced.c
    return (a.incident == incident) & (a.platform == platform) & (a.channel == channel)
