from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import to_iso
from bot.intake.fields import bounded, dedup_key, host_of, labels_of, links_of, moment, severity_of, word
from correlation.alert import Severity

NINE = 1_767_603_600.0  # 2026-01-05 09:00 UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-05T09:00:00Z",
        "2026-01-05T09:00:00.000000000Z",
        "2026-01-05T09:00:00.0000000Z",
        "2026-01-05T09:00:00.000+0000",
        "2026-01-05T10:00:00+01:00",
        "2026-01-05T14:30:00+05:30",
        "2026-01-05 09:00:00 UTC",
        "2026-01-05 09:00:00",
        " 2026-01-05T09:00:00Z ",
        1767603600,
        1767603600.0,
        1767603600000,
        1767603600000000,
        1767603600000000000,
        "1767603600",
        "1767603600000",
    ],
)
def test_a_time_is_read_in_every_form_that_senders_use(value: object) -> None:
    assert moment(value) == NINE


@pytest.mark.parametrize(
    "value", [None, "", 0, "0", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", -5, True, "<no value>", "null"]
)
def test_a_zero_time_is_no_time(value: object) -> None:
    assert moment(value) is None


@pytest.mark.parametrize("value", ["yesterday", "02:45 Jan 18, 1970 PST", [], {}, "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(value)


@given(st.floats(1, 4e9))
def test_what_we_write_we_read(at: float) -> None:
    read = moment(to_iso(at))
    assert read is not None
    assert abs(read - at) < 0.002


@given(st.text() | st.integers() | st.floats())
def test_a_time_is_finite_none_or_refused(value: object) -> None:
    try:
        at = moment(value)
    except ValueError:
        return
    assert at is None or 0 < at < 1e12


def test_a_time_far_ahead_of_ours_is_not_believed() -> None:
    assert bounded(NINE + 3600, NINE) == NINE
    assert bounded(NINE + 60, NINE) == NINE + 60
    assert bounded(NINE - 1e8, NINE) == NINE - 1e8
    assert bounded(None, NINE) == NINE


@pytest.mark.parametrize(
    ("text", "severity"),
    [("critical", Severity.CRITICAL), ("PAGE", Severity.CRITICAL), ("P1", Severity.CRITICAL), ("severe", Severity.CRITICAL),
     (" Error ", Severity.ERROR), ("high", Severity.ERROR), ("Warning", Severity.WARNING), ("informational", Severity.INFO),
     ("none", Severity.INFO), ("very bad indeed", Severity.WARNING), ("", Severity.WARNING)],
)  # fmt: skip
def test_a_severity_is_understood_in_the_senders_words(text: str, severity: Severity) -> None:
    assert severity_of(text) is severity


@pytest.mark.parametrize(
    ("text", "host"),
    [("db-1:9100", "db-1"), ("db-1", "db-1"), ("10.0.0.1:80", "10.0.0.1"), ("[::1]:9100", "[::1]"), ("fe80::1:2", "fe80::1:2"),
     ("http://x.example.org:80/health", "http://x.example.org:80/health"), ("db:main", "db:main")],
)  # fmt: skip
def test_a_host_loses_its_port_and_nothing_else(text: str, host: str) -> None:
    assert host_of(text) == host


def test_too_many_labels_are_left_out_with_a_note() -> None:
    notes: list[str] = []
    labels = labels_of({f"l{n:04}": str(n) for n in range(100)}, notes, "labels")
    assert len(labels) == 64
    assert notes == ["labels: 36 of 100 labels were left out."]


def test_label_values_become_text_and_empty_ones_vanish() -> None:
    assert labels_of(
        {"b": 1, "a": True, "c": None, "d": "", "e": ["x"], "f": "<no value>", "g": 2**70}, [], "labels"
    ) == (
        ("a", "true"),
        ("b", "1"),
        ("g", str(2**70)),
    )


def test_links_are_absolute_http_links_that_cannot_leave_an_attribute() -> None:
    given_links = ["/relative", "javascript:alert(1)", "https://a.example.org/?q=\"><script>", "http://b.example.org", None, 5,
                   "http://b.example.org", "https://c.example.org/\u202e", "https://" + "x" * 3000]  # fmt: skip
    assert links_of(given_links) == ("https://a.example.org/?q=%22%3E%3Cscript%3E", "http://b.example.org")


def test_a_macro_is_never_a_deduplication_key_and_a_long_key_stays_distinct() -> None:
    assert dedup_key("{EVENT.RECOVERY.ID}") == ""
    assert dedup_key("x" * 1000 + "a") != dedup_key("x" * 1000 + "b")
    assert len(dedup_key("x" * 1000)) <= 200
    assert dedup_key(123456789012345678901) == "123456789012345678901"


def test_numbers_that_python_refuses_to_print_are_nobodys_id() -> None:
    assert word(10**5000) == ""
