"""Many who ask something of an alert, as one question: recipes, services, silences.

Most demand one value of one field. These are found by that value, so that a thousand of them cost an alert what ten do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Generic, TypeVar

from correlation.alert import Alert
from correlation.matchers import Matcher, value_of

__all__ = ["Lookup"]

T = TypeVar("T")


class Lookup(Generic[T]):
    """Matchers and whom they speak for, in order.

    >>> teams = Lookup([([Matcher.parse('service="cart"')], "shop"), ([Matcher.parse('host=~"db-.*"')], "data")])
    >>> teams.meeting(Alert(at=0, name="x", service="cart", host="db-1"))
    ['shop', 'data']
    >>> teams.first(Alert(at=0, name="x", host="db-1"))
    'data'
    """

    __slots__ = ("_always", "_by_value", "_entries")

    def __init__(self, entries: Iterable[tuple[Iterable[Matcher], T]]) -> None:
        self._entries: list[tuple[tuple[Matcher, ...], T]] = [(tuple(matchers), whom) for matchers, whom in entries]
        self._by_value: dict[str, dict[str, list[int]]] = {}  # label -> value -> those who demand it
        always: list[int] = []  # who demands no value
        common = Counter(
            (matcher.label, value) for matchers, _ in self._entries for matcher in matchers for value in matcher.values
        )
        for number, (matchers, _) in enumerate(self._entries):
            exact = [matcher for matcher in matchers if matcher.values]
            if not exact:
                always.append(number)
                continue
            # Where all demand production and each a service, the service tells them apart.
            rarest = min(exact, key=lambda one: sum(common[one.label, value] for value in one.values))
            by_value = self._by_value.setdefault(rarest.label, {})
            for value in rarest.values:
                by_value.setdefault(value, []).append(number)
        self._always = tuple(always)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def meeting(self, alert: Alert) -> list[T]:
        """All whose matchers all hold, in order."""
        entries = self._entries
        return [whom for matchers, whom in map(entries.__getitem__, self._asked(alert)) if _hold(matchers, alert)]

    def first(self, alert: Alert, besides: Collection[T] = ()) -> T | None:
        """The first of them, but for some."""
        for number in self._asked(alert):
            matchers, whom = self._entries[number]
            if _hold(matchers, alert) and whom not in besides:
                return whom
        return None

    def _asked(self, alert: Alert) -> Sequence[int]:
        """Those who may be met."""
        if not self._by_value:
            return self._always
        found = [
            number for label, by_value in self._by_value.items() for number in by_value.get(value_of(alert, label), ())
        ]
        return sorted([*self._always, *found]) if found else self._always


def _hold(matchers: Iterable[Matcher], alert: Alert) -> bool:
    for matcher in matchers:  # no generator: each alert is asked
        if not matcher.matches(alert):
            return False
    return True
