"""A group's bounded sketch: what its members have in common, without looking at the members again.

Joining costs the same for the second member and for the hundred-thousandth. Which alert joins is decided elsewhere.
"""

from __future__ import annotations

from math import log2

import msgspec

from correlation.alert import Alert, Severity
from correlation.beats import Rhythm
from correlation.cookbook import Compiled
from correlation.dedup import NEVER, Episode
from correlation.lift import WINDOW
from correlation.matchers import value_of
from correlation.parts import Part
from correlation.places import MAX_PLACES, domain
from correlation.tally import Tally, one_more
from correlation.telling import Telling
from correlation.words import largest

__all__ = [
    "FAINT",
    "MAX_CHANGES",
    "MAX_KINDS",
    "MAX_MEMBERS",
    "MAX_RECENT",
    "MAX_RESTLESS",
    "MAX_SERVICES",
    "MOST",
    "SEVERITIES",
    "Group",
]

MAX_SERVICES = 64
MAX_VALUES = MAX_PLACES  # hosts, names, classes that one group tells apart, too
MAX_TEMPLATES = 8
MAX_KINDS = 16
MOST = (MAX_VALUES,) * 6 + (MAX_TEMPLATES, MAX_KINDS)
MAX_MEMBERS = 10_000  # episode numbers that one group lists
MAX_CHANGES = 8
MAX_RECENT = 8  # sorts of alerts that began lately
AT_ONCE = 2.0  # seconds in which so many that begin are a storm
MAX_RESTLESS = 16  # members that flap and are named
FADES = 600.0  # seconds in which half of what an alert says fades, where its end will not be told
NOVEL = 0.5  # what says so much of calling people is news
FAINT = 0.2  # what says less than this of calling people keeps no group going
START_PACE = 100.0  # seconds between two members, before there are any

SEVERITIES = tuple(sorted(Severity, key=lambda severity: severity.rank))


class Group(msgspec.Struct, kw_only=True):
    """An open cluster of alerts. Moments are event time."""

    number: int
    recipe: str
    key: tuple[str, ...]  # the values that all members share ...
    labels: tuple[str, ...] = ()  # ... of these labels, by which its recipe grouped when it opened
    cook_for: float
    quiet_for: float
    min_alerts: int
    hops: int
    rate: int = 0
    joins: list[float] = msgspec.field(default_factory=list)  # when its latest members joined, where a rate asks
    opened_at: float
    last_at: float  # the last firing
    grown_at: float  # the last new member
    open: bool = True
    deserved: bool = False  # people should be called; it stays so: a room does not close because a member left
    pace: float = START_PACE
    weight: float = 0.0  # how much its firing members speak for calling people; 1 is enough ...
    faded: float = 0.0  # ... and how much those did whose ends nobody tells: it fades
    members: dict[int, None] = msgspec.field(default_factory=dict)  # episodes that are remembered, in order
    size: int = 0
    alerts: int = 0
    firing: int = 0
    lasting: int = 0  # firing, of sources that will say when they clear
    loud: int = 0  # of these, the ones that are not familiar here
    bar: float = 1.0  # the weight that calls people
    called_at: float = NEVER  # when it came to deserve people
    news: float = 0.0  # what its members said that was not familiar, in all
    novel_at: float = NEVER  # when the last member joined that was news
    adaptive: bool = False  # its recipe leaves times to the engine
    anywhere: bool = False  # its recipe says what belongs together, wherever that is
    endless: bool = False  # nobody tells when its latest member ends
    spoke_at: float = NEVER  # when a member that is not familiar last joined, cleared, or fired again
    worst: int = 3
    services: dict[str, Tally] = msgspec.field(default_factory=dict)
    others: dict[str, Tally] = msgspec.field(default_factory=dict)  # hosts or names of members without a service
    classes: dict[str, int] = msgspec.field(default_factory=dict)
    names: dict[str, int] = msgspec.field(default_factory=dict)
    hosts: dict[str, int] = msgspec.field(default_factory=dict)
    locations: dict[str, int] = msgspec.field(default_factory=dict)
    environments: dict[str, int] = msgspec.field(default_factory=dict)
    domains: dict[str, int] = msgspec.field(default_factory=dict)  # where hosts are by their names
    templates: dict[str, int] = msgspec.field(default_factory=dict)
    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    rhythm: Rhythm = msgspec.field(default_factory=Rhythm)  # how often members' monitors look, and when
    changes: list[str] = msgspec.field(default_factory=list)
    apart: list[int] = msgspec.field(default_factory=list)  # groups that a person split from this one
    effects: int = 0  # members that a known cause mutes
    restless: dict[int, None] = msgspec.field(default_factory=dict)  # the latest members that flapped
    outbreaks: dict[str, None] = msgspec.field(default_factory=dict)  # kinds of alerts that began at many places
    telling: Telling = msgspec.field(default_factory=Telling)
    recent: dict[str, float] = msgspec.field(default_factory=dict)  # sorts of alerts, and when they last began
    parts: list[Part] = msgspec.field(default_factory=list)  # of what it was merged, the latest last

    @property
    def reach(self) -> float:
        """By how much the silence that it bears is stretched: more with more news where nobody tells ends; or else 1."""
        return 1.0 + log2(1.0 + self.news) if self.untold else 1.0

    @property
    def untold(self) -> bool:
        """Whether nobody tells when what it holds is over, and its recipe leaves times to the engine."""
        return self.adaptive and self.endless

    @property
    def id(self) -> str:
        return f"G{self.number}"

    def shares(self, alert: Alert) -> bool:
        """Whether an alert has the values that all members share, whatever became of the recipe since."""
        for label, value in zip(self.labels, self.key, strict=False):  # an older engine did not know of which labels
            if value_of(alert, label) != value:
                return False
        return True

    def joinable(self, at: float) -> bool:
        """Whether it still takes members: while it cooks, and is not quiet. What still fires is not quiet.

        >>> group = Group(number=7, recipe="", key=(), cook_for=7200, quiet_for=600, min_alerts=1, hops=2, opened_at=0,
        ...               last_at=0, grown_at=0)
        >>> group.joinable(600.0), group.joinable(601.0)
        (True, False)
        """
        if self.cooked(at):
            return False
        if self.loud > 0:
            return True
        # Where nobody tells ends, familiar noise goes on for ever: it keeps no group going that holds anything else.
        quiet = self.lasting or (self.untold and self.news)
        spoke = max(self.spoke_at, self.opened_at) if quiet or self.last_at < self.spoke_at else self.last_at
        return at - spoke <= self.quiet_for * self.reach

    def cooked(self, at: float) -> bool:
        """Whether it has taken members for as long as its recipe lets it."""
        began = self.called_at if self.adaptive and self.called_at > self.opened_at else self.opened_at
        return at - began > self.cook_for

    def take(self, episode: Episode, at: float) -> None:
        """A member more, as of `at`."""
        episode.group, episode.joined = self.number, at
        if not episode.seat:
            episode.seat = self.number
        self.size += 1
        self.alerts += episode.count
        if len(self.members) < MAX_MEMBERS:
            self.members[episode.id] = None
        since = max(0.0, at - self.grown_at)
        grows = episode.full >= FAINT or self.size == 1
        if self.size > 1 and grows:
            self.pace += 0.2 * (min(abs(at - self.grown_at), 3600.0) - self.pace)
        if at < self.opened_at:
            self.opened_at = at
        last = max(at, episode.last_seen)
        if last > self.last_at:
            self.last_at = last
        if grows and at > self.grown_at:
            self.grown_at = at
        self.endless = not episode.lasting
        if episode.full >= NOVEL and at > self.novel_at:
            self.novel_at = at
        part = episode.part
        tallies = self.services if episode.service else self.others
        tally = tallies.get(part)
        if tally is not None:
            tally.episodes += 1
            tally.firing += episode.active
            if at <= tally.first_seen and (at, episode.id) < (tally.first_seen, tally.first):
                tally.first_seen, tally.first = at, episode.id  # what was held before says nothing of when this began
        elif len(tallies) < MAX_SERVICES:
            tally = tallies[part] = Tally(1, int(episode.active), at, episode.rank, episode.id)
        if tally is not None:
            tally.add(episode)
        e = episode
        told = (e.class_, e.name, e.host, e.location, e.environment, domain(e.host), e.template, e.kind)
        for values, value, most in zip(self.values(), told, MOST, strict=True):
            count = values.get(value)
            if count is not None:
                values[value] = count + 1
            elif value and len(values) < most:
                values[value] = 1
        if episode.interval:
            self.rhythm.add(episode.interval, episode.beat)
        self._worsen(episode, tally)
        self.effects += episode.muted_by > 0
        if episode.turns:
            self.turned(episode)
        if episode.active:
            self.firing += 1
            self.lasting += episode.lasting
            self.loud += episode.lasting and episode.full >= FAINT
        if episode.full >= FAINT:
            self.news += episode.full
            if at > self.spoke_at:
                self.spoke_at = at
        if not episode.lasting and self.size > 1:
            # Nobody will tell when the earlier ones end.
            self.faded *= 2.0 ** (-since / FADES)
        if self.rate or self.joins:
            self.joins = [*self.joins, at][-self.rate :] if self.rate else []
        if episode.active:
            if not self.deserved and episode.opening > 0.0 and tally is not None:
                tally.says(episode)
            self._says(episode, episode.opening, at)

    def begins(self, sort: str, at: float) -> bool:
        """Whether a sort of alert begins here, or began anew after a pause; it is remembered as one that did."""
        recent = self.recent
        before = recent.pop(sort, NEVER)
        recent[sort] = max(at, before)
        if len(recent) > MAX_RECENT and at - recent.pop(next(iter(recent))) < AT_ONCE:
            return False  # more begins at once than is remembered: nothing can be told about what follows what
        return at - before > WINDOW

    def worsen(self, episode: Episode, before: int) -> None:
        """Take in that a member is worse than that rank."""
        tally = self._tally(episode)
        if tally is not None:
            tally.worsens(episode, before)
        self._worsen(episode, tally)

    def _worsen(self, episode: Episode, tally: Tally | None) -> None:
        """Take in how bad a member is; `tally` counts its service's."""
        rank, best = episode.rank, self.telling
        if rank < self.worst:
            self.worst = rank
        if tally is not None and rank < tally.worst:
            tally.worst = rank
        if rank > best.rank:
            return
        if (rank, -episode.opening, episode.joined, episode.id) < (best.rank, -best.opening, best.at, best.episode):
            self.telling = Telling(
                rank=episode.rank,
                opening=episode.opening,
                at=episode.joined,
                episode=episode.id,
                service=episode.service,
                host=episode.host,
                name=episode.name,
                class_=episode.class_,
                location=episode.location,
            )

    def weigh(self, at: float) -> None:
        """People are called, as of `at`, where what speaks for it is enough."""
        if not self.deserved and self._complete() and self.weight + self.faded >= self.bar - 0.001:
            self.deserved, self.called_at = True, at

    def lasts(self, at: float) -> None:
        """A member has fired for so long that people are called for it alone, if the recipe asks for no others."""
        if not self.deserved and self._complete():
            self.deserved, self.called_at = True, at

    def _says(self, episode: Episode, opening: float, at: float) -> None:
        """So much more speaks for calling people, as of `at`."""
        if episode.lasting:
            self.weight += opening
        else:
            self.faded += opening
        self.weigh(at)

    def _complete(self) -> bool:
        """Whether the members are as many, and came as fast, as the recipe asks."""
        fast = len(self.joins) >= self.rate and (not self.joins or self.joins[-1] - self.joins[0] <= 60.0)
        return fast and self.size >= self.min_alerts

    def says_more(self, episode: Episode, opening: float, at: float) -> None:
        """A firing member speaks more for calling people than it did."""
        tally, before = self._tally(episode), episode.opening
        episode.opening = opening
        if tally is not None and not self.deserved:
            said = tally.heard(episode) if before > 0.0 else None
            if said is not None:
                said.loudest = max(said.loudest, opening)
            elif before <= 0.0:
                tally.says(episode)
        self._worsen(episode, tally)
        self._says(episode, opening - before, at)

    def most(self, episode: Episode) -> float:
        """The most that a firing member may add where others of its service say the same already."""
        tally = self.services.get(episode.service)
        said = tally.heard(episode) if tally is not None else None
        others = min(episode.others, said.firing - 1) if said is not None else 0
        return said.loudest * one_more(others) if said is not None and others > 0 else 1.0

    def stirred(self, episode: Episode) -> None:
        """A member that had cleared fires again."""
        self.firing += 1
        if episode.lasting:
            self.lasting += 1
            if episode.full >= FAINT:
                self.loud += 1
                self.spoke_at = max(self.spoke_at, episode.since)
        tally = self._tally(episode)
        if tally is not None:
            tally.firing += 1
            if not self.deserved and episode.opening > 0.0:
                tally.says(episode)
        self._says(episode, episode.opening, episode.since)

    def cleared(self, episode: Episode) -> None:
        """A firing member cleared, or is forgotten."""
        self.firing = max(0, self.firing - 1)
        if episode.lasting:
            self.lasting = max(0, self.lasting - 1)
            if episode.full >= FAINT:
                self.loud = max(0, self.loud - 1)
                self.spoke_at = max(self.spoke_at, episode.last_seen, episode.resolved_at)
        if episode.lasting:
            self.weight = max(0.0, self.weight - episode.opening)
        else:
            self.faded = max(0.0, self.faded - episode.opening)
        tally = self._tally(episode)
        if tally is not None:
            tally.firing = max(0, tally.firing - 1)
            if not self.deserved and episode.opening > 0.0:
                tally.hushed(episode)

    def turned(self, episode: Episode) -> None:
        """A member changed; those that flap are kept, the latest last."""
        if episode.flapping(episode.turned_at):
            self.restless.pop(episode.id, None)
            self.restless[episode.id] = None
            if len(self.restless) > MAX_RESTLESS:
                del self.restless[next(iter(self.restless))]

    def follow(self, compiled: Compiled) -> None:
        """Its times, and what it asks for, are those of its recipe."""
        recipe = compiled.recipe
        self.cook_for, self.quiet_for = recipe.cook_for, recipe.quiet_for
        self.min_alerts, self.rate, self.hops = recipe.min_alerts, recipe.rate, recipe.hops
        self.adaptive, self.anywhere = compiled.default, compiled.by_rule

    def values(self) -> tuple[dict[str, int], ...]:
        """What members have, each with how many do; MOST says how many are told apart."""
        what, where = (self.classes, self.names), (self.hosts, self.locations, self.environments, self.domains)
        return (*what, *where, self.templates, self.kinds)

    def touch(self, change: str) -> None:
        """A recent change that members share."""
        if change not in self.changes and len(self.changes) < MAX_CHANGES:
            self.changes.append(change)

    def title(self) -> str:
        """What is broken and where, short."""
        return self.telling.title([name for name, _ in largest(self.locations)], everywhere=self.everywhere)

    @property
    def everywhere(self) -> bool:
        """What it is called after is at many places."""
        return self.telling.kind in self.outbreaks

    def _tally(self, episode: Episode) -> Tally | None:
        return (self.services if episode.service else self.others).get(episode.part)
