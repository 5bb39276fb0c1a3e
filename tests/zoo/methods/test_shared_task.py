"""Entries of the 2025 shared task, against their definitions by other means."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

import zoo
from compiler.errors import InputError
from compiler.machine.names import Names
from zoo.cases.case import Case
from zoo.methods import find_method
from zoo.methods.consistency import consistent_scores
from zoo.methods.eap_ig import STEPS, eap_ig_inputs, shares_of
from zoo.methods.ensembles import mean_rank
from zoo.methods.integer_program import best_circuit
from zoo.methods.interpolation import inputs_at, pair_scores
from zoo.methods.positive_ratio import first_sizes
from zoo.scoring.sufficient import Judge


def run(name: str, case: Case, seed: int = 0) -> np.ndarray:
    return np.asarray(find_method(name).run(case, seed))


def test_scores_of_single_pairs_give_the_scores_of_any_sample(case: Case) -> None:
    masks = [inputs_at(case, share) for share in shares_of(STEPS, 1)]
    single = pair_scores(case, masks)
    rows = np.random.default_rng(1).integers(0, len(single), len(single))
    resampled = case.with_changes(pairs=case.pairs.take(rows))
    for scores, expected in (
        (single, eap_ig_inputs(case)),
        (single[rows], eap_ig_inputs(resampled)),
    ):
        assert np.allclose(scores.mean(axis=0), expected, rtol=1e-3, atol=1e-5)


def test_bootstrap_puts_edges_of_consistent_sign_first(case: Case) -> None:
    mean, same = consistent_scores(case, 0)
    found = run("eap-ig-bootstrap", case)
    assert same.any() and (same <= case.names.visible).all()
    nonzero = found != 0
    assert np.array_equal(np.sign(found[nonzero]), np.sign(mean[nonzero]))
    worst, best = np.abs(found[same]).min(), np.abs(found[~same]).max()
    assert worst > best
    for group in (same, ~same & case.names.visible):
        ranks = (stats.rankdata(np.abs(x[group])) for x in (found, mean))
        assert np.array_equal(*ranks)


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.75, 1.0])
def test_ratio_ranks_edges_by_the_first_set_that_has_them(ratio: float) -> None:
    scores = np.random.default_rng(0).normal(size=17)
    sizes = first_sizes(scores, ratio)
    assert sorted(sizes) == list(range(1, 18))
    for size in range(1, 18):
        positive = list(np.argsort(-scores))[: int(ratio * size)]
        rest = [e for e in np.argsort(-np.abs(scores)) if e not in positive]
        wanted = {*positive, *rest[: size - len(positive)]}
        assert wanted == set(np.flatnonzero(sizes <= size))


def connected(names: Names, chosen: frozenset[tuple[int, ...]]) -> bool:
    """Return whether each node of some edges has one in and one out, but for ends."""
    into = {names.node_of(names.readers[reader]) for reader, _ in chosen}
    out = {names.sources[source] for _, source in chosen}
    given = {"tokens", "positions"}
    return into - {"logits"} <= out and out - given <= into and "logits" in into


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_integer_program_finds_the_best_of_all_connected_circuits(size: int) -> None:
    names = Names(1, 1)
    edges = [tuple(e) for e in np.argwhere(names.visible).tolist()]
    scores = np.zeros(names.visible.shape)
    scores[names.visible] = np.random.default_rng(size).normal(size=len(edges))
    best = -np.inf
    for count in range(1, size + 1):
        for some in itertools.combinations(edges, count):
            if connected(names, frozenset(some)):
                best = max(best, sum(scores[edge] for edge in some))
    found = best_circuit(names, scores, size)
    assert found.sum() <= size and (found <= names.visible).all()
    chosen = frozenset(tuple(e) for e in np.argwhere(found).tolist())
    assert connected(names, chosen)
    assert scores[found].sum() == pytest.approx(best)


def test_ilp_scores_count_the_circuits_that_have_an_edge(case: Case) -> None:
    found = run("eap-ig-ilp", case)
    half = best_circuit(
        case.names, np.abs(eap_ig_inputs(case)), int(case.names.visible.sum() / 2)
    )
    assert (found[half] >= 1).all() and (found[~case.names.visible] == 0).all()


def test_parallel_ensemble_is_the_mean_of_its_methods(case: Case) -> None:
    parts = [run(n, case) for n in ("eap", "eap-ig-inputs", "eap-ig-activations")]
    assert np.allclose(run("parallel-ensemble", case), np.mean(parts, axis=0))


def test_mean_ranks_do_not_depend_on_the_scale_of_a_method() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 4, 5))
    visible = rng.random((4, 5)) < 0.7
    plain = mean_rank([first, second], visible)
    assert np.array_equal(plain, mean_rank([np.exp(9 * first), second * 3], visible))
    assert plain.mean() == (visible.sum() + 1) / 2


@pytest.fixture(scope="module")
def vote() -> Case:
    model = zoo.compile("first_by_evidence", max_len=3)
    return zoo.open_case(model, split="test", pairs=64)


def test_pruning_in_many_orders_ends_at_minimal_circuits(vote: Case) -> None:
    truth = zoo.circuits(vote)
    found = zoo.prune_circuits(vote, seeds=6)
    judge = Judge(vote, 1.0)
    for circuit in found:
        assert judge.keeps(circuit)
        assert not any(judge.keeps(set(circuit) - {edge}) for edge in circuit)
    assert {frozenset(c) for c in found} <= {frozenset(c) for c in truth.sufficient}
    assert len(found) > 1


def test_pruning_in_no_order_is_refused(vote: Case) -> None:
    with pytest.raises(InputError, match="seeds=0"):
        zoo.prune_circuits(vote, seeds=0)
