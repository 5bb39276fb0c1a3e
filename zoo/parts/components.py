"""What a decomposition says: terms of matrices, and on which inputs each is used.

A decomposition is a dictionary from the name of a matrix (`a0.h1.W_Q`, `m0.W_in`,
`W_U`; rows are what it reads) to its terms: an array [term, row, column]; or a pair
(u, v) of [term, row] and [term, column], whose outer products are the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.finite import check_finite
from compiler.model import Model
from compiler.parts import matrix_of
from compiler.torch_values import plain

MOST_TERMS = 20_000
"""Of one decomposition."""


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Terms of some matrices.

    Attributes:
        terms: by matrix, [term, row, column].
        importance: by matrix, [term, input] how much each is used; None if not given.
    """

    terms: Mapping[str, Float[np.ndarray, "_ _ _"]]
    importance: Mapping[str, Float[np.ndarray, "_ _"]] | None = None

    def __len__(self) -> int:
        return sum(len(terms) for terms in self.terms.values())


def read_components(
    model: Model, components: Any, importance: Any = None, inputs: int = 0
) -> Decomposition:
    """Return a decomposition, checked.

    Args:
        model: the model.
        components: see the module.
        importance: by matrix [term, input]; or None.
        inputs: how many inputs there are.

    Raises:
        NameLookupError: the model has no such matrix; the nearest are offered.
        InputError: it is no dictionary, is empty, or terms have another shape, are not
            finite, or are too many.
    """
    if not isinstance(components, Mapping) or not components:
        raise InputError(
            f"components: found {type(components).__name__}, expected a dictionary "
            "from the name of a matrix, such as 'm0.W_in', to its terms. Give at least "
            "one matrix"
        )
    terms = {name: _terms(model, name, given) for name, given in components.items()}
    count = sum(map(len, terms.values()))
    if not 1 <= count <= MOST_TERMS:
        raise InputError(
            f"components: found {count} terms, expected 1 to {MOST_TERMS}. Leave out "
            "those that are zero"
        )
    if importance is None:
        return Decomposition(terms)
    checked = {
        name: _importance(name, importance, len(own), inputs)
        for name, own in terms.items()
    }
    return Decomposition(terms, checked)


def _terms(model: Model, name: str, given: Any) -> Float[np.ndarray, "term row column"]:
    shape = matrix_of(model, name).shape
    expected = f"expected [term, row, column] with (row, column) = {shape}, or (u, v)"
    given = plain(given)
    try:
        if isinstance(given, tuple) and len(given) == 2:
            u, v = (np.asarray(part, np.float64) for part in given)
            if u.ndim != 2 or v.ndim != 2 or len(u) != len(v):
                raise InputError(
                    f"components: {name}: found u {u.shape} and v {v.shape}, expected "
                    f"[term, {shape[0]}] and [term, {shape[1]}]. Give both of each"
                )
            if (u.shape[1], v.shape[1]) == shape:
                array = u[:, :, None] * v[:, None, :]
            else:
                array = np.zeros((len(u), u.shape[1], v.shape[1]))
        else:
            array = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"components: {name}: found {type(given).__name__}, {expected}. Give "
            "numbers"
        ) from None
    if array.ndim != 3 or array.shape[1:] != shape:
        raise InputError(
            f"components: {name}: found the shape {array.shape}, {expected}. Rows are "
            "what the matrix reads; give transposes if they are columns"
        )
    check_finite(array, f"components: {name}", "Look at how it was trained")
    return array


def _importance(
    name: str, given: Any, terms: int, inputs: int
) -> Float[np.ndarray, "term input"]:
    expected = f"expected [term, input] = {(terms, inputs)}"
    if not isinstance(given, Mapping) or name not in given:
        raise InputError(
            f"importance: found none for {name}, {expected}. Give a dictionary with "
            "the matrices of the components"
        )
    array = np.asarray(plain(given[name]), np.float64)
    if array.shape != (terms, inputs) or not np.isfinite(array).all():
        raise InputError(
            f"importance: {name}: found the shape {array.shape}, {expected} of finite "
            "numbers. The inputs are those of zoo.open_parts(..).inputs.ids"
        )
    return array
