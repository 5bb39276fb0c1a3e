"""Selectors over domains, as formulas: constants folded, negated, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from compiler.ir import typed as t


def formula_key(formula: t.Formula) -> object:
    """Return a hashable that equal formulas share."""
    match formula:
        case t.Truth():
            return formula.value
        case t.Atom():
            return (formula.key, formula.query, formula.allowed.tobytes())
        case t.Junction():
            return (formula.kind, tuple(formula_key(p) for p in formula.parts))


def fold_formula(formula: t.Formula) -> t.Formula:
    """Return the formula with constants folded and `not` pushed onto atoms."""
    match formula:
        case t.Atom() if formula.allowed.all() or not formula.allowed.any():
            return t.Truth(bool(formula.allowed.all()))
        case t.Junction():
            return junction(formula.kind, [fold_formula(p) for p in formula.parts])
    return formula


def junction(
    kind: Literal["and", "or", "not"], parts: Sequence[t.Formula]
) -> t.Formula:
    """Return `and`, `or` or `not` of folded formulas, folded itself."""
    if kind == "not":
        return negate(parts[0])
    absorbing = kind == "or"
    rest = [p for p in parts if not isinstance(p, t.Truth)]
    if any(isinstance(p, t.Truth) and p.value == absorbing for p in parts):
        return t.Truth(absorbing)
    if not rest:
        return t.Truth(not absorbing)
    return rest[0] if len(rest) == 1 else t.Junction(kind, tuple(rest))


def negate(formula: t.Formula) -> t.Formula:
    """Return the formula that selects where this one does not."""
    match formula:
        case t.Truth():
            return t.Truth(not formula.value)
        case t.Atom():
            return replace(formula, allowed=~formula.allowed)
        case t.Junction(kind="not"):
            return formula.parts[0]
        case t.Junction():
            kind = "or" if formula.kind == "and" else "and"
            return t.Junction(kind, tuple(negate(p) for p in formula.parts))
