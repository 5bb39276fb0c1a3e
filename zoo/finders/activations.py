"""The vectors of a site at every token of some inputs, with the variable's value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError
from zoo.alignment.interchanges import Interchanges, draw_interchanges
from zoo.alignment.patching import run_both
from zoo.alignment.places import find_place
from zoo.alignment.subspaces import Columns, span
from zoo.cases.case import Case


@dataclass(frozen=True, eq=False)
class LabelledActivations:
    """Tokens at which a variable has a value.

    Attributes:
        held: [token, d_model] the vector of the site.
        values: [token] index of the variable's value.
    """

    held: Float[np.ndarray, "token d_model"]
    values: Int[np.ndarray, " token"]

    @property
    def centred(self) -> Float[np.ndarray, "token d_model"]:
        """What is held, less its mean."""
        return self.held - self.held.mean(axis=0)


def read_examples(
    case: Case, variable: str, site: str, seed: int
) -> LabelledActivations:
    """Return the tokens of the case's inputs.

    Raises:
        NameLookupError: the variable or the site is unknown.
        InputError: the variable holds one value only, so that nothing can be learnt.
    """
    place = find_place(case.config, site)
    pairs = draw_interchanges(case, variable, seed=seed)
    runs = run_both(case, pairs)
    held = np.concatenate([place.held(runs.writes), place.held(runs.donors)])
    values = np.concatenate([pairs.held, pairs.given])
    live = values >= 0
    if len(np.unique(values[live])) < 2:
        raise InputError(
            f"{case.name}: {variable!r} holds one value in all of these inputs, "
            "expected two or more. Take more pairs, or another variable"
        )
    return LabelledActivations(held[live].astype(np.float64), values[live])


def default_size(pairs: Interchanges) -> int:
    """Return how many directions tell a variable's values apart: one less than them."""
    return max(len(pairs.values) - 1, 1)


def longest(vectors: Float[np.ndarray, "d_model n"], k: int | None) -> Columns:
    """Return the first k directions of the span of columns; all of them if None.

    Raises:
        InputError: there are fewer than k, or k is below 1.
    """
    found = span(vectors)
    if found.shape[1] == 0:
        raise InputError(
            "the site holds the same for every value: there is no direction to find. "
            "Name another site"
        )
    if k is not None and not 1 <= k <= found.shape[1]:
        raise InputError(
            f"k is {k}, and there are {found.shape[1]} directions. Give 1 to "
            f"{found.shape[1]}, or None for all"
        )
    return found[:, :k]
