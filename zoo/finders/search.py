"""Distributed alignment search: the subspace whose interchange does what it should.

DAS (Geiger et al. 2024) takes the orthonormal B, [d_model, k], with the least

    L(B) = mean CE( model(b; h <- h + B B^T (h' - h)), causal(b; V <- V(s)) )

over pairs (b, s) of a base and a donor input. B is the Q of a QR decomposition, so that
gradient descent never leaves the orthonormal matrices. Multi-task DAS (Huang et al.
2024, RAVEL) adds that nothing else may change: where V holds the same in b and s, the
output has to stay b's.

    L_multi(B) = L(B) + mean CE( model(b; h <- .. where V(b) = V(s)), causal(b) )

A saturated softmax passes no gradient: in a compiled model, what only queries and keys
read may not be found from a random start.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from compiler.errors import InputError
from zoo.alignment.interchanges import draw_interchanges, shuffle_outputs
from zoo.alignment.subspaces import Columns, random_subspace
from zoo.cases.case import Case
from zoo.finders.activations import default_size
from zoo.finders.descent import (
    InterchangeExamples,
    SearchObjective,
    SearchSite,
    descend,
    interchange_loss,
    orthonormal,
)

STEPS, RATE = 400, 0.05


def das(
    case: Case,
    variable: str,
    site: str,
    k: int | None = None,
    seed: int = 0,
    *,
    steps: int = STEPS,
    rate: float = RATE,
    shuffle: bool = False,
) -> Columns:
    """Return the subspace that DAS finds from a random start.

    Args:
        case: the model and its inputs.
        variable: what is to be interchanged.
        site: where.
        k: how many directions; the number of the variable's values less one if None.
        seed: of the start, and of the pairs.
        steps: of Adam.
        rate: of learning.
        shuffle: whether each pair gets the outputs of another one: a control.
    """
    options = steps, rate, shuffle
    return _search(case, variable, site, k, seed, *options, _objective)


def multi_task_das(
    case: Case,
    variable: str,
    site: str,
    k: int | None = None,
    seed: int = 0,
    *,
    steps: int = STEPS,
    rate: float = RATE,
) -> Columns:
    """Return the subspace of multi-task DAS; arguments as of `das`."""
    return _search(case, variable, site, k, seed, steps, rate, False, _multi_task)


def _search(
    case: Case,
    variable: str,
    site: str,
    k: int | None,
    seed: int,
    steps: int,
    rate: float,
    shuffle: bool,
    objective: SearchObjective,
) -> Columns:
    width = case.config.d_model
    pairs = draw_interchanges(case, variable, seed=seed)
    pairs = shuffle_outputs(pairs, seed) if shuffle else pairs
    size = min(default_size(pairs), width) if k is None else k
    if not 1 <= size <= width:
        raise InputError(f"k is {k}; give 1 to {width}, the width of the stream")
    rng = np.random.default_rng([*b"das", seed])
    start = {"B": random_subspace(width, size, rng)}
    found = descend(case, site, pairs, objective, start, seed, steps=steps, rate=rate)
    return np.linalg.qr(found["B"])[0]


def _objective(
    values: dict[str, Array], done: Any, site: SearchSite, rows: InterchangeExamples
) -> Float[Array, ""]:
    turn, share = _rows(values["B"])
    return interchange_loss(site, rows, rows.where, rows.labels, turn, share)


def _multi_task(
    values: dict[str, Array], done: Any, site: SearchSite, rows: InterchangeExamples
) -> Float[Array, ""]:
    turn, share = _rows(values["B"])
    kept = interchange_loss(site, rows, rows.same, rows.kept, turn, share)
    return kept + _objective(values, done, site, rows)


def _rows(
    matrix: Float[Array, "d_model k"],
) -> tuple[Float[Array, "d_model d_model"], Float[Array, " d_model"]]:
    """Return orthonormal rows, filled up with zeros, and that all of them count."""
    basis = orthonormal(matrix)
    blank = jnp.zeros((len(basis) - basis.shape[1], len(basis)), basis.dtype)
    return jnp.concatenate([basis.T, blank]), jnp.ones(len(basis), basis.dtype)
