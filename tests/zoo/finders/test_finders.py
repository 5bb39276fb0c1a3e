"""Each finder against subspaces that were planted."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.errors import InputError
from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.places import find_place
from zoo.alignment.score import score_alignment
from zoo.alignment.subspaces import angles, known_subspace
from zoo.cases.case import Case
from zoo.finders import (
    FINDERS,
    das,
    difference_of_means,
    multi_task_das,
    pca,
    probe,
)
from zoo.finders.activations import read_examples
from zoo.finders.boundaries import boundless_das

FEW = 250


@pytest.mark.parametrize("finder", [das, multi_task_das])
def test_das_finds_a_planted_direction_of_the_stream(
    compiled: Case, rotated: Case, finder
) -> None:
    # Two values, a and b, so one direction of the many of the stream.
    for case in (compiled, rotated):
        found = finder(case, "output", "stream.2", k=1, steps=FEW)
        report = score_alignment(case, "output", "stream.2", found, pairs=64)
        assert report.claimed.cause is not None
        assert report.claimed.cause.share == 1.0
        assert report.random_subspace.cause is not None
        assert report.random_subspace.cause.share < 0.5
        assert max(report.angles or (90.0,)) < 25
        assert report.geometry is not None
        assert report.geometry.covered > 0.8 > report.geometry.random_covered


def test_boundless_das_finds_how_many_directions_it_takes(rotated: Case) -> None:
    found = boundless_das(rotated, "output", "stream.2", steps=FEW)
    report = score_alignment(rotated, "output", "stream.2", found, pairs=64)
    assert found.shape[1] < rotated.config.d_model / 2
    assert report.claimed.iia.share > 0.95


@pytest.mark.parametrize("finder", [probe, difference_of_means, pca])
def test_what_reads_activations_finds_the_only_variable_of_a_node(
    compiled: Case, rotated: Case, finder
) -> None:
    for case in (compiled, rotated):
        found = finder(case, "opposite_index", "m0")
        known = known_subspace(case.model, "opposite_index")
        assert known is not None
        assert max(angles(known.needed, found)) < 1
        report = score_alignment(case, "opposite_index", "m0", found, pairs=64)
        assert report.claimed.iia.share == 1.0


def test_the_probe_tells_a_variable_from_what_stands_beside_it(rotated: Case) -> None:
    known = known_subspace(rotated.model, "output")
    assert known is not None
    probed = angles(probe(rotated, "output", "stream.2", k=1), known.needed)[0]
    assert probed < 10
    assert angles(pca(rotated, "output", "stream.2", k=1), known.needed)[0] > probed


def test_difference_of_means_of_two_values_is_their_difference(case: Case) -> None:
    found = difference_of_means(case, "is_t", "m0")
    pairs = draw_interchanges(case, "is_t")
    examples = read_examples(case, "is_t", "m0", 0)
    assert set(pairs.values) == {0, 1}
    one, other = (examples.held[examples.values == v].mean(axis=0) for v in (0, 1))
    gap = (one - other) / np.linalg.norm(one - other)
    assert abs(gap @ found[:, 0]) == pytest.approx(1.0)


def test_the_probe_solves_its_equation(case: Case) -> None:
    found = probe(case, "is_t", "stream.1", ridge=0.1)
    examples = read_examples(case, "is_t", "stream.1", 0)
    held, count = examples.centred, len(examples.values)
    goal = examples.values - examples.values.mean()
    # By least squares over rows of data and rows of the price.
    spread = np.trace(held.T @ held / count) / held.shape[1]
    rows = np.vstack([held, np.sqrt(0.1 * spread * count) * np.eye(held.shape[1])])
    wanted = np.linalg.lstsq(rows, np.append(goal, np.zeros(held.shape[1])))[0]
    assert found.shape[1] == 1
    cosine = wanted @ found[:, 0] / np.linalg.norm(wanted)
    assert abs(cosine) == pytest.approx(1.0, abs=1e-6)


def test_pca_finds_the_directions_of_the_greatest_variance(case: Case) -> None:
    found = pca(case, "is_t", "stream.1", k=3)
    centred = read_examples(case, "is_t", "stream.1", 0).centred
    sizes, vectors = np.linalg.eigh(centred.T @ centred)
    assert max(angles(found, vectors[:, np.argsort(sizes)[-3:]])) < 1e-3


def test_a_seed_gives_the_same_subspace_again(compiled: Case) -> None:
    one, same, other = (
        das(compiled, "output", "stream.2", k=1, seed=s, steps=20) for s in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_every_finder_returns_orthonormal_columns(case: Case) -> None:
    for name, finder in FINDERS.items():
        options = {} if finder in (probe, difference_of_means, pca) else {"steps": 20}
        found = finder(case, "is_t", "m0", k=1, **options)
        assert found.shape == (case.config.d_model, 1), name
        assert np.allclose(found.T @ found, np.eye(1)), name


def test_too_many_directions_are_refused(case: Case) -> None:
    for finder in (das, probe):
        with pytest.raises(InputError, match=r"k is 99.*1 to"):
            finder(case, "is_t", "m0", k=99)


def test_a_site_that_holds_nothing_is_refused(compiled: Case) -> None:
    assert find_place(compiled.config, "m1").name == "m1"
    with pytest.raises(InputError, match="holds the same for every value"):
        difference_of_means(compiled, "length", "m1")
