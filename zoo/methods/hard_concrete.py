"""Masks that are nearly 0 or 1 and have gradients (Louizos et al. 2018, section 2.2).

s = sigmoid((log u - log(1 - u) + a) / b),   m = clip(s (z - g) + g, 0, 1)
"""

from __future__ import annotations

from math import log
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

BETA, LOW, HIGH = 2 / 3, -0.1, 1.1
SHIFT = BETA * log(-LOW / HIGH)
START = 0.9


def start(shape: tuple[int, ...]) -> Float[Array, ...]:
    """Return logits with which masks are above 0 with the probability START."""
    return jnp.full(shape, log(START / (1 - START)) + SHIFT, jnp.float32)


def sample(logits: Float[Array, ...], key: Any, count: int) -> Float[Array, "n ..."]:
    """Return masks drawn for each of `count` examples."""
    u = jax.random.uniform(key, (count, *logits.shape), logits.dtype, 1e-6, 1 - 1e-6)
    s = jax.nn.sigmoid((jnp.log(u) - jnp.log1p(-u) + logits) / BETA)
    return jnp.clip(s * (HIGH - LOW) + LOW, 0.0, 1.0)


def chance(logits: Float[Array, ...]) -> Float[Array, ...]:
    """Return the probability that a mask is above 0."""
    return jax.nn.sigmoid(logits - SHIFT)
