"""A model with more ANDs than neurons against its program, on all sparse inputs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import zoo
from compiler.dimensions import ALL_ANDS
from compiler.errors import InputError
from compiler.machine.features import Features
from compiler.model import Model
from compiler.parts import matrix_of
from compiler.save import to_files

SETS = [on for k in range(3) for on in combinations(range(9), k)]


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.superpose(9)


@pytest.fixture(scope="module")
def turned() -> Model:
    return zoo.superpose(9, rotate=1)


def features_of(model: Model) -> Features:
    assert model.features is not None
    return model.features


def words(on: tuple[int, ...]) -> list[str]:
    return [f"x{i}" for i in on]


@pytest.mark.parametrize("name", ["model", "turned"])
def test_every_question_is_answered_right_for_all_sets_of_inputs(name, request):
    model: Model = request.getfixturevalue(name)
    questions = model.typed.vocab[9:]
    rows = [[q, *words(on)] for on in SETS for q in questions]
    answers = [row[0] for row in model.batch(rows)]
    assert answers == [
        {*q.split("&")} <= {*words(on)} for on in SETS for q in questions
    ]
    assert len(questions) == 27 > model.config.d_mlp == 18


def test_what_neurons_write_is_the_sum_of_the_features_that_are_active(turned: Model):
    features = features_of(turned)
    known = dict(zip(features.names, features.directions, strict=True))
    runs = turned.run([["x0&x3", *words(on)] for on in SETS if len(on) == 2])
    pairs = [on for on in SETS if len(on) == 2]
    nothing = np.zeros(turned.config.d_model)
    for on, writes in zip(pairs, np.asarray(runs.writes), strict=True):
        expected = known.get("x{}_and_x{}".format(*on), nothing)
        np.testing.assert_allclose(writes[3, 1], expected, atol=2e-4)
        has = sum(known[f"has_x{i}"] for i in on)
        np.testing.assert_allclose(writes[2, 1], has, atol=2e-4)
        asked = known["tokens=x0&x3"] + known["question"]
        np.testing.assert_allclose(writes[0, 1], asked, atol=2e-4)


def test_there_are_more_features_than_dimensions_and_no_two_are_the_same(model: Model):
    features = features_of(model)
    assert len(features.names) == 75 > model.config.d_model == 48
    assert 0 < features.overlap < 0.99


def test_a_model_is_the_same_for_a_seed_and_after_saving(model: Model, tmp_path):
    files = to_files(model)
    assert files == to_files(zoo.superpose(9))
    assert files != to_files(zoo.superpose(9, seed=1))
    zoo.save(model, tmp_path / "ands")
    loaded = zoo.load(tmp_path / "ands")
    assert to_files(loaded) == files


@pytest.mark.parametrize("name", ["model", "turned"])
def test_the_parts_of_each_matrix_add_up_to_it(name, request):
    model: Model = request.getfixturevalue(name)
    for matrix in {part.matrix for part in model.parts}:
        total = sum(part.array for part in model.parts if part.matrix == matrix)
        whole = matrix_of(model, matrix)
        np.testing.assert_allclose(total, whole, atol=1e-5 * np.abs(whole).max())
    reading = [p.reads for p in model.parts if p.matrix == "m0.W_in"]
    assert reading == [f"has_x{i}" for i in range(9)]
    assert {p.serves for p in model.parts if p.matrix == "m0.W_out"} == {(ALL_ANDS,)}


def test_inputs_have_sites_of_their_own_where_one_more_may_be_on(model: Model):
    # Interchanging one of two inputs can turn on a third.
    assert model.sites["has_x0"].basis is None
    larger = zoo.superpose(16, d_mlp=75)
    assert larger.sites["has_x0"].basis is not None
    bound = zoo.bound_readings(larger, sparsity=3)
    assert bound.holds


def test_a_rotation_that_is_no_seed_is_refused():
    with pytest.raises(InputError, match="rotate is -1; give a seed, 0 or more"):
        zoo.superpose(9, rotate=-1)
