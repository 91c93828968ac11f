"""What every action keeps to."""

from __future__ import annotations

import pytest

from bot.catalog.runbook_schema import DEFAULT_ACTIONS
from bot.runbooks.action import Action
from bot.runbooks.actions import discover


def test_the_catalogue_knows_the_actions_there_are():
    assert set(discover()) >= set(DEFAULT_ACTIONS)


@pytest.mark.parametrize("action", discover().values(), ids=lambda action: action.name)
def test_an_action_has_a_schema_that_editors_can_show(action: Action):
    schema = action.parameters.json_schema(by_alias=True)
    assert schema.get("description") or schema.get("properties")
