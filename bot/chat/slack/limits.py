"""What Slack takes at most, each figure with its source, and how big things are by Slack's measure. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = [
    "ACTIONS",
    "COMMAND",
    "CONFIRM_BUTTON",
    "CONFIRM_TEXT",
    "CONFIRM_TITLE",
    "ELEMENT_TEXT",
    "FALLBACK",
    "HEADER",
    "HINT",
    "INPUT_LABEL",
    "INPUT_TEXT",
    "LABEL",
    "MESSAGE",
    "METADATA",
    "OPTIONS",
    "OPTION_TEXT",
    "OPTION_VALUE",
    "PLACEHOLDER",
    "URL",
    "VIEW",
    "VIEW_TITLE",
    "Block",
    "size",
    "weight",
]

Block = dict[str, Any]  # JSON that Slack reads

# docs.slack.dev/reference/block-kit, as slack_sdk.models and @slack/types state it, unless another source is named.
HEADER = 150  # characters
ACTIONS = 25  # elements of an actions block
LABEL = 75  # characters of a button
COMMAND = 2_000  # characters of a button's value
URL = 3_000  # characters
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_BUTTON = 100, 300, 30  # characters of a dialog that asks back
OPTIONS, OPTION_TEXT, OPTION_VALUE = 100, 75, 150  # of a menu; characters of one option
INPUT_LABEL, HINT, PLACEHOLDER = 2_000, 2_000, 150  # characters of a field of a modal
INPUT_TEXT = 3_000  # characters that somebody may type into one
VIEW_TITLE = 24  # characters, also of a modal's two buttons
METADATA = 3_000  # characters of private_metadata
VIEW = 250_000  # bytes: view_too_large
ELEMENT_TEXT = 3_000  # characters of one text element; documented for sections, kept everywhere
FALLBACK = 2_000  # characters; chat.update takes 4,000 (msg_too_long), a lock screen shows about 150
# A message's blocks fail with msg_blocks_too_long at about 13,200 characters (slackapi/bolt-js #2509); blocks of rich text whose
# texts summed up to 11,341 failed too (#2867), so the containers count. We stay below by the largest measure: bytes of JSON.
MESSAGE = 12_000

_encode = msgspec.json.Encoder().encode


def weight(text: str) -> int:
    """Bytes of a text inside JSON, with `&`, `<` and `>` as the entities that Slack keeps them as.

    >>> weight("a"), weight("\\n"), weight("<"), weight("\\N{FIRE}")
    (1, 2, 4, 4)
    """
    return len(_encode(text)) - 2 + _entities(text)


def size(value: Block | Sequence[Block]) -> int:
    """Bytes of JSON, with the entities."""
    written = _encode(value)
    return len(written) + 4 * written.count(b"&") + 3 * (written.count(b"<") + written.count(b">"))


def _entities(text: str) -> int:
    return 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))
