"""Random choices that are the same with every version of Python, on every machine.

Python promises that `random.Random(text).random()` stays the same; it does not promise
that of `choice` or `shuffle`. So everything is made of `random()` here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Chance:
    """A source of random choices.

    Args:
        seed: a text; equal texts give equal choices.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        """Return an integer from 0 to limit - 1."""
        return int(self._random.random() * limit)

    def one_of(self, items: Sequence[Item]) -> Item:
        """Return one of the items, each as likely as any other."""
        return items[self.below(len(items))]

    def happens(self, share: float) -> bool:
        """Return True in a share of the calls."""
        return self._random.random() < share

    def order(self, count: int) -> list[int]:
        """Return 0 .. count - 1 in a random order (Fisher and Yates)."""
        items = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items
