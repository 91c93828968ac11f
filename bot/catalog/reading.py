"""YAML files as plain data in which every key still knows its file and line. What the data mean must not enter here.

Only what a catalogue needs is read: no tags, no timestamps or sexagesimal numbers behind one's back (`18:00` stays a text),
no key twice in one mapping, and no document that grows beyond its size by aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.errors import Problem

__all__ = ["Document", "Place", "Where", "read_file", "read_text", "show", "texts"]

MAX_BYTES = 4 * 1024 * 1024  # of one file; ten thousand services take about 2 MiB
MAX_VALUES = 500_000  # of one file after its aliases are followed
MAX_DEPTH = 32  # the catalogue's own deepest path has 8

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where the wheel has it: ten times faster
_PREFIX = "tag:yaml.org,2002:"
_PLAIN_TAGS = {
    f"{_PREFIX}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]{1,2})?")

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Document:
    """One YAML document: its data, where each path of it stands, and what is wrong with it as YAML."""

    data: Any = None
    places: dict[Where, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, where: Where) -> Place:
        """Where this path stands, or the nearest one above it."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, Place("", 0))

    def problem(self, where: Where, message: str) -> Problem:
        """A problem at this path."""
        place = self.place(where)
        return Problem(message, file=place.file, line=place.line, path=show(where))


def show(where: Where) -> str:
    """A path as people write it.

    >>> show(("services", "checkout", "depends_on", 1))
    'services.checkout.depends_on[1]'
    """
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def texts(value: Any, where: Where = ()) -> Iterator[tuple[Where, str]]:
    """Every text of the data, with its path."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, (*where, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*where, index))


def read_file(path: Path, name: str) -> tuple[str, list[Problem]]:
    """The text of a file, or what is wrong with it; problems call it `name`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        return "", [Problem(f"cannot be read: {error.strerror or error}", file=name)]
    if len(raw) > MAX_BYTES:
        return "", [Problem(f"larger than {MAX_BYTES // 1024 // 1024} MiB; cut it into a folder of files", file=name)]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        return "", [Problem("not UTF-8 text", file=name, line=raw.count(b"\n", 0, error.start) + 1)]


def read_text(text: str, name: str) -> list[Document]:
    """The documents of a text; empty ones are left out."""
    try:
        _refuse_depth(text)
        return [_Builder(name).build(node) for node in yaml.compose_all(text, Loader=_LOADER) if not _is_empty(node)]
    except _TooDeep as error:
        return [_failed(name, error.line, f"nested deeper than {MAX_DEPTH} levels")]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        return [_failed(name, mark.line + 1 if mark else 0, f"not YAML: {words}")]
    except yaml.YAMLError as error:  # control characters and the like, which carry an offset and no line
        at = getattr(error, "position", None)
        return [_failed(name, text.count("\n", 0, at) + 1 if isinstance(at, int) else 0, f"not YAML: {error}")]


class _TooDeep(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


def _refuse_depth(text: str) -> None:
    # Composing recurses; the events do not, so they are counted first.
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooDeep(event.start_mark.line + 1 if event.start_mark else 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _is_empty(node: yaml.Node | None) -> bool:
    return node is None or (isinstance(node, yaml.ScalarNode) and node.style is None and not node.value)


def _failed(name: str, line: int, message: str) -> Document:
    return Document(places={(): Place(name, line)}, problems=[Problem(message, file=name, line=line)])


class _Builder:
    """Turns composed nodes into data; each alias is followed anew, and counted, since its values stand in several places."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._document = Document()
        self._values = 0
        self._open: set[int] = set()

    def build(self, node: yaml.Node) -> Document:
        self._document.places[()] = Place(self._name, node.start_mark.line + 1)
        self._document.data = self._value(node, ())
        if self._values > MAX_VALUES:
            self._document.problems = [
                self._document.problem((), f"more than {MAX_VALUES} values; are aliases multiplying?")
            ]
            self._document.data = None
        return self._document

    def _value(self, node: yaml.Node, where: Where) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            return None
        if node.tag not in _PLAIN_TAGS:
            self._wrong(
                node, where, f'the tag "{node.tag.replace(_PREFIX, "!!")}" is not read here; write a plain value'
            )
            return None
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if id(node) in self._open:
            self._wrong(node, where, "this alias contains itself")
            return None
        if len(where) > MAX_DEPTH:
            self._wrong(node, where, f"aliases nest deeper than {MAX_DEPTH} levels")
            return None
        self._open.add(id(node))
        try:
            return self._mapping(node, where) if isinstance(node, yaml.MappingNode) else self._sequence(node, where)
        finally:
            self._open.discard(id(node))

    def _sequence(self, node: yaml.Node, where: Where) -> list[Any]:
        items: list[Any] = []
        for index, item in enumerate(node.value):
            at = (*where, index)
            self._document.places[at] = self._place(item)
            items.append(self._value(item, at))
        return items

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node, merged in self._pairs(node, where):
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(key_node, where, "a key must be a plain text")
                continue
            key = str(key_node.value)
            at = (*where, key)
            if key in result:
                if not merged:
                    first = self._document.places[at]
                    self._wrong(key_node, at, f"the key stands here twice; first on line {first.line}")
                continue
            self._document.places[at] = self._place(key_node)
            result[key] = self._value(value_node, at)
        return result

    def _pairs(self, node: yaml.MappingNode, where: Where) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
        """The mapping's own pairs, then those of `<<`, which yield to them."""
        merges: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == f"{_PREFIX}merge":
                merges.extend(value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node])
            else:
                yield key_node, value_node, False
        for merge in merges:
            if not isinstance(merge, yaml.MappingNode):
                self._wrong(merge, where, "only mappings can be merged with <<")
                continue
            for key_node, value_node in merge.value:
                if key_node.tag == f"{_PREFIX}merge":
                    self._wrong(key_node, where, "a merged mapping cannot merge another one")
                else:
                    yield key_node, value_node, True

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._name, node.start_mark.line + 1)

    def _wrong(self, node: yaml.Node, where: Where, message: str) -> None:
        self._document.problems.append(
            Problem(message, file=self._name, line=node.start_mark.line + 1, path=show(where))
        )


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">") or node.tag == f"{_PREFIX}str":
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if len(text) < 40:  # longer digits are no amount of anything
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
    return text
