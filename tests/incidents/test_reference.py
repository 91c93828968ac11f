"""An incident's number, as people write it."""

import pytest

from bot.incidents.reference import number_of, ref


@pytest.mark.parametrize("text", ["INC-42", "inc42", "#42", "42", " inc-42 "])
def test_a_reference_is_read_as_people_write_it(text: str) -> None:
    assert number_of(text) == 42
    assert ref(42) == "INC-42"
