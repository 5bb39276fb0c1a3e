"""The directions of all features of the stream: far more of them than dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.machine.features import Features
from compiler.superposed.arrays import question_rows
from compiler.superposed.layout import (
    StreamLayout,
    and_names,
    has_names,
    literals,
    questions,
)
from compiler.superposed.program import ANSWER, TOKENS
from compiler.superposed.sets import NeuronSets

Axes = Float[np.ndarray, "d_model d_model"]


def rows_of(
    sets: NeuronSets, embedded: Float[np.ndarray, "token d_model"], axes: Axes
) -> Mapping[str, Any]:
    """Return by variable what stands in the stream for each of its values.

    Args:
        sets: the inputs and their pairs.
        embedded: what stands for each token.
        axes: the direction of each dimension of the layout.
    """
    at = StreamLayout(sets.n_inputs, sets.d_mlp)
    zero = np.zeros(len(axes))
    ands = question_rows(sets) @ axes[at.hidden]
    held = {name: axes[at.has][i] for i, name in enumerate(has_names(sets.n_inputs))}
    held |= dict(zip(and_names(sets), ands, strict=True))
    held[ANSWER] = axes[at.answer]
    booleans = {name: np.stack([zero, row]) for name, row in held.items()}
    return MappingProxyType({TOKENS: embedded, **booleans})


def features_of_sets(
    sets: NeuronSets, embedded: Float[np.ndarray, "token d_model"], axes: Axes
) -> Features:
    """Return the features: tokens, inputs that are on, ANDs, the answer.

    Arguments are those of `rows_of`.
    """
    at = StreamLayout(sets.n_inputs, sets.d_mlp)
    rows = rows_of(sets, embedded, axes)
    tokens = [*literals(sets.n_inputs), *questions(sets)]
    flags = axes[[at.literal, at.question]]
    # Which kind of token it is is a feature of its own.
    own = embedded - (embedded @ flags.T) @ flags
    variables = [name for name in rows if name != TOKENS]
    directions = [own, *(rows[name][1:] for name in variables), flags]
    return Features(
        names=(*(f"{TOKENS}={x}" for x in tokens), *variables, "literal", "question"),
        variables=(*(TOKENS for _ in tokens), *variables, None, None),
        values=(*range(len(tokens)), *(1 for _ in variables), None, None),
        directions=np.concatenate(directions),
    )
