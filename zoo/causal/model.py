"""The protocol of causal models: variables, their parents, and a run of them.

A transformer is trained to compute a `CausalModel`, and is audited against it.
`tabular.py` makes one of every RASP program. A model written by hand (in `zoo/tasks/`,
or your own) implements the protocol directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int

from compiler.lower.readout import Readout
from compiler.rasp.values import Value

UNDEFINED, COMPUTED = -1, -2
"""A value of -1 means that a variable has no value at a position. An override of -2
means that the value is computed and not overridden."""

ParentSlot = Literal["q", "k", "v", "in"]


@dataclass(frozen=True)
class Parent:
    """One arrow of a causal model.

    Attributes:
        source: the parent: a variable's name, or `tokens` or `positions`.
        slot: which input reads it: q, k or v of a head, or `in` of an MLP.
    """

    source: str
    slot: ParentSlot


@dataclass(frozen=True)
class CausalVariable:
    """A variable, and the kind of component that computes it.

    Attributes:
        name: its name, unique in the model.
        size: how many values it has.
        kind: what computes it: a `head`, an `mlp`, or the `logits`: the tuple of the
            outputs of several tasks, each of which the logits read by itself.
        layer: the first layer that it can be computed in.
        parents: what it is computed from.
    """

    name: str
    size: int
    kind: Literal["head", "mlp", "logits"]
    layer: int
    parents: tuple[Parent, ...]


@runtime_checkable
class CausalModel(Protocol):
    """A causal model over sequences; arrays are over all `n_ctx` positions.

    Attributes:
        name: the name of the model.
        variables: all variables, each one after its parents.
        output: the variable that the logits read.
        readout: how logits stand for the output's values.
        n_ctx: the context length: greatest number of tokens, plus BOS.
        d_vocab: number of token ids, BOS and PAD included.
        bos_id: id of the token that opens each sequence.
        pad_id: id of the token that fills a sequence up to `n_ctx`.
        causal: whether positions see only earlier ones.
    """

    name: str
    variables: tuple[CausalVariable, ...]
    output: str
    readout: Readout
    n_ctx: int
    d_vocab: int
    bos_id: int
    pad_id: int
    causal: bool

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct inputs, whether these are all that there are).

        All inputs if there are at most `limit`, else a sample of at most `limit`.
        """
        ...

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input; jax can trace it.

        Args:
            ids: token ids.
            overrides: the value of each variable and position that is set from
                outside, -2 where it is computed.

        Returns:
            indices of values; -1 where a variable has none (BOS, PAD, undefined).
        """
        ...


def computed_variables(model: CausalModel) -> list[CausalVariable]:
    """Return the variables that heads and MLPs compute, each after its parents."""
    return [v for v in model.variables if v.kind != "logits"]


@runtime_checkable
class Selecting(CausalModel, Protocol):
    """A causal model that says to which keys its heads should attend."""

    def selected(self, ids: Int[Any, " ctx"]) -> Bool[Any, "variable ctx key"]:
        """Return which keys a variable's head should attend to; jax can trace it.

        A head that counts also attends to BOS, which takes the attention where no key
        is selected. A row without any key gives no target: the variable has no head,
        or no value at that position.
        """
        ...


@runtime_checkable
class Task(CausalModel, Protocol):
    """A causal model written by hand, which also names its tokens and values.

    With these names a transformer that was trained on it can be saved (`by_hand.py`).

    Attributes:
        meaning: one sentence that says what the output is.
        vocab: the tokens; their ids are 0, 1, .., and BOS and PAD come after them.
        values: by variable, its values; an index into them stands for a value.
    """

    meaning: str
    vocab: tuple[Value, ...]
    values: Mapping[str, tuple[Value, ...]]
