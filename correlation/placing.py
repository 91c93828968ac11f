"""Where an alert goes that no group has yet: candidates, the recipes' conditions, the score; join, open, or hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice
from typing import NamedTuple

from correlation.alert import Alert
from correlation.candidates import Pair
from correlation.cookbook import Asked, Compiled, Cookbook, Recipe
from correlation.decision import Code, Evidence, Kind
from correlation.dedup import Episode
from correlation.features import Features
from correlation.feedback import Feedback
from correlation.gate import Verdict
from correlation.groups import FADES, MAX_KINDS, Group
from correlation.inhibition import LENIENCE, TERM, inhibitor
from correlation.lift import Lift
from correlation.matchers import value_of
from correlation.outbreaks import OUTBREAK, Outbreak, Outbreaks
from correlation.places import somewhere
from correlation.registry import Registry, own_keys, shared_key, shared_keys
from correlation.similarity import Facts, Scorer, explain, sentence
from correlation.suspects import Ledger
from correlation.thresholds import accepts
from correlation.topology import Topology
from correlation.tuning import Tuning
from correlation.usual import Usual
from correlation.waiting import lasts_after
from correlation.weighing import SEVERE, adds
from correlation.words import clean, plural, span

__all__ = ["WAITING", "Chosen", "Placed", "Placer"]

WAITING = "waits for others that belong to it"  # what the reason of a group says that calls nobody yet
MAX_NEIGHBOURS = 16  # services whose groups one alert is compared with
MAX_MERGES = 4  # groups that one alert may bridge
MERE = ("name", "word")  # fields that half of the company shares


class Chosen(NamedTuple):
    """A group that would take the alert, how gladly (log odds), what the terms say, and whether its recipe's thresholds did."""

    odds: float
    group: Group
    scores: Sequence[float]
    by_rule: bool = False


class Placed(NamedTuple):
    """What became of a new alert; the episode itself is in the group by now."""

    kind: Kind
    code: Code
    reason: str
    group: Group | None = None
    evidence: tuple[Evidence, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()  # (lost, kept) ...
    fits: tuple[tuple[str, str], ...] = ()  # ... and what speaks for the kept and the lost one, where it fits both


class Placer:
    """Places new alerts. It owns nothing: what it knows is the engine's, and the engine may change cookbook and topology."""

    def __init__(
        self,
        cookbook: Cookbook,
        topology: Topology,
        *,
        tuning: Tuning,
        scorer: Scorer,
        registry: Registry,
        usual: Usual,
        features: Features,
        ledger: Ledger,
        feedback: Feedback,
        lift: Lift,
        outbreaks: Outbreaks,
    ) -> None:
        self.cookbook, self.topology, self.tuning, self.scorer = cookbook, topology, tuning, scorer
        self.registry, self.usual, self.features = registry, usual, features
        self.ledger, self.feedback, self.lift, self.outbreaks = ledger, feedback, lift, outbreaks

    def place(self, episode: Episode, alert: Alert, at: float, verdict: Verdict) -> Placed:
        """Join an open group, open one, or hold the alert. `at` is the moment as of which it counts."""
        asked = self.cookbook.asked(alert)
        if len(asked.excluding) == len(self.cookbook.compiled):
            return Placed("noise", "excluded", "Held: excluded by its recipe.")
        facts = self.gather(episode, at)
        keys = own_keys(episode, facts.template)
        chosen = self._choose(facts, alert, keys, asked)
        compiled = asked.opening
        calls = (
            verdict.opening >= 1.0 and not verdict.hold and episode.location
        )  # by itself, at a place: it may be at others
        recipe = compiled.recipe.name if calls and compiled is not None and not compiled.by_rule else ""
        if chosen:
            placed = self._join(facts, keys, chosen)
            return self._joins_outbreak(placed, facts, recipe) if recipe and not episode.muted_by else placed
        if compiled is None:
            return Placed("noise", "below_trigger", f"Held: {_wanted(self.cookbook, asked, alert)}.")
        if verdict.hold:
            return Placed("noise", verdict.code, f"Held: {verdict.words}.")
        outbreak = self.outbreaks.find(episode, at, recipe) if recipe else None
        if outbreak is None:
            placed = self._open(facts, alert, keys, compiled, verdict)
        else:
            group, merged, why = self._spread(outbreak, facts)
            self._take(group, facts, keys)
            placed = Placed("joined", OUTBREAK, f"Joined: {why}.", group, (Evidence(OUTBREAK, 1.0, why),), merged)
        if recipe and placed.group is not None and placed.group.deserved:
            self.outbreaks.began(episode, at)
        return placed

    def _joins_outbreak(self, placed: Placed, facts: Facts, recipe: str) -> Placed:
        """A member of a group at its own place: it may be the one by which the same is at many."""
        own, episode = placed.group, facts.episode
        if own is None or not own.deserved or own.recipe != recipe or self.outbreaks.known(episode, facts.at):
            return placed
        outbreak = self.outbreaks.find(episode, facts.at, recipe, own)
        self.outbreaks.began(episode, facts.at)
        if outbreak is None or outbreak.groups == [own]:
            return placed
        group, merged, why = self._spread(outbreak, facts)
        evidence = (Evidence(OUTBREAK, 1.0, why), *placed.evidence)
        return Placed("joined", OUTBREAK, f"Joined: {why}.", group, evidence, (*placed.merged, *merged), placed.fits)

    def gather(self, episode: Episode, at: float) -> Facts:
        """What is known of an alert, looked up once for all candidates."""
        service, topology = episode.service, self.topology
        reach, upward = topology.reach(service), topology.upward(service)
        changes = self.ledger.recent(service, islice(upward, MAX_NEIGHBOURS), at)
        return Facts(episode, at, self.features.of(episode.template), reach, upward, changes, self.feedback.said)

    def _choose(self, facts: Facts, alert: Alert, keys: list[Pair], asked: Asked) -> list[Chosen]:
        """The groups that would take the alert, best first; of equals the oldest."""
        cookbook, features = self.cookbook, self.features
        if cookbook.groups_by:
            keys = _shared(cookbook, asked.opening, alert) + keys
        needed = self.tuning.join_at + self.tuning.dull * (1.0 - facts.episode.full)
        calls = facts.episode.rank <= SEVERE and facts.episode.full >= 1.0  # it would call people by itself
        own = asked.opening if calls else None
        found: list[Chosen] = []
        effects: list[Chosen] = []
        episode = facts.episode
        place = episode.location if self.scorer.elsewhere < needed - LENIENCE else ""
        open_, recipes = self.registry.open, cookbook.by_name
        for number in self.registry.index.find(_by_telling(keys, facts.reach), place):
            group = open_[number]
            compiled = recipes.get(group.recipe)
            by_rule = compiled is not None and compiled.by_rule
            there = group.locations
            if place and there and place not in there and not by_rule and not somewhere(place, there):
                continue  # nothing else could make up for that
            if not group.joinable(facts.at):
                if self.registry.over(group):
                    self.registry.index.drop(number)
                continue
            if (calls and _background(group, episode)) or _stale(group, facts):
                continue
            if own is not None and _asks_for_more(group, own.recipe):
                continue
            if compiled in asked.excluding or (group.key and not group.shares(alert)):
                continue
            scores: list[float] = []
            odds = self.scorer.total(facts, group, features, scores)
            if compiled is not None and by_rule:
                rule = accepts(compiled, facts, group, features)
                if rule or (rule is None and odds >= needed):
                    found.append(Chosen(odds, group, scores, by_rule=True))
            elif odds >= needed:
                found.append(Chosen(odds, group, scores))
            elif odds >= needed - LENIENCE and inhibitor(episode, facts.at, facts.upward, group, self.registry.dedup):
                effects.append(Chosen(odds, group, scores))
        found = found or effects  # what fits by itself comes first
        if len(found) > 1:
            found.sort(key=lambda one: (_rank(one, cookbook), one.group.number))
        return found

    def _join(self, facts: Facts, keys: list[Pair], chosen: list[Chosen]) -> Placed:
        odds, group, scores, by_rule = chosen[0]
        evidence = explain(facts, group, self.features, scores)
        merged: list[tuple[str, str]] = []
        said = sentence(evidence)
        fits = {group.id: said}
        for other_odds, other, other_scores, _ in chosen[1 : 1 + MAX_MERGES]:
            rooms = group.deserved and other.deserved
            enough = self.tuning.merge_rooms_at if rooms else self.tuning.merge_at
            may = min(odds, other_odds) >= enough and self.registry.compatible(group, other)
            if may and not self.feedback.apart(group.kinds, other.kinds):
                fits[other.id] = sentence(explain(facts, other, self.features, other_scores))
                kept, lost = (group, other) if group.number < other.number else (other, group)
                self.registry.unite(kept, lost)
                merged.append((lost.id, kept.id))
                group = kept
        effect = inhibitor(facts.episode, facts.at, facts.upward, group, self.registry.dedup)
        both = tuple([(fits[kept], fits[lost]) for lost, kept in merged])
        if effect is not None:
            facts.episode.muted_by = effect.cause.id
            said = f"{effect.words}; {said}"
            evidence = (*evidence, Evidence(TERM, 1.0, effect.why))
        self._take(group, facts, keys)
        if merged:
            said = f"{said}; it connects {', '.join(lost for lost, _ in merged)} with {group.id}"
        code: Code = "bridged" if merged else "inhibited" if effect else "by_recipe" if by_rule else "alike"
        return Placed("joined", code, f"Joined: {said}.", group, evidence, tuple(merged), both)

    def _spread(self, outbreak: Outbreak, facts: Facts) -> tuple[Group, tuple[tuple[str, str], ...], str]:
        """Unite what an outbreak is at; the group that is left, what went into it, and why in words."""
        group, *others = outbreak.groups
        for other in others:
            self.registry.unite(group, other)
        if len(group.outbreaks) < MAX_KINDS:
            group.outbreaks[facts.episode.kind] = None
        merged = tuple([(other.id, group.id) for other in others])
        return group, merged, f"the same at {outbreak.places} places within minutes"

    def _open(self, facts: Facts, alert: Alert, keys: list[Pair], compiled: Compiled, verdict: Verdict) -> Placed:
        recipe = compiled.recipe
        group = Group(
            number=self.registry.next_number(),
            recipe=recipe.name,
            key=compiled.key(alert),
            labels=recipe.group_by,
            cook_for=recipe.cook_for,
            quiet_for=recipe.quiet_for,
            min_alerts=recipe.min_alerts,
            rate=recipe.rate,
            adaptive=compiled.default,
            anywhere=compiled.by_rule,
            hops=recipe.hops,
            opened_at=facts.at,
            last_at=facts.at,
            grown_at=facts.at,
        )
        self.registry.add(group)
        self._take(group, facts, keys)
        self.registry.schedule(group)
        if group.deserved:
            return Placed("opened", verdict.code, f"Opened: {verdict.words}.", group)
        episode, alone = facts.episode, recipe.rate <= 1 and recipe.min_alerts <= 1
        asks = f"{recipe.rate} within a minute" if recipe.rate > 1 else f"{recipe.min_alerts} alerts"
        why = f"its recipe asks for {asks}" if episode.opening >= 1.0 or not alone else verdict.words
        until = (
            f", or till it has fired for {span(lasts_after(episode, self.tuning))}" if alone and episode.lasting else ""
        )
        return Placed("opened", "waiting", f"Held: {why}; {WAITING}{until}.", group)

    def _take(self, group: Group, facts: Facts, keys: list[Pair]) -> None:
        episode = facts.episode
        if episode.rank and not group.deserved and 0.0 < episode.opening < 1.0:
            episode.opening = adds(group, episode)
        if not episode.lasting:
            group.bar = self.usual.bar(episode.place, facts.at, episode.opening)
        group.take(episode, facts.at)
        if group.begins(facts.episode.sort, facts.at):
            self.lift.observe(facts.episode.sort, facts.at, group.recent.items())
        for change in facts.changes:
            group.touch(change)
        if group.open:  # beyond the bound, the one quiet for longest closes: that may be this one, told late
            if group.key:
                keys = [*shared_keys(group.recipe, group.labels, group.key), *keys]
            self.registry.index.touch(group.number, keys, "" if group.anywhere else episode.location)
            self.registry.grew(group.number)


def _wanted(cookbook: Cookbook, asked: Asked, alert: Alert) -> str:
    """Why no recipe opens a group for an alert: what the last one, which takes most, asks for in vain."""
    last = next(compiled for compiled in reversed(cookbook.compiled) if compiled not in asked.excluding)
    others = len(cookbook.compiled) - len(asked.excluding) - 1
    more = f"; {plural(others, 'other')} for other things" if others else ""
    return f"no recipe lets it open an incident: {last.recipe.name} asks for {clean(str(last.unmet(alert)))}{more}"


def _shared(cookbook: Cookbook, own: Compiled | None, alert: Alert) -> list[Pair]:
    """What groups are found by that share values by a recipe: those of the alert's own recipe before others."""
    keys = [shared_key(labels, [value_of(alert, label) for label in labels]) for labels in cookbook.groups_by]
    if own is not None and own.recipe.group_by:
        return shared_keys(own.recipe.name, own.recipe.group_by, own.key(alert)) + keys
    return keys


def _background(group: Group, episode: Episode) -> bool:
    """Whether a group still waits for something worth people, and only mild things elsewhere are in it.

    An outage does not begin in there: its cause and its onset would be the background's.
    """
    return not group.deserved and group.worst > SEVERE and episode.service not in group.services


def _asks_for_more(group: Group, own: Recipe) -> bool:
    """Whether a group waits for company that its recipe asks for, where an alert's own recipe asks for none."""
    if group.deserved or own.min_alerts > 1 or own.rate > 1:
        return False
    return group.min_alerts > group.size + 1 or group.rate > 1


def _stale(group: Group, facts: Facts) -> bool:
    """Whether a group waits in vain: it had no news for minutes, and the alert is news whose end nobody will tell."""
    episode = facts.episode
    news = episode.full >= 1.0 and not episode.lasting
    return news and not group.deserved and facts.at - group.novel_at > FADES


def _by_telling(keys: list[Pair], reach: Collection[str]) -> Iterable[Pair]:
    """Neighbours before mere names and words; `reach` begins with the service itself.

    >>> list(_by_telling([("service", "cart"), ("name", "Slow"), ("word", "timeout")], ["cart", "redis"]))
    [('service', 'cart'), ('service', 'redis'), ('name', 'Slow'), ('word', 'timeout')]
    """
    if not reach:
        return keys
    place = len(keys)
    while place and keys[place - 1][0] in MERE:
        place -= 1
    neighbours = (("service", name) for name in islice(reach, 1, MAX_NEIGHBOURS + 1))
    return chain(keys[:place], neighbours, keys[place:])


def _rank(one: Chosen, cookbook: Cookbook) -> float:
    compiled = cookbook.get(one.group.recipe)
    first = compiled is not None and compiled.recipe.match == "first"
    return float("-inf") if first else -one.odds
