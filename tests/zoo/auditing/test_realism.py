"""Figures that describe a model, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import zoo
from compiler.machine.forward import forward_batch
from compiler.machine.patch import Patch
from tests.zoo.calls import Call, mistake
from zoo.auditing import realism
from zoo.auditing.subject import subject_of
from zoo.causal.pairs import draw_audit_pairs


@pytest.fixture(scope="module")
def reverse():
    return zoo.compile("reverse", vocab="ab", max_len=3, rotate=0)


def test_gini_is_the_mean_difference_over_twice_the_mean():
    values = np.random.default_rng(0).exponential(size=40)
    differences = np.abs(values[:, None] - values[None, :]).mean()
    assert realism._gini(values) == pytest.approx(differences / (2 * values.mean()))
    assert realism._gini(np.ones(5)) == pytest.approx(0)
    assert realism._gini(np.zeros(5)) == 0


def test_kurtosis_is_that_of_scipy_over_the_coordinates_that_vary():
    values = np.random.default_rng(0).standard_normal((500, 4)) ** 3
    expected = scipy.stats.kurtosis(values, fisher=False, axis=0).mean()
    constant = np.concatenate([values, np.ones((500, 1))], axis=1)
    assert realism._kurtosis(constant) == pytest.approx(expected)
    assert realism._kurtosis(np.ones((5, 2))) == 0


def test_effective_rank_is_one_of_a_rotation_and_least_of_an_outer_product():
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert realism._rank(rotation) == pytest.approx(1)
    line = np.outer(rng.standard_normal(6), rng.standard_normal(6))
    assert realism._rank(line) == pytest.approx(1 / 6)


def test_eap_scores_are_finite_differences_of_the_loss_in_the_mask(reverse):
    subject = subject_of(reverse)
    pairs = draw_audit_pairs(subject.causal, 6, 0)
    ids = np.asarray(pairs.pool.ids)
    base, donor = ids[pairs.base], ids[pairs.donor]
    found = realism.eap_scores(subject, base, donor)
    transformer, config = subject.transformer, subject.config
    writes = forward_batch(transformer, donor).writes
    clean = np.asarray(forward_batch(transformer, base).logits, np.float64)
    answer = clean.argmax(axis=-1)

    def loss(mask: np.ndarray) -> float:
        patch = Patch.edges(np.broadcast_to(mask, (len(base), *mask.shape)), writes)
        run = forward_batch(transformer, base, patch)
        logits = np.asarray(run.logits, np.float64)
        top = logits.max(axis=-1, keepdims=True)
        logs = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
        return -np.take_along_axis(logs, answer[..., None], axis=-1).mean()

    step = 1e-2
    edges = [reverse.circuit.edges[i] for i in (0, 2, -1)]
    for edge in edges:
        reader, place = config.names.edge_index(edge)
        mask = np.zeros(config.names.visible.shape, np.float32)
        mask[reader, place] = step
        slope = (loss(mask) - loss(-mask)) / (2 * step)
        assert found[reader, place] == pytest.approx(slope, rel=0.05, abs=1e-3)


def test_models_stand_side_by_side(reverse):
    found = realism.realism_of(reverse)
    plain = realism.realism_of(zoo.compile("reverse", vocab="ab", max_len=3))
    assert plain.sparsity > found.sparsity
    lines = realism.describe({"rotated": found, "plain": plain})
    assert lines[0].split() == ["REALISM", "rotated", "plain"]
    row = next(ln for ln in lines if "zero weights" in ln)
    shown = [float(x) for x in row.split()[-2:]]
    assert shown == [round(found.sparsity, 3), round(plain.sparsity, 3)]
    assert max(map(len, lines)) <= 80


def test_a_twin_without_realism_is_told(call: Call):
    message = mistake(call, "audit", "reverse", "--twin", "nowhere")
    assert "--twin is for --realism" in message
