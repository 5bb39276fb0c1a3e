"""Attribution by gradients and by changed inputs, through the token embeddings.

f_o is the lead of the model's answer at output position o: its logit less the greatest
other one; of a numerical output the number itself. e_p is the token embedding at
position p, and b is the mean of all token embeddings, which stands for no token.

    gradient-x-input       <df_o/de_p, e_p - b>
    integrated-gradients   <mean over k of df_o/de_p at b + (k/m)(e - b), e_p - b>
                           (Sundararajan et al. 2017; midpoints, m = 16)
    occlusion              f_o(e) - f_o(e with e_p = b)      (Zeiler and Fergus 2014)
    leave-one-out          f_o(x) - f_o(x with PAD at p), to which nothing attends
    shapley-sampling       mean over orders of the change of f_o when e_p takes the
                           place of b (Castro et al. 2009; 16 orders)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from compiler.machine.forward import forward
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.patch import Patch
from zoo.attribution.task import AttributionTask
from zoo.causal.outputs import leads

STEPS, ORDERS = 16, 16

ScoresByOutput = Float[np.ndarray, "input ctx ctx"]
_jit = partial(jax.jit, static_argnames=("classes",), compiler_options=QUICK_TO_COMPILE)


def gradient_x_input(task: AttributionTask, seed: int = 0) -> ScoresByOutput:
    """Return gradient x input."""
    return _along(task, (1.0,))


def integrated_gradients(task: AttributionTask, seed: int = 0) -> ScoresByOutput:
    """Return integrated gradients from the mean embedding."""
    return _along(task, tuple((k + 0.5) / STEPS for k in range(STEPS)))


def occlusion(task: AttributionTask, seed: int = 0) -> ScoresByOutput:
    """Return the change when a token's embedding becomes the mean embedding."""
    ctx = task.ids.shape[1]
    present = 1.0 - np.eye(ctx, dtype=np.float32)
    clean = _leads_at(task, np.ones((1, ctx), np.float32))
    changed = _leads_at(task, present)  # [input, position, output]
    return np.swapaxes(clean - changed, 1, 2)


def leave_one_out(task: AttributionTask, seed: int = 0) -> ScoresByOutput:
    """Return the change when a token becomes PAD, which nothing attends to."""
    places = np.arange(task.ids.shape[1])
    pad = task.model.config.pad_id
    assert pad is not None
    changed = np.stack(
        [np.where((places == p) & task.live, pad, task.ids) for p in places], axis=1
    )
    classes = task.model.readout.kind == "classes"
    run = jax.vmap(
        jax.vmap(partial(_lead, classes=classes), (None, 0, None)), (None, 0, 0)
    )
    run = jax.jit(run, compiler_options=QUICK_TO_COMPILE)
    ids = np.concatenate([task.ids[:, None], changed], axis=1)
    found = np.asarray(run(task.transformer.in_jax(), ids, task.answers))
    return np.swapaxes(found[:, :1] - found[:, 1:], 1, 2)


def shapley_sampling(task: AttributionTask, seed: int = 0) -> ScoresByOutput:
    """Return Shapley values, estimated from random orders of the positions."""
    ctx = task.ids.shape[1]
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(ctx) for _ in range(ORDERS)])
    ranks = orders.argsort(axis=1)  # [order, position]
    # present[order, step]: the positions that come before that step in the order
    present = ranks[:, None, :] < np.arange(ctx + 1)[None, :, None]
    flat = present.reshape(-1, ctx).astype(np.float32)
    found = _leads_at(task, flat).reshape(len(task), ORDERS, ctx + 1, ctx)
    gains = np.diff(found, axis=2)  # [input, order, step, output]
    by_position = np.take_along_axis(gains, ranks[None, :, :, None], axis=2)
    return np.swapaxes(by_position.mean(axis=1), 1, 2)


def _along(task: AttributionTask, shares: tuple[float, ...]) -> ScoresByOutput:
    """Return <mean gradient at some shares of the way from b to e, e - b>."""
    classes = task.model.readout.kind == "classes"
    transformer = task.transformer.in_jax()
    found: Any = 0.0
    for share in shares:
        found = found + np.asarray(
            _products(
                transformer, task.ids, task.answers, np.float32(share), classes=classes
            )
        )
    return found / len(shares)


@_jit
def _products(
    transformer: Any,
    ids: Int[Any, "input ctx"],
    answers: Int[Any, "input ctx"],
    share: Any,
    classes: bool,
) -> Float[Array, "input ctx ctx"]:
    def one(ids: Array, answers: Array) -> Array:
        full, mean = _embeddings(transformer, ids)

        def f(e: Array) -> Array:
            return _lead_of(transformer, ids, answers, e, classes)

        gradient = jax.jacrev(f)(mean + share * (full - mean))  # [output, position, d]
        return (gradient * (full - mean)).sum(axis=-1)

    return jax.vmap(one)(ids, answers)


def _leads_at(
    task: AttributionTask, present: Float[np.ndarray, "set ctx"]
) -> Float[np.ndarray, "input set ctx"]:
    """Return f of each input, with only some token embeddings in place."""
    classes = task.model.readout.kind == "classes"
    transformer = task.transformer.in_jax()
    return np.asarray(
        _leads_of_sets(transformer, task.ids, task.answers, present, classes=classes)
    )


@_jit
def _leads_of_sets(
    transformer: Any,
    ids: Int[Any, "input ctx"],
    answers: Int[Any, "input ctx"],
    present: Float[Any, "set ctx"],
    classes: bool,
) -> Float[Array, "input set ctx"]:
    def one(row: tuple[Array, Array]) -> Array:
        ids, answers = row
        full, mean = _embeddings(transformer, ids)

        def at(kept: Array) -> Array:
            e = jnp.where(kept[:, None] > 0, full, mean)
            return _lead_of(transformer, ids, answers, e, classes)

        return jax.vmap(at)(jnp.asarray(present))

    return jax.lax.map(one, (ids, answers))


def _embeddings(
    transformer: Any, ids: Int[Array, " ctx"]
) -> tuple[Float[Array, "ctx d_model"], Float[Array, "ctx d_model"]]:
    """Return the token embeddings of an input, and b at tokens; BOS and PAD stay."""
    config, table = transformer.config, jnp.asarray(transformer.weights.W_E)
    own = jnp.arange(config.d_vocab)
    words = (own != config.bos_id) & (own != config.pad_id)
    share = words.astype(table.dtype) / words.sum().astype(table.dtype)
    full = table[ids]
    return full, jnp.where(words[ids][:, None], share @ table, full)


def _lead_of(
    transformer: Any,
    ids: Int[Array, " ctx"],
    answers: Int[Array, " ctx"],
    embeddings: Float[Array, "ctx d_model"],
    classes: bool,
) -> Float[Array, " ctx"]:
    """Return f at every output position, with these token embeddings."""
    count = len(transformer.config.names.sources)
    mask = jnp.zeros(count, embeddings.dtype).at[0].set(1.0)
    donor = jnp.zeros((count, *embeddings.shape), embeddings.dtype)
    patch = Patch.nodes(mask, donor.at[0].set(embeddings))
    logits = forward(transformer, ids, patch).logits
    return leads(logits, answers) if classes else logits[:, 0]


def _lead(
    transformer: Any,
    ids: Int[Array, " ctx"],
    answers: Int[Array, " ctx"],
    classes: bool,
) -> Float[Array, " ctx"]:
    logits = forward(transformer, ids).logits
    return leads(logits, answers) if classes else logits[:, 0]


GRADIENTS: dict[str, Callable[..., ScoresByOutput]] = {
    "gradient-x-input": gradient_x_input,
    "integrated-gradients": integrated_gradients,
    "occlusion": occlusion,
    "leave-one-out": leave_one_out,
    "shapley-sampling": shapley_sampling,
}
"""Name -> method."""
