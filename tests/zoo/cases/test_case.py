"""What a case runs, against the forward pass itself."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from compiler.machine.forward import forward_batch
from compiler.machine.names import Names
from compiler.machine.patch import Patch
from zoo.cases.case import Case, open_case
from zoo.cases.levels import Level
from zoo.cases.pairs import draw_pairs
from zoo.cases.truth import Truth, truth_of, truth_of_circuit
from zoo.scoring.faithfulness import faithfulness, prune
from zoo.scoring.marking import mark


def by_hand(case: Case, mask: np.ndarray) -> np.ndarray:
    """Return the losses of a mask, one pair at a time, from the logits' definition."""
    found = []
    for row in range(len(case.pairs)):
        patch = Patch.edges(
            mask[None].astype(np.float32), case.batch.donors[row : row + 1]
        )
        run = forward_batch(case.transformer, case.pairs.clean[row : row + 1], patch)
        logits = np.asarray(run.logits[0])
        one, other = case.pairs.clean_labels[row], case.pairs.corrupt_labels[row]
        gaps = [
            logits[p, a] - logits[p, b]
            for p, (a, b) in enumerate(zip(one, other, strict=True))
            if a != b and min(a, b) >= 0
        ]
        found.append(-np.mean(gaps))
    return np.array(found)


def test_losses_are_minus_the_mean_difference_of_the_answers(case: Case) -> None:
    rng = np.random.default_rng(0)
    mask = case.names.visible & (rng.random(case.names.visible.shape) < 0.3)
    assert np.allclose(case.losses(mask), by_hand(case, mask), rtol=1e-4, atol=1e-4)


def test_divergence_is_zero_for_the_model_itself_and_never_below(case: Case) -> None:
    assert np.abs(case.losses(None, "divergence")).max() < 1e-5
    every = case.names.visible
    assert case.losses(every, "divergence").min() > -1e-5
    assert case.losses(every, "divergence").mean() > 0.1


def test_single_edges_are_masks_of_one_edge(case: Case) -> None:
    alone = case.single_edges()
    for reader, source in np.argwhere(case.names.visible)[::9]:
        mask = np.zeros(case.names.visible.shape)
        mask[reader, source] = 1
        assert np.allclose(
            alone[reader, source], case.losses(mask), rtol=1e-4, atol=1e-4
        )


def test_the_gradient_of_the_mask_is_that_of_finite_differences(case: Case) -> None:
    gradient = case.mask_gradient()
    for reader, source in np.argwhere(case.names.visible)[::13]:
        mask = np.zeros(case.names.visible.shape)
        mask[reader, source] = 1e-2
        change = case.losses(mask).mean() - case.losses(-mask).mean()
        assert gradient[reader, source] == pytest.approx(change / 2e-2, abs=2e-2)


@pytest.mark.parametrize("ablation", ["resample", "mean", "zero"])
def test_ablations_are_what_they_say(case: Case, ablation: str) -> None:
    changed = case.with_changes(ablation=ablation)
    donors = np.asarray(changed.batch.donors)
    straight = case.pairs.shifts == 0
    run = forward_batch(case.transformer, case.pairs.corrupt)
    if ablation == "zero":
        assert not donors.any()
    elif ablation == "resample":
        expected = np.asarray(run.writes)[straight]
        assert np.allclose(donors[straight], expected, atol=1e-5)
    else:
        assert (donors == donors[:1]).all()
        resampled = np.asarray(case.batch.donors)
        filled = case.pairs.corrupt[:, 1] != case.config.pad_id
        expected = resampled[filled, :, 1].mean(axis=0)
        assert np.allclose(donors[0, :, 1], expected, atol=1e-4)


def test_the_circuit_alone_is_faithful_and_nothing_is_not(case: Case) -> None:
    circuit = case.truth.mask("used")
    whole, empty = case.names.visible, np.zeros_like(circuit)
    found = faithfulness(case, np.stack([whole, empty, circuit]))
    assert found[:2] == pytest.approx([1.0, 0.0])
    assert found[2] > 0.97


def test_pruning_leaves_the_edges_on_a_way_from_input_to_logits(case: Case) -> None:
    import networkx as nx

    rng = np.random.default_rng(3)
    names = case.names
    for share in (0.03, 0.1, 0.3):
        circuit = names.visible & (rng.random(names.visible.shape) < share)
        graph = nx.MultiDiGraph()
        for reader, source in np.argwhere(circuit):
            end = names.node_of(names.readers[reader])
            graph.add_edge(names.sources[source], end, key=(reader, source))
        graph.add_nodes_from(["tokens", "positions", "logits"])
        down = {*nx.descendants(graph, "tokens"), *nx.descendants(graph, "positions")}
        down |= {"tokens", "positions"}
        up = {*nx.ancestors(graph, "logits"), "logits"}
        expected = np.zeros_like(circuit)
        for start, end, key in graph.edges(keys=True):
            expected[key] = start in down and end in up
        assert np.array_equal(prune(names, circuit), expected)


def test_positions_are_constant_where_no_run_is_shifted(case: Case) -> None:
    straight = open_case("fraction-previous-siit", pairs=16, shifted=0.0)
    assert case.constant.tolist() == [False] * len(case.names.sources)
    assert straight.constant[1] and straight.constant.sum() == 1
    marks = mark(straight, Level(case.names))
    place = marks.level.items.index("positions->m0")
    assert not marks.counted[place]
    used = case.truth.mask("used")
    assert marks.undetectable == used[:, 1].sum()
    assert marks.true.sum() == used[:, [0, *range(2, used.shape[1])]].sum()


def test_patching_a_compiled_model_shows_edges_of_its_circuit_only() -> None:
    model = zoo.compile("reverse", vocab=list("ab"), max_len=3)
    truth = truth_of_circuit(model.circuit)
    case = Case("reverse", model, truth, draw_pairs(model, "train", 16))
    found = (case.single_edges() != case.losses()).any(axis=-1) & case.names.visible
    assert found.any()
    assert not (found & ~truth.mask("used")).any()


def test_what_cannot_be_opened_says_why(case: Case) -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'sort-siit'"):
        open_case("sort-sit")
    with pytest.raises(NameLookupError, match="'resample'"):
        case.with_changes(ablation="resampled")
    with pytest.raises(InputError, match=r"\(2, 2\), expected \[reader, source\]"):
        case.losses(np.zeros((2, 2)))
    with pytest.raises(InputError, match="Give the certificate of this model"):
        case.with_changes(truth=Truth(Names(1, 1), {}))
    with pytest.raises(FormatError, match="no list of edges with statuses"):
        truth_of(case.names, {"circuit": 3})
    finding = {"edge": "m0->a9.h0<q>"}
    with pytest.raises(FormatError, match="another architecture"):
        truth_of(case.names, {"circuit": [finding | {"effect": {}}]})


def test_an_edge_does_not_count_that_reads_the_same_of_a_source_that_changes() -> None:
    case = open_case("reverse-decoys", pairs=16, shifted=0.0)
    edge = "m0->a1.h0<q>"  # it reads opposite_index, which depends on the length alone
    marks = mark(case, Level(case.names))
    place = marks.level.items.index(edge)
    assert not case.constant[case.names.source_index("m0")]  # decoys are there, too
    assert not marks.counted[place] and not marks.true[place]
    reader, source = case.names.reader_index("a1.h0<q>"), case.names.source_index("m0")
    patched = case.single_edges()[reader, source]
    np.testing.assert_allclose(patched, case.losses(), rtol=1e-6)
    shifted = open_case("reverse-decoys", pairs=16, shifted=0.5)
    assert mark(shifted, Level(case.names)).true[place]


def test_an_optimal_constant_hurts_less_than_the_mean(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.cases.ablation.STEPS", 80)  # fewer steps help less

    def harm(ablation: str) -> float:
        changed = case.with_changes(ablation=ablation)
        every, total = case.names.visible, 0.0
        for source in range(2, len(case.names.sources)):
            mask = np.zeros(every.shape, bool)
            mask[:, source] = every[:, source]
            total += changed.losses(mask, "divergence").mean()
        return total

    assert harm("optimal") < harm("mean")
