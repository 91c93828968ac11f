"""The only place that knows every part: makes each and joins it to those it needs. Nothing is opened, started or served here.

It has no rules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bot import platforms
from bot.catalog.rosters import Rosters
from bot.chat.console import ConsoleGateway
from bot.chat.mirror import Mirror
from bot.chat.relay import Relay
from bot.clock import Clock
from bot.commands.dispatch import Dispatcher
from bot.commands.services import Services
from bot.engine.host import Host
from bot.incidents import timeline
from bot.incidents.announcements import Announcements
from bot.incidents.closing import ArchiveLater, auto_resolve, follow_clearing
from bot.incidents.early import EVERY as EARLY_EVERY
from bot.incidents.early import EarlyWarnings
from bot.incidents.effects import RoomEffects
from bot.incidents.forewarning import EVERY as FOREWARNING_EVERY
from bot.incidents.forewarning import Forewarning
from bot.incidents.grouping import Grouping
from bot.incidents.history import History
from bot.incidents.lessons import EVERY as LESSONS_EVERY
from bot.incidents.lessons import Lessons
from bot.incidents.lifecycle import settling
from bot.incidents.lines import Lines
from bot.incidents.mirroring import Mirroring
from bot.incidents.pictures import Draw, Pictures, card_pictures
from bot.incidents.pipeline import Pipeline
from bot.incidents.reading import Reader
from bot.incidents.service import Incidents
from bot.incidents.silences import Silences
from bot.incidents.updates import follow_updates, overdue_updates
from bot.incidents.writing import Writer
from bot.intake.journal import Journal
from bot.intake.source import Source
from bot.responders import recipients
from bot.responders.naming import authors, people
from bot.responders.owners import Owners
from bot.responders.paging import Paging
from bot.retros.service import Download, Retros
from bot.runbooks import actions
from bot.runbooks.service import Runbooks
from bot.scheduler import Scheduler
from bot.storage.database import Database
from bot.storage.retention import Retention
from bot.storage.room import measure
from bot.telemetry import Metrics
from bot.turns import Turns
from correlation.weights import Weights

__all__ = ["Parts", "wire"]

SIZES_EVERY = 10.0  # seconds between two looks at how much is kept; other gauges are read when they are asked for
PRUNE_EVERY = 3600.0
GROUPS_EVERY = 2.0  # seconds between two looks whether it is time to ask who is in a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is started and stopped, and what others are given; the parts between them know each other."""

    services: Services
    dispatcher: Dispatcher
    grouping: Grouping
    pipeline: Pipeline
    relay: Relay
    scheduler: Scheduler
    sizes: Callable[[], Awaitable[None]]  # look how much is kept


def wire(
    database: Database,
    journal: Journal,
    clock: Clock,
    metrics: Metrics,
    *,
    catalog: Rosters,
    sources: Mapping[str, Source],
    console: ConsoleGateway,
    connected: Sequence[platforms.Platform],
    engine: Host,
    weights: Weights | None,
    draw: Draw,
    download: Download,
    environment: Mapping[str, str],
) -> Parts:
    """All parts above what is open already; `catalog` is asked anew for each piece of work."""
    person, author = people(catalog), authors(catalog)
    gateways = {one.platform: one for one in (console, *(platform.gateway for platform in connected))}
    names = tuple(gateways)

    turns = Turns()
    reader = Reader(database, sources=sources, catalog=catalog, turns=turns)
    grouping = Grouping(database, journal, clock, host=engine, reader=reader, catalog=catalog, weights=weights)
    silences = Silences(database, clock, lambda: grouping.position, still=grouping.still)
    history = History(database)
    pictures = Pictures(database, clock, catalog, draw)

    announcements = Announcements(names, catalog, person)
    lines = Lines(database, clock, catalog=catalog, announcements=announcements, person=person, platforms=names)
    archive = ArchiveLater(catalog, announcements)
    paging = Paging(
        database,
        clock,
        catalog=catalog,
        announcements=announcements,
        person=person,
        platforms=names,
        metrics=metrics,
    )
    incidents = Incidents(
        database,
        clock,
        reactions=(timeline.record, announcements, lines, paging, follow_clearing, follow_updates, archive),
        card=announcements.refresh_card,
        names=lambda key: person(key).name,
        grouping=grouping,
    )
    early = EarlyWarnings(database, clock, catalog=catalog, announcements=announcements, platforms=names)
    writer = Writer(clock, grouping=grouping, incidents=incidents, catalog=catalog, metrics=metrics, warnings=early)
    pipeline = Pipeline(
        database, journal, clock, reader=reader, grouping=grouping, writer=writer, metrics=metrics, turns=turns
    )
    runbooks = Runbooks(
        database,
        clock,
        catalog=catalog,
        announcements=announcements,
        person=person,
        policies=recipients,
        actions=actions.discover(),
        environment=environment,
        metrics=metrics,
    )
    retros = Retros(database, clock, announcements, person=person, author=author, download=download)

    mirroring = Mirroring(database, clock, Mirror(names, clock), announcements)
    rooms = RoomEffects(database, clock, catalog=catalog, person=person, author=author, pictures=pictures)
    executors = {**lines.executors(), **rooms.executors(), **paging.executors(), **early.executors()}
    executors |= mirroring.executors(rooms.in_the_room)
    relay = Relay(database, clock, gateways=gateways, executors=executors, metrics=metrics)

    services = Services(
        database=database,
        clock=clock,
        catalog=catalog,
        person=person,
        incidents=incidents,
        announcements=announcements,
        owners=Owners(database, clock, catalog, announcements),
        paging=paging,
        silences=silences,
        runbooks=runbooks,
        history=history,
        mirroring=mirroring,
        pictures=pictures,
        retros=retros,
        metrics=metrics,
    )
    handlers = {
        **auto_resolve(incidents),
        **settling(incidents),
        **archive.handlers(),
        **card_pictures(announcements),
        **overdue_updates(announcements, person),
        **paging.handlers(),
        **runbooks.handlers(),
    }
    scheduler = Scheduler(database, clock, handlers, metrics=metrics)
    sizes = partial(measure, database, journal, metrics)
    scheduler.every(SIZES_EVERY, "sizes", sizes)
    scheduler.every(
        PRUNE_EVERY, "retention", Retention(database, journal, clock, catalog=catalog, metrics=metrics).prune
    )
    scheduler.every(FOREWARNING_EVERY, "forewarning", Forewarning(database, clock, history, announcements).look)
    scheduler.every(LESSONS_EVERY, "lessons", Lessons(database, clock, grouping, catalog).study)
    scheduler.every(EARLY_EVERY, "early_warnings", early.look)
    for look in platforms.groups(connected, catalog):
        scheduler.every(GROUPS_EVERY, "groups", look)
    return Parts(
        services=services,
        dispatcher=Dispatcher(services, turns),
        grouping=grouping,
        pipeline=pipeline,
        relay=relay,
        scheduler=scheduler,
        sizes=sizes,
    )
