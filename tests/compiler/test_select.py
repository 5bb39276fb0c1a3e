"""What is known of a selector before any input holds for every input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.select import at_most_one, bound, never_empty, width_domain

MAX_LEN = 3


@st.composite
def domains(draw: Any) -> list[Domain]:
    """Draw three variables of two or three values, some at each position."""
    found = []
    for size in (2, 3, 3):
        bits = st.lists(st.booleans(), min_size=size, max_size=size).filter(any)
        mask = np.array([draw(bits) for _ in range(MAX_LEN)])
        found.append(Domain(tuple(range(size)), mask))
    return found


def draw_formula(seed: int) -> t.Formula:
    """Return a random selector of one to three atoms over the three variables."""
    rng = np.random.default_rng(seed)

    def atom() -> t.Formula:
        key, query = rng.integers(0, 3, size=2)
        shape = tuple((2, 3, 3)[i] for i in (key, query))
        allowed = rng.random(shape) < rng.choice([0.3, 0.5, 0.8])
        found = t.Atom(int(key), int(query), allowed)
        return t.Junction("not", (found,)) if rng.random() < 0.2 else found

    parts = tuple(atom() for _ in range(rng.integers(1, 4)))
    kind = "and" if rng.random() < 0.6 else "or"
    return parts[0] if len(parts) == 1 else t.Junction(kind, parts)


def holds(formula: t.Formula, key: tuple[int, ...], query: tuple[int, ...]) -> bool:
    match formula:
        case t.Atom():
            return bool(formula.allowed[key[formula.key], query[formula.query]])
        case t.Junction(kind="not"):
            return not holds(formula.parts[0], key, query)
        case t.Junction():
            test = all if formula.kind == "and" else any
            return test(holds(part, key, query) for part in formula.parts)
    return formula.value


@pytest.mark.parametrize("causal", [False, True])
@settings(max_examples=60)
@given(domains(), st.integers(0, 9999))
def test_bounds_hold_for_every_input(causal, variables, seed):
    formula = draw_formula(seed)
    bounds = bound(formula, variables, causal)
    widths = width_domain(bounds, causal)
    sure, single = never_empty(bounds), at_most_one(formula, variables, bounds)
    rng = np.random.default_rng(seed)
    for n, _ in itertools.product(range(1, MAX_LEN + 1), range(12)):
        # [position, variable]: any value that the domain has there.
        values = [
            tuple(int(rng.choice(np.flatnonzero(v.mask[i]))) for v in variables)
            for i in range(n)
        ]
        for i in range(n):
            row = [
                (j <= i or not causal) and holds(formula, values[j], values[i])
                for j in range(n)
            ]
            assert all(bounds.may[i, j] for j in range(n) if row[j])
            assert all(row[j] for j in range(n) if bounds.must[i, j])
            assert widths.mask[i, widths.values.index(sum(row))]
            assert sum(row) > 0 or not sure[i]
            assert sum(row) <= 1 or not single


def test_one_key_for_each_query_value_is_one_key():
    # The query may be any position, so each row may select any: but one at a time.
    position = Domain((0, 1, 2), np.eye(3, dtype=bool))
    anywhere = Domain((0, 1, 2), np.ones((3, 3), bool))
    equal = t.Atom(0, 1, np.eye(3, dtype=bool))
    other = t.Atom(1, 1, np.ones((3, 3), bool))
    both, either = t.Junction("and", (other, equal)), t.Junction("or", (other, equal))
    variables = [position, anywhere]
    for formula, expected in ((equal, True), (both, True), (either, False)):
        bounds = bound(formula, variables, False)
        assert at_most_one(formula, variables, bounds) == expected
    repeated = [anywhere, anywhere]
    assert not at_most_one(equal, repeated, bound(equal, repeated, False))
