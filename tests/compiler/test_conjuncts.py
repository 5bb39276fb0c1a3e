"""A selector's conjunctions are disjoint, and together they are the selector."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.ir import typed as t
from compiler.passes.conjuncts import satisfiable, split_selector
from compiler.passes.formulas import fold_formula
from tests.steady import steady

# Variables 0, 1, 2 have so many values.
SIZES = (2, 3, 2)


@st.composite
def atoms(draw: Any) -> t.Atom:
    key, query = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    count = SIZES[key] * SIZES[query]
    bits = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return t.Atom(key, query, np.array(bits).reshape(SIZES[key], SIZES[query]))


def junction(kind: Any, *parts: t.Formula) -> t.Junction:
    with steady():
        return t.Junction(kind, parts)


def join(parts: Any) -> Any:
    several = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        parts.map(lambda part: junction("not", part)),
        several.map(lambda chosen: junction("and", *chosen)),
        several.map(lambda chosen: junction("or", *chosen)),
    )


formulas = st.recursive(
    st.one_of(atoms(), st.booleans().map(t.Truth)), join, max_leaves=5
)


def truth(formula: t.Formula, keys: tuple[int, ...], queries: tuple[int, ...]) -> bool:
    """Return whether a formula holds for values of the key's and query's variables."""
    match formula:
        case t.Truth():
            return formula.value
        case t.Atom():
            return bool(formula.allowed[keys[formula.key], queries[formula.query]])
        case t.Junction(kind="not"):
            return not truth(formula.parts[0], keys, queries)
        case t.Junction():
            test = all if formula.kind == "and" else any
            return test(truth(part, keys, queries) for part in formula.parts)


SPAN = list(itertools.product(*(range(size) for size in SIZES)))


@settings(max_examples=80)
@given(formulas)
def test_conjunctions_are_disjoint_and_equal_to_the_formula(formula):
    folded = fold_formula(formula)
    cases = split_selector(folded)
    some = False
    for keys, queries in itertools.product(SPAN, SPAN):
        holds = [
            all(m.allowed[keys[m.key], queries[m.query]] for m in case)
            for case in cases
        ]
        wanted = truth(formula, keys, queries)
        assert sum(holds) == wanted
        some = some or wanted
    assert satisfiable(folded) == some


@given(st.lists(atoms(), min_size=1, max_size=3))
def test_an_and_of_atoms_needs_one_head(parts):
    pairs = [(a.key, a.query) for a in parts]
    cases = split_selector(t.Junction("and", tuple(parts)))
    (case,) = cases or [()]
    assert len(case) <= len(set(pairs))


def test_an_or_of_two_needs_two_heads_and_of_one_pair_one():
    one = t.Atom(0, 1, np.array([[1, 0, 0], [0, 1, 0]], bool))
    other = t.Atom(0, 1, np.array([[0, 0, 1], [0, 0, 0]], bool))
    far = t.Atom(2, 2, np.array([[1, 0], [0, 1]], bool))
    assert len(split_selector(t.Junction("or", (one, other)))) == 1
    assert len(split_selector(t.Junction("or", (one, far)))) == 2
