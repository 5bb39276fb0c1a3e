"""How often inputs are on, and which of them together: rare, correlated, nested.

rare        input i is drawn with a weight of (1 + its rank)^-zipf (Zipf 1949)
correlated  with probability `together` the next input is the partner of one that is on
nested      a share of the inputs are children, each with a parent, and a child is never
            on without its parent: a hierarchy of features

Ranks, partners and parents follow from a seed. ANDs are nested in their inputs anyway.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError

MOST_ZIPF = 4.0
_TRIES = 8  # for each input that is to be on


@dataclass(frozen=True, kw_only=True)
class Activity:
    """The statistics of the inputs; by default all are alike.

    Attributes:
        zipf: exponent of the frequencies, 0 to 4.
        together: probability that the next input is a partner, below 1.
        nested: share of the inputs that are children, at most 1/2.
    """

    zipf: float = 0.0
    together: float = 0.0
    nested: float = 0.0

    def __post_init__(self) -> None:
        problems = [
            f"{name} is {value!r}; give a number of 0 to {most:g}"
            for name, most in (("zipf", MOST_ZIPF), ("together", 0.99), ("nested", 0.5))
            if not _is_number(value := getattr(self, name)) or not 0 <= value <= most
        ]
        if problems:
            raise InputError(f"superpose: {'; '.join(problems)}")

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as JSON values."""
        return asdict(self)


def _is_number(value: Any) -> bool:
    """Return whether a value is a finite number; True and False are none."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and isfinite(value)


class ActivityDraws:
    """Draws of which inputs are on.

    Args:
        activity: the statistics.
        n_inputs: how many inputs there are.
        seed: of ranks, partners and parents.

    Attributes:
        weights: [input] how often each is drawn, relative to the others.
        partner: [input] the input that it is correlated with; itself for none.
        parent: [input] the input without which it is never on; -1 for none.
    """

    def __init__(self, activity: Activity, n_inputs: int, seed: int) -> None:
        rng = np.random.default_rng([*b"activity", seed])
        self.activity = activity
        ranks = rng.permutation(n_inputs)
        weights = (1.0 + ranks) ** -activity.zipf
        self.weights: Float[np.ndarray, " input"] = weights / weights.sum()
        self.partner = _partners(rng.permutation(n_inputs))
        self.parent = _parents(rng, n_inputs, round(activity.nested * n_inputs))
        self._steps = np.cumsum(self.weights)

    def draw(
        self, rng: np.random.Generator, sizes: Int[np.ndarray, " row"]
    ) -> Int[np.ndarray, "row place"]:
        """Return which inputs are on in each row, in random order; -1 for no more.

        Args:
            rng: draws them.
            sizes: how many may be on in each row; rarely fewer are, at least one.
        """
        on = np.full((len(sizes), int(sizes.max())), -1)
        for _ in range(_TRIES * on.shape[1]):
            count = (on >= 0).sum(axis=1)
            rows = np.flatnonzero(count < sizes)
            if not len(rows):
                break
            found = self._next(rng, on[rows], count[rows])
            self._add(on, rows, found, count[rows], sizes[rows])
        roots = np.flatnonzero(self.parent < 0)
        on[on[:, 0] < 0, 0] = roots[0]
        return on

    def _next(
        self,
        rng: np.random.Generator,
        on: Int[np.ndarray, "row place"],
        count: Int[np.ndarray, " row"],
    ) -> Int[np.ndarray, " row"]:
        """Return the next input of each row: any, or the partner of one that is on."""
        places = np.searchsorted(self._steps, rng.random(len(on)) * self._steps[-1])
        found = np.minimum(places, len(self.weights) - 1)
        known = on[np.arange(len(on)), rng.integers(np.maximum(count, 1))]
        related = (rng.random(len(on)) < self.activity.together) & (count > 0)
        return np.where(related, self.partner[known], found)

    def _add(
        self,
        on: Int[np.ndarray, "whole place"],
        rows: Int[np.ndarray, " row"],
        found: Int[np.ndarray, " row"],
        count: Int[np.ndarray, " row"],
        sizes: Int[np.ndarray, " row"],
    ) -> None:
        """Add the inputs found, after their parents, where both fit."""
        parent = self.parent[found]
        there = (on[rows] == found[:, None]).any(axis=1)
        alone = (parent < 0) | (on[rows] == parent[:, None]).any(axis=1)
        fits = ~there & (count + np.where(alone, 1, 2) <= sizes)
        first = np.where(alone, found, parent)
        on[rows[fits], count[fits]] = first[fits]
        second = fits & ~alone
        on[rows[second], count[second] + 1] = found[second]


def _partners(order: Int[np.ndarray, " input"]) -> Int[np.ndarray, " input"]:
    """Return the partner of each input: neighbours in an order, two by two."""
    partner = np.arange(len(order))
    even = len(order) // 2 * 2
    first, second = order[0:even:2], order[1:even:2]
    partner[first], partner[second] = second, first
    return partner


def _parents(
    rng: np.random.Generator, n_inputs: int, children: int
) -> Int[np.ndarray, " input"]:
    """Return the parent of each child, -1 for the others; no parent is a child."""
    order = rng.permutation(n_inputs)
    parent = np.full(n_inputs, -1)
    parent[order[:children]] = rng.choice(order[children:], children)
    return parent
