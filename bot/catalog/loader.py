"""The files of a catalogue, read, merged and checked: either a whole `Catalog`, or every problem at once with file and line."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.catalog import secrets
from bot.catalog.backstage import add_entities
from bot.catalog.building import build
from bot.catalog.catalog import Catalog
from bot.catalog.doubts import doubts
from bot.catalog.reading import Document, Place, read_file, read_text, texts
from bot.catalog.references import reference_problems
from bot.catalog.runbook_schema import DEFAULT_ACTIONS, Actions
from bot.catalog.validation import validate
from bot.errors import ConfigError, Problem

__all__ = ["Loaded", "load", "read"]

_SUFFIXES = (".yaml", ".yml")
_SECTIONS = ("people", "teams", "services")  # an entry of these may say nothing but its name


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What reading gave: a catalogue, or problems. `secrets` are the environment variables it will ask for.

    `doubts` are what of a catalogue can never do what was meant.
    """

    catalog: Catalog | None
    problems: tuple[Problem, ...] = ()
    doubts: tuple[Problem, ...] = ()
    secrets: tuple[str, ...] = ()


def load(path: Path | None, *, actions: Actions = DEFAULT_ACTIONS, verbs: Collection[str] | None = None) -> Catalog:
    """The catalogue of this file or folder; of none, the empty one. ConfigError lists every problem."""
    loaded = read(path, actions=actions, verbs=verbs)
    if loaded.catalog is None:
        raise ConfigError(list(loaded.problems))
    return loaded.catalog


def read(path: Path | None, *, actions: Actions = DEFAULT_ACTIONS, verbs: Collection[str] | None = None) -> Loaded:
    """Like `load`, without raising. `actions` is what a runbook's step may do: name to what its key takes.

    `verbs` are the commands that permissions may name; None where they are not known.
    """
    if path is None:
        return Loaded(catalog=Catalog.empty())
    files = _Files()
    own = [document for file in files.of_catalogue(path) for document in files.documents(file, single=True)]
    whole = _merge(own, str(path))
    _without_nulls(whole)
    entities = [
        document for file in files.of_backstage(path, whole) for document in files.documents(file, single=False)
    ]
    problems = [*files.problems, *whole.problems]
    if not isinstance(whole.data, dict):
        return Loaded(catalog=None, problems=_ordered(problems))
    add_entities(whole, entities)

    model, invalid = validate(whole, actions)
    problems += invalid
    if not files.unread:  # what an unread file defines is not missing
        problems += reference_problems(whole, verbs)
    asked = tuple(sorted({name for _, text in texts(whole.data) for name in secrets.names(text)}))
    if problems or model is None:
        return Loaded(catalog=None, problems=_ordered(problems), secrets=asked)
    built = build(model, files.digest.hexdigest(), actions)
    return Loaded(catalog=built, doubts=_ordered([*doubts(whole, model)]), secrets=asked)


class _Files:
    """Reads files, and remembers what was wrong with them and what all of them held."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unread = False
        self.digest = hashlib.sha256()

    def of_catalogue(self, path: Path) -> list[Path]:
        """The file itself, or those of a folder, by name."""
        if path.is_dir():
            found = sorted(
                file for file in path.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith(".")
            )
            if not found:
                self._wrong(f"the folder holds no {' or '.join(f'*{suffix}' for suffix in _SUFFIXES)} file", str(path))
            return found
        return [path]

    def of_backstage(self, path: Path, whole: Document) -> list[Path]:
        """The entity files that the catalogue names, relative to the file that names them."""
        patterns = whole.data.get("backstage") if isinstance(whole.data, dict) else None
        found: dict[Path, None] = {}
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
            if isinstance(pattern, str):
                base = path if path.is_dir() else path.parent
                matches = sorted(base / match for match in glob.glob(pattern, root_dir=base, recursive=True))  # noqa: PTH207 - Path.glob refuses ../
                if not matches:
                    self.problems.append(
                        whole.problem(("backstage", index), f'there is no file "{pattern}" beside the catalogue')
                    )
                found.update(dict.fromkeys(matches))
        return list(found)

    def documents(self, path: Path, *, single: bool) -> list[Document]:
        """The documents of a file."""
        name = str(path)
        text, unreadable = read_file(path, name)
        self.digest.update(f"{name}\0{len(text)}\0{text}".encode())
        documents = [] if unreadable else read_text(text, name)
        found = [*unreadable, *(problem for document in documents for problem in document.problems)]
        if single and len(documents) > 1:
            line = documents[1].place(()).line
            found.append(Problem("a second document; a catalogue file is one", file=name, line=line))
        self.problems += found
        self.unread = self.unread or bool(unreadable) or any(d.data is None and d.problems for d in documents)
        return documents[:1] if single else documents

    def _wrong(self, message: str, file: str) -> None:
        self.problems.append(Problem(message, file=file))


def _merge(documents: Iterable[Document], name: str) -> Document:
    """One document of several: mappings by key, where a key may stand only once; lists one after the other."""
    whole = Document(data={}, places={(): Place(name, 0)})
    for document in documents:
        if isinstance(document.data, dict):
            _merge_one(whole, document)
        elif document.data is not None:
            whole.problems.append(document.problem((), "a catalogue is a mapping: services:, people:, teams:, ..."))
    return whole


def _merge_one(whole: Document, other: Document) -> None:
    offsets: dict[str, int] = {}
    for key, value in other.data.items():
        mine = whole.data.get(key)
        if value is None:
            continue
        if mine is None:
            whole.data[key] = value
        elif isinstance(mine, dict) and isinstance(value, dict):
            for name, entry in value.items():
                if name in mine:
                    first = whole.place((key, name))
                    whole.problems.append(other.problem((key, name), f"is defined twice; first at {first}"))
                else:
                    mine[name] = entry
        elif isinstance(mine, list) and isinstance(value, list):
            offsets[key] = len(mine)
            mine.extend(value)
        else:
            first = whole.place((key,))
            whole.problems.append(other.problem((key,), f"is another kind of thing here than at {first}"))
    for where, place in other.places.items():
        match where:
            case (str(key), int(index), *rest):
                whole.places.setdefault((key, index + offsets.get(key, 0), *rest), place)
            case (_, *_):
                whole.places.setdefault(where, place)


def _without_nulls(whole: Document) -> None:
    """A key without a value says nothing, as if it were not there."""
    if not isinstance(whole.data, dict):
        return
    for section in _SECTIONS:
        entries = whole.data.get(section)
        if isinstance(entries, dict):
            entries.update({name: {} for name, entry in entries.items() if entry is None})
    whole.data = _pruned(whole.data)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item is not None}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """By file and line, each once."""
    by_text = {str(problem): problem for problem in problems}
    return tuple(sorted(by_text.values(), key=lambda problem: (problem.file, problem.line)))
