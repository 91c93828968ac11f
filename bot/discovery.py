"""Families with one file for each member: a file put into the family's package is one more. What a member is, the family says."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol, TypeVar

__all__ = ["by_name", "members"]

T = TypeVar("T")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def members(package: str, constant: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    """The modules of a package, by the alphabet, each with what it holds as `constant`. TypeError where that is no `kind`."""
    for module in sorted(found.name for found in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        member = getattr(importlib.import_module(f"{package}.{module}"), constant, None)
        if not isinstance(member, kind):
            raise TypeError(f"{package}.{module} must hold {constant}: {kind.__name__}")
        yield module, member


def by_name(package: str, constant: str, kind: type[N]) -> dict[str, N]:
    """The members that bear their module's name, by it. TypeError where one bears another."""
    named = dict(members(package, constant, kind))
    for module, member in named.items():
        if member.name != module:
            raise TypeError(f"{package}.{module} must hold {constant} named {module!r}, not {member.name!r}")
    return named
