"""HISP: the gradient of a mask on nodes (Michel et al. 2019, equation 2).

    s(u) = mean_i |dL(x_i) / dm_u|, divided by the L2 norm over the nodes of its layer

where m_u goes from what u writes to its donor. Embeddings are a layer of their own.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from zoo.cases.case import Case
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.methods.interpolation import gradients
from zoo.methods.method import method


@method(
    "hisp",
    paper="Michel et al. 2019, eq. 2",
    equation="mean |dL/dm_u|, normalised in a layer",
    level="node",
)
def hisp(case: Case, seed: int) -> Scores:
    """Return the mean size of the gradient in each node's mask."""
    names, batch = case.names, case.batch
    gradient = gradients(case, np.zeros(len(names.sources), np.float32))
    difference = batch.donors - batch.writes
    visible = jnp.asarray(names.visible, gradient.dtype)
    by_pair = jnp.einsum("nspd,nrpd,rs->ns", difference, gradient, visible)
    size = np.abs(np.asarray(by_pair)).mean(axis=0)
    layers = np.array(
        [-1 if p.layer is None else p.layer for p in names.source_parts.values()]
    )
    for layer in np.unique(layers):
        norm = np.linalg.norm(size[layers == layer])
        size[layers == layer] /= norm or 1.0
    return Scores(Level(names, "node"), size, source="hisp")
