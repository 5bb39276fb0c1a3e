"""The folders of runs, and the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

MODEL = "model"
"""The folder inside a training run's that holds its model."""

CACHE = "CIRCUITZOO_CACHE"
"""The environment variable that names the cache."""


def cache_folder() -> Path:
    """Return the cache: as set, or `circuitzoo` among the user's caches."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "circuitzoo"
