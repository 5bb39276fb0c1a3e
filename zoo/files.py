"""The folders of runs, and locks on them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "model"
"""The folder inside a training run's that holds its model."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; a second process waits, and a killed one lets go."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
