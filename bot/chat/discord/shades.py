"""Colours of state (Okabe-Ito: told apart by the colour-blind too); the same state always has a sign and a word beside it."""

from __future__ import annotations

__all__ = ["BAD", "GOOD", "MITIGATED", "WARNING"]

BAD = 0xD55E00  # vermilion
WARNING = 0xE69F00  # orange
MITIGATED = 0x56B4E9  # sky blue
GOOD = 0x009E73  # bluish green
