"""Weights of evidence from an operator's file, with what is wrong with it in words."""

from __future__ import annotations

from pathlib import Path

from bot.errors import ConfigError, Problem
from correlation.similarity import Scorer
from correlation.weights import Weights, WeightsError, read

__all__ = ["load_weights"]


def load_weights(path: Path) -> Weights:
    """Weights from a file. ConfigError."""
    try:
        weights = read(path.read_bytes())
        Scorer(weights)  # knows every term
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror or error}", file=str(path))]) from error
    except WeightsError as error:
        raise ConfigError([Problem(str(error), file=str(path))]) from error
    return weights
