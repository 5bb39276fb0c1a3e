"""Subnetwork probing, of nodes and of edges (Cao et al. 2021, equation 3).

    minimise  divergence(kept by m) + lambda mean P(m > 0),   m hard concrete

The score is the mask's logit.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from zoo.cases.case import Case
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.methods import hard_concrete
from zoo.methods.learning import ROWS, keep_losses, learn
from zoo.methods.method import method

STEPS, RATE, WEIGHT = 400, 0.1, 1.0
EQUATION = "logit a of a hard-concrete mask, KL + mean P(m > 0)"


@method(
    "node-sp", paper="Cao et al. 2021", equation=EQUATION, level="node", seeded=True
)
def node_sp(case: Case, seed: int) -> Scores:
    """Return the logits of a mask on nodes."""
    shape = (len(case.names.sources),)
    found = _learned(case, shape, seed)
    return Scores(Level(case.names, "node"), found, source="node-sp")


@method("edge-sp", paper="Cao et al. 2021", equation=EQUATION, seeded=True)
def edge_sp(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the logits of a mask on edges."""
    return _learned(case, case.names.visible.shape, seed)


def _learned(case: Case, shape: tuple[int, ...], seed: int) -> np.ndarray:
    start = {"logits": hard_concrete.start(shape)}
    found = learn(case, _objective, start, seed, steps=STEPS, rate=RATE)
    return np.asarray(found["logits"], np.float64)


def _objective(
    values: dict[str, Array], done: Any, machine: Any, rows: Any, key: Any
) -> Float[Array, ""]:
    logits = values["logits"]
    keep = hard_concrete.sample(logits, key, ROWS)
    visible = jnp.asarray(machine.config.names.visible)
    if logits.ndim == 1:  # a node's mask is that of all of its edges
        keep = jnp.broadcast_to(keep[:, None, :], (ROWS, *visible.shape))
    loss = keep_losses(machine, rows, keep).mean()
    return loss + WEIGHT * jnp.mean(
        hard_concrete.chance(logits), where=None if logits.ndim == 1 else visible
    )
