"""A small sparse autoencoder: a dictionary of what a site holds.

    f = act(W_enc (h - b) + b_enc),   h' = f W_dec + b,   rows of W_dec of length 1
    L1    mean |h - h'|^2 + lambda |f|_1, act = relu          (Bricken et al. 2023)
    TopK  mean |h - h'|^2, act keeps the K greatest of relu   (Gao et al. 2024)

Activations are centred, and scaled to a mean length of 1. The parameters of the decoder
are of any length, and are brought to 1 in front of every use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from compiler.errors import InputError
from compiler.machine.jit import QUICK_TO_COMPILE
from zoo.alignment.places import find_place
from zoo.alignment.tokens import TokenIds, read_tokens
from zoo.cases.adam import follow
from zoo.cases.case import Case

STEPS, RATE, ROWS = 2000, 3e-3, 256
PRICE = 0.05
HELD_OUT, NEAR_BEST = 0.1, 0.02
"""Share of the tokens that a choice of K is made on; how much more of the variance may
stay unexplained than with the best K."""

TokenActivations = Float[np.ndarray, "token d_model"]


@dataclass(frozen=True, eq=False)
class SparseAutoencoder:
    """A trained autoencoder; it can be scored as those of SAELens are.

    Attributes:
        W_dec: [feature, d_model] directions of length 1, of features that fire.
        W_enc: [d_model, feature].
        b_enc: [feature].
        middle: [d_model] what is taken off activations before they are encoded.
        length: what activations are divided by.
        top_k: how many features fire at a token; None for any number.
    """

    W_dec: Float[np.ndarray, "feature d_model"]
    W_enc: Float[np.ndarray, "d_model feature"]
    b_enc: Float[np.ndarray, " feature"]
    middle: Float[np.ndarray, " d_model"]
    length: float
    top_k: int | None

    def encode(self, held: TokenActivations) -> Float[np.ndarray, "token feature"]:
        """Return how much each feature fires at each token."""
        scaled = (held - self.middle) / self.length
        fires = np.maximum(scaled @ self.W_enc + self.b_enc, 0.0)
        if self.top_k is None or self.top_k >= fires.shape[1]:
            return fires
        least = np.partition(fires, -self.top_k, axis=1)[:, -self.top_k, None]
        return np.where(fires >= least, fires, 0.0)

    def decode(self, fires: Float[np.ndarray, "token feature"]) -> TokenActivations:
        """Return the activations that features stand for."""
        return fires @ self.W_dec * self.length + self.middle

    def unexplained(self, held: TokenActivations) -> float:
        """Return the share of the variance of activations that is lost."""
        error = np.square(held - self.decode(self.encode(held))).sum()
        return float(error / max(np.square(held - held.mean(axis=0)).sum(), 1e-30))


def find_dictionary(
    case: Case,
    site: str,
    size: int,
    seed: int = 0,
    *,
    top_k: int | None = None,
    price: float = PRICE,
    steps: int = STEPS,
    inputs: TokenIds | None = None,
) -> Float[np.ndarray, "feature d_model"]:
    """Return the decoder of a sparse autoencoder, without features that never fire.

    Args:
        case: the model and its inputs.
        site: whose activations are learned.
        size: how many features there may be.
        seed: of the start, and of the batches.
        top_k: how many features fire at a token; None for the L1 penalty.
        price: lambda of L1.
        steps: of Adam.
        inputs: [input, ctx] token ids to learn from; those of the case if None.

    Raises:
        NameLookupError: the site is unknown.
        InputError: the size or top_k cannot be, or the site holds the same everywhere.
    """
    held = read_tokens(case, find_place(case.config, site), inputs)
    return train_dictionary(held, size, seed, top_k=top_k, price=price, steps=steps)


def train_dictionary(
    held: TokenActivations,
    size: int,
    seed: int = 0,
    *,
    top_k: int | None = None,
    price: float = PRICE,
    steps: int = STEPS,
) -> Float[np.ndarray, "feature d_model"]:
    """Return the dictionary of some vectors; arguments as of `find_dictionary`."""
    options: dict[str, Any] = {"top_k": top_k, "price": price, "steps": steps}
    return train_autoencoder(held, size, seed, **options).W_dec


def train_autoencoder(
    held: TokenActivations,
    size: int,
    seed: int = 0,
    *,
    top_k: int | None = None,
    price: float = PRICE,
    steps: int = STEPS,
) -> SparseAutoencoder:
    """Return a sparse autoencoder of some vectors; arguments as of `find_dictionary`.

    Raises:
        InputError: the size or top_k cannot be, the vectors are all the same, or no
            feature fires in the end.
    """
    if size < 1 or not 1 <= (1 if top_k is None else top_k) <= size:
        raise InputError(
            f"dictionary: size is {size} and top_k {top_k}; give a size of at least 1, "
            "and a top_k of 1 up to the size"
        )
    mean = held.mean(axis=0)
    length = float(np.linalg.norm(held - mean, axis=1).mean())
    if length < 1e-6:
        raise InputError(
            "dictionary: the site holds the same at every token, so there is nothing "
            "to learn. Name another site"
        )
    scaled = ((held - mean) / length).astype(np.float32)
    start, key = _start(size, held.shape[1], seed), jax.random.key(seed)
    found, fires = _train(scaled, start, key, top_k, price, steps)
    values = {k: np.asarray(v, np.float64) for k, v in found.items()}
    alive = np.asarray(fires)
    if not alive.any():
        raise InputError(
            f"dictionary: after {steps} steps no feature fires. Take a lower price "
            f"(it was {price}), or top_k"
        )
    rows = values["decoder"][alive]
    return SparseAutoencoder(
        W_dec=rows / np.linalg.norm(rows, axis=1, keepdims=True),
        W_enc=values["encoder"][:, alive],
        b_enc=values["encoder_bias"][alive],
        middle=mean + length * values["bias"],
        length=length,
        top_k=top_k,
    )


def choose_top_k(
    held: TokenActivations,
    size: int,
    choices: Sequence[int],
    seed: int = 0,
    *,
    steps: int = STEPS,
) -> tuple[int, dict[int, float]]:
    """Return how many features should fire at a token, and what each choice loses.

    No feature is known for this. Of each K an autoencoder is trained on most of the
    vectors, and the share of the variance that it loses is measured on the others. Less
    is always lost with a greater K, or nearly, so the least K is taken that loses at
    most `NEAR_BEST` more than the best one.

    Args:
        held: the vectors.
        size: how many features there may be.
        choices: values of K.
        seed: of the start, and of which vectors are held out.
        steps: of Adam.
    """
    order = np.random.default_rng([*b"top k", seed]).permutation(len(held))
    held_out = max(int(len(held) * HELD_OUT), 1)
    others, seen = held[order[:held_out]], held[order[held_out:]]
    lost = {
        k: train_autoencoder(seen, size, seed, top_k=k, steps=steps).unexplained(others)
        for k in choices
    }
    best = min(lost.values())
    return min(k for k in choices if lost[k] <= best + NEAR_BEST), lost


def _start(size: int, width: int, seed: int) -> dict[str, np.ndarray]:
    """Return the parameters to start from: random directions, tied."""
    rng = np.random.default_rng([*b"sae", seed])
    start = rng.standard_normal((size, width)).astype(np.float32)
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    return {
        "encoder": start.T,
        "encoder_bias": np.zeros(size, np.float32),
        "decoder": start,
        "bias": np.zeros(width, np.float32),
    }


def encode(
    values: Any, held: Float[Array, "token d_model"], top_k: int | None
) -> Float[Array, "token feature"]:
    """Return how much each feature fires."""
    fires = jax.nn.relu(
        (held - values["bias"]) @ values["encoder"] + values["encoder_bias"]
    )
    if top_k is None:
        return fires
    least = jax.lax.top_k(fires, top_k)[0][:, -1:]
    return jnp.where(fires >= least, fires, 0.0)


@partial(
    jax.jit,
    static_argnames=("top_k", "steps"),
    compiler_options=QUICK_TO_COMPILE,
)
def _train(
    held: Float[Any, "token d_model"],
    parameters: Any,
    key: Any,
    top_k: int | None,
    price: Float[Any, ""] | float,
    steps: int,
) -> Any:
    held = jnp.asarray(held)
    parameters = jax.tree.map(jnp.asarray, parameters)

    def loss(values: Any, rows: Array) -> Array:
        fires = encode(values, rows, top_k)
        lengths = jnp.linalg.norm(values["decoder"], axis=1, keepdims=True)
        near = fires @ (values["decoder"] / lengths) + values["bias"]
        error = jnp.square(rows - near).sum(axis=1).mean()
        return error if top_k is not None else error + price * fires.sum(axis=1).mean()

    def gradient(values: Any, own: Any) -> Any:
        rows = jax.random.randint(own, (ROWS,), 0, len(held))
        return jax.grad(loss)(values, held[rows])

    falling = optax.cosine_decay_schedule(RATE, steps)
    found = follow(gradient, parameters, jax.random.split(key, steps), falling)
    return found, (encode(found, held, top_k) > 0).any(axis=0)
