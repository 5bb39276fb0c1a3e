"""A selector as a conjunction of clauses, each over few keys and queries.

A head selects where all of its conditions hold. A selector that is a conjunction is
therefore handed to the head part by part, and only a part that mixes several keys or
queries needs a table over all of their values. Disjunctions of conjunctions are
multiplied out first: (a & b) | (a & c) becomes a & (b | c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.ir.typed import Atom, Formula, Junction, Truth
from compiler.passes.formulas import formula_key, negate

# Multiplying out ends where it would give more clauses than this.
_MOST_CLAUSES = 32

_Clause = tuple[Formula, ...]


def split_clauses(formula: Formula) -> list[Formula]:
    """Return formulas that hold together exactly where the given one holds.

    Each of them is over as few keys and queries as could be found, and no two of them
    are over the same ones.
    """
    together: dict[object, list[Formula]] = {}
    for clause in _without_implied(_multiplied_out(formula)):
        keys, queries = variables_of(clause)
        together.setdefault((frozenset(keys), frozenset(queries)), []).append(clause)
    return [_join("and", group) for group in together.values()]


def variables_of(formula: Formula) -> tuple[list[int], list[int]]:
    """Return (keys, queries) that a formula compares, in order, without repeats."""
    found = list(t.atoms(formula))
    return (
        list(dict.fromkeys(a.key for a in found)),
        list(dict.fromkeys(a.query for a in found)),
    )


def _multiplied_out(formula: Formula) -> list[_Clause]:
    """Return disjunctions, as tuples of their parts, whose conjunction is given."""
    match formula:
        case Truth():
            return [] if formula.value else [()]
        case Junction(kind="not"):
            inner = negate(formula.parts[0])
            return [(inner,)] if isinstance(inner, Atom) else _multiplied_out(inner)
        case Junction(kind="and"):
            return [c for part in formula.parts for c in _multiplied_out(part)]
        case Junction():
            result: list[_Clause] = [()]
            for part in formula.parts:
                tails = _multiplied_out(part)
                if len(result) * len(tails) > _MOST_CLAUSES:
                    return [(formula,)]
                joined = [_union(head, tail) for head in result for tail in tails]
                result = [clause for clause in joined if clause is not None]
            return result
    return [(formula,)]


def _union(head: _Clause, tail: _Clause) -> _Clause | None:
    """Return a disjunction of two; None where it holds always."""
    found: dict[object, Formula] = {}
    for part in (*head, *tail):
        place: object = formula_key(part)
        if isinstance(part, Atom):
            place = (part.key, part.query)
            known = found.get(place)
            if isinstance(known, Atom):
                part = replace(part, allowed=known.allowed | part.allowed)
            if part.allowed.all():
                return None
        found[place] = part
    return tuple(found.values())


def _without_implied(clauses: Sequence[_Clause]) -> list[Formula]:
    """Return the clauses as formulas, without those that another one implies."""
    keys = [frozenset(formula_key(p) for p in clause) for clause in clauses]
    kept = [
        clause
        for number, clause in enumerate(clauses)
        if not any(
            other < keys[number] or (other == keys[number] and earlier < number)
            for earlier, other in enumerate(keys)
        )
    ]
    return [_join("or", list(clause)) for clause in kept]


def _join(kind: str, parts: list[Formula]) -> Formula:
    if not parts:
        return Truth(kind == "and")
    first = parts[0]
    same = all(
        isinstance(p, Atom) and isinstance(first, Atom) and p.key == first.key
        and p.query == first.query
        for p in parts
    )  # fmt: skip
    if same and isinstance(first, Atom):
        join = np.logical_and if kind == "and" else np.logical_or
        tables = [p.allowed for p in parts if isinstance(p, Atom)]
        return replace(first, allowed=join.reduce(tables))
    return Junction(kind, tuple(parts))  # type: ignore[arg-type]


def alike(formula: Formula, variable: int, side: str) -> NDArray[np.intp]:
    """Return [values] a class of each value that the formula's atoms cannot tell apart.

    Args:
        formula: whose atoms compare the variable.
        variable: a key or a query of it.
        side: `key` or `query`.

    Returns:
        Classes are numbered in the order in which their values first come.
    """
    tables = [
        (a.allowed if side == "key" else a.allowed.T)
        for a in t.atoms(formula)
        if (a.key if side == "key" else a.query) == variable
    ]
    stacked = np.concatenate(tables, axis=1)
    _, first, inverse = np.unique(
        stacked, axis=0, return_index=True, return_inverse=True
    )
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def truth_table(
    formula: Formula,
    keys: Sequence[int],
    queries: Sequence[int],
    values: Sequence[NDArray[np.intp]],
) -> NDArray[np.bool_]:
    """Return the truth of a formula over some values of its keys and its queries.

    Args:
        formula: what is evaluated.
        keys: the variables that it compares as keys.
        queries: those that it compares as queries.
        values: for each key, then for each query, the values that are tried.
    """
    order = [*[("k", i) for i in keys], *[("q", i) for i in queries]]
    shape = tuple(len(v) for v in values)

    def truth(item: Formula) -> NDArray[np.bool_]:
        match item:
            case Truth():
                return np.full((1,) * len(shape), item.value)
            case Atom():
                key, query = (
                    order.index(("k", item.key)),
                    order.index(("q", item.query)),
                )
                view = [1] * len(shape)
                view[key], view[query] = shape[key], shape[query]
                return item.allowed[np.ix_(values[key], values[query])].reshape(view)
            case Junction(kind="not"):
                return ~truth(item.parts[0])
        join = np.logical_and if item.kind == "and" else np.logical_or
        result = truth(item.parts[0])
        for part in item.parts[1:]:
            result = join(result, truth(part))
        return result

    return np.broadcast_to(truth(formula), shape)
