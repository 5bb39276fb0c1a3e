"""How far the stream may move in front of the last MLP before an output can change.

Most perturbations that an audit tries change no output, and for most of these that can
be proven without running the last MLP, which is half of the work. Let l_c be the logit
of class c, and * the class that wins. When the stream in front of the MLP moves by d,

    l_c - l_*  moves by at most  |J_c - J_*| |d| + g/2 q_c |d|^2

where J are the gradients of the logits at the unpatched run, g is the largest second
derivative of GELU, 2 / sqrt(2 pi), and q_c the largest eigenvalue of

    sum over hidden units j of  |out_jc - out_j*| in_j in_j^T

with in_j the unit's input weights and out_j what it adds to the logits (Taylor's
theorem along the segment from 0 to d). So each position has a radius within which no
other class can win. The MLP is run only for positions outside their radius (`winners`).

This holds for the exact GELU, without a gate and a norm, and for outputs that are
classes. ReLU has no second derivative, and a numerical output changes with every
movement.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from compiler.machine.config import Config
from compiler.machine.layers import activate
from compiler.machine.rerun.packed import times
from compiler.machine.rerun.rerun import BaseRuns, last_logits
from compiler.machine.transformer import Transformer, precise
from compiler.machine.weights import Weights

CURVATURE = 2 / sqrt(2 * pi)
"""The largest absolute value of GELU's second derivative, the one at 0."""
SLACK = 1e-3
"""Of the largest logit and 1: by what a winner has to win, far above any rounding."""
MANY = 32
"""Classes, above which `curvatures` bounds pairs of them by their sum."""
PIECE = 128
"""Positions at a time for which the last MLP is run."""


def has_radii(config: Config) -> bool:
    """Return whether the bound holds for a transformer."""
    return config.act == "gelu" and config.norm == "none" and not config.gated


def curvatures(weights: Weights) -> Float[np.ndarray, "class class"]:
    """Return q_c of the module's bound for every winner, [c, winner].

    With more classes than MANY the sum of the two classes' own eigenvalues stands for
    that of each pair; it is no smaller, and there are fewer of them.
    """
    W_in, W_out, W_U = (
        np.asarray(array, np.float64)
        for array in (weights.W_in[-1], weights.W_out[-1], weights.W_U)
    )
    out = (W_out @ W_U).T  # [class, hidden]

    def largest(
        sizes: Float[np.ndarray, "class hidden"],
    ) -> Float[np.ndarray, " class"]:
        forms = np.einsum("dj,cj,ej->cde", W_in, sizes, W_in, optimize=True)
        return np.linalg.eigvalsh(forms)[:, -1]

    if len(out) > MANY:
        own = largest(np.abs(out))
        return own[:, None] + own[None]
    return np.stack([largest(np.abs(out - winner)) for winner in out], axis=1)


@precise
def radii(
    transformer: Transformer,
    base: BaseRuns,
    logits: Float[Array, "class place row"],
    curvature: Float[Any, "class class"],
) -> Float[Array, "path place row"]:
    """Return the radius of every position, by what moves.

    The rows are MLP_AND_RESIDUAL, MLP_ONLY and RESIDUAL_ONLY, see `rerun.py`.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        logits: theirs.
        curvature: `curvatures` of the weights.
    """
    config, weights = transformer.config, transformer.weights
    winner = logits.argmax(0)
    ahead = logits.max(0) - logits - SLACK * (1.0 + jnp.abs(logits).max(0))
    W_in, b_in = weights.W_in[-1], weights.b_in[-1]
    hidden = times(W_in, base.stream[-2]) + b_in[:, None, None]
    slopes = jax.grad(lambda hidden: activate(config, hidden).sum())(hidden)
    out = (weights.W_out[-1] @ weights.W_U).T  # [class, hidden]

    def gradient(own: Float[Array, " hidden"]) -> Float[Array, "d_model place row"]:
        return times(W_in.T, slopes * own[:, None, None])

    seen = jax.lax.map(gradient, out)
    seen = seen - jnp.take_along_axis(seen, winner[None, None], axis=0)
    passed = weights.W_U.T[..., None, None] - weights.W_U[:, winner]
    bend = jnp.asarray(curvature, seen.dtype)[:, winner] * (CURVATURE / 2)
    found = jnp.stack(
        [
            _reach(seen + passed, bend, ahead),
            _reach(seen, bend, ahead),
            _reach(passed, jnp.zeros_like(bend), ahead),
        ]
    )
    others = jnp.arange(len(logits))[:, None, None] != winner
    return jnp.where(others, found, jnp.inf).min(1)


def _reach(
    gradient: Float[Array, "class d_model place row"],
    bend: Float[Array, "class place row"],
    ahead: Float[Array, "class place row"],
) -> Float[Array, "class place row"]:
    """Return the largest r with |gradient| r + bend r^2 <= ahead, 0 for none.

    Written so that it is exact where bend is 0.
    """
    slope = jnp.sqrt((gradient**2).sum(1))
    ahead = jnp.maximum(ahead, 0.0)
    root = jnp.sqrt(slope**2 + 4.0 * bend * ahead)
    return 2.0 * ahead / jnp.maximum(slope + root, 1e-30)


def _largest(logits: Float[Array, "class n"]) -> Int[Array, " n"]:
    return logits.argmax(0)


def winners(
    transformer: Transformer,
    base: BaseRuns,
    arrived: Float[Array, "d_model place row"],
    path: Any,
    winner: Int[Array, "place row"],
    radius: Float[Array, "path place row"],
    asked: Bool[Array, "place row"],
    decide: Callable[[Any], Any] = _largest,
) -> Int[Array, "place row"]:
    """Return which class wins after a perturbation in front of the last MLP.

    Args:
        transformer: its shape and its arrays.
        base: unpatched runs.
        arrived: by how much the stream moves in front of the last MLP, as
            `rerun.propagate` returns it.
        path: what of the stream moves, as `rerun.propagate` returns it.
        winner: of the unpatched runs.
        radius: of `radii`.
        asked: the positions for which it is wanted; `winner` is returned elsewhere.
        decide: says which class wins, given logits with the classes first; it gives
            the same for all logits whose largest leads by SLACK.
    """
    config = transformer.config
    flat = config.d_model, -1
    front, arrived = base.stream[-2].reshape(flat), arrived.reshape(flat)
    near = (arrived**2).sum(0) < radius[path].reshape(-1) ** 2
    unsure = asked.reshape(-1) & ~near  # NaN is near nothing
    padded = -(-unsure.size // PIECE) * PIECE
    (places,) = jnp.nonzero(unsure, size=padded, fill_value=unsure.size)

    def run(piece: Array, known: Array) -> Array:
        some = jax.lax.dynamic_slice_in_dim(places, piece * PIECE, PIECE)
        stood, moves = (
            array.at[:, some].get(mode="clip")[..., None] for array in (front, arrived)
        )
        found = decide(last_logits(transformer, stood, moves, path)[..., 0])
        return known.at[some].set(found.astype(known.dtype), mode="drop")

    pieces = -(-unsure.sum() // PIECE)
    known = jax.lax.fori_loop(0, pieces, run, winner.reshape(-1))
    return known.reshape(winner.shape)
