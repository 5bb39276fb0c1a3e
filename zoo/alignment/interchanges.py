"""Pairs of inputs, and the causal model's outputs when a variable is interchanged.

The variable in the base input is set to its value in the donor input, at all positions
that both inputs have. Where the two values are equal, an interchange must not change
any output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError, unknown_name
from compiler.model import Model
from zoo.auditing.subject import causal_of
from zoo.cases.case import Case
from zoo.causal.model import COMPUTED
from zoo.causal.population import run_all

PAIRS = 512


@dataclass(frozen=True, eq=False)
class Interchanges:
    """Base and donor inputs, with the outputs before and after an interchange.

    Attributes:
        variable: the variable that is interchanged.
        base: [pair, ctx] token ids of the base inputs.
        donor: [pair, ctx] token ids of the donor inputs.
        where: [pair, ctx] positions that both inputs have, BOS included.
        same: [pair, ctx] tokens among these at which both inputs have the same value.
        base_values: [pair, ctx] index of the value in the base input, -1 for none.
        donor_values: [pair, ctx] index of the value in the donor input, -1 for none.
        before: [pair, ctx] index of the output for the base input, -1 for none.
        after: [pair, ctx] index of the output with the variable overridden.
    """

    variable: str
    base: Int[np.ndarray, "pair ctx"]
    donor: Int[np.ndarray, "pair ctx"]
    where: Bool[np.ndarray, "pair ctx"]
    same: Bool[np.ndarray, "pair ctx"]
    base_values: Int[np.ndarray, "pair ctx"]
    donor_values: Int[np.ndarray, "pair ctx"]
    before: Int[np.ndarray, "pair ctx"]
    after: Int[np.ndarray, "pair ctx"]

    def __len__(self) -> int:
        return len(self.base)

    @property
    def values(self) -> Int[np.ndarray, " value"]:
        """Indices of the values that the variable takes."""
        seen = np.unique(np.concatenate([self.base_values, self.donor_values]))
        return seen[seen >= 0]


def draw_interchanges(
    case: Case, variable: str, count: int = PAIRS, seed: int = 0
) -> Interchanges:
    """Return random pairs of the case's inputs, half of them of one length.

    Args:
        case: the case whose clean and corrupt inputs are paired anew.
        variable: the variable that is interchanged.
        count: number of pairs.
        seed: seed of the draw.

    Raises:
        NameLookupError: the program has no such variable; the nearest are offered.
        InputError: nothing in the model computes it.
    """
    if count < 1:
        raise InputError(f"pairs is {count}; give at least 1")
    names, output, run = causal_run(case.model)
    place = _index_of(case.model, names, variable)
    ids = case.pairs.inputs
    lengths = (ids != case.config.pad_id).sum(axis=1)
    base, donor = _pair(lengths, count, np.random.default_rng(seed))
    ctx = np.arange(ids.shape[1])
    where = ctx[None] < np.minimum(lengths[base], lengths[donor])[:, None]
    clean = np.full((count, len(names), len(ctx)), COMPUTED, np.int32)
    first, second = run(ids[base], clean), run(ids[donor], clean)
    overrides = clean.copy()
    overrides[:, place] = np.where(where, second[:, place], COMPUTED)
    last = run(ids[base], overrides)
    base_values, donor_values = first[:, place], second[:, place]
    return Interchanges(
        variable=variable,
        base=ids[base],
        donor=ids[donor],
        where=where,
        same=where & (base_values == donor_values) & (base_values >= 0),
        base_values=base_values,
        donor_values=donor_values,
        before=first[:, output],
        after=np.where(first[:, output] >= 0, last[:, output], -1),
    )


def shuffle_outputs(pairs: Interchanges, seed: int = 0) -> Interchanges:
    """Return the pairs with the outputs of others: what is fitted to them is a control.

    At each position the outputs with the variable overridden are permuted among the
    pairs that have one there, so that every output is as frequent as it was.

    Args:
        pairs: what is shuffled.
        seed: of the permutations.
    """
    rng = np.random.default_rng([*b"shuffle", seed])
    after = pairs.after.copy()
    for place in range(after.shape[1]):
        rows = np.flatnonzero(after[:, place] >= 0)
        after[rows, place] = after[rng.permutation(rows), place]
    return replace(pairs, after=after)


@lru_cache(maxsize=8)
def causal_run(model: Model) -> tuple[tuple[str, ...], int, Callable[..., np.ndarray]]:
    """Return a model's causal model: names, index of the output, a run of many inputs.

    The run takes [input, ctx] ids and [input, variable, ctx] overrides, and returns
    [input, variable, ctx] values.
    """
    causal = causal_of(model)
    names = tuple(v.name for v in causal.variables)
    return names, names.index(causal.output), partial(run_all, causal)


def _index_of(model: Model, names: tuple[str, ...], variable: str) -> int:
    if variable in names and variable in model.sites:
        return names.index(variable)
    if variable in model.sites or variable in model.variables:
        raise InputError(
            f"{model.name}: {variable!r} is an input or a constant, expected a "
            f"variable that a head or an MLP computes. Choose among {', '.join(names)}"
        )
    raise unknown_name("variable", variable, names)


def _pair(
    lengths: Int[np.ndarray, " input"], count: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Return indices of base and donor inputs; every other pair has one length."""
    base = rng.integers(0, len(lengths), size=count)
    donor = rng.integers(0, len(lengths), size=count)
    rows = {size: np.flatnonzero(lengths == size) for size in np.unique(lengths)}
    for pair in range(0, count, 2):
        donor[pair] = rng.choice(rows[lengths[base[pair]]])
    return base, donor
