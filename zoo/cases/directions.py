"""Denoising: clean writes are put into the run whose embeddings are ablated.

The batch of a case has ablated writes as donors, for noising. Denoising the same pairs
can be run in two ways. `swap` makes the ablated run the base, for what starts from
writes (single edges, gradients). `restore` starts from the clean tokens, for what takes
a mask: there the embeddings are patched, except the edges that the mask restores, and
other sources have their clean writes as donors.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from compiler.machine.transformer import Transformer
from zoo.cases.ablation import EMBEDDINGS, run_from_embeddings
from zoo.cases.running import Batch


def swap(transformer: Transformer, batch: Batch) -> Batch:
    """Return the batch whose base runs have ablated embeddings, and clean donors."""
    ablated = batch.donors[:, :EMBEDDINGS]
    writes = run_from_embeddings(transformer, batch.ids, ablated)
    return batch._replace(writes=writes, donors=batch.writes)


def restore(
    batch: Batch,
    mask: Float[np.ndarray, "*n source"],
    visible: Bool[np.ndarray, "*m source"],
) -> tuple[Batch, Float[np.ndarray, "*n source"]]:
    """Return the batch and the mask whose runs restore what a mask selects.

    Args:
        batch: the one for noising.
        mask: 1 where an edge, or a node, is restored to its clean write.
        visible: where there is an edge, or a node.
    """
    ablated, clean = batch.donors[:, :EMBEDDINGS], batch.writes[:, EMBEDDINGS:]
    turned = mask.copy()
    turned[..., :EMBEDDINGS] = visible[..., :EMBEDDINGS] - mask[..., :EMBEDDINGS]
    return batch._replace(donors=jnp.concatenate([ablated, clean], axis=1)), turned
