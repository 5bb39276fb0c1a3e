"""Which input positions an output depends on, exactly.

All inputs of one length are enumerated. For an input x and an output position, a set S
of positions is *sufficient* if every input that agrees with x on S has that output
there. A *minimal* sufficient set is sufficient, and none of its proper subsets is (an
abductive explanation, Marques-Silva 2022). From these follow

    relevant     positions in some minimal sufficient set
    necessary    positions in all of them: changing this one alone can change the output
    suppressed   positions that are not relevant, though in another input of this length
                 the output does depend on them

With lower(S) and upper(S) the least and the greatest output over all inputs that agree
with x on S, S is sufficient if the two are equal. Both are computed for all S from the
largest to the smallest, one axis at a time: there are (v + 1)^n of them for n tokens
out of v.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from compiler.passes.check import Accepts
from zoo.causal.model import UNDEFINED
from zoo.causal.population import run_all
from zoo.causal.tabular import TabularModel

MOST_CELLS = 2_000_000
"""Lengths with more cells (v + 1)^n than this are not enumerated."""
_NONE = np.iinfo(np.int16).max

Subset = tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Dependence:
    """The dependence of every output on the tokens, over all inputs of one length.

    Attributes:
        length: how many tokens the inputs have.
        lower: by subset of positions, [token or 1, .., output] the least output of all
            inputs that agree there; positions outside the subset have an axis of 1.
        upper: the greatest.
    """

    length: int
    lower: dict[Subset, Int[np.ndarray, ...]]
    upper: dict[Subset, Int[np.ndarray, ...]]

    def sufficient(
        self, tokens: Int[np.ndarray, "input position"]
    ) -> dict[Subset, Bool[np.ndarray, "input output"]]:
        """Return by subset whether it is sufficient in these inputs."""
        found = {}
        for subset, lower in self.lower.items():
            kept = np.where(subset, tokens, 0)
            place = tuple(kept.T)
            found[subset] = lower[place] == self.upper[subset][place]
        return found

    def minimal(
        self, tokens: Int[np.ndarray, "input position"]
    ) -> dict[Subset, Bool[np.ndarray, "input output"]]:
        """Return by subset whether it is a minimal sufficient set."""
        sufficient = self.sufficient(tokens)
        return {
            subset: holds
            & ~np.any([sufficient[s] for s in smaller(subset)] or [False], axis=0)
            for subset, holds in sufficient.items()
        }

    def relevant(
        self, tokens: Int[np.ndarray, "input position"]
    ) -> Bool[np.ndarray, "input output position"]:
        """Return which positions are in some minimal sufficient set."""
        shape = len(tokens), self.length, self.length
        found = np.zeros(shape, bool)
        for subset, holds in self.minimal(tokens).items():
            found |= holds[..., None] & np.array(subset)
        return found

    def necessary(
        self, tokens: Int[np.ndarray, "input position"]
    ) -> Bool[np.ndarray, "input output position"]:
        """Return which positions can change an output if they alone are changed."""
        found = []
        for position in range(self.length):
            others = tuple(p != position for p in range(self.length))
            place = tuple(np.where(others, tokens, 0).T)
            found.append(self.lower[others][place] != self.upper[others][place])
        return np.stack(found, axis=-1)

    @cached_property
    def ever(self) -> Bool[np.ndarray, "output position"]:
        """Which positions an output depends on in some input of this length."""
        found = []
        for position in range(self.length):
            others = tuple(p != position for p in range(self.length))
            lower, upper = self.lower[others], self.upper[others]
            moves = (lower != upper) & (lower != _NONE)
            found.append(moves.reshape(-1, self.length).any(axis=0))
        return np.stack(found, axis=-1)


def smaller(subset: Subset) -> Iterator[Subset]:
    """Yield the subset less one position, for each that it has."""
    for place, inside in enumerate(subset):
        if inside:
            yield (*subset[:place], False, *subset[place + 1 :])


def lengths_of(causal: TabularModel) -> tuple[int, ...]:
    """Return the lengths from 2 on whose inputs can be enumerated."""
    cells = len(causal.vocab) + 1
    return tuple(n for n in range(2, causal.n_ctx) if cells**n <= MOST_CELLS)


def depend(causal: TabularModel, length: int) -> Dependence:
    """Return the dependence of all outputs on all tokens of inputs of one length.

    Args:
        causal: the causal model; inputs that it does not accept are left out.
        length: of the inputs.
    """
    size = len(causal.vocab)
    tokens = np.indices((size,) * length, dtype=np.int32).reshape(length, -1).T
    ids = np.full((len(tokens), causal.n_ctx), causal.pad_id, np.int32)
    ids[:, 0] = causal.bos_id
    ids[:, 1 : length + 1] = tokens
    place = [v.name for v in causal.variables].index(causal.output)
    outputs = run_all(causal, ids)[:, place, 1 : length + 1].astype(np.int16)
    left_out = outputs == UNDEFINED
    if causal.accepts is not None:
        left_out |= ~_accepted(causal, causal.accepts, tokens)[:, None]
    shape = (*(size,) * length, length)
    full: Subset = (True,) * length
    lower: dict[Subset, Any] = {full: np.where(left_out, _NONE, outputs).reshape(shape)}
    upper: dict[Subset, Any] = {full: np.where(left_out, -1, outputs).reshape(shape)}
    subsets = sorted(itertools.product((False, True), repeat=length), key=sum)
    for subset in reversed(subsets[:-1]):
        axis = subset.index(False)
        larger = (*subset[:axis], True, *subset[axis + 1 :])
        lower[subset] = lower[larger].min(axis=axis, keepdims=True)
        upper[subset] = upper[larger].max(axis=axis, keepdims=True)
    return Dependence(length, lower, upper)


def _accepted(
    causal: TabularModel, accepts: Accepts, tokens: Int[np.ndarray, "input position"]
) -> Bool[np.ndarray, " input"]:
    words = [[causal.vocab[i] for i in row] for row in tokens.tolist()]
    return np.array([bool(accepts(row)) for row in words], bool)
