"""Figures of rankings against scikit-learn, and against all orders of the ties."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from compiler.errors import InputError, NameLookupError
from zoo.ranking import auroc, average_precision, precision_at, surely_top
from zoo.scoring.conventions import SIZES, area

MARKED = st.lists(
    st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=12
).filter(lambda rows: 0 < sum(true for _, true in rows) < len(rows))


def arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    scores, true = zip(*rows, strict=True)
    return np.array(scores, float), np.array(true)


@given(MARKED)
def test_auroc_and_average_precision_are_those_of_scikit_learn(
    rows: list[tuple[int, bool]],
) -> None:
    scores, true = arrays(rows)
    assert auroc(scores, true) == pytest.approx(roc_auc_score(true, scores))
    expected = average_precision_score(true, scores)
    assert average_precision(scores, true) == pytest.approx(expected)


@given(MARKED)
def test_auroc_is_the_chance_that_a_true_item_wins(
    rows: list[tuple[int, bool]],
) -> None:
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, hit in rows
        for b, other in rows
        if hit and not other
    ]
    assert auroc(*arrays(rows)) == pytest.approx(sum(wins) / len(wins))


@given(MARKED.filter(lambda rows: len(rows) <= 5), st.integers(1, 5))
def test_precision_is_the_mean_over_all_orders_of_ties(
    rows: list[tuple[int, bool]], k: int
) -> None:
    k = min(k, len(rows))
    orders = [
        order
        for order in permutations(rows)
        if all(a[0] >= b[0] for a, b in pairwise(order))
    ]
    found = [sum(true for _, true in order[:k]) / k for order in orders]
    assert precision_at(*arrays(rows), k) == pytest.approx(sum(found) / len(found))


def test_nothing_true_has_no_figure() -> None:
    scores, none = np.arange(4.0), np.zeros(4, bool)
    assert np.isnan(auroc(scores, none))
    assert np.isnan(average_precision(scores, none))
    assert np.isnan(area(scores, none, "ten-sizes"))


@given(MARKED)
def test_the_staircase_is_the_worst_order_of_the_ties(
    rows: list[tuple[int, bool]],
) -> None:
    scores, true = arrays(rows)
    pessimistic = np.mean([[float(a > b) for b in scores[~true]] for a in scores[true]])
    assert area(scores, true, "acdc") == pytest.approx(pessimistic)


def test_other_conventions_of_the_same_scores() -> None:
    scores, true = (
        np.array([-3.0, 2.0, 1.0, 0.0]),
        np.array([True, False, False, False]),
    )
    assert area(scores, true) == 0.0
    assert area(scores, true, "auto-circuit") == 1.0
    with pytest.warns(FutureWarning, match="old name of 'exact'"):
        assert area(scores, true, "interpbench") == 0.0
    with pytest.raises(InputError, match="needs the names of the edges"):
        area(scores, true, "mib")
    with pytest.raises(NameLookupError, match="Did you mean 'acdc'"):
        area(scores, true, "acd")


def test_ten_sizes_give_a_perfect_ranking_less_than_one() -> None:
    true = np.arange(1108) < 30
    found = area(-np.arange(1108.0), true, "ten-sizes")
    by_hand, points = 0.0, [(0.0, 0.0)]
    for share in SIZES:
        size = int(share * 1108)
        points.append((max(size - 30, 0) / 1078, min(size, 30) / 30))
    for (x0, y0), (x1, y1) in pairwise(points):
        by_hand += (x1 - x0) * (y0 + y1) / 2
    assert found == pytest.approx(by_hand)
    assert 0.99 < found < 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(0, 6))
def test_what_is_surely_found_is_found_in_every_order_of_ties(
    values: list[int], k: int
) -> None:
    orders = [
        order
        for order in permutations(range(len(values)))
        if all(values[a] >= values[b] for a, b in pairwise(order))
    ]
    always = set.intersection(*(set(order[:k]) for order in orders))
    found = surely_top(np.array(values, float), k)
    assert set(np.flatnonzero(found).tolist()) == always
