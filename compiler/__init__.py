"""RASP programs to transformers whose mechanism is known.

The rooms and the flow between them are in `docs/architecture.md`.
"""

from typing import Any

from compiler.rasp.expr import set_evaluator


def _evaluate(*arguments: Any, **options: Any) -> list[Any]:
    """Return what `tokens("abc")` is: the evaluator imports NumPy, and waits for it."""
    from compiler.evaluate import evaluate

    return evaluate(*arguments, **options)


set_evaluator(_evaluate)
