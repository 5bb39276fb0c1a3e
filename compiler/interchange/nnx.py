"""A transformer as a module of flax: the same parameters, the same logits.

Each array of `Weights` is an `nnx.Param` under its own name, so that flax's optimizers,
filters and checkpoints find it. What the module computes is `forward`.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from compiler.machine.config import Config
from compiler.machine.forward import logits_batch
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, expand, reduced


class NnxTransformer(nnx.Module):
    """A transformer whose arrays are parameters of flax.

    An array that the configuration leaves without entries (those of a norm that is not
    there) is no parameter, and neither is one that follows from others: keys and values
    that query heads share are one parameter, and stay equal in training.

    Args:
        transformer: its shape and its arrays, which are copied.
    """

    config: Config

    def __init__(self, transformer: Transformer) -> None:
        self.config = transformer.config
        parameters = reduced(transformer.weights, transformer.config)
        for name, array in parameters._asdict().items():
            if array.size:
                setattr(self, name, nnx.Param(jnp.array(array)))

    @property
    def transformer(self) -> Transformer:
        """The configuration and the parameters as they are now, one pytree."""
        shapes = self.config.stored_shapes
        embedding: nnx.Param = vars(self)["W_E"]
        dtype = embedding[...].dtype
        arrays = {
            name: getattr(self, name)[...]
            if hasattr(self, name)
            else jnp.zeros(shapes[name], dtype)
            for name in Weights._fields
        }
        return Transformer(self.config, expand(Weights(**arrays), self.config))

    def __call__(
        self, ids: Int[Any, "*batch seq"]
    ) -> Float[Array, "*batch seq d_vocab_out"]:
        """Return the logits of token ids, as `Model.encode_batch` makes them."""
        rows = jnp.asarray(ids).reshape(-1, ids.shape[-1])
        return logits_batch(self.transformer, rows).reshape(*ids.shape, -1)
