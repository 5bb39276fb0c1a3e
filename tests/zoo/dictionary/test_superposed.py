"""Dictionaries of a model with more features than dimensions, by their frequency."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.model import Model
from zoo.alignment.places import find_place
from zoo.alignment.tokens import read_tokens
from zoo.auditing.subject import accepts_of
from zoo.cases.case import Case
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import truth_of_circuit
from zoo.dictionary.report import DictionaryReport


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.superpose(9, rotate=0, zipf=1.0, nested=0.4)


@pytest.fixture(scope="module")
def rows(model: Model) -> list[list[str]]:
    inputs = accepts_of(model)
    return inputs.draw(np.random.default_rng(0), 400)  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def case(model: Model) -> Case:
    truth = truth_of_circuit(model.circuit)
    return Case("ands", model, truth, draw_pairs(model, "test", 16))


@pytest.fixture(scope="module")
def report(case: Case, rows: list[list[str]]) -> DictionaryReport:
    model = case.model
    features = model.features
    assert features is not None
    ids = model.encode_batch(rows)
    ands = [i for i, name in enumerate(features.names) if "_and_" in name]
    true = features.directions[ands]
    return zoo.score_dictionary(case, true, site="m0", inputs=ids)


def test_the_true_directions_of_the_ands_are_all_found(report: DictionaryReport):
    assert report.figures.to_found == pytest.approx(1.0)
    assert report.figures.recall.share == 1
    assert report.random.recall.share < 0.1


@pytest.mark.parametrize("cheat", ["one direction", "mean", "huge", "examples"])
def test_directions_without_knowledge_win_nothing(
    case: Case, rows: list[list[str]], cheat: str
) -> None:
    ids = case.model.encode_batch(rows)
    held = read_tokens(case, find_place(case.config, "m0"), ids)
    rng, width = np.random.default_rng(0), case.config.d_model
    found = {
        "one direction": np.repeat(rng.standard_normal((1, width)), 40, axis=0),
        "mean": held.mean(axis=0, keepdims=True),
        "huge": rng.standard_normal((4_000, width)),
        "examples": held[np.linalg.norm(held, axis=1) > 0][:400],
    }[cheat]
    report = zoo.score_dictionary(case, found, site="m0", inputs=ids)
    assert report.figures.f1 < 0.2  # a mean is nearly the commonest feature


def test_the_rate_of_an_and_is_how_often_the_definition_says(
    report: DictionaryReport, rows: list[list[str]]
):
    tokens = sum(map(len, rows))
    for feature in report.features:
        pair = set(feature.name.split("_and_"))
        seen = sum(pair <= {*row} for row in rows)
        assert feature.rate == pytest.approx(seen / tokens)
    never = {frozenset(name.split("_and_")) for name in report.left_out}
    assert not any(pair <= {*row} for row in rows for pair in never)


def test_bands_of_frequency_divide_the_features(report: DictionaryReport):
    bands = report.by_frequency((0.005, 0.02))
    assert sum(band.count for band in bands) == len(report.features)
    for band in bands:
        own = [
            f.cosine
            for f in report.features
            if f.rate >= band.least and (band.below is None or f.rate < band.below)
        ]
        assert band.count == len(own) and band.cosine == pytest.approx(np.mean(own))
    assert "active at a share of" in report.text


def test_inputs_that_are_no_token_ids_are_refused(case: Case):
    directions = np.eye(case.config.d_model)
    for wrong in (np.zeros((3, 2), np.int32), np.full((2, 4), 99, np.int32)):
        with pytest.raises(InputError, match=r"expected token ids .input, 4."):
            zoo.score_dictionary(case, directions, site="m0", inputs=wrong)
