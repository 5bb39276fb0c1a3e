"""The bound of a model against what its readings are in runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.machine.weights import freeze
from compiler.model import Model

ROUNDING = 2e-5


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.superpose(9)


@pytest.mark.parametrize("rotate", [None, 3])
def test_no_reading_of_any_set_of_inputs_is_beyond_the_bound(rotate):
    model = zoo.superpose(9, rotate=rotate)
    bound, found = zoo.bound_readings(model), zoo.measure_readings(model)
    assert found.complete and found.sets == 45
    assert found.worst <= ROUNDING
    assert found.true >= bound.true_at_least - ROUNDING
    assert bound.error - 1e-3 < found.false, "the bound is reached"
    assert bound.holds and bound.margin > 0.24
    assert bound.error < bound.threshold < bound.true_at_least


def test_twice_the_neurons_halve_the_error():
    few, many = (
        zoo.bound_readings(zoo.superpose(36, d_mlp=d_mlp)) for d_mlp in (98, 196)
    )
    assert few.error == pytest.approx(2 * many.error, rel=1e-3)


def test_more_inputs_than_the_model_is_for_are_not_proven(model: Model):
    bound = zoo.bound_readings(model, sparsity=4)
    assert not bound.holds and bound.error > 1


def test_the_bound_is_of_the_weights_and_sees_when_they_change(model: Model):
    changed = np.array(model.weights.W_in)
    changed[0, 0] *= 1.3  # what reads the first input
    weights = freeze(model.weights._replace(W_in=changed))
    other = replace(model, weights=weights)
    bound, before = zoo.bound_readings(other), zoo.bound_readings(model)
    assert bound.margin < before.margin - 0.2
    found = zoo.measure_readings(other)
    assert found.worst <= ROUNDING
    assert found.false > before.error + 0.1


def test_other_models_and_sizes_are_told(model: Model):
    other = replace(model, facts={})
    with pytest.raises(InputError, match=r"no ANDs in superposition.*zoo.superpose"):
        zoo.bound_readings(other)
    with pytest.raises(InputError, match="sparsity is 1; give how many inputs"):
        zoo.bound_readings(model, sparsity=1)
