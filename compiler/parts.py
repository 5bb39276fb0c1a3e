"""The weights of a compiled model as a sum of rank-one parts: what reads which feature.

Every matrix that reads the stream is the sum over features f of d_f (d_f W), with d_f
the direction of the feature; in an MLP apart for the units of each variable that it
computes. Every matrix that writes is the sum over units or head dimensions of e_i W_i.
Each term is one part. Embeddings are look-ups, and biases read nothing: both are left
out, as in parameter decomposition (Bushnaq et al. 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.dimensions import Dimensions, SitedModel, label_dimensions
from compiler.errors import unknown_name
from compiler.machine.config import Config

READ = ("W_Q", "W_K", "W_V", "W_in", "W_gate", "W_U")
"""Matrices whose rows are the stream's."""
NOTHING = 1e-7
"""A part smaller than this share of its matrix's largest entry is none."""


@dataclass(frozen=True, eq=False)
class WeightPart:
    """One rank-one term of one matrix.

    Attributes:
        matrix: `a0.h1.W_Q`, `m0.W_in`, `W_U`; see `matrix_names`.
        reads: the feature that it reads, `tokens=a`; of a matrix that writes, the
            `unit 3` of an MLP or `dimension 3` of a head.
        serves: the variables that are computed with it; none for queries and keys.
        left: [row] direction that it reads, of length 1.
        right: [column] what it adds for one unit of that.
    """

    matrix: str
    reads: str
    serves: tuple[str, ...]
    left: Float[np.ndarray, " row"]
    right: Float[np.ndarray, " column"]

    def __repr__(self) -> str:
        return f"<WeightPart {self.name}>"

    @property
    def name(self) -> str:
        """What it is called."""
        served = f" -> {', '.join(self.serves)}" if self.serves else ""
        return f"{self.matrix}: {self.reads}{served}"

    @property
    def array(self) -> Float[np.ndarray, "row column"]:
        """The part as a matrix."""
        return np.outer(self.left, self.right)


def matrix_places(config: Config) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return by name of a matrix the field of the weights, and the index there."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for layer in range(config.n_layers):
        for head in range(config.n_heads):
            for field in ("W_Q", "W_K", "W_V", "W_O"):
                found[f"a{layer}.h{head}.{field}"] = field, (layer, head)
        for field in ("W_in", *(("W_gate",) if config.gated else ()), "W_out"):
            found[f"m{layer}.{field}"] = field, (layer,)
    found["W_U"] = "W_U", ()
    return found


def matrix_of(model: SitedModel, name: str) -> Float[np.ndarray, "row column"]:
    """Return one matrix of a model; rows are what it reads.

    Raises:
        NameLookupError: there is none of that name; the nearest are offered.
    """
    places = matrix_places(model.config)
    if name not in places:
        raise unknown_name("matrix", name, places)
    field, index = places[name]
    return np.asarray(getattr(model.weights, field)[index], np.float64)


def parts_of(model: SitedModel) -> tuple[WeightPart, ...]:
    """Return the parts of a compiled or rotated model, matrix by matrix.

    Raises:
        InputError: the model was trained or compressed.
    """
    known = label_dimensions(model)
    found: list[WeightPart] = []
    for name, (field, index) in matrix_places(model.config).items():
        matrix = matrix_of(model, name)
        limit = NOTHING * max(float(np.abs(matrix).max()), 1e-30)
        if field in READ:
            made = _reading(model, known, name, field, index, matrix)
        else:
            made = _writing(known, name, field, matrix)
        found += [part for part in made if np.abs(part.right).max() > limit]
    return tuple(found)


def _reading(
    model: SitedModel,
    known: Dimensions,
    name: str,
    field: str,
    index: tuple[int, ...],
    matrix: Any,
) -> Iterator[WeightPart]:
    """Yield the parts of a matrix that reads the stream, by feature."""
    groups: dict[tuple[str, ...], Any] = {(): np.ones(matrix.shape[1], bool)}
    if field in ("W_in", "W_gate"):
        groups = _units(known, np.asarray(model.weights.W_out[index], np.float64))
    elif field == "W_U":
        groups = {(model.output,): groups[()]}
    rows = known.axes @ matrix
    for row, axis, feature in zip(rows, known.axes, known.names, strict=True):
        for serves, columns in groups.items():
            yield WeightPart(name, feature, serves, axis, row * columns)


def _writing(
    known: Dimensions, name: str, field: str, matrix: Any
) -> Iterator[WeightPart]:
    """Yield the parts of a matrix that writes to the stream, by what it reads."""
    kind = "unit" if field == "W_out" else "dimension"
    for i, row in enumerate(matrix):
        one = np.zeros(len(matrix))
        one[i] = 1.0
        yield WeightPart(name, f"{kind} {i}", _written(known, row), one, row)


def _units(known: Dimensions, W_out: Any) -> dict[tuple[str, ...], Any]:
    """Return by variables which units of an MLP compute them."""
    groups: dict[tuple[str, ...], Any] = {}
    for unit, row in enumerate(W_out):
        serves = _written(known, row)
        groups.setdefault(serves, np.zeros(len(W_out), bool))[unit] = True
    return groups


def _written(known: Dimensions, row: Any) -> tuple[str, ...]:
    """Return the variables that a vector of the stream belongs to."""
    held = np.abs(known.axes @ row)
    large = held > 1e-6 * max(float(held.max()), 1e-30)
    pairs = zip(known.variables, large, strict=True)
    return tuple(dict.fromkeys(v for v, on in pairs if on and v is not None))
