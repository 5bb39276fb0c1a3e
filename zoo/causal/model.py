"""What a transformer is trained to be: variables, their parents, a run of them.

`CausalModel` is the whole protocol. A RASP program satisfies it through
`tabular.py`; a hand-written model (`zoo/tasks/`, or your own) implements it directly.
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
"""Cells of values: -1 has no meaning here; -2 in overrides means: as computed."""

Slot = Literal["q", "k", "v", "in"]


@dataclass(frozen=True)
class Parent:
    """One arrow of a causal model.

    Attributes:
        source: a variable's name, or `tokens` or `positions`.
        slot: which input of the reader it goes to: q, k or v of a head, or `in`.
    """

    source: str
    slot: Slot


@dataclass(frozen=True)
class CausalVariable:
    """A variable, and the kind of component that is to compute it.

    Attributes:
        name: unique.
        size: how many values it has.
        kind: `head` or `mlp`.
        layer: the first layer that it can be computed in.
        parents: what it is computed from.
    """

    name: str
    size: int
    kind: Literal["head", "mlp"]
    layer: int
    parents: tuple[Parent, ...]


@runtime_checkable
class CausalModel(Protocol):
    """A causal model over sequences; arrays are over all `n_ctx` positions.

    Attributes:
        name: what it computes.
        variables: in topological order.
        output: the variable that the logits read.
        readout: how logits stand for the output's values.
        n_ctx: longest sequence, BOS included.
        d_vocab: number of token ids, BOS and PAD included.
        bos_id: id of the token that opens each sequence.
        pad_id: id of the token that fills it up.
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

        All of them if at most `limit`, else a sample of no more than that.
        """
        ...

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input, jittable.

        Args:
            ids: token ids.
            overrides: a value for each cell that is set from outside, -2 elsewhere.

        Returns:
            indices of values; -1 where a variable has none (BOS, PAD, undefined).
        """
        ...


@runtime_checkable
class Selecting(CausalModel, Protocol):
    """A causal model that says where its heads attend to."""

    def selected(self, ids: Int[Any, " ctx"]) -> Bool[Any, "variable ctx key"]:
        """Return which keys compute each variable at each position, jittable.

        BOS is among those of a count, and stands for none. A row without a key says
        nothing: the variable has no head, or no value there.
        """
        ...


@runtime_checkable
class Task(CausalModel, Protocol):
    """A causal model written by hand, with words for its tokens and values.

    A transformer that is trained on one can be saved: see `by_hand.py`.

    Attributes:
        meaning: one sentence.
        vocab: the tokens; their ids are 0, 1, .., and BOS and PAD come after them.
        values: by variable, what its values are.
    """

    meaning: str
    vocab: tuple[Value, ...]
    values: Mapping[str, tuple[Value, ...]]
