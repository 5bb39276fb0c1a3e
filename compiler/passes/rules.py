"""Graph -> Graph: each aggregate `one_or_mean` becomes `unique` or `mean`.

Tracr's aggregates do not say which of the two they are: of several numbers they take
the mean; a single value they take as it is. An aggregate that never meets two different
numbers is `unique`, which needs a head and nothing else; any other is a mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir import graph as g
from compiler.ir import typed as t
from compiler.ir.interpret import interpret
from compiler.rasp.expr import Rule
from compiler.rasp.values import is_number

Inputs = tuple[NDArray[np.int32], NDArray[np.int64]]


def settle_and_infer(
    graph: g.Graph,
    infer: Callable[[g.Graph], t.Typed],
    inputs: Callable[[t.Typed], Inputs],
) -> tuple[g.Graph, t.Typed]:
    """Return the graph with a rule for every aggregate, and its domains.

    What static analysis cannot prove to be unique is tried on inputs, in order, since
    one aggregate may read another.

    Args:
        graph: the program.
        infer: returns the domains of a graph.
        inputs: returns the inputs to try, [batch, max_len] tokens and [batch] lengths.

    Raises:
        ProgramError: the program cannot be typed.
    """
    nodes = enumerate(graph.nodes)
    asked = [i for i, node in nodes if _rule(node.operation) == "one_or_mean"]
    if not asked:
        return graph, infer(graph)
    means = {i for i in asked if _holds_number(graph, i)}
    for _ in asked:
        typed = infer(_with_rules(graph, asked, means))
        tried = means
        means = {i for i in means if _numeric(typed, i)}
        more = _meet_two(typed, asked, inputs)
        means |= more
        if not more:
            break
    settled = _with_rules(graph, asked, means)
    return settled, typed if means == tried else infer(settled)


def _rule(operation: g.Operation) -> Rule | None:
    return operation.rule if isinstance(operation, g.Gather) else None


def _holds_number(graph: g.Graph, index: int) -> bool:
    """Return whether the author annotated what is read, or the result, as a number."""
    operation = graph.nodes[index].operation
    assert isinstance(operation, g.Gather)
    return graph.nodes[operation.value].numerical or graph.nodes[index].numerical


def _with_rules(graph: g.Graph, asked: list[int], means: set[int]) -> g.Graph:
    nodes = list(graph.nodes)
    for index in asked:
        rule: Rule = "mean" if index in means else "unique"
        operation = nodes[index].operation
        assert isinstance(operation, g.Gather)
        nodes[index] = replace(nodes[index], operation=replace(operation, rule=rule))
    return replace(graph, nodes=tuple(nodes))


def _numeric(typed: t.Typed, index: int) -> bool:
    """Return whether a mean reads numbers only."""
    operation = typed.variables[index].operation
    return isinstance(operation, t.Mean) and bool(operation.numeric.all())


def _meet_two(
    typed: t.Typed, asked: list[int], inputs: Callable[[t.Typed], Inputs]
) -> set[int]:
    """Return the unproven aggregates of numbers that meet two of them on some input."""
    open_ = [i for i in asked if _may_meet_two(typed, i)]
    if not open_:
        return set()
    tokens, lengths = inputs(typed)
    if not len(tokens):
        return set()
    until = max(open_) + 1  # what comes after is read by none of them
    first = replace(typed, variables=typed.variables[:until], output=until - 1)
    trace = interpret(first, tokens, lengths)
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    undefined = [((v < 0) & live).any(axis=1) for v in trace.values]
    found = set()
    for index in open_:
        reads = typed.variables[index].reads
        before = np.logical_or.reduce([undefined[i] for i in reads])
        if (undefined[index] & ~before).any():
            found.add(index)
    return found


def _may_meet_two(typed: t.Typed, index: int) -> bool:
    operation = typed.variables[index].operation
    if not isinstance(operation, t.Pick) or operation.proven:
        return False
    held = typed.variables[operation.value].domain.values
    return all(is_number(v) for v in held)
