"""Several sequences that vote with weights for one value: a sum of evidence.

Each sequence adds its weight to the value that it holds, and the value with the most
wins. A compiled model adds the same sums up in the logits, whatever the sequences hold,
so that a sequence which is knocked out leaves the others to decide. A plain function of
the same values would be compiled to a table, which says nothing of absent values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.errors import InputError
from compiler.rasp.expr import Elementwise, SOp
from compiler.rasp.values import Value


@dataclass(frozen=True)
class WeighedVote:
    """The value with the greatest sum of weights.

    Attributes:
        weights: one for each sequence, integers; their sum is above 0. A sequence of
            negative weight speaks against what it holds.
    """

    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        whole = all(type(w) is int and w != 0 for w in self.weights)
        if len(self.weights) < 2 or not whole or sum(self.weights) <= 0:
            raise InputError(
                f"the weights are {self.weights!r}; give two or more integers that "
                "are not 0 and whose sum is above 0"
            )

    def __call__(self, *values: Value) -> Value:
        """Return the value with the greatest sum.

        Raises:
            ValueError: two have the greatest sum.
        """
        sums = dict.fromkeys(values, 0)
        for value, weight in zip(values, self.weights, strict=True):
            sums[value] += weight
        first, *rest = sorted(sums, key=lambda value: -sums[value])
        if rest and sums[rest[0]] == sums[first]:
            raise ValueError(
                f"{first!r} and {rest[0]!r} have the same weight; choose weights that "
                "never tie"
            )
        return first

    def written(self, args: list[str]) -> str:
        """Return it as text: `most(5 x first, 4 x second)`."""
        weighed = zip(self.weights, args, strict=True)
        return f"most({', '.join(f'{w} x {name}' for w, name in weighed)})"


def weigh(values: Sequence[SOp], weights: Sequence[int]) -> SOp:
    """Return, at each position, the value for which the most weight speaks.

    It can only be the output of a program, and needs three or more values: a model
    reads its result off the logits, and never writes it down.

    Args:
        values: the sequences.
        weights: one for each.

    Raises:
        InputError: the weights cannot be used, or are not as many as the values.
    """
    if len(values) != len(weights):
        raise InputError(
            f"there are {len(values)} sequences and {len(weights)} weights; give one "
            "weight for each"
        )
    return Elementwise(WeighedVote(tuple(weights)), tuple(values))
