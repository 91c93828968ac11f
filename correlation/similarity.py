"""Evidence that an alert belongs to a group: terms with a score in 0..1 and words, added up as weights of evidence.

A term is one class and one place in TERMS. What an alert or a group lacks is no evidence, neither for nor against.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import msgspec

from correlation.beats import IN_STEP
from correlation.decision import Evidence
from correlation.dedup import Episode
from correlation.features import Features, Template
from correlation.groups import Group
from correlation.places import MAX_PLACES, domain, near
from correlation.topology import Reach
from correlation.weights import Weights, WeightsError
from correlation.words import clean, plural, span

__all__ = ["MISSING", "TERMS", "Facts", "Scorer", "Term", "Text", "explain", "nearest", "sentence"]

MISSING = -1.0
HOPELESS = -4.0  # no later term can make up for this
MIN_PACE, MAX_PACE = 180.0, 900.0  # seconds after which closeness in time speaks neither for nor against
UNTOLD_PACE = 360.0  # the least where nobody tells ends: silence says less there
LOOKS = 3.0  # the least in looks of their monitor: what began at once is told by one look or by the next


class Facts(msgspec.Struct, gc=False):
    """What is known of one alert while it is placed."""

    episode: Episode
    at: float
    template: Template
    reach: dict[str, Reach]
    upward: dict[str, Reach]
    changes: Sequence[str]
    feedback: dict[str, dict[str, int]]


class Term:
    """One kind of evidence. How much it weighs stands in weights.json, under its name."""

    name: str

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        """0..1, or MISSING."""
        raise NotImplementedError

    def words(self, facts: Facts, group: Group, score: float) -> str:
        """The same for people: a few words."""
        raise NotImplementedError


class Time(Term):
    """Closeness to the group's last new member, by the group's own pace: a burst closes sooner than a campaign."""

    name = "time"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        gap = abs(facts.at - group.grown_at)
        if not gap:
            return 1.0
        least = max(UNTOLD_PACE if group.untold else MIN_PACE, LOOKS * group.rhythm.looks)
        half = min(MAX_PACE, max(least, 3.0 * group.pace)) * group.reach
        return float(2.0 ** (-gap / half))

    def words(self, facts: Facts, group: Group, score: float) -> str:
        gap = facts.at - group.grown_at
        if abs(gap) < 1.0:
            return "in the same second"
        return f"{span(gap)} {'after' if gap >= 0 else 'before'} the last"


class Location(Term):
    """The same place. Two things at two places are two."""

    name = "location"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        mine = facts.episode.location
        if not mine or not group.locations:
            return MISSING
        if mine in group.locations:
            return 1.0
        if len(group.locations) >= MAX_PLACES:
            return MISSING  # it is at more than are known
        return 0.9 if near(mine, group.locations) else 0.0

    def words(self, facts: Facts, group: Group, score: float) -> str:
        relation = "same location" if score == 1 else "location near" if score else "elsewhere:"
        return f"{relation} {clean(facts.episode.location, 40)}"


class Domain(Term):
    """What the hosts' names say of where they are, asked only where no location says it."""

    name = "domain"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        domains = group.domains
        if not domains or (facts.episode.location and group.locations):
            return MISSING
        mine = domain(facts.episode.host)
        if not mine:
            return MISSING
        if mine not in domains:
            return 0.0
        return 0.5 if facts.episode.service else 1.0  # many a service lies there: which of them it is says more

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return f"{'same' if score else 'another'} domain {clean(domain(facts.episode.host), 40)}"


class Environment(Term):
    """Production and staging never share a group; being in the same one says little."""

    name = "environment"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        mine = facts.episode.environment
        if not mine or not group.environments:
            return MISSING
        return 1.0 if mine in group.environments else 0.0

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return f"{'same' if score else 'another'} environment"


class InStep(Term):
    """On one beat with the others, where nothing else tells the place: monitors at two places look at different seconds."""

    name = "beat"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        beat = facts.episode.beat
        off = group.rhythm.off(beat) if beat is not None else None
        if off is None:
            return MISSING
        beyond = 0.5 * (off / IN_STEP - 1.0)
        return 0.5 - beyond if beyond <= 0.0 else max(0.0, 0.5 - beyond * group.rhythm.sure)

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return f"{'in' if score > 0.5 else 'out of'} step, every {span(group.rhythm.interval)}"


class Service(Term):
    """The same service. Another one says little; how far away it is, topology says."""

    name = "service"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        mine = facts.episode.service
        if not mine or not group.services:
            return MISSING
        return 1.0 if mine in group.services else 0.0

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return "same service" if score else "another service"


class Hops(Term):
    """Distance in the service graph; what depends on each other fails together, siblings less so."""

    name = "topology"

    _STRAIGHT = (1.0, 1.0, 0.9, 0.75)  # by hops
    _SIDE = (1.0, 0.8, 0.6, 0.4)

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        reach = facts.reach
        if not reach or not group.services or facts.episode.service in group.services:
            return MISSING
        name = nearest(reach, group)
        if name is None:
            return 0.0
        found = reach[name]
        return (self._SIDE if found.direction == "side" else self._STRAIGHT)[found.hops]

    def words(self, facts: Facts, group: Group, score: float) -> str:
        name = nearest(facts.reach, group)
        return "not connected" if name is None else f"{plural(facts.reach[name].hops, 'hop')} from {clean(name, 40)}"


class Host(Term):
    """The same host. Another one says nothing: an outage has many."""

    name = "host"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        return 1.0 if facts.episode.host and facts.episode.host in group.hosts else MISSING

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return f"same host {clean(facts.episode.host, 40)}"


class Class(Term):
    """The same class of trouble."""

    name = "class"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        mine = facts.episode.class_
        if not mine or not group.classes:
            return MISSING
        return 1.0 if mine in group.classes else 0.0

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return f"{'same' if score else 'another'} class"


class Text(Term):
    """Likeness of the masked words of name and summary, to the most alike member's."""

    name = "text"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        mine = facts.template
        if not mine.total or not group.templates:
            return MISSING
        if mine.text in group.templates:
            return 1.0
        return features.most_alike(mine, group.templates)

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return "same text" if score > 0.99 else f"{score:.2f} alike in text"


class SharedChange(Term):
    """Both follow the same recent change, on themselves or upstream."""

    name = "change"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        for change in facts.changes:
            if change in group.changes:
                return 1.0
        return MISSING

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return "after the same change"


class Feedback(Term):
    """What people merged or split before: a person's word outweighs what the alerts look like. Apart before together."""

    name = "feedback"

    def score(self, facts: Facts, group: Group, features: Features) -> float:
        known = facts.feedback.get(facts.episode.kind)
        if not known:
            return MISSING
        value = 0
        for kind in group.kinds:
            said = known.get(kind, 0)
            if (abs(said), -said) > (abs(value), -value):
                value = said
        return MISSING if value == 0 else 1.0 if value > 0 else 0.0

    def words(self, facts: Facts, group: Group, score: float) -> str:
        return "people put such alerts together" if score > 0.5 else "people keep such alerts apart"


# Those that can rule a group out come first: most candidates end there.
TERMS: tuple[Term, ...] = (
    Location(),
    Domain(),
    Environment(),
    InStep(),
    Time(),
    Hops(),
    Service(),
    Host(),
    Class(),
    Text(),
    SharedChange(),
    Feedback(),
)


def nearest(reach: dict[str, Reach], group: Group) -> str | None:
    """The group's service that is nearest, within the recipe's hops; straight up or down before sideways."""
    best: str | None = None
    rank = (99, True, "")
    services = group.services
    for service in services if len(services) < len(reach) else reach:
        found = reach.get(service)
        if found is not None and found.hops <= group.hops and service in services:
            this = (found.hops, found.direction == "side", service)
            if this < rank:
                best, rank = service, this
    return best


class Scorer:
    """Adds up what the terms say, by their weights. WeightsError when the weights do not know a term."""

    __slots__ = ("bias", "elsewhere", "terms")

    def __init__(self, weights: Weights) -> None:
        self.bias = weights.bias
        try:
            known = [(term, weights.terms[term.name]) for term in TERMS]
        except KeyError as error:
            raise WeightsError(f"the weights say nothing about {error}") from error
        self.terms = tuple((term.score, weight.pro, weight.contra) for term, weight in known)
        # What a group at another place comes to; above all odds where other evidence could make up for that.
        odds = self.bias - weights.terms[Location.name].contra
        self.elsewhere = odds if odds < HOPELESS else inf

    def total(self, facts: Facts, group: Group, features: Features, scores: list[float] | None = None) -> float:
        """The log odds that the alert belongs to the group. `scores` takes what the terms say, up to one that rules it out."""
        odds = self.bias
        for say, pro, contra in self.terms:
            score = say(facts, group, features)
            if scores is not None:
                scores.append(score)
            if score >= 0.0:
                odds += (2.0 * score - 1.0) * (pro if score > 0.5 else contra)
                if odds < HOPELESS:
                    break
        return odds


def explain(facts: Facts, group: Group, features: Features, scores: Sequence[float] = ()) -> tuple[Evidence, ...]:
    """All terms that say something, in the order of TERMS. `scores` are those that are known, the first ones."""
    known = scores
    if len(scores) < len(TERMS):
        known = [*scores, *(term.score(facts, group, features) for term in TERMS[len(scores) :])]
    return tuple(
        [
            Evidence(name, round(score, 3) if 0.0 < score < 1.0 else score, words(facts, group, score))
            for (name, words), score in zip(_EXPLAINED, known, strict=True)
            if score >= 0.0
        ]
    )


_EXPLAINED = tuple((term.name, term.words) for term in TERMS)


_ORDER = ("feedback", "change", "service", "host", "text", "location", "beat", "time")  # and how near it is, at the end


def sentence(evidence: Sequence[Evidence]) -> str:
    """What speaks for it, in one line.

    >>> sentence([Evidence("time", 0.9, "8 s after the last"), Evidence("service", 1.0, "same service"),
    ...           Evidence("text", 0.82, "0.82 alike in text"), Evidence("topology", 1.0, "1 hop from payments-api")])
    'same service, 0.82 alike in text, 8 s after the last; 1 hop from payments-api'
    """
    told = {item.term: item.words for item in evidence if item.score > 0.5}
    said = ", ".join([told[name] for name in _ORDER if name in told])
    hops = told.get("topology", "")
    if said or hops:
        return f"{said}; {hops}" if said and hops else said or hops
    return next((item.words for item in evidence if item.term == "time"), "by its recipe")
