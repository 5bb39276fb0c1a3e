"""Attribution patching with the QK fix of AtP* (Kramár et al. 2024, section 3.1.1).

Where attention is saturated, the gradient in queries and keys is 0, however much it
would change if they did. So for an edge into q or k the head is run with its changed
input, and only what comes after it is linear:

    s(u -> h<q>) = sum_t (head(q patched) - head)_t . dL / d head_t

Edges into v, MLPs and the logits are scored as by EAP. `atp_star.py` has GradDrop, the
other part of AtP*.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.single import head_change, place_indices
from compiler.machine.transformer import Transformer
from zoo.cases.case import Case
from zoo.methods.interpolation import gradients, inputs_at
from zoo.methods.method import method


@method(
    "atp-qk",
    paper="Kramár et al. 2024, sec. 3.1.1",
    equation="EAP; into q and k: (head(patched) - head) . dL/dhead",
    magnitude=True,
)
def atp_qk(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP, with heads run again for edges into their queries and keys."""
    return edge_changes(case, gradients(case, inputs_at(case, 0.0))).mean(axis=0)


def edge_changes(
    case: Case, gradient: Float[Array, "pair reader ctx d_model"]
) -> Float[np.ndarray, "pair reader source"]:
    """Return each pair's estimate for every edge, with the QK fix; 0 for no edge.

    Args:
        case: the model and the pairs.
        gradient: of each pair's loss, in what every reader sees.
    """
    names, batch = case.names, case.batch
    visible = jnp.asarray(names.visible, gradient.dtype)
    difference = batch.donors - batch.writes
    found = np.array(
        jnp.einsum("nspd,nrpd,rs->nrs", difference, gradient, visible, optimize=True)
    )
    into_writes = jnp.einsum("nrpd,rs->nspd", gradient, visible)
    parts = list(names.reader_parts.values())
    for layer in range(names.n_layers):
        entries = [
            (int(r), int(s))
            for r, s in np.argwhere(names.visible)
            if parts[r].layer == layer and parts[r].slot in ("q", "k")
        ]
        index = place_indices(names, entries)
        scores = _changes(case.transformer, batch, into_writes, index, layer)
        readers, sources = np.transpose(entries)
        found[:, readers, sources] = np.asarray(scores).T
    return found


@partial(
    jax.jit,
    static_argnames="layer",
    compiler_options=QUICK_TO_COMPILE,
)
def _changes(
    transformer: Transformer,
    batch: Any,
    into_writes: Float[Array, "pair source ctx d_model"],
    index: Int[Any, "edge 3"],
    layer: int,
) -> Float[Array, "edge pair"]:
    config = transformer.config
    first = config.names.sources_before(layer)

    def one(place: Array) -> Array:
        source, head, slot = place

        def run(ids: Array, writes: Array, donors: Array, gradient: Array) -> Array:
            change = donors[source] - writes[source]
            moved = head_change(transformer, ids, writes, layer, (head, slot), change)
            return (moved * gradient[first + head]).sum()

        pairs = batch.ids, batch.writes, batch.donors, into_writes
        return jax.vmap(run)(*pairs)

    return jax.lax.map(one, jnp.asarray(index))
