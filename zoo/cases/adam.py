"""Adam in one scan inside compiled code, for everything that methods learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import optax


def follow(
    gradient: Callable[[Any, Any], Any], start: Any, each: Any, rate: Any
) -> Any:
    """Return the parameters after steps of Adam (Kingma and Ba 2015), not compiled.

    Args:
        gradient: of (parameters, what is this step's own): a pytree like these.
        start: the parameters, a pytree of arrays.
        each: a pytree whose first axis has a row for every step.
        rate: the learning rate: a number, or a schedule of optax.
    """
    adam = optax.adam(rate)

    def step(carry: Any, own: Any) -> tuple[Any, None]:
        values, state = carry
        down = gradient(values, own)
        # optax raises a float to its own integer count.
        with jax.numpy_dtype_promotion("standard"):
            updates, state = adam.update(down, state)
        return (optax.apply_updates(values, updates), state), None

    return jax.lax.scan(step, (start, adam.init(start)), each)[0][0]
