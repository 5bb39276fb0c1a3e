"""Functions that call one another without Python's stack: generators on a list.

A parser and an evaluator follow their input into its nesting. Here a function that
needs the result of another one yields it, so that ten thousand brackets inside one
another are as good as ten, and no RecursionError can arise.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

Work = Generator[Any, Any, Any]


def run(first: Work, tick: Callable[[], None] | None = None) -> Any:
    """Return what a generator returns; each generator that it yields is run for it.

    Args:
        first: where to begin.
        tick: called once for every generator that is begun.
    """
    stack, value = [first], None
    while stack:
        try:
            inner = stack[-1].send(value)
        except StopIteration as stop:
            stack.pop()
            value = stop.value
        else:
            stack.append(inner)
            value = None
            if tick is not None:
                tick()
    return value
