"""What Discord takes at most, each figure with its source, and how big things are by Discord's measure. Nothing is drawn here."""

from __future__ import annotations

import re

from bot.chat.lengths import clip, length

__all__ = [
    "BUTTONS_OF_A_ROW",
    "CHOICES",
    "CHOICE_NAME",
    "CHOICE_VALUE",
    "COMPONENTS",
    "CONTENT",
    "CUSTOM_ID",
    "FIELDS",
    "FIELD_HINT",
    "FIELD_LABEL",
    "ID",
    "INPUT_PLACEHOLDER",
    "INPUT_TEXT",
    "LABEL",
    "MENU_PLACEHOLDER",
    "MODAL_TITLE",
    "OPTIONS",
    "OPTION_HINT",
    "OPTION_LABEL",
    "OPTION_VALUE",
    "RADIOS",
    "TEXT",
    "URL",
    "fit",
    "weight",
]

ID = re.compile(r"[1-9][0-9]{14,19}")  # a snowflake: of a person, a channel, a message
# Discord's OpenAPI document (minLength, maxLength, maxItems), unless another source is named.
COMPONENTS = 40  # of a message, nested ones too: docs.discord.com/developers/components/reference
BUTTONS_OF_A_ROW = 5
CUSTOM_ID = 100  # characters
LABEL = 80  # characters of a button: component reference; the document states none
URL = 512  # characters of a button's address
OPTIONS, OPTION_LABEL, OPTION_VALUE, OPTION_HINT = 25, 100, 100, 100  # of a menu; characters of one option
MENU_PLACEHOLDER = 150
CONTENT = 2_000  # characters of a message without components: create message; the document says 4,000, for Nitro
MODAL_TITLE = 45
FIELDS = 5  # of a modal, texts between them too: component reference; discord.py refuses more
FIELD_LABEL, FIELD_HINT = 45, 100  # characters around one
INPUT_TEXT, INPUT_PLACEHOLDER = 4_000, 100  # characters of a text field
CHOICES, CHOICE_NAME, CHOICE_VALUE = 25, 100, 100  # of an option of a command, also while somebody types
RADIOS = 10  # options of a radio group or of boxes
# All texts of a message together: 4,000 characters (discord-api-docs #8562). Beyond 10,170 bytes of UTF-8, 12 more for each
# text, Discord answers 500 (#8554); whether labels and addresses count is not said, so they do here.
TEXT = 4_000
_BYTES = 9_000  # of all that is in a message; the rest is what each component costs


def weight(text: str) -> int:
    """How much of a message's TEXT it takes: its characters, or its bytes where those are the scarcer.

    >>> weight("a" * 9), weight("\\N{EURO SIGN}" * 9), weight("\\N{FIRE}" * 9)
    (9, 12, 18)
    """
    if text.isascii():
        return len(text)
    return max(length(text), -(-len(text.encode("utf-8", "surrogatepass")) * TEXT // _BYTES))


def fit(text: str, room: int) -> str:
    """The text with at most `room` of weight, with an ellipsis where it was cut."""
    kept = clip(text, room)
    while weight(kept) > room:
        kept = clip(kept, length(kept) - max(1, (weight(kept) - room) // 3))
    return kept
