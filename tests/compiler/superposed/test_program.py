"""The program of the ANDs, and the inputs that it is for, against plain Python."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

import zoo
from compiler.ir.interpret import encode_batch, interpret
from compiler.model import Model
from compiler.superposed.inputs import SparseInputs, sparse_inputs


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.superpose(9)


def by_definition(tokens: list[str]) -> list[bool]:
    return ["&" in t and {*t.split("&")} <= {*tokens} for t in tokens]


def test_the_output_is_the_and_that_a_question_asks_for(model: Model):
    rows = [
        row
        for question in model.typed.vocab[9::3]
        for on in combinations(range(9), 2)
        for row in permutations([question, *(f"x{i}" for i in on)])
    ]
    trace = interpret(model.typed, *encode_batch(model.typed, rows))
    first = model.typed.index("has_x0")
    for line, row in enumerate(rows):
        assert trace.decoded(model.typed.output, line) == by_definition([*row])
        at = next(i for i, token in enumerate(row) if "&" in token)
        there = [trace.values[first + i][line, at] == 1 for i in range(9)]
        assert there == [f"x{i}" in row for i in range(9)]


def test_inputs_are_drawn_as_they_are_accepted_and_half_of_them_are_full(model: Model):
    inputs = sparse_inputs(model.typed, model.facts)
    assert isinstance(inputs, SparseInputs)
    rows = inputs.draw(np.random.default_rng(0), 300)
    assert rows == inputs.draw(np.random.default_rng(0), 300)
    assert all(inputs(row) and len(row) <= 3 for row in rows)
    assert 0.4 < np.mean([len(row) == 3 for row in rows]) < 0.9
    assert 0.2 < np.mean([any(by_definition(row)) for row in rows]) < 0.6


def test_what_is_not_sparse_is_not_accepted(model: Model):
    inputs = sparse_inputs(model.typed, model.facts)
    assert inputs is not None
    assert inputs(["x0&x3"]) and inputs(["x0", "x0&x3", "x3"])
    assert not inputs(["x0", "x1", "x2"]), "three literals, and two may be on"
    assert not inputs(["x0", "x0"]), "one literal twice"
    assert not inputs(["x0", "x77"])
    assert sparse_inputs(model.typed, {}) is None
