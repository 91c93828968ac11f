"""What the console keeps of a view."""

from __future__ import annotations

from bot.chat.console.drawing import stored
from bot.chat.views import Card, Notice, decode_view
from tests.chat.gateway_contract import card, picture


def test_a_picture_is_kept_by_its_name_and_words_without_its_bytes() -> None:
    for view in (card(picture=picture()), Notice(text=("Alerts over time",), picture=picture())):
        kept = decode_view(stored(view))
        assert isinstance(kept, Card | Notice)
        assert kept.picture == picture().light
        assert kept.picture.digest == picture().digest
