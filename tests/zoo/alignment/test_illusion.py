"""An illusion is told from a mediator by what is read, without its null part."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from zoo.alignment.illusion import add_illusion
from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.patching import run_both
from zoo.alignment.places import find_place
from zoo.alignment.report import AlignmentReport
from zoo.alignment.score import score_alignment
from zoo.alignment.subspaces import known_subspace
from zoo.cases.case import Case
from zoo.cases.truth import truth_of_circuit

INDEX, NODE, PAIRS = "opposite_index", "m0", 48


@pytest.fixture(scope="module")
def illusion(rotated: Case) -> tuple[Case, np.ndarray]:
    model, claim = add_illusion(rotated.model, INDEX)
    truth = truth_of_circuit(model.circuit)
    return Case(model.name, model, truth, rotated.pairs), claim


@pytest.fixture(scope="module")
def found(illusion: tuple[Case, np.ndarray]) -> AlignmentReport:
    return score_alignment(illusion[0], INDEX, NODE, illusion[1], pairs=PAIRS)


def test_the_outputs_are_those_of_the_model_before(
    illusion: tuple[Case, np.ndarray], rotated: Case
) -> None:
    for words in (["a"], ["a", "b"], ["b", "a", "a", "b"]):
        assert illusion[0].model(words) == rotated.model(words)


def test_the_illusion_has_the_effect_and_nothing_active(found: AlignmentReport) -> None:
    assert found.claimed.cause is not None and found.read_part.cause is not None
    assert found.claimed.cause.share == 1.0
    assert found.shares.null == pytest.approx(0.5, abs=1e-6)
    assert found.shares.dormant == pytest.approx(0.5, abs=1e-6)
    assert found.shares.active == pytest.approx(0.0, abs=1e-6)
    assert found.read_part.cause.share == 0.0
    assert found.geometry is not None and found.geometry.inside < 1e-6
    assert "never varies" in str(found)


def test_the_true_subspace_keeps_its_effect_without_a_null_part(
    illusion: tuple[Case, np.ndarray],
) -> None:
    known = known_subspace(illusion[0].model, INDEX)
    assert known is not None
    true = score_alignment(illusion[0], INDEX, NODE, known.needed, pairs=PAIRS)
    assert true.claimed.cause is not None and true.read_part.cause is not None
    assert (true.claimed.cause.share, true.read_part.cause.share) == (1.0, 1.0)
    assert true.shares.active == pytest.approx(1.0, abs=1e-6)


def test_odds_are_log_ratios_of_softmax_and_noise_has_no_selectivity(
    rotated: Case,
) -> None:
    known = known_subspace(rotated.model, "output")
    assert known is not None
    drawn = draw_interchanges(rotated, "output", PAIRS)
    runs, place = run_both(rotated, drawn), find_place(rotated.config, "stream.2")
    true = score_alignment(rotated, "output", "stream.2", known.whole, pairs=PAIRS)
    change = (place.held(runs.donors) - place.held(runs.writes)) * drawn.where[
        ..., None
    ]
    moved = change @ known.whole @ known.whole.T
    clean = np.asarray(runs.clean)
    both = clean, clean + moved @ np.asarray(rotated.weights.W_U)
    logs = [x - np.logaddexp.reduce(x, axis=-1)[..., None] for x in both]
    ratios = []
    for pair, seat in np.argwhere(drawn.before >= 0):
        one, other = drawn.before[pair, seat], drawn.after[pair, seat]
        if other >= 0 and one != other:
            before, last = logs[0][pair, seat], logs[1][pair, seat]
            ratios.append(before[one] - before[other] + last[other] - last[one])
    assert true.claimed.odds == pytest.approx(np.mean(ratios), rel=1e-2)
    assert true.random_subspace.odds is not None and true.claimed.odds is not None
    assert true.random_subspace.odds < 0.5 * true.claimed.odds


def test_the_effect_on_a_third_class_is_taken_off_the_odds() -> None:
    from zoo.alignment.figures import third_class

    first, last = np.array([0, 0, 2, 1]), np.array([1, 2, 1, 2])
    found = third_class(first, last, 3)
    assert found is not None and found.tolist() == [2, 1, 0, 0]
    assert third_class(first, last, 2) is None


def test_only_a_variable_that_queries_alone_read_has_one(rotated: Case) -> None:
    with pytest.raises(InputError, match="expected queries alone"):
        add_illusion(rotated.model, "output")


def test_a_trained_model_has_no_known_subspace_to_make_an_illusion_of() -> None:
    with pytest.raises(InputError, match="known subspace"):
        add_illusion(zoo.load("sort-siit"), "target_index")
