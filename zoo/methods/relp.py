"""Relevance patching: EAP with the coefficients of LRP (Jafari et al. 2025, section 3).

    s(u -> v) = mean_i sum_t (z_u(x') - z_u(x))_t . c_{v,t}

where c is what a backward pass gives in place of the gradient, by one rule a part:

    LayerNorm    centred / std, with std a constant        (LN-rule, Ali et al. 2022)
    activation   act(h) = h r, with r = act(h) / h a constant          (identity rule)
    linear       the gradient                                                (0-rule)
    attention    `relp`: the pattern is a constant            (AH-rule, Ali et al. 2022)
                 `relp-half`: each factor of a product has a half of its gradient

All values are those of the model; only the way back differs. Without biases c conserves
relevance: what the inputs write, times c, is the loss. With the published rule for
attention, edges into queries and keys all get 0; the second gives them a share, for the
products pattern x values and queries x keys (Achtibat et al. 2024, section 3.3).
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.layers import activate, allow, embed, project, rotate
from compiler.machine.stream import Stream
from compiler.machine.transformer import Transformer, precise
from zoo.cases.case import Case
from zoo.cases.losses import Goal, loss_of
from zoo.cases.running import Batch, Machine, attribute
from zoo.methods.method import method

PAPER = "Jafari et al. 2025, sec. 3"


@method(
    "relp",
    paper=PAPER,
    equation="(z' - z) . c: LRP's coefficients, attention constant",
    magnitude=True,
)
def relp(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with relevance in place of gradients; 0 into queries and keys."""
    return _scores(case, halves=False)


@method(
    "relp-half",
    paper=f"{PAPER}; Achtibat et al. 2024",
    equation="the same, with half of the gradient in factors",
    magnitude=True,
)
def relp_half(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return EAP with relevance in place of gradients, shared among factors."""
    return _scores(case, halves=True)


def _scores(case: Case, halves: bool) -> Float[np.ndarray, "reader source"]:
    batch = case.batch
    found = coefficients(case.machine(), batch, halves)
    scores = attribute(batch.donors - batch.writes, found)
    return np.asarray(scores) * case.names.visible


@partial(jax.jit, static_argnames="halves", compiler_options=QUICK_TO_COMPILE)
def coefficients(
    machine: Machine, batch: Batch, halves: bool
) -> Float[Array, "pair reader ctx d_model"]:
    """Return LRP's coefficients of each pair's loss in what every reader sees."""
    transformer = machine.transformer.in_jax()
    config, weights = transformer.config, transformer.weights
    shape = len(config.names.readers), batch.ids.shape[1], config.d_model

    def one(ids: Array, goal: Goal) -> Array:
        def loss(nudge: Array) -> Array:
            logits = logits_by_rules(transformer, ids, nudge, halves)
            whole = Goal(*(part[None] for part in goal))
            return loss_of(machine.readout, machine.loss, logits[None], whole)[0]

        return jax.grad(loss)(jnp.zeros(shape, weights.W_E.dtype))

    return jax.vmap(one)(batch.ids, jax.tree.map(jnp.asarray, Goal(*batch.goal)))


@precise
def logits_by_rules(
    transformer: Transformer,
    ids: Int[Array, " seq"],
    nudge: Float[Array, "reader seq d_model"],
    halves: bool,
) -> Float[Array, "seq d_vocab_out"]:
    """Return the model's logits; a gradient of them goes back by the rules."""
    config, weights = transformer.config, transformer.weights
    empty = jnp.zeros((len(ids), config.d_model), weights.W_E.dtype)
    stream = Stream(config.names, None, empty, nudge)
    stream.write(embed(transformer, ids))
    allowed = allow(config, ids)
    for layer in range(config.n_layers):
        _attend(transformer, layer, stream, allowed, halves)
        seen = stream.read(f"m{layer}")
        seen = _normalise(config, seen, weights.ln2_w[layer], weights.ln2_b[layer])
        hidden = seen @ weights.W_in[layer] + weights.b_in[layer]
        out = _activate(config, hidden) @ weights.W_out[layer]
        stream.write((out + weights.b_out[layer])[None])
    seen = _normalise(config, stream.read("logits"), weights.lnf_w, weights.lnf_b)
    return seen @ weights.W_U + weights.b_U


def _attend(
    transformer: Transformer,
    layer: int,
    stream: Stream,
    allowed: Bool[Array, "seq key"],
    halves: bool,
) -> None:
    config, weights = transformer.config, transformer.weights
    seen = stream.read_heads(layer)
    seen = _normalise(config, seen, weights.ln1_w[layer], weights.ln1_b[layer])
    q, k, v = project(weights, layer, seen)
    if config.positions == "rotary":
        q, k = rotate(q), rotate(k)
    scores = _halve(q @ k.swapaxes(-1, -2)) / config.d_head**0.5
    pattern = jax.nn.softmax(jnp.where(allowed, scores, -jnp.inf), axis=-1)
    mixed = _halve(pattern @ v) if halves else stop_gradient(pattern) @ v
    stream.write(mixed @ weights.W_O[layer])
    stream.shift(weights.b_O[layer])


def _halve(product: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return a product of two factors whose gradient is a half of its own."""
    return product / 2 + stop_gradient(product / 2)


def _activate(config: Config, hidden: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Return h r, where r = act(h) / h is a constant; its limit where h is 0."""
    act = activate(config, hidden)
    limit = 0.0 if config.act == "relu" else 0.5
    ratio = jnp.where(hidden == 0, limit, act / jnp.where(hidden == 0, 1.0, hidden))
    return hidden * stop_gradient(ratio)


def _normalise(
    config: Config,
    seen: Float[Array, "*n d_model"],
    scale: Float[Array, " _"],
    bias: Float[Array, " _"],
) -> Float[Array, "*n d_model"]:
    """Return what is seen after LayerNorm, whose division is by a constant."""
    if config.norm == "none":
        return seen
    centred = seen - seen.mean(-1, keepdims=True)
    rate = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + config.ln_eps)
    return centred * stop_gradient(rate) * scale + bias
