"""Whether every head and every table of an MLP of the compiled model matters.

The compiled model computes a program of steps, one for each head and each table in an
MLP (`compiler/passes/decomposition.py`). Giving a step the values that it has on
another input is what an interchange of its site does in the model; here the interpreter
does it, which takes milliseconds. A step matters if some output changes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Int

from compiler.ir import typed as t
from compiler.ir.interpret import Trace, interpret
from zoo.sampling.behaviour import ProbeInputs
from zoo.sampling.chance import Chance

PAIRS = 512
"""Base inputs of one round, each with one donor input."""
ROUNDS = 4

Picked = Int[np.ndarray, " pair"]


def changed_share(steps: t.Typed, trace: Trace, inputs: ProbeInputs) -> float:
    """Return the least share of outputs that the interchange of a step changes.

    It is the least over all heads and tables, and 0 if one of them changed no output
    in any round. Shares are of the first round in which the step changed an output.

    Args:
        steps: the program whose variables are the steps.
        trace: of that program, on the inputs.
        inputs: the base inputs and the donors.
    """
    shares = [
        _share_of(index, steps, trace, inputs)
        for index, step in enumerate(steps.variables)
        if not isinstance(step.operation, t.Fixed | t.Input)
    ]
    return min(shares, default=0.0)


def _share_of(index: int, steps: t.Typed, trace: Trace, inputs: ProbeInputs) -> float:
    live = inputs.live
    after = _after(index, steps)
    for base, donor in _rounds(len(inputs.lengths)):
        given = {i: v[base] for i, v in enumerate(trace.values) if i not in after}
        given[index] = np.where(live[donor], trace.values[index][donor], given[index])
        patched = interpret(steps, inputs.tokens[base], inputs.lengths[base], given)
        cells = live[base]
        different = (patched.output != trace.output[base]) & cells
        if different.any():
            return round(int(different.sum()) / int(cells.sum()), 6)
    return 0.0


def _after(index: int, steps: t.Typed) -> set[int]:
    """Return the steps that depend on one, itself left out."""
    found = {index}
    for later in range(index + 1, len(steps.variables)):
        if found & set(steps.variables[later].reads):
            found.add(later)
    return found - {index}


@cache
def _rounds(count: int) -> tuple[tuple[Picked, Picked], ...]:
    """Return (base inputs, donor inputs) of each round."""
    chance = Chance(f"pairs among {count} inputs")
    orders = [np.array(chance.order(count)[:PAIRS]) for _ in range(2 * ROUNDS)]
    return tuple(zip(orders[::2], orders[1::2], strict=True))
