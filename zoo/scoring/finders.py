"""The old name of `zoo.finders`, for one version; importing it warns."""

from __future__ import annotations

import warnings
from typing import Any

import zoo.finders as _moved

warnings.warn(
    "zoo.scoring.finders is now zoo.finders; the old name "
    "goes away in the next version",
    DeprecationWarning,
    stacklevel=2,
)


def __getattr__(name: str) -> Any:
    return getattr(_moved, name)
