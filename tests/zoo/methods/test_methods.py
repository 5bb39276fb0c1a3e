"""Each method against its definition, by other means."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.machine.weights import Weights
from compiler.model import Model
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import truth_of_circuit
from zoo.methods import acdc, edge_pruning, find_method, known_methods, probing, ugs
from zoo.methods.eap_ig import eap_ig_activations, eap_ig_inputs
from zoo.methods.interpolation import edge_scores, inputs_at
from zoo.methods.method import method
from zoo.ranking import auroc
from zoo.scoring.score import score

EDGES = ("eap", "clean-corrupt", "eap-ig-inputs", "eap-ig-activations", "exact-mean")


def run(name: str, case: Case, seed: int = 0) -> np.ndarray:
    return np.asarray(find_method(name).run(case, seed))


def test_eap_is_the_gradient_of_the_mask(case: Case) -> None:
    expected = case.mask_gradient() * case.names.visible
    assert np.allclose(run("eap", case), expected, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def linear(case: Case) -> Case:
    """A model of two layers whose heads attend evenly and whose MLPs write nothing."""
    config = case.config
    rng = np.random.default_rng(0)
    drawn = {
        name: (rng.normal(size=shape) * 0.3).astype(np.float32)
        for name, shape in config.shapes.items()
    }
    for name in ("W_Q", "b_Q", "W_out"):
        drawn[name] = np.zeros_like(drawn[name])
    weights = Weights(**drawn)
    old = case.model
    model = Model(
        old.name, old.typed, config, weights, old.readout, old.circuit, old.rows
    )
    return Case("linear", model, case.truth, case.pairs)


@pytest.mark.parametrize("name", EDGES)
def test_gradients_and_patches_agree_where_all_is_linear(
    linear: Case, name: str
) -> None:
    expected = linear.single_edges().mean(axis=-1) - linear.losses().mean()
    expected = expected * linear.names.visible
    assert np.abs(expected).max() > 0.1
    assert np.allclose(run(name, linear), expected, rtol=1e-3, atol=1e-3)


def test_the_edges_out_of_the_inputs_sum_to_the_difference_where_all_is_linear(
    linear: Case,
) -> None:
    # Completeness: each way from input to logits is one product; the last edges of all
    # ways are those into the logits.
    every = linear.names.visible
    gap = linear.losses(every).mean() - linear.losses().mean()
    assert run("eap-ig-inputs", linear)[-1].sum() == pytest.approx(gap, rel=1e-3)


def test_integrated_gradients_sum_to_the_difference(case: Case) -> None:
    # The same for the real model, where only many steps come near.
    from zoo.methods.interpolation import edge_scores, inputs_at

    shares = (np.arange(64) + 0.5) / 64
    scores = edge_scores(case, [inputs_at(case, share) for share in shares])
    # By the first edges: those out of the inputs are all of the inputs' effect.
    gap = case.losses(case.names.visible).mean() - case.losses().mean()
    assert scores[:, :2].sum() == pytest.approx(gap, rel=0.05)


@pytest.mark.parametrize("tau", [1e-3, 0.1])
def test_acdc_removes_what_a_replay_removes_one_by_one(case: Case, tau: float) -> None:
    kept = acdc.acdc_circuit(case, tau)
    names = case.names
    removed = np.zeros(kept.shape, bool)
    current = case.losses(None, "divergence").mean()
    for reader, source in reversed(np.argwhere(names.visible).tolist()):
        node = names.node_of(names.readers[reader])
        alive = node == "logits"
        if not alive:
            column = names.source_index(node)
            alive = (names.visible & ~removed)[:, column].any()
        removed[reader, source] = True
        if not alive:
            continue
        after = case.losses(removed, "divergence").mean()
        if after - current < tau:
            current = after
        else:
            removed[reader, source] = False
    assert np.array_equal(kept, names.visible & ~removed)


def test_a_higher_threshold_gives_acdc_a_score_that_is_lower(case: Case) -> None:
    scores = run("acdc", case)
    lowest, highest = min(acdc.TAUS), max(acdc.TAUS)
    assert (scores > highest)[acdc.acdc_circuit(case, highest)].all()
    assert (scores == lowest)[
        case.names.visible & ~acdc.acdc_circuit(case, lowest)
    ].all()


def test_nodes_are_patched_in_both_directions(case: Case) -> None:
    names, every = case.names, case.names.visible
    noising = find_method("nap-noising").run(case, 0)
    denoising = find_method("nap-denoising").run(case, 0)
    corrupt = case.losses(every).mean()
    for source in range(len(names.sources)):
        alone = np.zeros(every.shape, bool)
        alone[:, source] = every[:, source]
        change = case.losses(alone).mean() - case.losses().mean()
        assert noising.values[source] == pytest.approx(change, abs=1e-3)
        # The corrupt run, its embeddings patched and nothing else, and the node at its
        # clean value: what it writes is put back by a patch of a patch.
        if source == 1:
            tokens = np.zeros(every.shape, bool)
            tokens[:, 0] = True
            expected = corrupt - case.losses(tokens & every).mean()
            assert denoising.values[source] == pytest.approx(expected, abs=1e-3)


def test_information_flow_is_that_of_one_reader_and_one_token(case: Case) -> None:
    one = case.with_changes(pairs=case.pairs.take(slice(0, 1)))
    found = find_method("ifr").run(one, 0)
    writes = np.asarray(one.batch.writes)[0]
    live = np.flatnonzero(one.pairs.clean[0] != one.config.pad_id)
    reader = case.names.reader_index("m0")
    count = case.names.visible[reader].sum()
    expected = np.zeros(count)
    for position in live:
        seen = writes[:count, position]
        total = seen.sum(axis=0)
        near = [max(0.0, np.abs(total).sum() - np.abs(total - z).sum()) for z in seen]
        expected += np.array(near) / sum(near) / len(live)
    assert np.allclose(found[reader, :count], expected, atol=1e-5)
    assert not found[reader, count:].any()


def test_weight_norm_is_the_norm_of_a_virtual_weight(case: Case) -> None:
    weights, found = case.weights, run("weight-norm", case)
    row, column = case.names.edge_index(case.names.parse_edge("a0.h1->a1.h2<k>"))
    expected = np.linalg.norm(weights.W_O[0, 1] @ weights.W_K[1, 2])
    assert found[row, column] == pytest.approx(expected)


def test_heads_run_again_score_what_saturated_attention_hides() -> None:
    """In a compiled model the gradient in queries and keys is 0."""
    model = zoo.compile("reverse", vocab=list("ab"), max_len=4)
    truth = truth_of_circuit(model.circuit)
    case = Case("reverse", model, truth, draw_pairs(model, "train", 32))
    readers = list(case.names.reader_parts.values())
    rows = [i for i, part in enumerate(readers) if part.slot in ("q", "k")]
    used = case.truth.mask("used")[rows]
    assert np.abs(run("eap", case)[rows]).max() < 1e-3
    seen = np.abs(run("atp-qk", case)[rows])
    assert (seen[used] > 1e-2).any()
    assert auroc(seen[case.names.visible[rows]], used[case.names.visible[rows]]) > 0.9


@pytest.fixture(scope="module")
def train() -> Case:
    return open_case("fraction-previous-siit", pairs=128)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["edge-sp", "edge-pruning", "ugs-resample", "node-sp", "hisp"]
)
def test_learned_masks_find_the_circuit_of_a_release(
    case: Case, train: Case, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In fewer steps than users get."""
    for module, steps in ((probing, 100), (edge_pruning, 150), (ugs, 200)):
        monkeypatch.setattr(module, "STEPS", steps)
    found = score(case, find_method(name).run(train, 0), behaviour=False)
    assert found.auroc > 0.95


def test_a_seed_gives_the_same_scores_again(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "STEPS", 20)
    for name in ("random", "node-sp"):
        one, same, other = (
            np.asarray(getattr(found, "values", found))
            for found in (find_method(name).run(case, s) for s in (1, 1, 2))
        )
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)


def test_models_of_one_shape_get_other_random_scores(case: Case) -> None:
    other = case.with_changes(name="another")
    assert not np.array_equal(run("random", case), run("random", other))


def test_every_method_says_where_it_comes_from() -> None:
    for known in known_methods().values():
        assert known.equation
        assert known.control or known.paper


def test_eap_ig_is_the_one_with_inputs() -> None:
    assert find_method("eap-ig") is find_method("eap-ig-inputs")


@pytest.mark.parametrize("name", ["eap", "eap-ig"])
def test_two_methods_cannot_have_one_name(name: str) -> None:
    with pytest.raises(InputError, match=f"a method named '{name}' already"):
        method(name)(lambda case, seed: None)


def test_the_name_of_a_method_that_is_not_imported_yet_is_taken() -> None:
    """A built-in method is imported when it is run; its name is reserved before."""
    told = subprocess.run(
        [sys.executable, "-c", _TAKES_A_NAME], capture_output=True, text=True
    )
    assert told.stdout == "there is a method named 'eap' already; choose another\n"


_TAKES_A_NAME = """
from compiler.errors import InputError
from zoo.methods.method import method
try:
    method("eap")(print)
except InputError as error:
    print(error)
"""


def test_the_steps_of_integrated_gradients_start_at_1_or_0(case: Case) -> None:
    """Both have the steps between; one has the clean end, the other the corrupt one."""
    ends = [edge_scores(case, [inputs_at(case, share)]) for share in (0.0, 1.0)]
    paper = eap_ig_inputs(case, steps=3)
    code = eap_ig_inputs(case, steps=3, steps_from=0)
    close = 1e-4 * np.abs(ends).max()
    assert np.allclose(3 * (paper - code), ends[0] - ends[1], atol=close)
    assert np.allclose(eap_ig_inputs(case, steps=1), ends[0], atol=close)
    assert np.array_equal(
        find_method("eap-ig-inputs-code").run(case, 0),
        eap_ig_inputs(case, steps=5, steps_from=0),
    )
    wrongs: list[dict[str, Any]] = [{"steps": 0}, {"steps_from": 2}]
    for wrong in wrongs:
        with pytest.raises(InputError, match="expected 1"):
            eap_ig_inputs(case, **wrong)
    with pytest.raises(InputError, match="own runs"):
        eap_ig_activations(case, credit="all")  # type: ignore[arg-type]
    assert find_method("exact-size") is find_method("exact")
