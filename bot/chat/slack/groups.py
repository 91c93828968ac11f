"""Who is in the user groups that the catalogue takes for teams; without groups in the plan, or the scope, members hold.

Asked by the clock: a group changes a few times a week. What follows from who is in a team is decided elsewhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.catalog.catalog import Catalog
from bot.catalog.model import Person
from bot.catalog.rosters import Rosters
from bot.chat.harmless import one_line
from bot.chat.slack.client import Refused, SlackClient
from bot.errors import DeliveryError, Retryable
from bot.responders.identities import by_chat, by_email
from bot.telemetry import get_logger

__all__ = ["Groups", "find_groups", "wanted_groups"]

log = get_logger(__name__)

PLATFORM = "slack"
EVERY = 10 * 60.0  # seconds between two looks
AGAIN = 30.0  # ... when Slack did not answer
KEPT = 12 * 3600.0  # seconds that an account is believed to be who it is
MOST = 200  # people of one group

_MEANT_OTHERWISE = frozenset({"on-call", "team", "commander", "anyone"})  # words of policies
_NOT_A_HANDLE = re.compile(r"[^a-z0-9._-]+")
_REFUSED = {
    "plan_upgrade_required": "Slack's plan of this workspace has no user groups: its members in the catalogue are the team.",
    "missing_scope": "The scope usergroups:read is missing: its members in the catalogue are the team until it is granted.",
}


def wanted_groups(catalog: Catalog) -> tuple[str, ...]:
    """The groups that are teams, as the catalogue names them."""
    return tuple(sorted({team.slack_group for team in catalog.teams.values() if team.slack_group}))


async def find_groups(client: SlackClient, wanted: Collection[str]) -> Mapping[str, list[str] | str]:
    """Of each group its accounts, or a sentence on why there are none. DeliveryErrors when Slack cannot be asked."""
    try:
        answer = await client.call("usergroups.list", include_users=True)
    except Refused as error:
        return dict.fromkeys(wanted, _REFUSED.get(error.error, f"{error}. Its members in the catalogue are the team."))
    known = {str(group["id"]): group for group in answer["usergroups"]}
    known |= {str(group["handle"]).lower(): group for group in answer["usergroups"]}
    found: dict[str, list[str] | str] = {}
    for name in wanted:
        group = known.get(name) or known.get(name.strip().removeprefix("@").lower())
        found[name] = (
            [str(account) for account in group.get("users") or ()]
            if group
            else f"Slack has no user group {one_line(name, 80)}: correct it in the catalogue. Until then its members are the team."
        )
    return found


class Groups:
    """Looks now and then, and tells the rosters."""

    def __init__(self, client: SlackClient, rosters: Rosters) -> None:
        self._client, self._rosters = client, rosters
        self._asked: tuple[str, ...] = ()
        self._due = 0.0  # monotonic
        self._told: dict[str, str] = {}  # what was said of a group
        self._people: dict[
            str, tuple[float, Person | None]
        ] = {}  # by account: until, who; None for bots and the departed

    async def look(self) -> None:
        """Ask when it is time to, or when the catalogue names other groups. Nothing is raised: the members hold meanwhile."""
        wanted = wanted_groups(self._rosters.written())
        if wanted == self._asked and time.monotonic() < self._due:
            return
        if not wanted:
            self._asked, self._due = wanted, time.monotonic() + EVERY
            self._rosters.tell({})
            return
        try:
            found = await find_groups(self._client, wanted)
            people = {name: await self._known(who) for name, who in found.items() if not isinstance(who, str)}
        except DeliveryError as error:
            after = error.retry_after if isinstance(error, Retryable) else None
            self._asked, self._due = wanted, time.monotonic() + (after or AGAIN)
            log.warning("groups_not_read", reason=str(error))
            return
        self._asked, self._due = wanted, time.monotonic() + EVERY
        self._say({name: who for name, who in found.items() if isinstance(who, str)})
        if self._rosters.tell(people):
            log.info("groups_read", people={name: len(members) for name, members in people.items()})

    def _say(self, troubles: Mapping[str, str]) -> None:
        for name, why in troubles.items():
            if self._told.get(name) != why:
                log.warning("group_not_found", group=name, reason=why)
        self._told = dict(troubles)

    async def _known(self, accounts: list[str]) -> tuple[Person, ...]:
        if len(accounts) > MOST:
            log.warning("group_cut", people=len(accounts), kept=MOST)
        each = [await self._person(account) for account in accounts[:MOST]]
        return tuple({one.id: one for one in each if one is not None}.values())

    async def _person(self, account: str) -> Person | None:
        written = self._rosters.written()
        if (member := by_chat(written, PLATFORM, account)) is not None:
            return member
        until, known = self._people.get(account, (0.0, None))
        if until < time.monotonic():
            try:
                user: dict[str, Any] = (await self._client.call("users.info", user=account))["user"]
            except Refused:
                user = {"deleted": True}
            known = None if user.get("deleted") or user.get("is_bot") else _made(user, account)
            self._people[account] = (time.monotonic() + KEPT, known)
        if known is None:
            return None
        if (member := by_email(written, known.email)) is not None:
            return member
        taken = known.id in written.people or known.id in _MEANT_OTHERWISE
        return _named(known, account.lower()) if taken else known


def _made(user: Mapping[str, Any], account: str) -> Person:
    """Somebody whom only Slack knows, as if the catalogue did: they can be invited, paged and mentioned."""
    profile = user.get("profile") or {}
    handle = _NOT_A_HANDLE.sub("-", str(user.get("name") or "").lower()).strip("._-") or account.lower()
    name = str(profile.get("real_name") or user.get("real_name") or profile.get("display_name") or handle)
    return Person(
        id=handle,
        name=one_line(name, 80) or handle,
        email=str(profile.get("email") or ""),
        chat={PLATFORM: account},
        timezone=_zone(str(user.get("tz") or "")),
    )


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def _named(person: Person, handle: str) -> Person:
    return Person(id=handle, name=person.name, email=person.email, chat=person.chat, timezone=person.timezone)
