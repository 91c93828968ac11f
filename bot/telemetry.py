"""Structured logs with redaction, and the Prometheus metrics. Never a token, never a payload; never a person as a label."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics", "configure_logging", "get_logger"]

_SECRET_KEYS = re.compile(r"token|secret|password|authorization|cookie|api_?key", re.IGNORECASE)
_SECRET_VALUES = re.compile(
    r"xox[abeprs]-[\w-]+|xapp-[\w-]+|(?<=Bearer )[\w.~+/=-]{8,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
# What would begin a line of its own, colour a terminal or turn its text round: others wrote much of what is logged.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a secret, by its key or by its shape, and control characters; an event is one line."""
    for key, value in event.items():
        if _SECRET_KEYS.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            text = " ".join(value.splitlines()) if key == "event" else value
            event[key] = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _SECRET_VALUES.sub("[redacted]", text))
    return event


def configure_logging(form: Literal["console", "json"] = "console", level: str = "INFO") -> None:
    """Send structured logs to standard error; the libraries' own records take the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,  # after the traceback has become text: an exception's words hold secrets too
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").filters[:] = [_calm]
    for noisy in ("aiosqlite", "apscheduler", "aiohttp.access", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _calm(record: logging.LogRecord) -> bool:
    """No error of ours is what a stranger sends that is no HTTP, or who hangs up: a line, and no traceback to fill the disk."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ConnectionError) or type(error).__module__ == "aiohttp.http_exceptions":
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args, record.exc_info = "request_unreadable", None, None
    return True


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: past-tense event plus keys, e.g. `log.info("incident_declared", incident="INC-42")`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class Metrics:
    """Every metric of the process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.deliveries = Counter("muster_deliveries", "Webhook deliveries", ["source", "outcome"], registry=r)
        self.intake_seconds = Histogram(
            "muster_intake_seconds", "From a webhook's arrival to its answer", registry=r, buckets=_LATENCIES
        )
        self.alerts = Counter("muster_alerts", "Alerts by the engine's decision", ["decision"], registry=r)
        self.changes = Counter("muster_changes", "Changes recorded", ["kind"], registry=r)
        self.incidents = Counter("muster_incidents", "Incidents declared", ["severity"], registry=r)
        self.open_incidents = Gauge("muster_open_incidents", "Incidents not yet resolved", registry=r)
        self.lag_deliveries = Gauge("muster_pipeline_lag_deliveries", "Deliveries not yet processed", registry=r)
        self.lag_seconds = Gauge("muster_pipeline_lag_seconds", "Age of the oldest unprocessed delivery", registry=r)
        self.batch_seconds = Histogram("muster_batch_seconds", "One micro-batch", registry=r, buckets=_LATENCIES)
        self.effects = Counter("muster_effects", "Chat effects settled", ["platform", "outcome"], registry=r)
        self.effect_seconds = Histogram(
            "muster_effect_seconds", "From the commit of an effect to its arrival", registry=r, buckets=_LATENCIES
        )
        self.effects_pending = Gauge("muster_effects_pending", "Chat effects waiting", registry=r)
        self.commands = Counter("muster_commands", "Commands", ["verb", "outcome"], registry=r)
        self.command_seconds = Histogram("muster_command_seconds", "One command", registry=r, buckets=_LATENCIES)
        self.pages = Counter("muster_pages", "Pages by what became of them", ["outcome"], registry=r)
        self.runs = Counter("muster_runbook_runs", "Runbook runs", ["outcome"], registry=r)
        self.failures = Counter("muster_failures", "Unexpected exceptions", ["where"], registry=r)
        self.database_bytes = Gauge("muster_database_bytes", "Size on disk", ["part"], registry=r)
