"""The old name of `zoo.causal.model`, for one version; importing it warns."""

from __future__ import annotations

import warnings
from typing import Any

import zoo.causal.model as _moved

warnings.warn(
    "zoo.training.causal is now zoo.causal.model; the old name "
    "goes away in the next version",
    DeprecationWarning,
    stacklevel=2,
)


def __getattr__(name: str) -> Any:
    return getattr(_moved, name)
