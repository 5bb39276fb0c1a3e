"""Strategies that call checked code without being taken for random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def steady() -> Iterator[None]:
    """Leave the global random generator as it was.

    beartype chooses which item of a tuple it checks with that generator, and
    hypothesis takes that for a strategy that is random in itself.
    """
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)
