"""Finds the verbs by walking this package: a file that defines `VERB` is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from bot.commands.definition import Verb

__all__ = ["by_name", "discover", "paths"]


@cache
def discover() -> tuple[Verb, ...]:
    """Every verb, in the order of the alphabet."""
    package = importlib.import_module("bot.commands")
    verbs: list[Verb] = []
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"bot.commands.{found.name}")
        verb = getattr(module, "VERB", None)
        if isinstance(verb, Verb):
            if verb.name != found.name:
                raise ValueError(f"{module.__name__} holds the verb {verb.name!r}; a verb's file bears its name")
            verbs.append(verb)
    return tuple(verbs)


@cache
def paths() -> frozenset[str]:
    """Everything that can be permitted: `silence`, `runbook`, `runbook run` ..."""

    def of(verb: Verb, before: str) -> Iterator[str]:
        yield f"{before}{verb.name}"
        for sub in verb.subverbs:
            yield from of(sub, f"{before}{verb.name} ")

    return frozenset(path for verb in discover() for path in of(verb, ""))


@cache
def by_name() -> Mapping[str, Verb]:
    """The verbs by every name they answer to. Two of one name are a mistake in the code: ValueError."""
    names: dict[str, Verb] = {}
    for verb in discover():
        for name in verb.names:
            if name in names:
                raise ValueError(f"{verb.name!r} and {names[name].name!r} both want to be called {name!r}")
            names[name] = verb
    return MappingProxyType(names)
