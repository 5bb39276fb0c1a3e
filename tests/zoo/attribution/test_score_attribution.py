"""Attribution scores against the truth; claims that know nothing get nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.attribution.gradients import occlusion, shapley_sampling
from zoo.attribution.localisation import localise
from zoo.attribution.methods import METHODS, oracle_scores, prior_scores
from zoo.attribution.named_cases import open_named_case
from zoo.attribution.task import AttributionTask

NOTHING = ("random", "shuffled", "untrained")


@pytest.fixture(scope="module")
def task() -> AttributionTask:
    return zoo.open_attribution("sort-siit", inputs=24, lengths=(3, 4))


def score(task: AttributionTask, method: Any, **options: Any):
    return zoo.score_attribution(task, method, **options)


def test_the_truth_gets_one_in_every_figure(task: AttributionTask) -> None:
    report = score(task, oracle_scores(task))
    found = report.claimed
    assert found == report.rows["oracle"]
    assert (found.auroc, found.precision, found.iou, found.pointing) == (1, 1, 1, 1)
    assert found.suppressed == 0
    assert report.missed is None


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_scores_and_its_controls_are_at_chance(
    task: AttributionTask, name: str
) -> None:
    report = score(task, name)
    assert 0.4 < report.claimed.auroc <= 1
    for control in NOTHING:
        assert abs(report.rows[control].auroc - 0.5) < 0.12, control
    assert report.missed is not None or report.claimed.auroc == 1


def test_what_knows_nothing_wins_nothing(task: AttributionTask) -> None:
    constant = score(task, np.full(task.shape, 7.0), controls=False).claimed
    assert constant.auroc == 0.5
    copied = task.answers[:, :, None] * np.ones(task.shape)  # the output, everywhere
    assert score(task, copied, controls=False).claimed.auroc == 0.5
    tokens = task.ids[:, None, :] * np.ones(task.shape)
    assert score(task, tokens, controls=False).claimed.auroc < 0.75
    # Memorised: the truth of the inputs of another seed, row by row.
    other = zoo.open_attribution("sort-siit", inputs=24, lengths=(3, 4), seed=1)
    memorised = score(task, other.relevant.astype(float), controls=False).claimed
    assert memorised.auroc < 0.7
    assert localise(task, prior_scores(task)).auroc < 0.7


def test_occlusion_beats_what_knows_nothing(task: AttributionTask) -> None:
    report = score(task, "occlusion")
    assert report.claimed.interval.low > report.rows["random"].auroc


def test_the_order_and_the_size_of_scores_are_all_that_counts(
    task: AttributionTask,
) -> None:
    scores = np.random.default_rng(3).normal(size=task.shape)
    one = score(task, scores, controls=False)
    assert score(task, -5 * scores, controls=False).rows == one.rows
    signed = score(task, scores, absolute=False, controls=False)
    assert signed.rows["claimed"] != one.rows["claimed"]


def test_shapley_values_sum_to_the_change_of_the_output() -> None:
    task = open_named_case("linear", inputs=8)
    found = shapley_sampling(task).sum(axis=2)
    from zoo.attribution.gradients import _leads_at

    ends = np.stack([np.zeros(task.ids.shape[1]), np.ones(task.ids.shape[1])])
    none, whole = np.moveaxis(_leads_at(task, ends.astype(np.float32)), 1, 0)
    assert np.allclose(found, whole - none, atol=1e-3)


def test_integrated_gradients_sum_to_the_change_of_a_linear_output() -> None:
    # Along the way from the mean embeddings the lead is piecewise linear, so that the
    # sum over positions comes near to the change of the output, and not onto it.
    task = open_named_case("exception", inputs=8)
    from zoo.attribution.gradients import _leads_at, integrated_gradients

    found = integrated_gradients(task).sum(axis=2)
    ends = np.stack([np.zeros(task.ids.shape[1]), np.ones(task.ids.shape[1])])
    none, whole = np.moveaxis(_leads_at(task, ends.astype(np.float32)), 1, 0)
    change = (whole - none)[task.live]
    assert np.abs(found[task.live] - change).max() < 0.1 * np.abs(change).max()


def test_positions_without_a_token_have_no_effect(task: AttributionTask) -> None:
    found = occlusion(task)
    beyond = ~task.live[:, None, :] & task.live[:, :, None]
    assert np.abs(found[beyond]).max() < 1e-4


def test_a_report_is_text_and_json(task: AttributionTask) -> None:
    report = score(task, "attention")
    assert max(map(len, report.text.splitlines())) <= 80
    assert "first miss" in report.text
    read = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert read["rows"]["oracle"]["auroc"] == 1
    assert set(read["rows"]) == {"claimed", "oracle", "prior", *NOTHING}


def test_mistakes_are_told(task: AttributionTask) -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'occlusion'"):
        score(task, "oclusion")
    with pytest.raises(InputError, match=r"found the shape \(2, 2\)"):
        score(task, np.zeros((2, 2)))
    with pytest.raises(InputError, match="NaN or infinite"):
        score(task, np.full(task.shape, np.nan))
    with pytest.raises(InputError, match="array of numbers"):
        score(task, [["x"]])
    with pytest.raises(InputError, match="written by hand"):
        zoo.open_attribution("sort-llama")
    with pytest.raises(InputError, match="inputs is 0"):
        zoo.open_attribution("sort-siit", inputs=0)
    with pytest.raises(InputError, match="length 99"):
        zoo.open_attribution("sort-siit", lengths=(99,))
    with pytest.raises(NameLookupError, match="'linear'"):
        open_named_case("liner")
