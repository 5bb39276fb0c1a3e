"""A selector as a disjoint union of conjunctions: each one fits in one head.

A head adds the scores of its atoms, so it selects where all of them hold. Anything
else (an `or`, a negated `and`) is split into cases that exclude one another: a
decision tree over the (key, query) pairs that the atoms compare, in the order that
gives the fewest leaves.
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.ir.formula import with_atoms
from compiler.ir.typed import Atom, Formula, Truth
from compiler.passes.formulas import fold_formula, formula_key

# Orders of the pairs are all tried up to this many pairs.
_MANY = 4

Pair = tuple[int, int]


Conjunction = tuple[Atom, ...]
"""Conditions that a selected key meets together."""


def split_selector(formula: Formula) -> list[Conjunction]:
    """Return disjoint conjunctions whose union is the formula."""
    pairs = list(dict.fromkeys((a.key, a.query) for a in t.atoms(formula)))
    orders = itertools.permutations(pairs) if len(pairs) <= _MANY else [tuple(pairs)]
    return min((_expand(formula, order) for order in orders), key=len)


def satisfiable(formula: Formula) -> bool:
    """Return whether any values of its keys and queries make the formula true."""
    if isinstance(formula, Truth):
        return formula.value
    first = next(t.atoms(formula))
    cases = _cases(formula, (first.key, first.query))
    return any(satisfiable(residual) for _, residual in cases)


def _expand(formula: Formula, order: tuple[Pair, ...]) -> list[Conjunction]:
    if isinstance(formula, Truth):
        return [()] if formula.value else []
    pair, rest = order[0], order[1:]
    cases = _cases(formula, pair)
    result: list[Conjunction] = []
    for mask, residual in cases:
        for tail in _expand(residual, rest):
            whole = mask.all()
            result.append(tail if whole else (Atom(*pair, mask), *tail))
    return result


def _cases(formula: Formula, pair: Pair) -> list[tuple[NDArray[np.bool_], Formula]]:
    """Return, for one pair, which of its cells leave which formula over the rest."""
    here = [a for a in t.atoms(formula) if (a.key, a.query) == pair]
    if not here:
        return [(np.ones((1, 1), dtype=bool), formula)]
    tables = {a.allowed.tobytes(): a.allowed for a in here}
    stacked = np.stack(list(tables.values()), axis=-1)  # [key, query, atom]
    found: dict[object, tuple[NDArray[np.bool_], Formula]] = {}
    for truth in _rows(stacked):
        cells = (stacked == truth).all(axis=-1)
        values = dict(zip(tables, truth, strict=True))
        residual = _given(formula, pair, values)
        key = formula_key(residual)
        if key in found:
            found[key] = (found[key][0] | cells, residual)
        else:
            found[key] = (cells, residual)
    return list(found.values())


def _rows(stacked: NDArray[np.bool_]) -> list[list[bool]]:
    """Return which truth values of the atoms occur together, in order."""
    if stacked.shape[-1] == 1:  # most selectors; np.unique takes ten times as long
        return [[truth] for truth in (False, True) if (stacked == truth).any()]
    rows = stacked.reshape(-1, stacked.shape[-1]).tolist()
    return sorted(list(row) for row in set(map(tuple, rows)))


def _given(formula: Formula, pair: Pair, values: dict[bytes, bool]) -> Formula:
    """Return the formula with the atoms of one pair replaced by constants.

    Args:
        formula: what the atoms are in.
        pair: the key and the query of the atoms.
        values: the constant of each atom, by the bytes of its table.
    """
    constant = partial(_constant, pair=pair, values=values)
    return fold_formula(with_atoms(formula, constant))


def _constant(atom: Atom, pair: Pair, values: dict[bytes, bool]) -> Formula:
    if (atom.key, atom.query) != pair:
        return atom
    return Truth(values[atom.allowed.tobytes()])
