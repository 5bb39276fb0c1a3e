"""The definition of RASP, one sequence at a time, in the plainest Python.

Nothing here is shared with the graph, its interpreter, or the lowering: it walks
the expression itself. Everything else is compared with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from compiler.rasp import expr as e
from compiler.rasp.values import UNDEFINED, canonical, sort_key


def evaluate(root: e.SOp, tokens: Sequence[Any], causal: bool = False) -> list[Any]:
    """Return what `root` holds at each position of `tokens`."""
    n = len(tokens)
    memo: dict[int, Any] = {}

    def sequence(sop: e.SOp) -> list[Any]:
        if id(sop) not in memo:
            memo[id(sop)] = compute(sop)
        return memo[id(sop)]

    def compute(sop: e.SOp) -> list[Any]:
        match sop:
            case e.Tokens():
                return list(tokens)
            case e.Indices():
                return list(range(n))
            case e.Length():
                return [n] * n
            case e.Constant():
                return [sop.value] * n
            case e.Elementwise():
                columns = [sequence(a) for a in sop.args]
                return [apply(sop.function, row) for row in zip(*columns, strict=True)]
            case e.SelectorWidth():
                rows = selector(sop.selector)
                return [sum(row) for row in rows]
            case e.Aggregate():
                rows, values = selector(sop.selector), sequence(sop.value)
                picked = [
                    [v for v, chosen in zip(values, row, strict=True) if chosen]
                    for row in rows
                ]
                return [combine(p, sop.resolved_rule, sop.default) for p in picked]
        raise AssertionError(sop)

    def selector(sel: e.Selector) -> list[list[bool]]:
        if id(sel) not in memo:
            memo[id(sel)] = select(sel)
        return memo[id(sel)]

    def visible(i: int, j: int) -> bool:
        return j <= i or not causal

    def select(sel: e.Selector) -> list[list[bool]]:
        span = range(n)
        match sel:
            case e.Select():
                keys, queries = sequence(sel.keys), sequence(sel.queries)
                answers: dict[Any, bool] = {}

                def holds(key: Any, query: Any) -> bool:
                    pair = type(key), key, type(query), query
                    if pair not in answers:
                        answers[pair] = bool(sel.predicate(key, query))
                    return answers[pair]

                return [
                    [visible(i, j) and holds(keys[j], queries[i]) for j in span]
                    for i in span
                ]
            case e.SelectorConstant():
                return [[visible(i, j) and sel.value for j in span] for i in span]
            case e.SelectorNot():
                inner = selector(sel.inner)
                return [[visible(i, j) and not inner[i][j] for j in span] for i in span]
            case e.SelectorAnd() | e.SelectorOr():
                left, right = selector(sel.left), selector(sel.right)
                test = all if isinstance(sel, e.SelectorAnd) else any
                return [[test((left[i][j], right[i][j])) for j in span] for i in span]
        raise AssertionError(sel)

    return sequence(root)


def apply(function: Any, row: Sequence[Any]) -> Any:
    if any(v is UNDEFINED for v in row):
        return UNDEFINED
    return canonical(function(*row))


def combine(values: list[Any], rule: str, default: Any) -> Any:
    if not values:
        return default
    if any(v is UNDEFINED for v in values):
        return UNDEFINED
    if rule == "mean":
        if any(v is None for v in values):
            return UNDEFINED
        return canonical(
            Fraction(
                sum(Fraction(int(v) if isinstance(v, bool) else v) for v in values), 1
            )
            / len(values)
        )
    if rule == "first":
        return values[0]
    if rule == "last":
        return values[-1]
    if rule == "min":
        return min(values, key=sort_key)
    if rule == "max":
        return max(values, key=sort_key)
    if rule == "mode":
        counts = Counter(values)
        return min(counts, key=lambda v: (-counts[v], sort_key(v)))
    return values[0] if all(v == values[0] for v in values) else UNDEFINED
