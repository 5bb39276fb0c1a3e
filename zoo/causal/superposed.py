"""The causal model of ANDs in superposition, computed for all of them at once.

It is the tabular model of the same program. That one would be traced variable by
variable, and a thousand ANDs take XLA minutes to compile.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from compiler.model import Model
from compiler.superposed.inputs import sparse_inputs
from compiler.superposed.layout import StreamLayout, layout_of
from zoo.causal.model import COMPUTED, UNDEFINED
from zoo.causal.tabular import TabularModel


class SuperposedAnds(TabularModel):
    """The causal model of a model of `superpose`.

    Args:
        model: the model.
        layout: how many inputs it has.
    """

    def __init__(self, model: Model, layout: StreamLayout) -> None:
        accepts = sparse_inputs(model.typed, model.facts)
        super().__init__(model.typed, None, accepts, model.facts)
        self.n_inputs = layout.n_inputs
        ends = [v.operation for v in model.typed.variables[2 + self.n_inputs : -1]]
        args: Any = [operation.args for operation in ends]  # type: ignore[union-attr]
        self.ends = np.array(args, np.int32).reshape(-1, 2) - 2

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input; jax can trace it."""
        tokens, n = ids[1:], self.n_inputs
        exists = tokens != self.pad_id
        question = (tokens >= n) & exists
        there = (tokens[None, :] == jnp.arange(n)[:, None]).any(axis=1)
        has = self._set(there[:, None] & question, overrides[:n], exists)
        both = (has[self.ends[:, 0]] == 1) & (has[self.ends[:, 1]] == 1)
        ands = self._set(both, overrides[n:-1], exists)
        asked = jnp.clip(tokens - n, 0, len(self.ends) - 1)
        held = (ands[asked] == 1) & question  # [query, key]
        answer = held.any(axis=1) & question
        last = self._set(answer[None], overrides[-1:], exists)
        found = jnp.concatenate([has, ands, last])
        return jnp.pad(found, ((0, 0), (1, 0)), constant_values=UNDEFINED)

    def _set(self, computed: Any, overrides: Any, exists: Any) -> Any:
        """Return values, set from outside where they are; undefined past the end."""
        found = jnp.where(exists, computed.astype(jnp.int32), UNDEFINED)
        given = overrides[:, 1:]
        return jnp.where(given == COMPUTED, found, given)


def superposed_of(model: Model) -> SuperposedAnds | None:
    """Return the causal model of ANDs in superposition; None of another model."""
    layout = layout_of(model.facts)
    return None if layout is None else SuperposedAnds(model, layout)
