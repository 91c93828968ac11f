"""The member of a group that says best what is wrong, and the group's title: what is broken and where, short."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlation.outbreaks import MANY
from correlation.words import clean, humanise

__all__ = ["Telling", "outgrown"]

_EVERYWHERE = ", many places"


class Telling(msgspec.Struct, gc=False):
    """Of all members the worst, then the newest to us, then the first. `rank` is its severity's."""

    rank: int = 4
    opening: float = 0.0
    at: float = 0.0
    service: str = ""
    host: str = ""
    name: str = ""
    class_: str = ""
    location: str = ""

    def title(self, locations: Sequence[str]) -> str:
        """What is broken and where, of so many places.

        >>> Telling(service="checkout", name="HighRequestLatency", class_="latency").title(["eu-west-1", "us-east-1"])
        'checkout latency, eu-west-1 and 1 more'
        >>> Telling(service="till", name="TillDown", location="store0").title([f"store{n}" for n in range(6)])
        'till down, many places'
        """
        what = humanise(self.name)
        who = clean(self.service or self.host, 40)
        if who and who.lower() not in what.lower():
            # A class of one plain word says it shorter than the rule's name, where the name speaks of it as well.
            short = self.class_ if self.class_.isalpha() and self.class_.lower() in what.lower() else what
            what = f"{who} {short}"
        if len(locations) >= MANY:  # one of them would say the wrong thing, and their number is another one soon
            return clean(what) + _EVERYWHERE
        place = self.location or (locations[0] if locations else "")
        if place and place.lower() not in what.lower():
            more = f" and {len(locations) - 1} more" if len(locations) > 1 else ""
            what = f"{what}, {place}{more}"
        return clean(what)


def outgrown(title: str, now: str) -> bool:
    """Whether a title names a place and what it is of is at many by now, as its title of today says.

    >>> outgrown("till down, store0", "till down, many places"), outgrown("till down, store0", "till down, store0 and 1 more")
    (True, False)
    """
    return now.endswith(_EVERYWHERE) and not title.endswith(_EVERYWHERE)
