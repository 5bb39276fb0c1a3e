"""Activation patching of nodes, in both directions (Heimersheim and Nanda 2024).

    noising     L(clean run, u from x') - L(clean run)
    denoising   L(corrupt run) - L(corrupt run, u from x)

Noising finds what is necessary, denoising what is sufficient.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from zoo.cases.case import Case
from zoo.cases.levels import Level
from zoo.cases.running import losses_under_nodes
from zoo.cases.scores import Scores
from zoo.methods.method import method

PAPER = "Vig et al. 2020; Heimersheim and Nanda 2024"


@method("nap-noising", paper=PAPER, equation="L(u from x') - L(x)", level="node")
def noising(case: Case, seed: int) -> Scores:
    """Return how much worse the clean run gets when a node is patched."""
    masks = np.eye(len(case.names.sources), dtype=np.float32)
    found = losses_under_nodes(case.machine(), case.batch, masks)
    change = np.asarray(found) - case.losses()
    return Scores(Level(case.names, "node"), change.mean(axis=1), source="noising")


@method("nap-denoising", paper=PAPER, equation="L(x') - L(x', u from x)", level="node")
def denoising(case: Case, seed: int) -> Scores:
    """Return how much better the corrupt run gets when a node is restored.

    The corrupt run is the clean one with both embeddings patched, so that it stands
    for any ablation, and for runs with shifted positions.
    """
    batch, count = case.batch, len(case.names.sources)
    donors = jnp.concatenate([batch.donors[:, :2], batch.writes[:, 2:]], axis=1)
    masks = np.eye(count + 1, count, dtype=np.float32)
    masks[:, :2] = 1.0
    masks[[0, 1], [0, 1]] = 0.0  # an embedding is restored by leaving it alone
    mixed = batch._replace(donors=donors)
    found = losses_under_nodes(case.machine(), mixed, masks)
    *restored, corrupt = np.asarray(found).mean(axis=1)
    level = Level(case.names, "node")
    return Scores(level, corrupt - np.array(restored), source="denoising")
