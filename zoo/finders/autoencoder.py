"""A small sparse autoencoder: a dictionary of what a site holds.

    f = act(W_enc (h - b) + b_enc),   h' = f W_dec + b,   rows of W_dec of length 1
    L1    mean |h - h'|^2 + lambda |f|_1, act = relu          (Bricken et al. 2023)
    TopK  mean |h - h'|^2, act keeps the K greatest of relu   (Gao et al. 2024)

Activations are centred, and scaled to a mean length of 1. The parameters of the decoder
are of any length, and are brought to 1 in front of every use.
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
from compiler.machine.jit import QUICK_TO_COMPILE
from zoo.alignment.places import find_place
from zoo.alignment.tokens import TokenIds, read_tokens
from zoo.cases.adam import follow
from zoo.cases.case import Case

STEPS, RATE, ROWS = 2000, 3e-3, 256
PRICE = 0.05
TokenActivations = Float[np.ndarray, "token d_model"]


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
    if size < 1 or not 1 <= (1 if top_k is None else top_k) <= size:
        raise InputError(
            f"dictionary: size is {size} and top_k {top_k}; give a size of at least 1, "
            "and a top_k of 1 up to the size"
        )
    middle = held - held.mean(axis=0)
    length = np.linalg.norm(middle, axis=1).mean()
    if length < 1e-6:
        raise InputError(
            "dictionary: the site holds the same at every token, so there is nothing "
            "to learn. Name another site"
        )
    rng = np.random.default_rng([*b"sae", seed])
    start = rng.standard_normal((size, held.shape[1])).astype(np.float32)
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    parameters = {
        "encoder": start.T,
        "encoder_bias": np.zeros(size, np.float32),
        "decoder": start,
        "bias": np.zeros(held.shape[1], np.float32),
    }
    scaled = (middle / length).astype(np.float32)
    found, fires = _train(scaled, parameters, jax.random.key(seed), top_k, price, steps)
    rows = np.asarray(found["decoder"], np.float64)[np.asarray(fires)]
    if not len(rows):
        raise InputError(
            f"dictionary: after {steps} steps no feature fires. Take a lower price "
            f"(it was {price}), or top_k"
        )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


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
