"""A reload takes the new catalogue whole, or keeps the old one and says why."""

from __future__ import annotations

import pytest

from bot.catalog.store import CatalogStore
from bot.errors import ConfigError


def test_a_good_file_takes_the_place_of_the_old_one(write):
    store = CatalogStore(write("services: {web: }"))
    write("services: {web: , cart: }")
    outcome = store.reload()
    assert (outcome.changed, outcome.kept, outcome.problems) == (True, False, ())
    assert list(store.current.services) == ["web", "cart"]


def test_a_bad_file_keeps_the_old_one_and_says_so(write):
    store = CatalogStore(write("services: {web: }"))
    before = store.current
    write("services: {web: {teem: x}}")
    outcome = store.reload()
    assert (outcome.changed, outcome.kept) == (False, True)
    assert 'did you mean "team"?' in str(outcome.problems[0])
    assert store.current is before


def test_the_same_content_changes_nothing(write):
    store = CatalogStore(write("services: {web: }"))
    before = store.current
    assert not store.reload().changed
    assert store.current is before


def test_a_file_that_vanishes_keeps_the_old_one(write):
    path = write("services: {web: }")
    store = CatalogStore(path)
    path.unlink()
    assert store.reload().kept
    assert "web" in store.current.services


def test_a_bad_file_at_the_start_is_refused(write):
    with pytest.raises(ConfigError):
        CatalogStore(write("services: ["))


def test_without_a_path_there_is_the_empty_catalogue():
    store = CatalogStore()
    assert store.current.services == {}
    assert not store.reload().changed
