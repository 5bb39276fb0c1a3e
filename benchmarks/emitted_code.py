"""Runs the Python that `zoo components` emits for each variable of a model.

The code is made by our emitter from the tables of a release in this repository. Only
benchmarks run it: nothing of the library evaluates text.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any


def emitted(
    steps: Any, last: str | None = None
) -> Callable[[list[Any]], dict[str, list[Any]]]:
    """Return a function from the tokens of an input to the values of its variables.

    Args:
        steps: of a causal model: the variables, each one after its parents.
        last: the variable after which nothing is computed; all are if None.
    """
    from zoo.annotation.code import code_of

    count = len(steps.variables) if last is None else steps.index(last) + 1
    codes = [
        (v.name, compile(code_of(steps, v), v.name, "eval"))
        for v in steps.variables[:count]
    ]

    def run(words: list[Any]) -> dict[str, list[Any]]:
        x: dict[str, list[Any]] = {}
        space: dict[str, Any] = {"n": len(words), "Fraction": Fraction, "x": x}
        for name, code in codes:
            x[name] = words if name == "tokens" else eval(code, space)
            space[name] = x[name]
        return x

    return run
