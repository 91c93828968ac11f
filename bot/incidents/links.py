"""What responders want to open: the ticket, dashboards of the services hit, runbooks that fit, what the alerts themselves point to.

Only absolute http(s) addresses, each once, few. How a link is drawn is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.catalog.catalog import Catalog
from bot.catalog.fields import is_web_address
from bot.chat.harmless import one_line
from bot.chat.views import Link
from bot.incidents import store, timeline
from bot.incidents.model import Incident
from bot.incidents.tickets import ADDRESS, ticket_link
from bot.storage import tables
from correlation.alert import Severity

__all__ = ["card_links", "former_tickets", "kept_links"]

KEPT = 5  # that are kept in sight: each costs a call
SHOWN = 8  # on the card
OF_ALERTS = 3
GROUPS, LOOKED_AT = 8, 25  # groups, and alerts of each from either end, that are looked at, however large a storm is
LABEL = 60  # characters


async def kept_links(connection: AsyncConnection, catalog: Catalog, incident: Incident) -> tuple[Link, ...]:
    """Those by the catalogue's word, to be kept in sight. What an alert says is not: anybody may send one."""
    return tuple(_each_once(_known(catalog, incident, await _alerts(connection, incident)), KEPT))


async def former_tickets(connection: AsyncConnection, incident: Incident) -> tuple[Link, ...]:
    """Those that were kept in sight until another one was linked, or none."""
    told = [entry.data for entry in await timeline.read(connection, incident.number, timeline.TICKET)]
    known = dict.fromkeys(str(one[which]) for one in told for which in ("before", "url"))
    return tuple(ticket_link(url) for url in known if url not in {"", incident.ticket})


async def card_links(connection: AsyncConnection, catalog: Catalog, incident: Incident) -> tuple[Link, ...]:
    """Those for the card: of each kind the best, then of each the next, for the first ones are all that most people see.

    Of the alerts' own there are a few, named by where they lead.
    """
    alerts = await _alerts(connection, incident)
    cause = incident.cause.service if incident.cause else ""
    telling = sorted(alerts, key=lambda row: (row.service != cause, Severity(row.severity).rank, row.id))
    kinds = (_dashboards(catalog, incident), _runbooks(catalog, alerts), _each_once(_theirs(telling), OF_ALERTS))
    in_turn = (link for turn in zip_longest(*kinds) for link in turn if link is not None)
    return tuple(_each_once([*_ticket(incident), *in_turn], SHOWN))


def _known(catalog: Catalog, incident: Incident, alerts: Sequence[Row[Any]]) -> Iterator[Link]:
    yield from _ticket(incident)
    yield from _dashboards(catalog, incident)
    yield from _runbooks(catalog, alerts)


def _ticket(incident: Incident) -> Iterator[Link]:
    if incident.ticket:
        yield ticket_link(incident.ticket)


def _dashboards(catalog: Catalog, incident: Incident) -> Iterator[Link]:
    hit = [name for name, _ in incident.services]
    cause = incident.cause.service if incident.cause else ""
    for name in sorted(hit, key=lambda name: name != cause):  # where to look first
        known = catalog.services.get(name)
        for label, url in known.links.items() if known else ():
            yield Link(f"{name} {label}", url)


def _runbooks(catalog: Catalog, alerts: Sequence[Row[Any]]) -> Iterator[Link]:
    written = [runbook for runbook in catalog.runbooks.values() if runbook.link]
    seen = [store.alert_of(row) for row in alerts] if any(runbook.match for runbook in written) else []
    for runbook in sorted(written, key=lambda one: not one.match):  # made for these alerts first, then for any
        if not runbook.match or any(runbook.match.matches(alert) for alert in seen):
            yield Link(f"Runbook {runbook.title}", runbook.link)


def _theirs(alerts: Sequence[Row[Any]]) -> Iterator[Link]:
    for row in alerts:
        for url in msgspec.json.decode(row.links_json, type=list[str]):
            yield Link(f"{row.name} ({_host(url)})", url)


def _each_once(links: Iterable[Link], most: int) -> list[Link]:
    """The first of them that can be opened. Two of one label are one: the alerts of a storm differ by a query."""
    found: dict[str, Link] = {}
    labels: set[str] = set()
    for link in links:
        label = one_line(link.label, LABEL)
        if len(found) < most and _host(link.url) and link.url not in found and label not in labels:
            found[link.url] = Link(label, link.url)
            labels.add(label)
    return list(found.values())


def _host(url: str) -> str:
    """Where it leads; "" for what is no web address."""
    return urlsplit(url).hostname or "" if len(url) <= ADDRESS and is_web_address(url) else ""


async def _alerts(connection: AsyncConnection, incident: Incident) -> list[Row[Any]]:
    """The first alerts of each group and the newest, without reading what lies between."""
    a, g = tables.alerts.c, tables.groups.c
    groups = select(g.id).where(g.incident == incident.number).order_by(g.opened_at, g.id).limit(GROUPS)
    found: dict[int, Row[Any]] = {}
    for group in (await connection.execute(groups)).scalars().all():
        for order in (a.id, a.id.desc()):
            rows = await connection.execute(
                select(tables.alerts).where(a.group_id == group).order_by(order).limit(LOOKED_AT)
            )
            found |= {row.id: row for row in rows}
    return [found[number] for number in sorted(found)]
