"""Whether an alert may open a group or only join one: novelty (of its rule, words, place), breadth, periodicity, flapping, bursts.

Counts decay with half-lives of half an hour, 12 hours and 7 days and are kept per series (what, on what, where), rule, word
and place, never per alert.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from math import log

import msgspec

from correlation.breadth import Breadths
from correlation.decision import Code
from correlation.words import plural, span

__all__ = ["Gate", "Series", "Verdict"]

HALF_HOUR = 1800.0
HALF_DAY = 12 * 3600.0
WEEK = 7 * 86_400.0
BRIEF = 300.0  # seconds: what is over sooner needed nobody
OFTEN = 1.0  # onsets within a week after which a rule says half, where its source never tells ends
MAX_PLACES = 1024  # of which it is known what is usual there
KNOWN = 30.0  # onsets after which a site is known well enough to say what is usual
TELLING = 1.3  # a little less telling than the average still opens alone
ENOUGH = 8.0  # ended conditions after which a site says something of a rule not known yet
PRIOR = 2.0  # ended conditions of its own that weigh as much
PROVEN = 2.5  # ended conditions of a rule, fading, before a critical one waits for what became of those
RARE = 0.25  # share of critical alerts that are the first of their kind, above which being the first is no news
BUCKET = 10.0  # seconds: the width in which a burst is seen
PRIORITY = re.compile(
    r"\b(?:down|outage|unavailable|unreachable|data ?loss|corrupt\w*|breach|out of (?:memory|disk)|split.?brain)\b",
    re.IGNORECASE,
)
HINTS = ("down", "outage", "unavailable", "unreachable", "loss", "corrupt", "breach", "out of", "brain")


class Series(msgspec.Struct, gc=False):
    """How one kind of alert at one place has behaved. Gaps are seconds between onsets, exponentially averaged."""

    at: float
    half_day: float = 0.0
    week: float = 0.0
    onsets: int = 0
    gap: float = 0.0
    spread: float = 0.0  # mean absolute deviation of the gaps
    flaps: float = 0.0  # onsets that followed a recovery, decaying with half an hour: longer than an episode's turns


class Rule(msgspec.Struct, gc=False):
    """One kind of alert anywhere, decaying with a week: how often it begins, and how often it is over within minutes."""

    at: float
    count: float = 0.0
    brief: float = 0.0
    long: float = 0.0

    def fade(self, at: float) -> None:
        if at > self.at:
            left = 2.0 ** ((self.at - at) / WEEK)
            self.count *= left
            self.brief *= left
            self.long *= left
            self.at = at


class Site(Rule, gc=False):
    """All onsets, whatever begins; and how surprising one is on average (natural logarithm)."""

    entropy: float = 1.0
    critical: float = 0.0  # of the onsets
    first: float = 0.0  # of these, the first of their kind

    def fade(self, at: float) -> None:
        if at > self.at:
            left = 2.0 ** ((self.at - at) / WEEK)
            self.critical *= left
            self.first *= left
            super().fade(at)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """`opening` 0..1: how much the alert speaks for calling people (1 opens alone); `hold`: it may not open at all.

    `news`: it is critical for the first time, or one of many at once: what came of such alerts before says nothing of it.
    """

    opening: float
    hold: bool
    code: Code
    words: str
    news: bool = False


class Burst(msgspec.Struct):
    """Onsets at one place: this bucket's, and the decayed usual number per bucket."""

    bucket: int
    now: int = 0
    usual: float = 0.0


class Gate:
    """
    >>> gate = Gate()
    >>> gate.onset(("DiskFull", "db", ""), 0.0, rank=2, text="disk full", tier=3, recovered=False).code
    'novel'
    """

    __slots__ = ("breadths", "bursts", "capacity", "critical", "rules", "series", "site", "sites", "words")

    def __init__(self, capacity: int = 20_000) -> None:
        self.capacity = capacity
        self.series: OrderedDict[tuple[str, str, str], Series] = OrderedDict()
        self.bursts: OrderedDict[str, Burst] = OrderedDict()
        self.critical: OrderedDict[tuple[str, str], None] = OrderedDict()  # what was critical, on what, wherever
        self.rules: OrderedDict[str, Rule] = OrderedDict()
        self.breadths = Breadths(capacity)
        self.site = Site(0.0)
        self.sites: OrderedDict[str, Site] = OrderedDict()  # places whose sources do not tell ends
        self.words: OrderedDict[str, list[float]] = OrderedDict()  # when last, and the decayed count

    def onset(
        self,
        key: tuple[str, str, str],
        at: float,
        *,
        rank: int,
        text: str,
        tier: int,
        recovered: bool,
        ends: bool = True,
        words: Sequence[str] = (),
    ) -> Verdict:
        """A condition begins (again). `rank`: 0 critical to 3 info; `recovered`: it had cleared before.

        `words` are the few most telling ones of its masked text.
        """
        series = self.series.get(key)
        if series is None:
            series = self.series[key] = Series(at=at)
            if len(self.series) > self.capacity:
                self.series.popitem(last=False)
        else:
            self.series.move_to_end(key)
        passed = max(0.0, at - series.at)
        if passed:
            series.half_day *= 2.0 ** (-passed / HALF_DAY)
            series.week *= 2.0 ** (-passed / WEEK)
            series.flaps *= 2.0 ** (-passed / HALF_HOUR)
        # Where nobody tells ends, all that is known is what speaks up there: elsewhere it says nothing of what is news here.
        cap, harmless = self._rule(key[0], "" if ends else key[2], at, ends, words)
        bursting = self._bursting(key[2], at)
        first = rank == 0 and ends and self._first(key[0], key[1], at)
        verdict = _judge(series, passed, cap, harmless and not first, bursting, rank, text, tier, recovered)
        many = "" if recovered or not ends else self.breadths.begins(key[0], key[2], at)
        if many:
            verdict = Verdict(1.0, False, "widespread", many, news=True)
        elif first:
            verdict = msgspec.structs.replace(verdict, news=True)
        if series.onsets:
            if series.onsets == 1:
                series.gap = passed
            else:
                series.spread += 0.25 * (abs(passed - series.gap) - series.spread)
                series.gap += 0.25 * (passed - series.gap)
        series.half_day += 1.0
        series.week += 1.0
        series.flaps += recovered
        series.onsets += 1
        if passed:
            series.at = at
        return verdict

    def _rule(self, name: str, place: str, at: float, ends: bool, words: Sequence[str]) -> tuple[float, bool]:
        """The most that this rule may say by speaking up, and whether it clears by itself nearly always; counts this time.

        What is usual is asked of that place, or of all together where none is named.

        The surprise -log p of the rule among all onsets, or of the words of its text where these are more usual than its
        name, in proportion to its own running mean (the entropy of the site).
        """
        if place:
            name = f"{name}\x1f{place}"
        rule = self.rules.get(name)
        if rule is None:
            rule = self.rules[name] = Rule(at)
            if len(self.rules) > self.capacity:
                self.rules.popitem(last=False)
        else:
            self.rules.move_to_end(name)
        site = self._site(place, at) if place else self.site
        site.fade(at)
        rule.fade(at)
        rule.count += 1.0
        site.count += 1.0
        surprise = log(site.count / rule.count) if rule.count < site.count else 0.0
        if words:
            said = 0.0
            for word in words:
                said += self._surprise(f"{word}\x1f{place}" if place else word, site.count, at)
            surprise = min(surprise, said / len(words))
        telling = surprise / site.entropy if site.count > KNOWN and site.entropy > 0.0 else 1.0
        site.entropy += 0.02 * (surprise - site.entropy)
        told = rule.brief + rule.long
        harmless = rule.brief / told if told >= 4.0 else 0.0
        cap = min(TELLING * telling, 2.0 * (1.05 - harmless))
        if not ends:  # whether it clears by itself will never be known
            cap = min(cap, 2.0 * OFTEN / (OFTEN + rule.count))
        return cap, harmless > 0.9

    def _site(self, place: str, at: float) -> Site:
        """What is known of one place."""
        site = self.sites.get(place)
        if site is None:
            site = self.sites[place] = Site(at)
            if len(self.sites) > MAX_PLACES:
                self.sites.popitem(last=False)
        else:
            self.sites.move_to_end(place)
        return site

    def _surprise(self, word: str, every: float, at: float) -> float:
        """-log p of a word among so many onsets; counts this time."""
        seen = self.words.get(word)
        if seen is None:
            seen = self.words[word] = [at, 0.0]
            if len(self.words) > self.capacity:
                self.words.popitem(last=False)
        else:
            self.words.move_to_end(word)
        last, count = seen
        if at > last:
            count *= 2.0 ** ((last - at) / WEEK)
            seen[0] = at
        seen[1] = count = count + 1.0
        return log(every / count) if count < every else 0.0

    def _first(self, name: str, part: str, at: float) -> bool:
        """Whether a critical alert is news, however fleeting others are; counts this time.

        It is where its rule hardly ever ended yet, or where it was never critical on this part, if such firsts are rare here: all
        that a site tells on its first day is the first of its kind.
        """
        site, kinds, kind = self.site, self.critical, (name, part)
        site.fade(at)
        rare = site.first + 1.0 <= RARE * (site.critical + 1.0)
        known = kind in kinds
        kinds[kind] = None
        kinds.move_to_end(kind)
        if len(kinds) > self.capacity:
            kinds.popitem(last=False)
        site.critical += 1.0
        site.first += not known
        rule = self.rules.get(name)
        return (rare and not known) or rule is None or rule.brief + rule.long < PROVEN

    def fleeting(self, name: str) -> float:
        """How much of a rule's conditions clear by themselves within minutes, as far as the rule or the site is known."""
        site = self.site
        told = site.brief + site.long
        usual = site.brief / told if told >= ENOUGH else 0.0
        rule = self.rules.get(name)
        if rule is None:
            return usual
        return (rule.brief + PRIOR * usual) / (rule.brief + rule.long + PRIOR)

    def ended(self, name: str, at: float, lasted: float) -> None:
        """A condition is over after so many seconds."""
        rule = self.rules.get(name)
        if rule is not None:
            rule.fade(at)
            if lasted < BRIEF:
                rule.brief += 1.0
                self.site.brief += 1.0
            else:
                rule.long += 1.0
                self.site.long += 1.0

    def _bursting(self, place: str, at: float) -> bool:
        bucket = int(at // BUCKET)
        burst = self.bursts.get(place)
        if burst is None:
            burst = self.bursts[place] = Burst(bucket)
            if len(self.bursts) > MAX_PLACES:
                self.bursts.popitem(last=False)
        elif bucket > burst.bucket:
            self.bursts.move_to_end(place)
            burst.usual = (burst.usual + 0.05 * (burst.now - burst.usual)) * 0.95 ** min(
                bucket - burst.bucket - 1, 1000
            )
            burst.bucket, burst.now = bucket, 0
        burst.now += 1
        return burst.now >= 4 and burst.now > 6.0 * burst.usual


def _urgent(text: str) -> bool:
    """Whether a text has a priority word; that it has none is cheaper to see by what each of these contains."""
    if text.isascii():  # beyond that, upper and lower case are the regular expression's to compare
        lower = text.lower()
        for hint in HINTS:
            if hint in lower:
                break
        else:
            return False
    return PRIORITY.search(text) is not None


def _judge(
    series: Series,
    passed: float,
    cap: float,
    harmless: bool,
    bursting: bool,
    rank: int,
    text: str,
    tier: int,
    recovered: bool,
) -> Verdict:
    if recovered and series.flaps >= 4.0:
        words = f"flapping: it clears and fires again and again, about {round(series.flaps)} times lately"
        return Verdict(0.1, True, "flapping", words)
    regular = series.onsets >= 5 and series.gap >= 300.0 and series.spread < 0.1 * series.gap
    if regular and abs(passed - series.gap) < 0.2 * series.gap and rank > 0:
        return Verdict(0.1, True, "periodic", f"it fires every {span(series.gap)}")
    novelty = 1.0 / (1.0 + 0.7 * series.half_day + 0.3 * series.week)
    # A rule that speaks up all over the place, or clears by itself, says less even where it is new.
    opening = min(1.0, 2.0 * novelty, cap)
    floor = (0.8 if harmless else 1.0, 0.5, 0.0, 0.0)[rank]
    opening = max(opening * (1.5, 1.25, 1.0, 1.0)[rank], floor)
    if tier == 1:
        opening *= 1.3
    if bursting:
        opening *= 1.5
    if opening < 1.0 and _urgent(text[:200]):
        opening = max(opening, 1.0 if rank < 2 else 0.8)
    opening = min(1.0, opening)
    if opening >= 1.0:
        words = "not seen here before" if not series.onsets else f"last seen {span(passed)} before"
        return Verdict(1.0, False, "novel" if rank else "severe", words)
    if cap >= 2.0 * novelty:
        return Verdict(opening, False, "familiar", f"it fired {plural(max(2, round(series.week)), 'time')} lately")
    if harmless:
        return Verdict(opening, False, "familiar", "what says so nearly always clears by itself within minutes")
    return Verdict(opening, False, "familiar", "alerts that say this are frequent lately")
