"""Denoising and the ablations of embeddings, against runs made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from zoo.cases.case import Case


@pytest.fixture(scope="module")
def straight(case: Case) -> Case:
    """The case without shifted positions."""
    return case.with_shifts(0.0)


def test_denoising_is_noising_of_the_pairs_the_other_way_round(straight: Case) -> None:
    pairs = straight.pairs
    swapped = replace(
        pairs,
        clean=pairs.corrupt,
        corrupt=pairs.clean,
        clean_labels=pairs.corrupt_labels,
        corrupt_labels=pairs.clean_labels,
    )
    other = straight.with_changes(pairs=swapped)
    restoring, names = straight.with_changes(direction="denoise"), straight.names
    rng = np.random.default_rng(0)
    for share in (0.0, 0.1, 0.5):
        mask = names.visible & (rng.random(names.visible.shape) < share)
        # The difference between two answers changes its sign with their order.
        expected = -other.losses(mask)
        assert np.allclose(restoring.losses(mask), expected, rtol=1e-3, atol=1e-3)
    alone = -other.single_edges()
    assert np.allclose(restoring.single_edges(), alone, rtol=1e-3, atol=1e-3)


def test_nothing_restored_is_the_corrupt_run_and_all_restored_the_clean_one(
    case: Case,
) -> None:
    every = case.names.visible
    for ablation in ("resample", "gaussian", "zero"):
        noising = case.with_changes(ablation=ablation)
        restoring = noising.with_changes(direction="denoise")
        assert np.allclose(restoring.losses(every), case.losses(), atol=1e-3)
        writes = np.asarray(restoring.batch.writes)
        donors = np.asarray(noising.batch.donors)
        assert np.allclose(writes[:, :2], donors[:, :2])


def test_the_gradient_of_denoising_is_that_of_finite_differences(case: Case) -> None:
    restoring = case.with_changes(direction="denoise")
    gradient = restoring.mask_gradient()
    for reader, source in np.argwhere(case.names.visible)[::29]:
        mask = np.zeros(case.names.visible.shape)
        mask[reader, source] = 1e-2
        change = restoring.losses(mask).mean() - restoring.losses(-mask).mean()
        assert gradient[reader, source] == pytest.approx(change / 2e-2, abs=2e-2)


def test_noise_is_added_where_a_pair_differs_and_has_that_size(straight: Case) -> None:
    noisy = straight.with_changes(ablation="gaussian", noise=2.0)
    writes, donors = np.asarray(noisy.batch.writes), np.asarray(noisy.batch.donors)
    apart = straight.pairs.clean != straight.pairs.corrupt
    moved = donors[:, 0] - writes[:, 0]
    assert not moved[~apart].any()
    size = writes[:, 0, 1:].std()
    assert moved[apart].std() == pytest.approx(2 * size, rel=0.1)
    assert np.allclose(donors[:, 1], writes[:, 1])


def test_the_probability_is_the_softmax_of_the_right_answer(straight: Case) -> None:
    logits = np.asarray(straight.batch.goal.clean)
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = shares / shares.sum(axis=-1, keepdims=True)
    one, other = straight.pairs.clean_labels, straight.pairs.corrupt_labels
    asked = (one != other) & (one >= 0) & (other >= 0)
    right = np.take_along_axis(shares, np.maximum(one, 0)[..., None], -1)[..., 0]
    expected = -(right * asked).sum(axis=1) / asked.sum(axis=1)
    assert np.allclose(straight.losses(loss="probability"), expected, atol=1e-5)


def test_a_replacement_is_one_token_and_its_answers_are_the_programs(
    straight: Case,
) -> None:
    from zoo.cases.replacement import replace_one_token

    found = replace_one_token(straight.model, straight.subject.causal, straight.pairs)
    assert ((found.clean != found.corrupt).sum(axis=1) == 1).all()
    output = straight.subject.causal.output
    vocab, values = straight.model.typed.vocab, straight.model.readout.values
    for ids, labels in zip(found.corrupt, found.corrupt_labels, strict=True):
        words = [vocab[i] for i in ids[1:] if i < len(vocab)]
        said = straight.model.interpreter(words)[output]
        assert [values[i] for i in labels[1 : len(words) + 1]] == said


def test_choices_that_cannot_be_say_why(straight: Case) -> None:
    with pytest.raises(InputError, match="noise is 0"):
        straight.with_changes(noise=0.0)
    with pytest.raises(NameLookupError, match="denoise"):
        straight.with_changes(direction="denoising")
