"""The causal model of superposed ANDs against the interpreter, with overrides too."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from compiler.ir.interpret import interpret
from compiler.model import Model
from zoo.auditing.subject import accepts_of, causal_of
from zoo.causal.population import populate, run_all
from zoo.causal.superposed import SuperposedAnds
from zoo.causal.tabular import TabularModel


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.superpose(9)


def test_all_variables_are_those_of_the_interpreter_under_any_overrides(model: Model):
    causal = causal_of(model)
    assert isinstance(causal, SuperposedAnds)
    found = populate(causal, 200)
    rng = np.random.default_rng(0)
    size = found.values.shape
    given = np.where(rng.random(size) < 0.3, rng.integers(0, 2, size), -2)
    given = np.where(found.live[:, None], given, -2).astype(np.int32)
    values = run_all(causal, found.ids, given)
    tokens = np.where(found.live, found.ids, 0)[:, 1:].astype(np.int32)
    overrides = {v: given[:, i, 1:] for i, v in enumerate(causal.learnt)}
    trace = interpret(model.typed, tokens, found.lengths, overrides)
    live = found.live[:, 1:]
    for i, variable in enumerate(causal.learnt):
        expected = np.where(live, trace.values[variable], -1)
        np.testing.assert_array_equal(values[:, i, 1:], expected)


def test_it_has_the_variables_and_parents_of_the_tabular_model(model: Model):
    causal = causal_of(model)
    assert isinstance(causal, SuperposedAnds)
    plain = TabularModel(model.typed, None, causal.accepts)
    assert causal.variables == plain.variables and causal.learnt == plain.learnt


def test_inputs_are_those_that_the_model_is_for(model: Model):
    accepts, found = accepts_of(model), populate(causal_of(model), 100)
    assert accepts is not None
    assert all(accepts(found.words(row)) for row in range(len(found)))
