"""`${env:NAME}` is read at the moment of use, and nowhere else."""

from __future__ import annotations

import pytest

from bot.catalog import secrets
from bot.errors import ConfigError


def test_a_reference_becomes_the_variables_value():
    assert secrets.resolve("Bearer ${env:TOKEN}!", {"TOKEN": "s3"}) == "Bearer s3!"


def test_a_value_that_looks_like_a_reference_is_not_followed():
    assert secrets.resolve("${env:A}", {"A": "${env:B}", "B": "x"}) == "${env:B}"


def test_a_variable_that_is_not_set_is_named_and_no_value_is_told():
    with pytest.raises(ConfigError, match="TOKEN is not set") as caught:
        secrets.resolve("${env:OTHER} ${env:TOKEN}", {"OTHER": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_names_are_found_at_any_depth():
    assert list(secrets.names({"a": ["${env:X}", {"b": "x${env:Y}${env:Z}"}], "c": 1})) == ["X", "Y", "Z"]


def test_secrets_belong_into_urls_and_headers_of_requests_and_calendars_only():
    step = ("runbooks", "r", "steps", 0, "http")
    assert secrets.may_stand((*step, "url"))
    assert secrets.may_stand((*step, "headers", "Authorization"))
    assert secrets.may_stand(("schedules", "s", "ical"))
    assert not secrets.may_stand((*step, "body"))
    assert not secrets.may_stand(("runbooks", "r", "steps", 0, "command", 1))
