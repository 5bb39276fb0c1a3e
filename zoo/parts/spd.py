"""A small stochastic parameter decomposition of the matrices that read the stream.

Each matrix W gets C rank-one terms u_c v_c. At a token, term c has the importance

    g_c = hard sigmoid of a_c |h u_c| / |u_c| + b_c

with h what the matrix reads, scaled to a mean length of 1. Minimised are the losses of
Bushnaq et al. 2025, with this simpler gate in the place of their small MLPs:

    faithfulness  |W - sum u_c v_c|^2 / |W|^2, mean over matrices
    stochastic    squared error of the logits, in units of their mean square, when each
                  term is multiplied by g + (1 - g) r, with r uniform in [0, 1)
    minimality    mean over tokens and matrices of sum g_c^p

What is left of W at the end is one more term, which is used everywhere.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from compiler.errors import InputError
from compiler.machine.forward import forward_batch
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.machine.transformer import Transformer
from compiler.model import Model
from compiler.parts import matrix_of, matrix_places
from zoo.cases.adam import follow
from zoo.parts.masked import reader_of, run_with
from zoo.parts.score import PartsTask

FIELDS = ("W_Q", "W_K", "W_V", "W_in", "W_U")
STEPS, RATE, ROWS = 2_000, 1e-2, 16
FAITHFUL, MINIMAL, POWER = 100.0, 0.03, 0.9
Terms = dict[str, tuple[np.ndarray, np.ndarray]]


def decompose(
    task: PartsTask,
    terms: int | None = None,
    seed: int = 0,
    *,
    steps: int = STEPS,
    minimal: float = MINIMAL,
) -> tuple[Terms, dict[str, Float[np.ndarray, "_ _"]]]:
    """Return (by matrix the terms (u, v); by matrix their importance on the inputs).

    Args:
        task: the model and its inputs; its parts are not looked at.
        terms: how many terms a matrix has; as many as the stream has dimensions if
            None.
        seed: of the start and of the batches.
        steps: of Adam.
        minimal: weight of the minimality loss.

    Raises:
        InputError: terms or steps is below 1, or the model has norms or gates.
    """
    model, config = task.model, task.model.config
    if (terms is not None and terms < 1) or steps < 1:
        raise InputError(f"terms is {terms} and steps {steps}; give at least 1 of each")
    if config.norm != "none" or config.gated:
        raise InputError(
            f"{task.name} has norms or gates, which this small decomposition does not "
            "run. Give a model that was compiled without them"
        )
    count = terms or config.d_model
    reads, live = _reads(model, task.inputs.ids), task.inputs.live
    target = np.asarray(forward_batch(model.transformer, task.inputs.ids).logits)
    start = _start(model, count, np.random.default_rng([*b"spd", seed]))
    data = np.asarray(task.inputs.ids), live, reads, target
    key = jax.random.key(seed)
    found = _train(model.transformer, start, key, data, np.float32(minimal), steps)
    found = jax.tree.map(lambda a: np.asarray(a, np.float64), found)
    pairs, importance = {}, {}
    for name, (field, index) in matrix_places(config).items():
        if field not in FIELDS:
            continue
        place = index or (0,)
        own = {k: a[place] for k, a in found[field].items()}
        at = reads[field][(slice(None), place[0])]
        gates = np.asarray(_gates(own, at)) * live[..., None]
        pairs[name], importance[name] = _with_rest(
            matrix_of(model, name), own["u"].T, own["v"], gates.max(axis=1).T
        )
    return pairs, importance


def _with_rest(
    matrix: np.ndarray, u: np.ndarray, v: np.ndarray, importance: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the terms with the singular components of what they leave of a matrix."""
    left, sizes, right = np.linalg.svd(matrix - u.T @ v, full_matrices=False)
    rest = np.ones((len(sizes), importance.shape[1]))
    terms = np.concatenate([u, (left * sizes).T]), np.concatenate([v, right])
    return terms, np.clip(np.concatenate([importance, rest]), 0.0, 1.0)


def _reads(model: Model, ids: Any) -> dict[str, Float[np.ndarray, ...]]:
    """Return by field what its matrices read, [input, layer, ctx, d_model].

    It is scaled to a mean length of 1.
    """
    writes = np.asarray(forward_batch(model.transformer, ids).writes)
    names, layers = model.config.names, range(model.config.n_layers)

    def stream(last: int) -> np.ndarray:
        held = writes[:, :last].sum(axis=1)
        return held / max(float(np.linalg.norm(held, axis=-1).mean()), 1e-12)

    heads = np.stack([stream(names.sources_before(n)) for n in layers], axis=1)
    mlps = np.stack([stream(names.sources_before(n, True)) for n in layers], axis=1)
    end = stream(writes.shape[1])[:, None]
    return {**dict.fromkeys(("W_Q", "W_K", "W_V"), heads), "W_in": mlps, "W_U": end}


def _matrices(weights: Any) -> dict[str, Any]:
    """Return the matrices by field, each with a layer axis."""
    found = {field: getattr(weights, field) for field in FIELDS}
    return {**found, "W_U": found["W_U"][None]}


def _start(model: Model, count: int, rng: np.random.Generator) -> dict[str, Any]:
    found = {}
    for field, array in _matrices(model.weights).items():
        *index, rows, _ = array.shape
        u = rng.standard_normal((*index, rows, count)) / np.sqrt(rows)
        v = np.swapaxes(u, -1, -2) @ array * rows / count
        found[field] = {
            "u": u.astype(np.float32),
            "v": v.astype(np.float32),
            "a": np.ones((*index, count), np.float32),
            "b": np.full((*index, count), 0.5, np.float32),
        }
    return found


def _gates(values: dict[str, Any], reads: Any) -> Float[Array, "*n seq term"]:
    """Return the importance of each term at each token.

    Args:
        values: of the terms, with the same leading axes as `reads`, or none.
        reads: [.., seq, d_model].
    """
    lengths = jnp.linalg.norm(values["u"], axis=-2, keepdims=True)
    inner = jnp.abs(reads @ (values["u"] / jnp.maximum(lengths, 1e-6)))
    raw = values["a"][..., None, :] * inner + values["b"][..., None, :]
    leak = 0.01 * (raw - jax.lax.stop_gradient(raw))
    return jnp.clip(raw, 0.0, 1.0) + leak


@partial(jax.jit, static_argnames=("steps",), compiler_options=QUICK_TO_COMPILE)
def _train(
    transformer: Transformer, start: Any, key: Any, data: Any, minimal: Any, steps: int
) -> Any:
    ids, live, reads, target = jax.tree.map(jnp.asarray, data)
    original = {f: jnp.asarray(a) for f, a in _matrices(transformer.weights).items()}
    seen = live[..., None]
    counts = live.sum(axis=1).astype(target.dtype)  # tokens of each input
    scale = jnp.square(jnp.where(seen, target, 0.0)).sum() / counts.sum() + 1e-9

    def one(values: Any, tokens: Array, own: Any, key: Array) -> Any:
        """Return the logits of one input, and by field the importance."""
        gates, masks = {}, {}
        for field, at in own.items():
            heads = values[field]["u"].ndim == 4
            gates[field] = _gates(values[field], at[:, None] if heads else at)
            key, draw = jax.random.split(key)
            free = jax.random.uniform(draw, gates[field].shape, at.dtype)
            masks[field] = gates[field] + (1 - gates[field]) * free
        return run_with(transformer, tokens, reader_of(values, masks)), gates

    def loss(values: Any, rows: Array, key: Array) -> Array:
        own = {f: at[rows] for f, at in reads.items()}
        keys = jax.random.split(key, len(rows))
        logits, gates = jax.vmap(one, (None, 0, 0, 0))(values, ids[rows], own, keys)
        off = jnp.where(seen[rows], logits - target[rows], 0.0)
        stochastic = jnp.square(off).sum() / (counts[rows].sum() * scale)
        faithful = jnp.stack([_unfaithful(original[f], values[f]) for f in FIELDS])
        sparse = [_price(g, live[rows]) for g in gates.values()]
        return (
            FAITHFUL * faithful.mean()
            + jnp.minimum(stochastic, 10.0)
            + minimal * jnp.stack(sparse).mean()
        )

    def gradient(values: Any, own: Any) -> Any:
        draw, masks = jax.random.split(own)
        rows = jax.random.randint(draw, (ROWS,), 0, len(ids))
        return jax.grad(loss)(values, rows, masks)

    falling = optax.cosine_decay_schedule(RATE, steps)
    parameters = jax.tree.map(jnp.asarray, start)
    return follow(gradient, parameters, jax.random.split(key, steps), falling)


def _unfaithful(matrix: Array, values: dict[str, Any]) -> Float[Array, ""]:
    off = jnp.square(matrix - values["u"] @ values["v"]).sum(axis=(-1, -2))
    whole = jnp.square(matrix).sum(axis=(-1, -2))
    return (off / (whole + 1e-6)).mean()


def _price(gates: Array, live: Array) -> Float[Array, ""]:
    """Return the mean over tokens and matrices of the sum of g^p."""
    shown = live.reshape(len(live), *(1,) * (gates.ndim - 3), live.shape[1])
    sums = jnp.power(jnp.maximum(gates, 0.0) + 1e-4, POWER).sum(axis=-1)
    count = live.sum().astype(sums.dtype) * (sums.size / live.size)
    return jnp.where(shown, sums, 0.0).sum() / count
