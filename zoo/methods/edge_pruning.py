"""Edge pruning (Bhaskar et al. 2024, equations 4 to 6).

    min over masks, max over l1, l2:  divergence + l1 (t - s) + l2 (t - s)^2

where s is the sparsity of the masks, and t the target, which rises over the first half
of the steps. An edge is kept if its own mask and that of the node which writes are.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.cases.case import Case
from zoo.methods import hard_concrete
from zoo.methods.learning import ROWS, keep_losses, learn
from zoo.methods.method import method

STEPS, RATE, SPARSITY = 400, 0.1, 0.95


@method(
    "edge-pruning",
    paper="Bhaskar et al. 2024, eq. 4-6",
    equation="P(edge's mask > 0) P(source's mask > 0), at sparsity 0.95",
    seeded=True,
)
def edge_pruning(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the chance that each edge is kept."""
    shape = case.names.visible.shape
    start = {
        "edges": hard_concrete.start(shape),
        "nodes": hard_concrete.start(shape[1:]),
        "first": jnp.zeros(()),
        "second": jnp.zeros(()),
    }
    found = learn(
        case,
        _objective,
        start,
        seed,
        steps=STEPS,
        rate=RATE,
        ascending=("first", "second"),
    )
    # Sums of logs, so that no two chances are rounded to the same number.
    return np.asarray(_log_chance(found), np.float64)


def _log_chance(values: dict[str, Array]) -> Float[Array, "reader source"]:
    edges, nodes = (
        jax.nn.log_sigmoid(values[part] - hard_concrete.SHIFT)
        for part in ("edges", "nodes")
    )
    return edges + nodes[None]


def _objective(
    values: dict[str, Array], done: Any, machine: Any, rows: Any, key: Any
) -> Float[Array, ""]:
    first, second = jax.random.split(key)
    edges = hard_concrete.sample(values["edges"], first, ROWS)
    nodes = hard_concrete.sample(values["nodes"], second, ROWS)
    loss = keep_losses(machine, rows, edges * nodes[:, None]).mean()
    visible = jnp.asarray(machine.config.names.visible)
    sparsity = 1 - jnp.mean(jnp.exp(_log_chance(values)), where=visible)
    gap = SPARSITY * jnp.minimum(2 * done, 1.0) - sparsity
    return loss + values["first"] * gap + values["second"] * gap**2
