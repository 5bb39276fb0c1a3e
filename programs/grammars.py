"""Inputs of a form that random tokens hardly ever have: drawn instead of searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compiler.rasp.values import Value

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np


@dataclass(frozen=True)
class DrawnInputs:
    """The inputs of a form, given as a program's `accepts`.

    Attributes:
        fits: whether an input has the form.
        one: returns a random input of the form.
    """

    fits: Callable[[Sequence[Value]], bool]
    one: Callable[[np.random.Generator], Sequence[Value]]

    @property
    def words(self) -> str:
        """What holds of the inputs, as `fits` says it."""
        return self.fits.__doc__ or ""

    def __call__(self, x: Sequence[Value], /) -> bool:
        """Return whether the program is for this input."""
        return self.fits(x)

    def draw(self, rng: np.random.Generator, count: int) -> list[list[Value]]:
        """Return `count` random inputs."""
        return [list(self.one(rng)) for _ in range(count)]


def some(rng: np.random.Generator, items: Sequence[Value], count: int) -> list[Value]:
    """Return so many random items."""
    return [items[k] for k in rng.integers(len(items), size=count)]
