"""How much each kind of evidence weighs: plain numbers that ship as JSON, and that `fitting` writes. No evidence is judged here.

The shipped file is read when the first engine is built, never while it works.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec

__all__ = ["MOST", "VERSION", "Weight", "Weights", "WeightsError", "read", "shipped", "write"]

VERSION = 1  # raise it when the numbers change their meaning
MOST = 50.0  # log odds: beyond that, one term would decide whatever the others say

_LogOdds = Annotated[float, msgspec.Meta(ge=0.0, le=MOST)]


class WeightsError(ValueError):
    """A file of weights is damaged, of another version, or lacks a term."""


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One term's log odds: `pro` at a score of 1, minus `contra` at 0; a score of 0.5 is neutral."""

    pro: _LogOdds
    contra: _LogOdds


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weight of every term by its name. `bias` is what is believed of two alerts of which nothing is known.

    `origin` tells people where the numbers are from; nothing depends on it.
    """

    version: int = VERSION
    bias: Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)]
    terms: dict[str, Weight]
    origin: dict[str, Any] = msgspec.field(default_factory=dict)


def read(data: bytes) -> Weights:
    """Weights as JSON. WeightsError.

    >>> read(b'{"bias": -1, "terms": {"time": {"pro": 1.5, "contra": 2.5}}}').terms["time"].contra
    2.5
    """
    try:
        weights = msgspec.json.decode(data, type=Weights)
    except msgspec.DecodeError as error:
        raise WeightsError(f"these are no weights: {error}") from error
    if weights.version != VERSION:
        raise WeightsError(f"the weights are of version {weights.version}, this engine reads {VERSION}")
    return weights


def write(weights: Weights) -> bytes:
    """The weights as JSON that people can read and compare."""
    rows = msgspec.to_builtins(weights)
    terms = ",\n".join(f"    {_line(name)}: {_line(weight)}" for name, weight in rows.pop("terms").items())
    others = {key: _line(value) for key, value in rows.items()}
    last = others.pop("origin")
    lines = [
        *(f'  "{key}": {value}' for key, value in others.items()),
        f'  "terms": {{\n{terms}\n  }}',
        f'  "origin": {last}',
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _line(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


@cache
def shipped() -> Weights:
    """The weights that come with this version."""
    return read((files(__package__) / "weights.json").read_bytes())
