"""Controls: the scores of knowing nothing, and of knowing the truth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.machine.virtual import virtual_norms
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
    return virtual_norms(case.names, case.weights)


@method("oracle", equation="1 for the used edges, else 0", control=True)
def oracle(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the truth: 1 for true edges, 0 for others."""
    return case.truth.mask("used").astype(float)
