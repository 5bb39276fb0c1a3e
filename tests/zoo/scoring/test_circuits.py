"""A circuit in the place of scores, and scores that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.errors import FormatError, InputError
from tests.zoo.small_cases import small_case
from zoo.cases.case import Case
from zoo.scoring.faithfulness import faithfulness
from zoo.scoring.score import score


@pytest.fixture(scope="module")
def case() -> Case:
    return small_case("reverse")


def test_a_circuit_is_scored_by_its_own_items(case: Case) -> None:
    mask = case.truth.mask("used")
    wrong = np.argwhere(case.names.visible & ~mask)[:3]
    given = mask.copy()
    given[tuple(wrong.T)] = True
    report = score(case, given)
    assert report.recall == 1.0
    assert report.k >= report.true  # not cut to as many as are true
    assert report.precision == report.true / report.k
    assert report.faithfulness_curve is None and np.isnan(report.cpr)
    alone = faithfulness(case, (given & case.names.visible)[None])[0]
    assert any(f"faithfulness is {alone:.3f}" in text for text in report.warnings)
    assert "nan" not in str(report)


def test_scores_that_are_all_equal_are_named(case: Case) -> None:
    report = score(case, np.full(case.names.visible.shape, 2.0), behaviour=False)
    assert report.auroc == 0.5
    assert any("the score 2: nothing is ranked" in text for text in report.warnings)


def test_mib_needs_edges_and_counts_all_of_them(case: Case) -> None:
    values = np.random.default_rng(0).normal(size=case.names.visible.shape)
    report = score(case, values, convention="mib", behaviour=False)
    low, high = report.auroc_interval
    assert low <= report.auroc <= high
    with pytest.raises(InputError, match="ranks edges into q, k and v"):
        score(case, values, convention="mib", granularity="head", behaviour=False)


def test_a_wrong_ending_is_refused_before_a_model_is_opened() -> None:
    with pytest.raises(FormatError, match=r"\.json, \.csv, \.npy, \.pt files"):
        score("no such model", "scores.txt")
