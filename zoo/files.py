"""The folders of runs, the user's cache, and locks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; a second process waits, and a killed one lets go."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
