"""A transformer as one value: its configuration and its arrays, a pytree.

The configuration is static and the arrays are the leaves, so that a transformer goes
through `jax.jit`, `jax.vmap` and `jax.grad` like an array does, and functions of it are
compiled once for each configuration. The arrays may be NumPy's or JAX's.

Functions that compute with a transformer are decorated with `precise`. That is the one
place where arrays become JAX's, and where the precision of matrix products is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import jax
import jax.numpy as jnp

from compiler.machine.config import Config
from compiler.machine.weights import Weights

P = ParamSpec("P")
T = TypeVar("T")


# Not flax.struct: importing flax takes 0.8 s longer than importing jax, on every run.
@partial(
    jax.tree_util.register_dataclass, data_fields=["weights"], meta_fields=["config"]
)
@dataclass(frozen=True, eq=False)
class Transformer:
    """A transformer, a pytree whose leaves are its arrays.

    Attributes:
        config: the shape and the options; hashable, and static under jax.
        weights: the arrays, a `Weights`. Under a transformation of jax anything may
            stand in their place that has the same structure, gradients for example.
    """

    config: Config
    weights: Any

    def with_arrays(self, **arrays: Any) -> Transformer:
        """Return the transformer with some fields of its weights replaced."""
        return Transformer(self.config, self.weights._replace(**arrays))

    def cast(self, as_array: Callable[[Any], Any]) -> Transformer:
        """Return the transformer with a function applied to each of its arrays."""
        return Transformer(self.config, Weights(*map(as_array, self.weights)))

    def in_jax(self) -> Transformer:
        """Return the transformer with arrays of JAX; they keep their dtype."""
        return self.cast(jnp.asarray)


def precise(
    function: Callable[Concatenate[Transformer, P], T],
) -> Callable[Concatenate[Transformer, P], T]:
    """Return the function, computing with arrays of JAX and in full precision.

    Compiled models are exact in float32, not in the ten bits of mantissa that
    accelerators multiply with by default. On a CPU the precision changes nothing.

    Args:
        function: its first argument is a transformer.
    """

    @wraps(function)
    def run(transformer: Transformer, *args: P.args, **kwargs: P.kwargs) -> T:
        with jax.default_matmul_precision("highest"):
            return function(transformer.in_jax(), *args, **kwargs)

    return run
