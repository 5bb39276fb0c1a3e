"""Controls: the scores of knowing nothing, and of knowing the truth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.machine.names import Part
from zoo.cases.case import Case
from zoo.methods.method import method


@method("random", equation="uniform in [0, 1]", seeded=True, control=True)
def random(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return random scores, different ones for every model.

    If models of one shape had the same random scores, the interval of their mean would
    be too narrow.
    """
    rng = np.random.default_rng([seed, *case.name.encode()])
    return rng.random(case.names.visible.shape)


@method(
    "weight-norm",
    paper="Elhage et al. 2021, virtual weights",
    equation="|W_source W_reader|, Frobenius",
    control=True,
)
def weight_norm(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the norm of each virtual weight: out of a source, into a reader."""
    names = case.names
    out = [_output(case, part) for part in names.source_parts.values()]
    into = [_input(case, part) for part in names.reader_parts.values()]
    found = np.zeros(names.visible.shape)
    for reader, source in np.argwhere(names.visible):
        found[reader, source] = np.linalg.norm(out[source] @ into[reader])
    return found


@method("oracle", equation="1 for the used edges, else 0", control=True)
def oracle(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the truth: 1 for true edges, 0 for others."""
    return case.truth.mask("used").astype(float)


def _output(case: Case, part: Part) -> Float[np.ndarray, "_ d_model"]:
    """Return the matrix that a source writes with."""
    weights = case.weights
    if part.kind == "tokens":
        return weights.W_E
    if part.kind == "positions":
        return weights.W_pos
    if part.kind == "mlp":
        return weights.W_out[part.layer]
    return weights.W_O[part.layer, part.head]


def _input(case: Case, part: Part) -> Float[np.ndarray, "d_model _"]:
    """Return the matrix that a reader reads with."""
    weights = case.weights
    if part.kind == "logits":
        return weights.W_U
    if part.kind == "mlp":
        return weights.W_in[part.layer]
    matrix = getattr(weights, f"W_{str(part.slot).upper()}")
    return matrix[part.layer, part.head]
