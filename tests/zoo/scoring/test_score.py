"""A report's figures, its comparison with another one, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from zoo.cases.case import Case
from zoo.methods import find_method
from zoo.ranking import auroc
from zoo.scoring.report import Report


@pytest.fixture(scope="module")
def found(case: Case) -> Report:
    """The report of EAP."""
    return zoo.score(case, find_method("eap").run(case, 0), absolute=True)


@pytest.fixture(scope="module")
def drawn(case: Case) -> Report:
    """The report of random scores."""
    return zoo.score(case, find_method("random").run(case, 3), behaviour=False)


def test_a_report_has_the_figures_of_its_scores(found: Report) -> None:
    assert found.auroc == auroc(found.scores, found.labels)
    assert found.auroc_interval.low <= found.auroc <= found.auroc_interval.high
    assert found.k == found.true == found.labels.sum()
    assert found.precision == pytest.approx(found.recall)
    assert found.hamming == len(found.missed) + len(found.spurious)
    assert found.precision_at(found.k) == pytest.approx(found.precision)
    assert found.record.sign == "magnitude" and found.record.ablation == "resample"
    assert found.cpr == found.faithfulness_curve.cpr  # type: ignore[union-attr]


def test_the_oracle_misses_nothing(case: Case) -> None:
    best = zoo.score(case, find_method("oracle").run(case, 0), behaviour=False)
    assert (best.auroc, best.average_precision, best.hamming) == (1.0, 1.0, 0)
    assert best.missed == () and best.cpr != best.cpr


def test_ties_at_the_cut_are_found_by_nobody_and_averaged(case: Case) -> None:
    truth = case.truth.mask("used")
    few = np.zeros(truth.shape)
    few[tuple(np.argwhere(truth)[:2].T)] = 1.0
    found = zoo.score(case, few, behaviour=False)
    # two are sure; the others are drawn from all that is left
    left, others = found.true - 2, found.counted - 2
    right = 2 + left * left / others
    assert found.hamming == pytest.approx(2 * (found.true - right))
    assert found.f1 == pytest.approx(right / found.true)
    assert len(found.missed) == left and not found.spurious
    assert any("ties at the cut" in warning for warning in found.warnings)
    shuffled = np.random.default_rng(0).permutation(case.edges)
    named = {name: 0.0 for name in shuffled}
    assert zoo.score(case, named, behaviour=False).hamming == pytest.approx(
        2 * found.true * (1 - found.true / found.counted)
    )


def test_a_report_prints_what_the_command_does(found: Report) -> None:
    text = str(found)
    assert text.startswith(f"{found.model}: {found.counted} items")
    assert f"{found.auroc:.3f}" in text and "MISSED" in text
    assert repr(found).startswith("<Report ") and "\n" not in repr(found)


def test_a_negative_number_of_items_is_refused(case: Case) -> None:
    with pytest.raises(InputError, match="k=-1: expected 0 or more"):
        zoo.score(case, case.mask_gradient(), k=-1)


@pytest.mark.parametrize("k", [0, -1])
def test_precision_at_nothing_is_refused(found: Report, k: int) -> None:
    with pytest.raises(InputError, match=f"found {k}, expected 1, 2"):
        found.precision_at(k)


def test_what_is_missed_comes_with_its_witness(drawn: Report) -> None:
    assert drawn.missed
    for missed in drawn.missed:
        assert missed.witness is not None
        assert missed.witness["before"] != missed.witness["after"]
        assert missed.rank > 1 and missed.edges


def test_two_reports_are_compared_on_the_same_draws(
    found: Report, drawn: Report
) -> None:
    gap = found.compare(drawn)
    assert gap.difference == pytest.approx(found.auroc - drawn.auroc)
    assert gap.interval.low < gap.difference < gap.interval.high
    assert 0 < gap.p < 0.05
    back = drawn.compare(found)
    assert back.difference == pytest.approx(-gap.difference)
    assert back.interval.low == pytest.approx(-gap.interval.high)
    same = found.compare(found)
    assert same.difference == 0 and same.interval == (0, 0) and same.p == 1


def test_reports_of_other_items_are_not_compared(case: Case, found: Report) -> None:
    scores = find_method("eap").run(case, 0)
    nodes = zoo.score(case, scores, granularity="node", behaviour=False)
    with pytest.raises(InputError, match="not over the same items"):
        found.compare(nodes)


def test_a_report_is_json_and_a_picture(found: Report, tmp_path: Path) -> None:
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["format"] == "circuitzoo.report"
    assert data["auroc"] == pytest.approx(found.auroc)
    assert len(data["missed"]) == len(found.missed)
    found.plot(tmp_path / "report.png")
    picture = (tmp_path / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) > 10_000
    found.plot(str(tmp_path / "again.png"))
    assert (tmp_path / "again.png").read_bytes() == picture


def test_auto_circuits_scores_are_scored_as_they_are(case: Case) -> None:
    names = case.names
    modules: dict[str, np.ndarray] = {}
    for row, reader in enumerate(names.readers):
        hook, head = names.reader_hook(reader)
        truth = case.truth.mask("used")[row, : names.visible[row].sum()].astype(float)
        joined = np.append(max(truth[:2]), truth[2:])
        shape = joined.shape if head is None else (names.n_heads, *joined.shape)
        array = modules.setdefault(hook, np.zeros(shape))
        array[... if head is None else head] = joined
    best = zoo.score(case, modules, behaviour=False)
    assert best.record.source == "auto-circuit"
    assert best.auroc == 1.0
