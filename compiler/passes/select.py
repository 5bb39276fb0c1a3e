"""What can be known of a selector before any input: may it select, must it.

For query position i and key position j, each atom may be true, false or either,
given what its two variables can hold there. Widths, empty rows and unique rows
follow from these bounds. They stay true under interchange interventions at shared
positions, because they use nothing but the domains by position.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.ir.domain import Domain, alike_rows
from compiler.ir.typed import Atom, Formula, Junction, Truth


@dataclass(frozen=True, eq=False)
class Bounds:
    """Three-valued truth of a selector; both are [query position, key position]."""

    may: NDArray[np.bool_]
    must: NDArray[np.bool_]


def bound(formula: Formula, domains: list[Domain], causal: bool) -> Bounds:
    """Return where a formula may and must select, key positions in sight only."""
    max_len = len(domains[0].mask)
    sight = np.tri(max_len, dtype=bool) if causal else np.ones((max_len,) * 2, bool)
    inner = _bound(formula, domains, max_len)
    return Bounds(inner.may & sight, inner.must & sight)


def _bound(formula: Formula, domains: list[Domain], max_len: int) -> Bounds:
    match formula:
        case Truth():
            whole = np.full((max_len, max_len), formula.value)
            return Bounds(whole, whole)
        case Atom():
            return _bound_atom(formula, domains)
        case Junction(kind="not"):
            inner = _bound(formula.parts[0], domains, max_len)
            return Bounds(~inner.must, ~inner.may)
        case Junction():
            parts = [_bound(p, domains, max_len) for p in formula.parts]
            join = np.logical_and if formula.kind == "and" else np.logical_or
            return Bounds(
                join.reduce([p.may for p in parts]),
                join.reduce([p.must for p in parts]),
            )


def _bound_atom(atom: Atom, domains: list[Domain]) -> Bounds:
    keys, queries = domains[atom.key].mask, domains[atom.query].mask
    may = _reachable(keys, queries, atom.allowed)
    may_not = _reachable(keys, queries, ~atom.allowed)
    if atom.key == atom.query:
        # At the same position both sides are the same value.
        diagonal = np.diagonal(atom.allowed)
        np.fill_diagonal(may, (keys & diagonal).any(axis=1))
        np.fill_diagonal(may_not, (keys & ~diagonal).any(axis=1))
    return Bounds(may, ~may_not)


def _reachable(keys: NDArray, queries: NDArray, allowed: NDArray) -> NDArray[np.bool_]:
    """Return [query position, key position]: some possible pair is allowed."""
    by_query = _leads_to(queries, allowed.T)  # [query position, key value]
    return _leads_to(keys, by_query.T).T


def _leads_to(mask: NDArray[np.bool_], table: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return [position, column]: some value of the position is true in the column.

    Args:
        mask: [position, value] the possible values of each position.
        table: [value, column].
    """
    if (np.count_nonzero(mask, axis=1) == 1).all():  # such as the indices: no product
        return table[mask.argmax(axis=1)]
    groups = alike_rows(mask)
    some = mask[[positions[0] for positions in groups]]
    each = some.astype(np.float32) @ table.astype(np.float32) > 0
    found = np.empty((len(mask), table.shape[1]), bool)
    for positions, row in zip(groups, each, strict=True):
        found[positions] = row
    return found


def never_empty(bounds: Bounds) -> NDArray[np.bool_]:
    """Return [query position]: something is selected whatever the input is.

    Only key positions up to the query's are sure to exist.
    """
    return np.any(np.tril(bounds.must), axis=1, keepdims=False)


def at_most_one(formula: Formula, domains: list[Domain], bounds: Bounds) -> bool:
    """Return whether no row can ever select two positions.

    Args:
        formula: the selector.
        domains: of all variables.
        bounds: of the formula.
    """
    if (bounds.may.sum(axis=1) <= 1).all():
        return True
    match formula:
        case Atom():
            # One position at most for each value that the query can have.
            keys = domains[formula.key].mask.astype(np.float32)
            matches = (keys @ formula.allowed.astype(np.float32)) > 0  # [key, query]
            return bool((matches.sum(axis=0) <= 1).all())
        case Junction(kind="and"):
            return any(at_most_one(part, domains, bounds) for part in formula.parts)
    return False


def width_domain(bounds: Bounds, causal: bool) -> Domain:
    """Return how many keys are selected, by query position."""
    low = np.tril(bounds.must).sum(axis=1)
    high = (np.tril(bounds.may) if causal else bounds.may).sum(axis=1)
    values = np.arange(low.min(), high.max() + 1)
    mask = (values >= low[:, None]) & (values <= high[:, None])
    kept = mask.any(axis=0)
    return Domain(tuple(int(v) for v in values[kept]), mask[:, kept])
