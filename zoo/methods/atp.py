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
from compiler.machine.rerun.rerun import (
    Target,
    edge_targets,
    first_head,
    head_change,
    stack,
    stack_runs,
)
from compiler.machine.transformer import Transformer, precise
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
    slots = [part.slot for part in names.reader_parts.values()]
    edges = [e for e in edge_targets(names) if slots[e[0]] in ("q", "k")]
    readers, sources, *_ = np.transpose(edges)
    scores = _head_changes(case.transformer, batch, into_writes, np.array(edges))
    found[:, readers, sources] = np.asarray(scores).T
    return found


@partial(jax.jit, compiler_options=QUICK_TO_COMPILE)
@precise
def _head_changes(
    transformer: Transformer,
    batch: Any,
    gradient: Float[Array, "pair source ctx d_model"],
    edges: Int[Any, "edge 7"],
) -> Float[Array, "edge pair"]:
    """Return the change of a head's write, times its gradient, for edges into heads."""
    base = stack_runs(transformer, batch.ids, batch.writes)
    differences, gradient = stack(batch.donors) - base.writes, stack(gradient)

    def one(edge: Array) -> Array:
        _, source, layer, *target = edge
        to = Target(*target)
        change = head_change(transformer, base, to, differences[source])
        head = first_head(transformer.config.names, layer) + to.head
        return (change * gradient[head]).sum((0, 1))

    return jax.lax.map(one, jnp.asarray(edges))
