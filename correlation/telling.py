"""The member of a group that says best what is wrong, and the group's title: what is broken and where, short."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlation.places import common
from correlation.words import clean, humanise

__all__ = ["Telling"]


class Telling(msgspec.Struct, gc=False):
    """Of all members the worst, then the newest to us, then the first. `rank` is its severity's."""

    rank: int = 4
    opening: float = 0.0
    at: float = 0.0
    episode: int = 0
    service: str = ""
    host: str = ""
    name: str = ""
    class_: str = ""
    location: str = ""

    @property
    def kind(self) -> str:
        """What sort of alert it is, as an episode's."""
        return f"{self.service}/{self.name}"

    def title(self, locations: Sequence[str], *, everywhere: bool = False) -> str:
        """What is broken and where, of so many places; `everywhere`: that is at many of them.

        >>> Telling(service="checkout", name="HighRequestLatency", class_="latency").title(["eu-west-1", "us-east-1"])
        'checkout latency, eu-west-1 and 1 more'
        >>> Telling(service="till", name="TillDown", location="store0").title(["store0", "store1"], everywhere=True)
        'till down, many places'
        >>> Telling(service="till", name="TillDown").title(["eu-west-1a", "eu-west-1b"], everywhere=True)
        'till down, eu-west-1'
        """
        what = humanise(self.name)
        who = clean(self.service or self.host, 40)
        if who and who.lower() not in what.lower():
            # A class of one plain word says it shorter than the rule's name, where the name speaks of it as well.
            short = self.class_ if self.class_.isalpha() and self.class_.lower() in what.lower() else what
            what = f"{who} {short}"
        if everywhere:  # one of them would say the wrong thing, and their number is another one soon
            whole = common(locations) if locations else ""
            return f"{clean(what)}, {clean(whole, 40) or 'many places'}"
        place = self.location or (locations[0] if locations else "")
        if place and place.lower() not in what.lower():
            more = f" and {len(locations) - 1} more" if len(locations) > 1 else ""
            what = f"{what}, {place}{more}"
        return clean(what)
