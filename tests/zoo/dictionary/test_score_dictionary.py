"""A dictionary's figures against definitions by brute force, and planted features."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.alignment.places import find_place
from zoo.alignment.reading import FAINT
from zoo.alignment.subspaces import angles, span
from zoo.alignment.tokens import read_tokens
from zoo.cases.case import Case
from zoo.compression.compress import squeezed_model
from zoo.compression.naming import name_dimensions
from zoo.dictionary.cosines import cosines, match, project
from zoo.dictionary.features import known_features
from zoo.dictionary.score import figures_of, score_dictionary
from zoo.finders.autoencoder import (
    choose_top_k,
    find_dictionary,
    train_autoencoder,
    train_dictionary,
)

RNG = np.random.default_rng(0)


def units(*shape: int) -> np.ndarray:
    drawn = RNG.normal(size=shape)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def truth(case: Case, site: str) -> np.ndarray:
    return known_features(case, find_place(case.config, site)).directions


@pytest.fixture(scope="module")
def compressed(compiled: Case) -> Case:
    named = name_dimensions(compiled.model)
    projection = units(len(named.names), 10) * 0.9
    model = squeezed_model(named, projection, {"kind": "compressed"})
    return Case("compressed", model, compiled.truth, compiled.pairs)


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (5, 3)])
@pytest.mark.parametrize("threshold", [0.3, 0.6])
def test_the_matching_is_the_best_of_all_permutations(
    shape: tuple[int, int], threshold: float
) -> None:
    for _ in range(10):
        near = cosines(units(shape[0], 4), units(shape[1], 4))
        tall = near if shape[0] <= shape[1] else near.T
        every = [
            [tall[i, j] for i, j in enumerate(order) if tall[i, j] >= threshold]
            for order in permutations(range(tall.shape[1]), len(tall))
        ]
        best = max((len(found), sum(found)) for found in every)
        found = match(near, threshold)
        assert len(found) == best[0]
        assert sum(near[i, j] for i, j in found) == pytest.approx(best[1])
        figures = figures_of([near], threshold, 0)
        assert figures.f1 == pytest.approx(2 * best[0] / sum(shape))
        means = [np.mean([max(row) for row in m]) for m in (near, near.T)]
        assert [figures.to_found, figures.to_true] == pytest.approx(means)


@pytest.mark.parametrize("name", ["compiled", "rotated", "compressed"])
def test_the_true_features_are_a_perfect_dictionary(
    request: pytest.FixtureRequest, name: str
) -> None:
    case: Case = request.getfixturevalue(name)
    true = truth(case, "stream.1")
    found = score_dictionary(case, true, site="stream.1", threshold=0.999)
    figures = found.figures
    assert figures.to_found == pytest.approx(1.0)
    assert figures.to_true == pytest.approx(1.0)
    assert figures.f1 == figures.precision.share == figures.recall.share == 1.0
    assert found.missed == ()
    assert found.visible.to_found == pytest.approx(1.0)
    assert found.random.f1 < 0.1 and found.random.to_found < 0.95


def test_order_sign_and_length_change_nothing(rotated: Case) -> None:
    true = truth(rotated, "stream.1")
    blurred = true + 0.2 * units(*true.shape)
    turned = RNG.permutation(blurred) * RNG.choice([-3.0, 0.5], (len(blurred), 1))
    one, other = (
        score_dictionary(rotated, d, site="stream.1").figures for d in (blurred, turned)
    )
    assert one.f1 == other.f1
    assert (one.to_found, one.to_true) == pytest.approx((other.to_found, other.to_true))


def test_what_is_missed_and_what_is_left_out_is_told(compiled: Case) -> None:
    known = known_features(compiled, find_place(compiled.config, "stream.1"))
    found = score_dictionary(compiled, known.directions[1:], site="stream.1")
    assert [f.name for f in found.missed] == [known.names[0]]
    assert found.figures.recall.hits == len(known.names) - 1
    assert found.figures.precision.share == 1.0
    assert known.names[0] in str(found)
    data = json.loads(json.dumps(found.to_json()))
    assert data["figures"]["recall"]["share"] == found.figures.recall.share < 1
    assert data["figures"]["f1"] == found.figures.f1
    # Two tokens are one number along one direction, four positions are one-hot.
    assert {"tokens", "indices=0", "length"} < set(known.names)
    assert not any(name.startswith("output") for name in known.names + known.constant)
    last = known_features(compiled, find_place(compiled.config, "stream.2"))
    assert [n for n in last.constant if n.startswith("output")] == ["output=None"]


def test_an_sae_finds_features_without_superposition_that_random_ones_do_not() -> None:
    """Five orthogonal features of eight dimensions, one or two on at a time."""
    true = np.linalg.qr(RNG.normal(size=(8, 5)))[0].T
    on = RNG.random((2000, 5)) < 0.25
    held = ((on * RNG.uniform(0.5, 1.5, on.shape)) @ true).astype(np.float32)
    for options in ({}, {"top_k": 2}):
        found = train_dictionary(held, 8, 0, steps=1500, **options)
        near = cosines(true, found)
        random = np.mean([cosines(true, units(8, 8)).max(axis=1) for _ in range(50)])
        assert near.max(axis=1).mean() > 0.95 > random
        assert len(match(near, 0.9)) >= 4


def test_how_many_features_fire_is_chosen_by_what_is_lost_on_other_vectors() -> None:
    """Exactly two of five orthogonal features at every token: K = 2 loses nothing."""
    rng = np.random.default_rng(4)
    true = np.linalg.qr(rng.normal(size=(8, 5)))[0].T
    on = np.zeros((2000, 5), bool)
    for row in on:
        row[rng.choice(5, 2, replace=False)] = True
    held = ((on * rng.uniform(0.5, 1.5, on.shape)) @ true).astype(np.float32)
    chosen, lost = choose_top_k(held, 8, (1, 2, 4), steps=3000)
    assert chosen == 2 and lost[1] > lost[2] + 0.05
    coder = train_autoencoder(held, 8, top_k=2, steps=3000)
    fires = coder.encode(held)
    assert ((fires > 0).sum(axis=1) <= 2).all()
    error = np.square(held - coder.decode(fires)).sum()
    total = np.square(held - held.mean(axis=0)).sum()
    assert coder.unexplained(held) == pytest.approx(error / total)
    assert coder.unexplained(held) < 0.05


def test_what_no_data_show_counts_in_no_visible_part(rotated: Case) -> None:
    """Centred one-hot directions are as good as any: their common part is constant."""
    place = find_place(rotated.config, "m0")
    true = known_features(rotated, place).directions
    centred = true - true.mean(axis=0)
    found = score_dictionary(rotated, centred, site="m0", threshold=0.99)
    # e_i less the mean of n such has a cosine of sqrt((n - 1) / n) with e_i.
    expected = np.sqrt((len(true) - 1) / len(true))
    assert found.figures.to_found == pytest.approx(expected)
    assert found.figures.f1 == 0
    assert found.visible.to_found == pytest.approx(1.0)
    assert found.visible.f1 == 1.0
    held = read_tokens(rotated, place)
    seen = span((held - held.mean(axis=0)).T.astype(np.float64), FAINT)
    assert max(angles(seen, span(centred.T))) < 0.1
    elsewhere = np.linalg.svd(seen)[0][:, -1:]
    assert not project(elsewhere.T, seen).any()


def test_an_sae_of_a_model_beats_random_directions(rotated: Case) -> None:
    found = find_dictionary(rotated, "stream.0", 12, steps=1000)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    report = score_dictionary(rotated, found, site="stream.0")
    assert report.figures.to_found > report.random.to_found + 0.1


def test_a_dictionary_that_is_none_is_refused_with_what_to_do(rotated: Case) -> None:
    width = rotated.config.d_model
    good = units(width - 2, width)
    bad: dict[str, Any] = {
        r"Give its transpose, dictionary\.T": good.T,
        r"expected \[feature, d_model\]": good[:, :3],
        "found 1 number that is NaN": np.where(good == good[2, 1], np.nan, good),
        "found 1 rows of zeros": np.vstack([good, np.zeros((1, width))]),
        "found dict, expected numbers": {},
    }
    for text, dictionary in bad.items():
        with pytest.raises(InputError, match=text):
            score_dictionary(rotated, dictionary, site="stream.1")
    with pytest.raises(NameLookupError, match="Did you mean 'stream"):
        score_dictionary(rotated, good, site="stream1")
    with pytest.raises(InputError, match="give a cosine above 0, at most 1"):
        score_dictionary(rotated, good, site="stream.1", threshold=1.5)
    with pytest.raises(InputError, match="no feature at m1 differs"):
        score_dictionary(rotated, good, site="m1")


def test_a_trained_model_is_refused(case: Case) -> None:
    with pytest.raises(InputError, match="was trained: which directions"):
        zoo.score_dictionary(case, np.eye(case.config.d_model), site="stream.1")


def test_an_sae_that_cannot_be_is_refused(compiled: Case) -> None:
    with pytest.raises(InputError, match="top_k of 1 up to the size"):
        find_dictionary(compiled, "stream.0", 4, top_k=5)
    with pytest.raises(InputError, match="holds the same at every token"):
        find_dictionary(compiled, "m1", 4)
