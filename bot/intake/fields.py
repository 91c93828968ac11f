"""Reads what lies in real bodies: zero times, unexpanded macros, free-text severities, ports in host names, relative links.

Pure functions that sources share; a source's own vocabulary stays in its file.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from bot.errors import MalformedPayload, UnreadablePayload
from bot.intake.sanitize import clean, is_missing
from correlation.alert import Severity

__all__ = [
    "FIELD",
    "NAME",
    "SUMMARY",
    "bounded",
    "class_of",
    "decoded",
    "dedup_key",
    "first",
    "host_of",
    "labels_of",
    "links_of",
    "moment",
    "severity_of",
    "word",
]

# Characters; what is longer is cut. Alertmanager itself sets no limits, our views and indexes need some.
NAME = 200
FIELD = 200
SUMMARY = 2000
LABEL_NAME = 128
LABEL_VALUE = 1024
LABELS = 64  # of one alert
LINKS = 16
LINK = 2048
KEY = 200
SHORT = 64  # a word that is worth remembering; no limit above is smaller
_NOTHING = frozenset({"null", "undefined"})  # what letters and digits alone may say instead of nothing
SKEW = 300.0  # seconds that a sender's clock may be ahead of ours

T = TypeVar("T")

_SEVERITIES = {
    word: severity
    for severity, words in {
        Severity.CRITICAL: "critical crit fatal emergency emerg panic disaster page paging severe blocker alert p0 p1 sev0 sev1 s1",
        Severity.ERROR: "error err high major average failure failed p2 sev2 s2",
        Severity.WARNING: "warning warn medium minor moderate degraded ticket p3 sev3 s3",
        Severity.INFO: "info information informational notice low debug none ok trivial p4 p5 sev4 sev5 s4 s5",
    }.items()
    for word in words.split()
}
_CLASSES = {
    word: class_
    for class_, words in {
        "availability": "down unreachable unavailable absent missing offline dead crashloop crashlooping crash notready"
        " unhealthy outage heartbeat healthcheck probe",
        "latency": "latency slow duration timeout timeouts delay lag p50 p90 p95 p99",
        "errors": "error errors 5xx 4xx failure failures failed failing exception exceptions failrate",
        "saturation": "cpu memory mem disk filesystem space inode inodes load queue backlog saturation throttling oom swap"
        " quota capacity connections",
        "traffic": "traffic throughput qps rps requests",
        "certificate": "certificate cert tls ssl expiry expiring",
    }.items()
    for word in words.split()
}
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+(?:xx)?")
_PORT = re.compile(r"(?<=[^:]):[0-9]{1,5}\Z")  # not the tail of a bare IPv6 address
_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")
_REQUIRED = re.compile(r"missing required field `([^`]+)`")
_LINK_IS_ODD = re.compile(r"[ <>\"'`\\{}|^]").search
_UNSAFE_IN_LINK = str.maketrans({character: f"%{ord(character):02X}" for character in " <>\"'`\\{}|^"})


def decoded(decode: Callable[[bytes], T], body: bytes) -> T:
    """The body as the decoder's type. UnreadablePayload when it is no JSON, MalformedPayload with its path otherwise."""
    try:
        return decode(body[3:] if body.startswith(b"\xef\xbb\xbf") else body)
    except msgspec.ValidationError as error:
        message = str(error)
        at = _PATH.search(message)
        path = (at[1] if at else "").removeprefix(".")
        if missing := _REQUIRED.search(message):
            path = f"{path}.{missing[1]}" if path else missing[1]
            raise MalformedPayload(f"`{path}` is missing.", path=path) from None
        raise MalformedPayload(message[: at.start()] + "." if at else message + ".", path=path) from None
    except msgspec.DecodeError as error:
        raise UnreadablePayload(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise UnreadablePayload("The body is nested too deeply.") from None
    except UnicodeDecodeError:
        raise UnreadablePayload(f"The body is not UTF-8 (byte {_not_utf8(body)}).") from None


def _not_utf8(body: bytes) -> int:
    """Where the first byte is that is no UTF-8; the decoder counts from the beginning of the text that it is in."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def word(value: object, limit: int = FIELD) -> str:
    """A value as short harmless text; "" where there is none, or only a macro that was never expanded."""
    if isinstance(value, str):
        if len(value) <= SHORT:
            return value if value.isalnum() and value not in _NOTHING else _short_word(value)
        text = value
    elif value is None or isinstance(value, list | dict):
        return ""
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int):
        # Ids above 2^53 exist; numbers of thousands of digits (Python refuses to print them) are nobody's id.
        text = str(value) if value.bit_length() < 512 else ""
    else:
        text = str(value)
    text = clean(text, limit)
    return "" if is_missing(text) else text


@lru_cache(maxsize=16384)
def _short_word(text: str) -> str:
    """Labels and their values come again and again: most words of a storm have been seen before."""
    text = clean(text, SHORT)
    return "" if is_missing(text) else text


def first(labels: Mapping[str, object], *names: str) -> str:
    """The first of these labels that says something."""
    for name in names:
        if (value := labels.get(name)) is not None and (text := word(value)):
            return text
    return ""


def moment(value: object) -> float | None:
    """Seconds since the epoch; None for what stands for no time: null, "", 0, year 1. ValueError when it is no time.

    Texts are ISO 8601 / RFC 3339 with any number of fraction digits, an offset with or without colon, or none (UTC);
    numbers are seconds, milliseconds, microseconds or nanoseconds by their size.

    >>> moment("2026-01-05T10:00:00.123456789+01:00"), moment(1767603600000), moment("0001-01-01T00:00:00Z")
    (1767603600.123456, 1767603600.0, None)
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _moment_of_text(value)
    if isinstance(value, int | float):
        return _moment_of_number(value)
    raise ValueError("not a time")


def _moment_of_text(text: str) -> float | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        text = text.strip()
        if is_missing(text):
            return None
        if text.endswith((" UTC", " GMT")):
            text = text[:-4] + "+00:00"
        if text.replace(".", "", 1).removeprefix("-").isdecimal() and len(text) < 40:
            return _moment_of_number(float(text))
        at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = datetime.fromisoformat(at.isoformat() + "+00:00")
    seconds = at.timestamp()
    return seconds if seconds > 0 else None


def _moment_of_number(number: float) -> float | None:
    if not 0 < number < 1e20 or math.isnan(number):
        return None
    for unit, least in ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11)):
        if number >= least:
            return number / unit
    return float(number)


def bounded(at: float | None, received_at: float) -> float:
    """The sender's time; ours where it has none, or one that lies ahead of us by more than a clock can be wrong."""
    return received_at if at is None or at > received_at + SKEW else at


@lru_cache(maxsize=1024)
def severity_of(text: str) -> Severity:
    """The severity that a sender's own word means; warning when nobody knows.

    >>> severity_of("P1").value, severity_of("Page").value, severity_of("??").value
    ('critical', 'critical', 'warning')
    """
    return _SEVERITIES.get(text.strip().lower(), Severity.WARNING)


@lru_cache(maxsize=4096)
def class_of(name: str) -> str:
    """What kind of trouble an alert's name tells of; "" when it tells none.

    >>> class_of("CheckoutLatencyHigh"), class_of("node_filesystem_full"), class_of("Http5xxRate"), class_of("Watchdog")
    ('latency', 'saturation', 'errors', '')
    """
    for part in _CAMEL.findall(name):
        if class_ := _CLASSES.get(part.lower()):
            return class_
    return ""


def host_of(text: str) -> str:
    """A host without the port that a scrape target carries.

    >>> host_of("checkout-1:9100"), host_of("[::1]:80"), host_of("fe80::1")
    ('checkout-1', '[::1]', 'fe80::1')
    """
    if ":" not in text:
        return text
    if text.count(":") > 1 and not text.startswith("["):
        return text
    return _PORT.sub("", text)


def labels_of(labels: Mapping[str, object] | None, notes: list[str], path: str) -> tuple[tuple[str, str], ...]:
    """Labels as sorted pairs: text only, those without a value left out, and no more than 64."""
    if not labels:
        return ()
    pairs = [
        (key, text)
        for name, value in labels.items()
        if (text := word(value, LABEL_VALUE)) and (key := word(name, LABEL_NAME))
    ]
    pairs.sort()
    if len(pairs) > LABELS:
        notes.append(f"{path}: {len(pairs) - LABELS} of {len(pairs)} labels were left out.")
        del pairs[LABELS:]
    return tuple(pairs)


def links_of(values: Iterable[object]) -> tuple[str, ...]:
    """The absolute http(s) links among the values, safe to stand in an attribute; others are left out."""
    links: list[str] = []
    for value in values:
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            continue
        if len(value) > LINK or not value.isprintable():
            continue
        link = value.translate(_UNSAFE_IN_LINK) if _LINK_IS_ODD(value) else value
        if link not in links:
            links.append(link)
    return tuple(links[:LINKS])


def dedup_key(value: object) -> str:
    """The sender's identity of a condition; a hash of it where it is long; "" where it has none."""
    if not isinstance(value, str):
        return word(value)
    if len(value) > KEY:
        return "sha256:" + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:32]
    return word(value, KEY)


def text_field(value: Any, path: str) -> str:
    """A value that must say something. MalformedPayload with its path when it does not."""
    text = word(value, NAME)
    if not text:
        raise MalformedPayload(f"`{path}` is missing or says nothing.", path=path)
    return text
