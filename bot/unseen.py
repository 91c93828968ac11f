"""Which characters hide or reorder others, wherever a text comes from. What stands in their place is decided by who cleans."""

from __future__ import annotations

import re

__all__ = ["MARK", "UNSEEN"]

MARK = "\N{REPLACEMENT CHARACTER}"  # shows that something was there
# C0 and C1 controls but white space, soft hyphen, bidirectional marks, embeddings, overrides and isolates, zero-width space, byte
# order mark, interlinear annotation, tag characters, lone surrogates. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
