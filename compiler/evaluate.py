"""The values of an expression on one input, by the interpreter.

`tokens("abc")` comes here: the expression is typed over this one input, so that only
what it meets there is computed, and then interpreted. `compiler/__init__.py` imports
this module; no vocabulary and no length is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from compiler.errors import InputError, ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import collect
from compiler.ir.graph import Const, Source, build_graph, definition, written_names
from compiler.ir.interpret import Trace, interpret, selected
from compiler.passes.check import explain
from compiler.passes.infer import Limits, infer_domains
from compiler.passes.rules import settle_and_infer
from compiler.rasp.expr import Selector, SelectorWidth, SOp, given_name
from compiler.rasp.values import Value, unordered

# One input meets few combinations: only the size of a table matters.
_LIMITS = Limits(table=5_000_000)


def evaluate(
    expression: SOp | Selector, tokens: Iterable[Value] | Any, causal: bool = False
) -> list[Any]:
    """Return the values of a sequence, or the rows of a selector, on one input.

    Args:
        expression: a sequence or a selector.
        tokens: the input; a string is its characters.
        causal: whether positions see only themselves and earlier ones.

    Returns:
        of a sequence, a value a position; of a selector, for each query position a list
        of which key positions are selected.

    Raises:
        InputError: the input is no sequence, or a token cannot be a value.
        ProgramError: the program has no value on this input; it says where.
    """
    sop = SelectorWidth(expression) if isinstance(expression, Selector) else expression
    name = given_name(sop) or "expression"
    if not isinstance(tokens, Iterable) or unordered(tokens):
        raise InputError(
            f"{name}: the input is a {type(tokens).__name__}; give a sequence of "
            "tokens, which has an order"
        )
    trace = _trace(sop, name, tokens, causal)
    if trace is None:
        return []
    if (trace.output < 0).any():
        raise ProgramError([explain(trace, 0)], name)
    typed = trace.typed
    if isinstance(expression, Selector):
        width = typed.variables[typed.output].operation
        assert isinstance(width, t.Width)
        return selected(trace, width.selector)[0].tolist()
    return trace.decoded(typed.output, 0)


def evaluate_steps(
    sop: SOp, tokens: Iterable[Value], causal: bool = False
) -> list[tuple[str, list[Value]]]:
    """Return all that a sequence is computed from, as text with its values.

    Constants are not listed; they stand in the text of what reads them.

    Args:
        sop: a sequence.
        tokens: the input; a string is its characters.
        causal: whether positions see only themselves and earlier ones.

    Raises:
        InputError: a token cannot be a value.
        ProgramError: the program cannot be typed on this input.
    """
    trace = _trace(sop, given_name(sop) or "expression", tokens, causal)
    if trace is None:
        return []
    nodes = build_graph(sop, causal=causal).nodes
    texts = written_names(nodes)
    found = []
    for index, node in enumerate(nodes):
        if isinstance(node.operation, Const) and not node.named:
            continue
        text = definition(node, texts)
        if isinstance(node.operation, Source):
            text = node.name
        said = f"{node.name} = {text}" if node.named and text != node.name else text
        found.append((said, trace.decoded(index, 0)))
    return found


def _trace(sop: SOp, name: str, tokens: Iterable[Value], causal: bool) -> Trace | None:
    """Return the values of every variable on one input, None where it is empty."""
    try:
        vocab, row = collect(tokens)
    except TypeError as error:
        raise InputError(f"{name}: the input cannot be used: {error}") from None
    if not row:
        return None
    graph = build_graph(sop, name, causal)
    cells, lengths = np.array([row], np.int32), np.array([len(row)], np.int64)
    _, typed = settle_and_infer(
        graph,
        lambda g: infer_domains(g, vocab, len(row), _LIMITS, row),
        lambda _: (cells, lengths),
    )
    return interpret(typed, cells, lengths)
