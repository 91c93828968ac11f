"""Which open groups would take an alert: candidates, the recipes' conditions, the score. Nothing is changed here."""

from __future__ import annotations

from typing import NamedTuple

from correlation.alert import Alert
from correlation.candidates import Pair
from correlation.cookbook import Cookbook
from correlation.dedup import Episode
from correlation.features import Features
from correlation.feedback import Feedback
from correlation.groups import Group
from correlation.registry import Registry, own_keys
from correlation.similarity import Facts, accepts, total
from correlation.suspects import Ledger
from correlation.topology import Topology
from correlation.tuning import Tuning

__all__ = ["Chosen", "choose", "gather", "keys_of"]

MAX_NEIGHBOURS = 16  # services whose groups one alert is compared with


class Chosen(NamedTuple):
    """A group that would take the alert, how gladly (log odds), and whether its recipe's thresholds said so."""

    odds: float
    group: Group
    by_rule: bool


def gather(
    episode: Episode, at: float, features: Features, topology: Topology, ledger: Ledger, feedback: Feedback
) -> Facts:
    """What is known of an alert, looked up once for all candidates."""
    reach = topology.reach(episode.service) if episode.service else {}
    upstream = [name for name, found in reach.items() if found.direction == "up"][:MAX_NEIGHBOURS]
    changes = ledger.recent(episode.service, upstream, at)
    return Facts(episode, at, features.of(episode.template), reach, changes, feedback.said)


def keys_of(facts: Facts, alert: Alert, cookbook: Cookbook) -> list[Pair]:
    """What the alert's group will be found by, most telling first."""
    keys = [
        (compiled.recipe.name, "\x1f".join(compiled.key(alert)))
        for compiled in cookbook.compiled
        if compiled.recipe.group_by
    ]
    keys += own_keys(facts.episode)
    keys += [("word", word) for word in facts.template.rare]
    return keys


def choose(
    facts: Facts,
    alert: Alert,
    keys: list[Pair],
    *,
    cookbook: Cookbook,
    registry: Registry,
    features: Features,
    tuning: Tuning,
) -> list[Chosen]:
    """The groups that would take the alert, best first; of equals the oldest."""
    near = [("service", name) for name in list(facts.reach)[1 : MAX_NEIGHBOURS + 1]]
    needed = tuning.join_at + tuning.dull * (1.0 - facts.episode.opening)
    found: list[Chosen] = []
    for number in registry.index.find(_by_telling(keys, near)):
        group = registry.open[number]
        if not group.joinable(facts.at):
            continue
        compiled = cookbook.get(group.recipe)
        if compiled is not None and (
            not cookbook.admits(compiled, alert) or (group.key and group.key != compiled.key(alert))
        ):
            continue
        odds = total(facts, group, features)
        if compiled is not None and compiled.by_rule:
            rule = accepts(compiled, facts, group, features)
            if rule or (rule is None and odds >= needed):
                found.append(Chosen(odds, group, by_rule=True))
        elif odds >= needed:
            found.append(Chosen(odds, group, by_rule=False))
    if len(found) > 1:
        found.sort(key=lambda one: (_rank(one, cookbook), one.group.number))
    return found


def _by_telling(keys: list[Pair], near: list[Pair]) -> list[Pair]:
    """Neighbours before mere names and words, which half the company shares."""
    if not near:
        return keys
    place = next((i for i, (field, _) in enumerate(keys) if field == "name"), len(keys))
    return keys[:place] + near + keys[place:]


def _rank(one: Chosen, cookbook: Cookbook) -> float:
    compiled = cookbook.get(one.group.recipe)
    first = compiled is not None and compiled.recipe.match == "first"
    return float("-inf") if first else -one.odds
