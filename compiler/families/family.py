"""What a family of architectures is: its options, and its files at Hugging Face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import FormatError
from compiler.families.tensors import Tensor
from compiler.machine.config import Config
from compiler.machine.weights import (
    Weights,
    check_shapes,
    check_sharing,
    expand,
    reduced,
)


@dataclass(frozen=True, eq=False)
class Need:
    """A condition on a configuration.

    Attributes:
        wrong: what is wrong where it fails, with fields of the configuration in braces.
        holds: whether a configuration fulfils it.
    """

    wrong: str
    holds: Callable[[Config], bool]

    def problem(self, config: Config) -> str | None:
        """Return what is wrong with a configuration, None if nothing is."""
        if self.holds(config):
            return None
        return self.wrong.format(config=config, wide=config.n_heads * config.d_head)


CAUSAL = Need("attention in both directions", lambda c: c.causal)
BOTH_WAYS = Need("attention to earlier positions only", lambda c: not c.causal)
LAYER_NORM = Need("no LayerNorm in front of every reader", lambda c: c.norm == "pre")
RMS_NORM = Need("no RMSNorm in front of every reader", lambda c: c.norm == "rms")
LEARNED = Need("rotary positions", lambda c: c.positions == "learned")
ROTARY = Need("learned positions", lambda c: c.positions == "rotary")
PLAIN = Need("gated MLPs", lambda c: not c.gated)
GATED = Need("MLPs without a gate", lambda c: c.gated)
EVERY_BIAS = Need("biases {config.biases!r} and not 'all'", lambda c: c.biases == "all")
OWN_KEYS = Need(
    "{config.n_kv_heads} key heads for {config.n_heads} query heads",
    lambda c: c.queries_per_key == 1,
)
FILLS = Need(
    "{config.n_heads} heads of {config.d_head}, which make {wide} and not the "
    "{config.d_model} of d_model",
    lambda c: c.n_heads * c.d_head == c.d_model,
)


@dataclass(frozen=True, eq=False)
class Family:
    """An architecture of Hugging Face transformers.

    Attributes:
        name: as `zoo train --like` takes it.
        title: as people write it.
        model_type: the entry of config.json that names it to `AutoConfig`.
        language_class: the class of language models; None if it has none.
        token_class: the class whose logits stand for values at each token.
        options: fields of a recipe that make a transformer of this family.
        needs: the conditions on a configuration of this family.
        entries: the entries of config.json that follow from a configuration.
        tensors: the tensors of the weights' file.
    """

    name: str
    title: str
    model_type: str
    language_class: str | None
    token_class: str
    options: Mapping[str, Any]
    needs: tuple[Need, ...]
    entries: Callable[[Config], dict[str, Any]]
    tensors: Callable[[Config, bool], tuple[Tensor, ...]]

    @property
    def causal(self) -> bool:
        """Whether positions attend to themselves and earlier ones only."""
        return CAUSAL in self.needs

    def problems(self, config: Config, language: bool) -> list[str]:
        """Return what keeps a transformer from being of this family, in words.

        Args:
            config: the transformer's shape.
            language: whether its logits stand for its tokens.
        """
        stated = [need.problem(config) for need in self.needs]
        found = [problem for problem in stated if problem is not None]
        if language and self.language_class is None:
            found.append("logits that stand for tokens")
        if language and config.unembed_bias:
            found.append("a bias in the logits of a language model")
        if config.tied and not language:
            found.append("an unembedding tied to the embedding, but no language model")
        return found

    def architecture(self, language: bool) -> str:
        """Return the name of the class that transformers loads it as."""
        found = self.language_class if language else self.token_class
        assert found is not None, "`problems` names it"
        return found

    def pack(
        self, weights: Weights, config: Config, language: bool
    ) -> dict[str, Float[np.ndarray, ...]]:
        """Return the arrays under the names and in the shapes of this family's file.

        Args:
            weights: arrays of the shapes that `config` says.
            config: a configuration without `problems`.
            language: whether the logits stand for the tokens.

        Raises:
            FormatError: the arrays do not fit the configuration.
        """
        check_shapes(weights, config)
        check_sharing(weights, config)
        arrays = reduced(weights, config)._asdict()
        return {
            tensor.name: np.ascontiguousarray(tensor.pack(*tensor.take(arrays)))
            for tensor in self.tensors(config, language)
        }

    def shapes(self, config: Config, language: bool) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor of the file, by name."""
        arrays = {
            # Strides of 0: nothing is allocated, however large a file says it is.
            field: np.broadcast_to(np.float32(0), shape)
            for field, shape in config.stored_shapes.items()
        }
        return {t.name: t.shape(arrays) for t in self.tensors(config, language)}

    def unpack(
        self,
        tensors: Mapping[str, Float[np.ndarray, ...]],
        config: Config,
        language: bool,
    ) -> Weights:
        """Return the weights that `pack` wrote, given tensors of the right shapes.

        Raises:
            FormatError: a tensor that holds none of our arrays is not zero.
        """
        shapes = config.stored_shapes
        arrays = {f: np.zeros(shapes[f], np.float32) for f in Weights._fields}
        for tensor in self.tensors(config, language):
            found = tensors[tensor.name]
            if not tensor.fields and np.any(found):
                raise FormatError(
                    f"{tensor.name} is not zero, and the configuration has no such "
                    "bias. The file was altered; export the model again."
                )
            tensor.put(arrays, found)
        return expand(Weights(**arrays), config)
